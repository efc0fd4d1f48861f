"""Compare the files of a git work tree with what is committed.

Contents are compared, without running a filter. Flags of the index and times of files do not matter: each file is
hashed as git would store it. What git changes in a file when it is added is done here where that is plain: line
ends, `$Id$`, and the pointers of Git LFS. Other filters are programs that the repository names, and what they
would do is unknown.

Source: gitattributes(5), and git's convert.c (crlf_to_git, ident_to_git) and statinfo.c, version 2.45.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from typing import TYPE_CHECKING

from linkpack.errors import SourceChanged
from linkpack.record import Record
from linkpack.system.git import GitFault
from linkpack.system.git_objects import LINK, SUBMODULE, blob_id
from linkpack.system.read import read_pieces
from linkpack.system.repository import open_repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from linkpack.system.git_objects import TreeEntry
    from linkpack.system.repository import Repository

_MOST_TEXT = 64 << 20  # bytes of a file whose contents are converted; larger ones are compared as they are
_MOST_NESTED = 16  # submodules in submodules
_LFS_NAME = "lfs"  # the filter of Git LFS: git stores a pointer, which names the contents by their SHA-256
_LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"
# Encodings that Python reads as iconv does, and in time that grows with the text. With punycode, for one, it grows
# faster.
_ENCODING = re.compile(
    r"utf-?(?:8|16|32)(?:[lb]e)?|(?:iso-?)?8859-?\d{1,2}|latin-?\d{1,2}|(?:cp|windows-?)\d{3,4}|koi8-?[ru]"
    r"|shift[-_]?jis|sjis|euc-?(?:jp|kr|cn)|gb(?:k|2312|18030)|big-?5",
    re.IGNORECASE,
)
_ID = rb"\$Id: [0-9a-f]{40}(?:[0-9a-f]{24})? \$"


class Compared(Record):
    """How the files of a work tree differ from what they were compared with.

    *changed* have other contents, another type or mode, or are gone. *converted* are the same but for what git
    does to text at every checkout. *undecided* maps files with other contents to the possible reason, such as "its
    filter NAME".
    """

    changed: frozenset[str]
    converted: frozenset[str]
    undecided: Mapping[str, str]


class Changes(Record):
    """What differs from the commit in a folder, by relative paths.

    *changed* are files with other contents than in HEAD, or in the index, and new ones that are not ignored.
    *undecided* are those of them that may be the same, as in `Compared`. *tracked* are the files in the index.
    """

    changed: frozenset[str]
    undecided: Mapping[str, str]
    tracked: frozenset[str]


def read_changes(repository: Repository, depth: int = 0) -> Changes:
    """Return what differs from HEAD in a repository's folder.

    *depth* is the number of repositories around this one, when it is a submodule. Raises `GitFault`.
    """
    with repository.objects() as objects:
        committed = objects.files(repository.commit, repository.prefix)
    index = repository.staged()
    paths = committed.keys() | index.entries.keys()
    staged = {path for path in paths if committed.get(path) != index.entries.get(path)}
    differing = staged | index.unmerged
    # The index need not be looked at for these: it has what the commit has.
    as_committed = {path: entry for path, entry in committed.items() if path not in differing}
    compared = compare_files(repository, as_committed, depth)
    changed = compared.changed | compared.undecided.keys() | differing | set(repository.new_files())
    return Changes(frozenset(changed), compared.undecided, frozenset(index.entries))


def compare_files(repository: Repository, entries: Mapping[str, TreeEntry], depth: int = 0) -> Compared:
    """Return how the files of the repository's folder differ from *entries*.

    *depth* is as in `read_changes`. Raises `GitFault`.
    """
    settings = repository.settings()
    comparer = _FileComparer(repository, settings, depth)
    changed = set()
    with_other_contents = {}
    for path, entry in entries.items():
        difference = comparer.compare(path, entry)
        if difference == "contents":
            with_other_contents[path] = entry
        elif difference:
            changed.add(path)
    converted = set()
    undecided = {}
    attributes = repository.attributes(with_other_contents) if with_other_contents else {}
    for path, entry in with_other_contents.items():
        conversion = _find_conversion(attributes.get(path, {}), settings)
        if _is_stored_as(f"{repository.folder}/{path}", conversion, entry.id):
            converted.add(path)
        elif conversion.unknown:
            undecided[path] = conversion.unknown
        else:
            changed.add(path)
    return Compared(frozenset(changed), frozenset(converted), undecided)


class _FileComparer:
    """A comparer of single files, which looks at each folder once."""

    def __init__(self, repository: Repository, settings: Mapping[str, str], depth: int) -> None:
        self._repository = repository
        self._root = repository.folder
        self._depth = depth
        self._has_modes = _is_true(settings.get("core.filemode", "true"))
        self._has_links = _is_true(settings.get("core.symlinks", "true"))
        self._plain: dict[str, bool] = {"": True}

    def compare(self, path: str, entry: TreeEntry) -> str:
        """Compare the file at *path* with *entry*.

        Returns "" when they are the same, "contents" when only those differ, and "other". A file that cannot be
        read, or is written to meanwhile, is another one.
        """
        try:
            return self._compare(path, entry)
        except (OSError, SourceChanged):
            return "other"

    def _compare(self, path: str, entry: TreeEntry) -> str:
        full = f"{self._root}/{path}"
        if entry.mode == SUBMODULE:
            return "" if self._is_submodule(path, entry.id) else "other"
        status = os.lstat(full)
        if not self._is_plain(path.rpartition("/")[0]) or not self._has_type(status.st_mode, entry.mode):
            return "other"
        if stat.S_ISLNK(status.st_mode):
            text = os.fsencode(os.readlink(full))
            return "" if blob_id((text,), len(text), entry.id) == entry.id else "other"
        if status.st_size > _MOST_TEXT and self._repository.sizes([entry.id]).get(entry.id) != status.st_size:
            return "contents"  # without reading what may be a terabyte of holes
        return "" if blob_id(_read_contents(full, status), status.st_size, entry.id) == entry.id else "contents"

    def _has_type(self, mode: int, wanted: int) -> bool:
        """Return True if a file's *mode* may be what git has as *wanted*."""
        if wanted == LINK:
            # Without core.symlinks, git checks a link out as a file that holds its text.
            return stat.S_ISLNK(mode) or (stat.S_ISREG(mode) and not self._has_links)
        same = not self._has_modes or bool(mode & stat.S_IXUSR) == bool(wanted & stat.S_IXUSR)
        return stat.S_ISREG(mode) and same

    def _is_plain(self, folder: str) -> bool:
        """Return True if *folder* is reached through no link.

        It must be a folder. What is behind a link is no file of the tree.
        """
        unknown = []
        above = folder
        while above not in self._plain:
            unknown.append(above)
            above = above.rpartition("/")[0]
        is_plain = self._plain[above]
        for path in reversed(unknown):
            is_plain = is_plain and stat.S_ISDIR(os.lstat(f"{self._root}/{path}").st_mode)
            self._plain[path] = is_plain
        return is_plain

    def _is_submodule(self, path: str, commit: str) -> bool:
        """Return True if a submodule is at *commit* and unchanged.

        One that is not checked out is unchanged.
        """
        folder = f"{self._root}/{path}"
        if not os.path.lexists(folder):
            return True
        if not self._is_plain(path):
            return False
        if not os.path.lexists(f"{folder}/.git"):
            return not os.listdir(folder)  # git makes an empty folder for what is not checked out
        if self._depth >= _MOST_NESTED:
            return False
        try:
            inner = open_repository(folder)
            is_own = inner.prefix == "" and inner.commit == commit
            return is_own and not read_changes(inner, self._depth + 1).changed
        except GitFault:
            return False


def _read_contents(path: str, status: os.stat_result) -> Iterable[bytes]:
    """Return the bytes of the file at *path* in pieces."""
    return read_pieces(path, status.st_dev, status.st_ino, status.st_size)


class _Conversion(Record):
    """The changes that git makes to a file when it is added.

    *lines* is "text" (line ends become LF), "auto" (they do in what looks like text) or "". *ident* shortens
    `$Id$`. *encoding* is that of the file, if not UTF-8. *filter* is the name of a filter that has a program, or
    "lfs".
    """

    lines: str
    ident: bool
    encoding: str
    filter: str

    @property
    def unknown(self) -> str:
        """Return why the stored contents are unknown, or ""."""
        if self.filter and self.filter != _LFS_NAME:
            return f"its filter {self.filter}"
        return f"its encoding {self.encoding}" if self.encoding else ""


def _find_conversion(attributes: Mapping[str, str], settings: Mapping[str, str]) -> _Conversion:
    """Return what *attributes* and *settings* ask for."""
    text = attributes.get("text", attributes.get("crlf", ""))  # crlf is the old name of text
    lines = {"set": "text", "input": "text", "unset": "binary", "auto": "auto"}.get(text, "")
    if lines != "binary" and attributes.get("eol") in {"lf", "crlf"}:
        lines = lines or "text"
    if not lines:
        autocrlf = settings.get("core.autocrlf", "false").lower()
        lines = "auto" if autocrlf == "input" or _is_true(autocrlf) else "binary"
    driver = attributes.get("filter", "")
    has_program = any(f"filter.{driver}.{kind}" in settings for kind in ("clean", "process"))
    return _Conversion(
        lines="" if lines == "binary" else lines,
        ident=attributes.get("ident") == "set",
        encoding=attributes.get("working-tree-encoding", ""),
        filter=driver if driver == _LFS_NAME or has_program else "",
    )


def _is_stored_as(path: str, conversion: _Conversion, name: str) -> bool:
    """Return True if git stores the file at *path* under the id *name*.

    False also when that cannot be decided without running a filter.
    """
    try:
        status = os.lstat(path)
        if conversion.filter == _LFS_NAME:
            digest = hashlib.sha256()
            for piece in _read_contents(path, status):
                digest.update(piece)
            pointer = _LFS.format(digest.hexdigest(), status.st_size).encode()
            return blob_id((pointer,), len(pointer), name) == name
        if conversion.filter or status.st_size > _MOST_TEXT:
            return False
        stored = convert(b"".join(_read_contents(path, status)), conversion)
    except (OSError, SourceChanged, LookupError, UnicodeError):
        return False
    return blob_id((stored,), len(stored), name) == name


def convert(text: bytes, conversion: _Conversion) -> bytes:
    """Return the contents that git stores for a file with these.

    A file that was committed with CR LF keeps them in git. It does not come here unless it changed, since contents
    are first compared as they are. Raises `LookupError` and `UnicodeError` for an encoding that cannot be read.
    """
    if conversion.encoding:
        if not _ENCODING.fullmatch(conversion.encoding):
            raise LookupError(conversion.encoding)
        text = text.decode(conversion.encoding).encode()
    if conversion.lines == "text" or (conversion.lines == "auto" and not _looks_binary(text)):
        text = text.replace(b"\r\n", b"\n")
    if conversion.ident:
        text = re.sub(_ID, b"$Id$", text)
    return text


def _looks_binary(text: bytes) -> bool:
    """Return True if git takes *text* for binary.

    That is text with a NUL or a CR without LF, or with more than one odd byte in 128. Odd are control characters
    other than BS, HT, LF, FF, CR and ESC. A ^Z at the end is not odd (convert.c, gather_stats).
    """
    if b"\0" in text or text.count(b"\r") != text.count(b"\r\n"):
        return True
    odd = len(re.findall(rb"[\x01-\x07\x0b\x0e-\x1a\x1c-\x1f\x7f]", text))
    plain = len(text) - odd - text.count(b"\n") - text.count(b"\r")
    return plain >> 7 < odd - text.endswith(b"\x1a")


def _is_true(value: str) -> bool:
    """Return True if git takes *value* for a setting that is on."""
    return value.lower() not in {"false", "no", "off", "0", ""}
