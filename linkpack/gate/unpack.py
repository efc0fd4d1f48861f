"""Puts a checked tarball on the disk, through tarsafe as the last gate."""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING, Any

from linkpack.archive.tar_header import MTIME
from linkpack.disk import fswrite
from linkpack.disk.drafts import sweep
from linkpack.errors import PlanRejected, SnapshotError, VerifyFailed
from linkpack.gate import disk
from linkpack.gate.findings import allowed, as_problems, errors
from linkpack.gate.manifests import is_manifest, read_manifests
from linkpack.gate.opening import open_tarball
from linkpack.gate.reader import Wanted, read_archive

if TYPE_CHECKING:
    from collections.abc import Collection
    from tarfile import TarInfo

    import tarsafe

    from linkpack.gate.disk import Opened
    from linkpack.gate.findings import Finding
    from linkpack.gate.reader import Archive
    from linkpack.limits import Limits

FOLDER = "package"  # where the files land, whatever the archive calls its folder


def unpack_tarball(
    path: str, target: str, limits: Limits, allow: Collection[str]
) -> tuple[str, Archive, tuple[Finding, ...]]:
    """The folder `package` in *target*, with the files of the tarball at *path*; what was read, and its warnings.

    *target* is made when missing. Raises `PlanRejected` when anything is wrong with the tarball, `SnapshotError`
    (EEXIST, EWRITE) when the folder is there already or cannot be made; nothing is left behind then.
    """
    with open_tarball(path) as file:
        archive = read_archive(file.source, file.size, Wanted(is_manifest), limits)
        manifests = read_manifests(archive, path)
        found = allowed((*archive.findings, *manifests.findings), allow)
        if errors(found):
            raise PlanRejected(as_problems(errors(found)))
        folder = posixpath.join(target, FOLDER)
        try:
            with fswrite.made_dirs(target or "."):
                _place(file, archive, folder)
        except OSError as err:
            raise _unwritable(folder, err) from err
    return folder, archive, found


def _place(file: Opened, archive: Archive, folder: str) -> None:
    sweep(posixpath.dirname(folder) or ".")
    if disk.exists(folder):
        raise _exists(folder)
    with disk.folder_draft(folder) as draft:
        _extract(file, archive, draft)
        if not disk.is_unchanged(file):
            raise VerifyFailed("the tarball was written to while it was unpacked", hint="unpack it again")


def _extract(file: Opened, archive: Archive, draft: str) -> None:
    """Have tarsafe write the entries below *draft*; they must be the ones that were checked."""
    import tarfile  # noqa: PLC0415 - only unpacking needs it
    import zlib  # noqa: PLC0415

    import tarsafe  # noqa: PLC0415

    file.source.seek(0)
    try:
        with _anchored(draft).open(
            fileobj=file.source, mode="r:gz", encoding="utf-8", errors="surrogateescape"
        ) as reader:
            members = reader.getmembers()
            _compare(members, archive)
            for member in members:
                _settle(member, archive.root)
            reader.errorlevel = 2  # a mode that cannot be set is an error, too
            reader.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.10.12 and later
            reader.extractall(draft, members)  # noqa: S202 - every member was checked twice
    except tarfile.ExtractError as err:
        code = getattr(err.__context__, "errno", None) or errno.EIO
        raise OSError(code, f"{err} ({errno.errorcode.get(code, code)})", draft) from err
    except (tarsafe.TarError, tarsafe.TarSafeException, EOFError, zlib.error, ValueError) as err:
        raise VerifyFailed(f"the tarball was refused by its last check: {err}") from err


def _anchored(directory: str) -> type[tarsafe.TarSafe]:
    """The reader of tarsafe, anchored in *directory* from the start.

    Its own start asks for the working directory, which may be gone: "not a gzip file" (tarsafe 0.0.6).
    """
    import tarfile  # noqa: PLC0415

    import tarsafe  # noqa: PLC0415

    def start(self: tarsafe.TarSafe, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as tarfile's
        tarfile.TarFile.__init__(self, *args, **options)
        self.directory = directory

    return type("Anchored", (tarsafe.TarSafe,), {"__init__": start})


def _compare(members: list[TarInfo], archive: Archive) -> None:
    """Refuse what Python's tarfile reads otherwise than we did: it was not checked."""
    files = [(member.name, member.size) for member in members if member.isreg()]
    folders = [member.name for member in members if member.isdir()]
    same = files == [(member.name, member.size) for member in archive.members] and folders == [
        name.rstrip("/") for name in archive.folders
    ]
    if not same or len(files) + len(folders) != len(members):
        raise VerifyFailed("the tarball was refused by its last check: Python's tarfile reads other entries in it")


def _settle(member: TarInfo, root: str) -> None:
    """Plain modes, our own constant time and no owner, in the folder that we name."""
    member.name = FOLDER + member.name[len(root) :]
    member.mode = 0o755 if member.isdir() or member.mode & 0o111 else 0o644
    member.mtime = MTIME
    member.uname = member.gname = ""
    member.pax_headers = {}


def _exists(folder: str) -> SnapshotError:
    return SnapshotError(
        f"{folder} exists already: nothing was unpacked", code="EEXIST", path=folder, hint="choose another -C"
    )


def _unwritable(folder: str, err: OSError) -> SnapshotError:
    if isinstance(err, FileExistsError) and err.filename == folder:
        return _exists(folder)
    return SnapshotError(
        f"{folder} cannot be written: {err.strerror or err}",
        code="EWRITE",
        path=folder,
        hint="choose another -C, or make room and permission there",
    )
