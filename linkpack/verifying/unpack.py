"""Puts a checked tarball on the disk, through tarsafe as the last gate."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from linkpack.archive.findings import as_problems, errors
from linkpack.archive.gunzip import CHUNK
from linkpack.archive.reader import Wanted, open_tarball, read_archive
from linkpack.archive.tar_header import MTIME
from linkpack.errors import PlanRejected, SnapshotError, VerifyFailed
from linkpack.system import read as fs
from linkpack.system import write as fswrite
from linkpack.system.new_folder import new_folder
from linkpack.verifying.allowable import allowed
from linkpack.verifying.manifests import is_manifest, read_manifests

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from tarfile import TarInfo

    import tarsafe

    from linkpack.archive.findings import Finding
    from linkpack.archive.reader import Archive
    from linkpack.limits import Limits
    from linkpack.system.new_folder import NewFolder
    from linkpack.system.read import OpenFile

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


def _place(file: OpenFile, archive: Archive, folder: str) -> None:
    with new_folder(folder, mode=0o755, replaces_empty=False) as draft:
        _extract(file, archive, folder, draft)
        if not fs.is_unchanged(file):
            raise VerifyFailed("the tarball was written to while it was unpacked", hint="unpack it again")


def _extract(file: OpenFile, archive: Archive, folder: str, draft: NewFolder) -> None:
    """Write the entries that tarsafe reads into *draft*, which becomes *folder*: those that were checked."""
    import zlib  # noqa: PLC0415 - only unpacking needs it

    import tarsafe  # noqa: PLC0415

    file.source.seek(0)
    try:
        with _anchored(folder).open(
            fileobj=file.source, mode="r:gz", encoding="utf-8", errors="surrogateescape"
        ) as reader:
            members = reader.getmembers()
            _compare(members, archive)
            reader.extractall(folder, [])  # noqa: S202 - it writes nothing, and checks every name and type
            for path, member in _placed(members).items():
                _write(path, member, reader, draft)
    except (tarsafe.TarError, tarsafe.TarSafeException, EOFError, zlib.error, ValueError) as err:
        raise VerifyFailed(f"the tarball was refused by its last check: {err}") from err


def _placed(members: list[TarInfo]) -> Mapping[str, TarInfo]:
    """Map the paths below the package's folder to entries; two spellings of one are one file, as was checked."""
    return {posixpath.normpath(member.name.partition("/")[2]): member for member in members}


def _write(path: str, member: TarInfo, reader: tarsafe.TarSafe, draft: NewFolder) -> None:
    """Write one entry with a plain mode, our own constant time and no owner."""
    if member.isdir():
        if path != ".":
            draft.make(path)
        return
    source = reader.extractfile(member)
    if source is None:
        raise ValueError(f"{member.name} has no contents")
    mode = 0o755 if member.mode & 0o111 else 0o644
    draft.write(path, iter(lambda: source.read(CHUNK), b""), mode, MTIME)


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
