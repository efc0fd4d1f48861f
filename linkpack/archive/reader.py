"""Read a stranger's tarball once, and find all that is wrong with it.

Memory is bounded, and nothing is written. The reader is stricter than any installer, on purpose: what two readers
could understand differently is refused, so that what was checked here is what npm, pnpm, yarn and bun unpack.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from linkpack.archive import strict_header, tar_header
from linkpack.archive.findings import Findings, Refused
from linkpack.archive.gunzip import Unzipped
from linkpack.archive.member_paths import MemberPaths
from linkpack.archive.strict_header import BadHeader
from linkpack.archive.tar_header import BLOCK, padding
from linkpack.errors import Problem, SnapshotError, SourceChanged
from linkpack.packlist.secrets import Scanner
from linkpack.record import Record
from linkpack.system.read import is_unchanged, open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from linkpack.archive.findings import Finding
    from linkpack.archive.tar_header import Header
    from linkpack.limits import Limits
    from linkpack.system.read import OpenFile

HEAD = 4  # bytes of a file's beginning that are kept: enough for the mark of a binary
FIRST_LINE = 256  # bytes of a script that are kept: as many as Linux reads of its first line
_MOST_KEPT = 8  # times the limit of one manifest, for all contents that are kept
_SPECIAL = {b"3": "a character device", b"4": "a block device", b"6": "a pipe"}
_COMMIT = re.compile(rb"[0-9a-f]{40}|[0-9a-f]{64}")
_LINKS = {b"1": "a hard link", b"2": "a symbolic link"}


class Member(Record):
    """A regular file of a tarball.

    *path* is below the root folder, *name* the whole name in the archive. *size* is in bytes, *mode* as written.
    *digest* is the SHA-256 of its contents, *head* their first bytes, *kept* all of them if they were wanted,
    *tokens* the kinds of secrets in them.
    """

    path: str
    name: str
    size: int
    mode: int
    digest: str
    head: bytes
    kept: bytes
    tokens: tuple[str, ...]


class Archive(Record):
    """The contents of a tarball.

    *root* is the one folder that everything is in, *folders* the names of folder entries. *size* and *unpacked*
    are in bytes, packed and unpacked. *integrity* is that of the file, "" when it could not be read to its end,
    for which *findings* give the reason.
    """

    root: str
    members: tuple[Member, ...]
    folders: tuple[str, ...]
    findings: tuple[Finding, ...]
    size: int
    unpacked: int
    integrity: str

    @property
    def files(self) -> Mapping[str, Member]:
        """Return the members by path."""
        return {member.path: member for member in self.members}


class Wanted(Record):
    """The contents that a caller wants.

    They are kept if *keep* is true of their path and size, and searched for secrets if *scan* is true.
    """

    keep: Callable[[str, int], bool]
    scan: bool = False


class _Pending(Record):
    """An extended header, which applies to the next entry.

    *path_is_long* is true if some reader may lose the path in it.
    """

    records: Mapping[bytes, bytes]
    long_name: bytes | None
    path_is_long: bool


_NOTHING = _Pending({}, None, path_is_long=False)


class _Reader:
    """A pass over the entries of one tarball."""

    def __init__(self, stream: Unzipped, wanted: Wanted, limits: Limits) -> None:
        self.stream = stream
        self.wanted = wanted
        self.limits = limits
        self.findings = Findings()
        self.paths = MemberPaths(limits, self.findings)
        self.members: list[Member] = []
        self.folders: list[str] = []
        self.last = ""  # the name of the last entry
        self.headers = 0
        self.kept = 0  # bytes
        self.padded = False  # one warning about padding is enough

    def run(self) -> None:
        """Read every entry, up to the end mark.

        Raises `Refused` where reading cannot go on.
        """
        pending = _NOTHING
        while any(block := self.stream.exactly(BLOCK, self._place())):
            self.headers += 1
            if self.headers > 2 * self.limits.entries:  # two for each entry, an extended one and its own
                raise Refused("ELIMIT", "", f"it has more than {self.headers - 1} headers: the limit of entries")
            header = self._read_header(block)
            if header.kind in {b"x", b"g", b"L", b"K"}:
                pending = self._read_extension(header, pending)
            else:
                self._read_entry(header, pending)
                pending = _NOTHING
        if pending is not _NOTHING:
            raise Refused("EPAX", self.last, "the last extended (pax) header describes no entry")
        if any(self.stream.exactly(BLOCK, self._place())):
            raise Refused("EENDMARK", self.last, "the end mark of the tar stream is only half there")
        self.stream.finish()
        self.paths.finish()
        self._compare_spellings()

    def _read_header(self, block: bytes) -> Header:
        try:
            return strict_header.read_strict(block)
        except BadHeader as err:
            name = strict_header.shown_name(block)
            where = f"the header after {self.last}" if self.last else "the first header"
            if err.code != "ECHECKSUM" and name:  # where the checksum is wrong the name may be anything
                where = f"the header of {name}"
            raise Refused(err.code, name or self.last, f"{where} {err.why}") from err

    def _compare_spellings(self) -> None:
        """Refuse two spellings of one path for different files.

        Readers differ in which of the two they keep.
        """
        if not self.paths.again:
            return
        first: dict[str, Member] = {}
        for member in self.members:
            other = first.setdefault(member.path, member)
            is_same = other.digest == member.digest and bool(other.mode & 0o111) == bool(member.mode & 0o111)
            if member.path in self.paths.again and not is_same:
                why = f"{member.name} is {other.name} once more, with other contents or another mode"
                self.findings.error("EDUPLICATE", member.name, why, "keep one of them")

    def _place(self) -> str:
        return f"what follows {self.last}, before its end mark" if self.last else "its first header"

    def _read_extension(self, header: Header, pending: _Pending) -> _Pending:
        """Read the extended header *header*, and return what is pending after it."""
        name = header.name.decode("utf-8", "surrogateescape")
        if header.size > tar_header.EXTENDED_MAX:
            raise Refused("ELIMIT", name, f"the extended (pax) header {name} is too large: {header.size} bytes")
        if header.kind == b"K":
            raise Refused("ELINK", name, f"the header {name} after {self.last} is for a link with a long target")
        if header.is_big:
            why = f"the extended (pax) header {name} has its size in base 256, which pnpm takes for none"
            raise Refused("EHEADER", name, why)
        body = self.stream.exactly(header.size, name)
        if any(self.stream.exactly(padding(header.size), name)):
            raise Refused("EPAX", name, f"the extended (pax) header {name} is followed by bytes other than zeros")
        try:
            if header.kind == b"L":
                return self._read_long_name(body, pending)
            return self._read_records(body, header, name, pending)
        except BadHeader as err:
            what = "long name" if header.kind == b"L" else "extended (pax) header"
            raise Refused(err.code, name, f"the {what} {name} after {self.last} {err.why}") from err

    def _read_records(self, body: bytes, header: Header, name: str, pending: _Pending) -> _Pending:
        records = strict_header.read_records(body)
        if header.kind == b"g":
            strict_header.check_global(records.values)
            if self.headers > 1:  # as git writes it; later on readers differ in what it applies to
                raise Refused("EPAX", name, f"the global extended (pax) header {name} is not the first header")
            comment = records.values.get(b"comment", b"")
            if records.values.keys() != {b"comment"} or not _COMMIT.fullmatch(comment):  # git archive's
                self.findings.warning("WPAX", name, f"the global header {name} is of no use to a package")
            return pending
        if pending is not _NOTHING:
            raise Refused("EPAX", name, f"the extended (pax) header {name} follows another one")
        if b"linkpath" in records.values:
            raise Refused("ELINK", name, f"the extended (pax) header {name} makes a link of the next entry")
        return _Pending(records.values, None, records.path_is_long)

    def _read_long_name(self, body: bytes, pending: _Pending) -> _Pending:
        if pending is not _NOTHING:
            raise BadHeader("EHEADER", "follows another extended header")
        return _Pending({}, strict_header.read_long_name(body), path_is_long=False)

    def _read_entry(self, header: Header, pending: _Pending) -> None:
        raw = pending.records.get(b"path", header.name) if pending.long_name is None else pending.long_name
        name = raw.decode("utf-8", "surrogateescape")
        self.last = name
        if raw != header.name and (pending.path_is_long or not strict_header.is_short_for(header.name, raw)):
            own = header.name.decode("utf-8", "surrogateescape")
            why = f"{name} is called {own} in its own header: a reader that misses the longer name takes that"
            raise Refused("EPAX", name, why)
        size = self._check_size(header, pending, name)
        if header.kind in {b"0", b"\0"}:
            self._read_file(name, size, header.mode & 0o7777)
            return
        if size and header.kind in {b"5", *_LINKS, *_SPECIAL}:
            raise Refused("EHEADER", name, f"{name} is no file and yet has a size")
        if header.kind == b"5":
            if self.paths.enter(name, folder=True) is not None and self._check_mode(name, header.mode & 0o7777):
                self.folders.append(name)
            return
        self._find_other(name, header)
        for _ in self.stream.pieces(size + padding(size), name):
            pass

    def _find_other(self, name: str, header: Header) -> None:
        """Add the finding that an entry is neither file nor folder."""
        self.paths.enter(name, folder=False)
        fix = "leave it out, or put a file in its place"
        if header.kind in _LINKS:
            target = header.link.decode("utf-8", "surrogateescape")
            self.findings.error("ELINK", name, f"{name} is {_LINKS[header.kind]} to {target}", fix)
        elif header.kind in _SPECIAL:
            self.findings.error("ESPECIAL", name, f"{name} is {_SPECIAL[header.kind]}", fix)
        elif header.kind == b"S":
            self.findings.error("ESPARSE", name, f"{name} is a sparse file of GNU tar", fix)
        else:
            what = f"{name} is an entry of the type {header.kind!r}, which is no file or folder"
            self.findings.error("EENTRYTYPE", name, what, fix)

    def _check_size(self, header: Header, pending: _Pending, name: str) -> int:
        """Return the size of the entry's contents.

        If two headers have one, they must agree: pnpm 12 takes the contents by one and looks for the next header
        by the other. Older ones read no base 256.
        """
        in_pax = pending.records.get(b"size")
        if in_pax is not None and int(in_pax) != header.size:
            why = f"{name} has two sizes: {header.size} in its header, {int(in_pax)} in its pax header"
            raise Refused("EPAX", name, why)
        if header.is_big and (in_pax is None or header.size <= tar_header.OCTAL_MAX):
            raise Refused("EHEADER", name, f"{name} has its size in base 256, which pnpm takes for none")
        if header.size > self.limits.file:
            why = f"{name} has {header.size} bytes: too large, the limit is {self.limits.file}"
            raise Refused("ELIMIT", name, why, "raise --max-file if you trust it")
        if header.size > tar_header.FILE_MAX:
            why = f"{name} has {header.size} bytes: pnpm before 12 takes contents of 2 GiB and more for headers"
            raise Refused("ELIMIT", name, why, "ship it in another way")
        return header.size

    def _check_mode(self, name: str, mode: int) -> bool:
        if mode & 0o7000:
            why = f"{name} has the mode {mode:o}: set-user-id, set-group-id or sticky"
            self.findings.error("EMODE", name, why, "use 644 or 755")
        return not mode & 0o7000

    def _read_file(self, name: str, size: int, mode: int) -> None:
        path = self.paths.enter(name, folder=False)
        self._check_mode(name, mode)
        keep = path is not None and self._keeps(path, size)
        digest, scanner = hashlib.sha256(), Scanner(name)
        head, pieces = b"", []
        # A refused file is read as well, since what follows it is checked.
        for piece in self.stream.pieces(size, name):
            digest.update(piece)
            head = head or piece[: FIRST_LINE if piece.startswith(b"#!") else HEAD]
            if self.wanted.scan:
                scanner.feed(piece)
            if keep:
                pieces.append(piece)
        if any(self.stream.exactly(padding(size), name)) and not self.padded:
            self.padded = True
            self.findings.warning(
                "WPADDING", name, f"there are bytes other than zeros between {name} and what follows"
            )
        if path is not None:
            member = Member(
                path=path,
                name=name,
                size=size,
                mode=mode,
                digest=digest.hexdigest(),
                head=head,
                kept=b"".join(pieces),
                tokens=tuple(scanner.labels),
            )
            self.members.append(member)

    def _keeps(self, path: str, size: int) -> bool:
        if not self.wanted.keep(path, size):
            return False
        self.kept += size
        if size > self.limits.manifest or self.kept > _MOST_KEPT * self.limits.manifest:
            raise Refused("ELIMIT", path, f"{path} has {size} bytes: too large, or one too many of its kind")
        return True


def read_archive(source: BinaryIO, size: int, wanted: Wanted, limits: Limits) -> Archive:
    """Read the gzip file *source* of *size* bytes.

    Everything that is wrong with it is in the findings, and nothing is raised for it.
    """
    stream = Unzipped(source, size, limits)
    reader = _Reader(stream, wanted, limits)
    integrity = ""
    try:
        reader.run()
        integrity = stream.integrity
    except Refused as err:
        reader.findings.add(err.finding)  # what was found before it stays, and the integrity is ""
    return Archive(
        root=reader.paths.root,
        members=tuple(reader.members),
        folders=tuple(reader.folders),
        findings=reader.findings.all(),
        size=size,
        unpacked=sum(member.size for member in reader.members),
        integrity=integrity,
    )


@contextmanager
def open_tarball(path: str) -> Iterator[OpenFile]:
    """Open the tarball at *path*.

    Raises `SnapshotError` (EREAD) when it cannot be read, and `SourceChanged` when it was written to during the
    block.
    """
    try:
        with open_regular(path) as file:
            yield file
            if not is_unchanged(file):
                raise SourceChanged(changed_problem(path).message, path=path, hint=changed_problem(path).hint)
    except OSError as err:
        raise SnapshotError(
            f"{path} cannot be read: {err.strerror or err}", code="EREAD", path=path, hint="name a tarball"
        ) from err


def changed_problem(path: str) -> Problem:
    """Return the problem that the tarball *path* changed."""
    return Problem(
        "ECHANGED", path, f"{path} was written to while it was read", "try again when nothing writes to it"
    )
