"""Unpack a tarball after checking all of it.

What linkpack's own reader has checked is read again by tarsafe, and both must agree.
"""

from __future__ import annotations

import posixpath
import tarfile
import zlib
from collections.abc import Collection
from typing import TYPE_CHECKING

import tarsafe

from linkpack.archive.findings import Finding, as_problems, only_errors
from linkpack.archive.gunzip import CHUNK
from linkpack.archive.reader import Wanted, open_tarball, read_archive
from linkpack.archive.tar_header import MTIME
from linkpack.arguments import StrPath, check_path
from linkpack.errors import PlanRejected, SnapshotError, VerifyFailed
from linkpack.limits import DEFAULTS, Limits, within
from linkpack.record import Record
from linkpack.system import read as fs
from linkpack.system import write as fswrite
from linkpack.system.new_folder import new_folder
from linkpack.verifying.allowable import allow_codes, check_allowable
from linkpack.verifying.manifests import is_manifest, read_manifests

if TYPE_CHECKING:
    from tarfile import TarInfo

    from linkpack.archive.reader import Archive
    from linkpack.system.new_folder import NewFolder
    from linkpack.system.read import OpenFile

FOLDER = "package"  # the name of the unpacked folder, whatever the archive calls its own


class Unpacked(Record):
    """A tarball on the disk.

    *files* is a number, and *size* the bytes of all of them.
    """

    folder: str
    files: int
    size: int
    findings: tuple[Finding, ...]


def unpack(
    path: StrPath, target: StrPath = ".", *, allow: Collection[str] = (), limits: Limits = DEFAULTS
) -> Unpacked:
    """Make the folder `package` in *target* from the tarball at *path*.

    The folder appears whole or not at all, and *target* is made when missing. Everything is checked before the
    first file is written. Modes become 644 or 755, owners and times are not taken over. Errors with a code in
    *allow* become warnings.

    Raises `PlanRejected` for a tarball with errors in its shape or manifests, `SnapshotError` when the folder
    exists already (EEXIST) or cannot be written (EWRITE), `LinkpackError` (EALLOW) for a code that cannot be
    allowed.
    """
    check_allowable(allow)
    where, parent = check_path(path), check_path(target)
    with within(limits), open_tarball(where) as file:
        archive = read_archive(file.source, file.size, Wanted(is_manifest), limits)
        manifests = read_manifests(archive, where)
        findings = allow_codes((*archive.findings, *manifests.findings), allow)
        if only_errors(findings):
            raise PlanRejected(as_problems(only_errors(findings)))
        folder = posixpath.join(parent, FOLDER)
        try:
            with fswrite.make_folders(parent or "."):
                _write_folder(file, archive, folder)
        except OSError as err:
            raise _report_unwritable(folder, err) from err
    return Unpacked(folder, files=len(archive.files), size=archive.unpacked, findings=findings)


def _write_folder(file: OpenFile, archive: Archive, folder: str) -> None:
    """Write the files of *archive*, read from *file*, to the new *folder*."""
    with new_folder(folder, mode=0o755, replaces_empty=False) as draft:
        _extract(file, archive, folder, draft)
        if not fs.is_unchanged(file):
            raise VerifyFailed("the tarball was written to while it was unpacked", hint="unpack it again")


def _extract(file: OpenFile, archive: Archive, folder: str, draft: NewFolder) -> None:
    """Write the entries that tarsafe reads into *draft*.

    They must be those of *archive*. *folder* is what the draft becomes.
    """
    file.source.seek(0)  # the first reader has left it at its end
    try:
        with _anchor_tarsafe(folder).open(
            fileobj=file.source, mode="r:gz", encoding="utf-8", errors="surrogateescape"
        ) as reader:
            members = reader.getmembers()
            _check_same_entries(members, archive)
            reader.extractall(folder, [])  # noqa: S202 - it writes nothing, and checks every name and type
            # Two spellings of a path are one file: `read_archive` has checked that they do not clash.
            by_path = {posixpath.normpath(member.name.partition("/")[2]): member for member in members}
            for path, member in by_path.items():
                _write_entry(path, member, reader, draft)
    except (tarsafe.TarError, tarsafe.TarSafeException, EOFError, zlib.error, ValueError) as err:
        raise VerifyFailed(f"the tarball was refused by its last check: {err}") from err


def _anchor_tarsafe(directory: str) -> type[tarsafe.TarSafe]:
    """Return tarsafe's reader, which lets nothing leave *directory*.

    Its own constructor asks for the working directory, and when that is gone the error is "not a gzip file"
    (tarsafe 0.0.6).
    """

    class Anchored(tarsafe.TarSafe):  # type: ignore[misc]  # tarsafe has no types
        def __init__(self, *args: object, **options: object) -> None:
            tarfile.TarFile.__init__(self, *args, **options)  # type: ignore[arg-type]
            self.directory = directory

    return Anchored


def _check_same_entries(members: list[TarInfo], archive: Archive) -> None:
    """Refuse what Python's tarfile reads otherwise: it was not checked."""
    files = [(member.name, member.size) for member in members if member.isreg()]
    folders = [member.name for member in members if member.isdir()]
    is_same = files == [(member.name, member.size) for member in archive.members] and folders == [
        name.rstrip("/") for name in archive.folders
    ]
    if not is_same or len(files) + len(folders) != len(members):
        raise VerifyFailed("the tarball was refused by its last check: Python's tarfile reads other entries in it")


def _write_entry(path: str, member: TarInfo, reader: tarsafe.TarSafe, draft: NewFolder) -> None:
    """Write one entry with a plain mode, npm's constant time and no owner."""
    if member.isdir():
        if path != ".":  # the package's own folder, which the draft is
            draft.make(path)
        return
    source = reader.extractfile(member)
    if source is None:
        raise ValueError(f"{member.name} has no contents")
    # The two modes that `pack` writes.
    mode = 0o755 if member.mode & 0o111 else 0o644
    draft.write(path, iter(lambda: source.read(CHUNK), b""), mode, MTIME)


def _report_unwritable(folder: str, err: OSError) -> SnapshotError:
    """Return the error for a *folder* that could not be made."""
    # Another file may be in the way of a folder above, which is a place that cannot be written.
    if isinstance(err, FileExistsError) and err.filename == folder:
        return SnapshotError(
            f"{folder} exists already: nothing was unpacked", code="EEXIST", path=folder, hint="choose another -C"
        )
    return SnapshotError(
        f"{folder} cannot be written: {err.strerror or err}",
        code="EWRITE",
        path=folder,
        hint="choose another -C, or make room and permission there",
    )
