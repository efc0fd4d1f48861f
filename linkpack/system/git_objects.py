"""Read a git repository's objects, and check them by their ids.

A repository is not believed: the contents of every object are hashed while they are read.
"""

from __future__ import annotations

import hashlib
import os
import re
import selectors
import stat
from typing import TYPE_CHECKING

from linkpack.record import Record
from linkpack.system.git import GitFault
from linkpack.system.read import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from linkpack.system.git import Git

LINK = 0o120000
SUBMODULE = 0o160000
_MOST_ENTRIES = 1_000_000  # files and folders of a commit
_MOST_NAMES = 1 << 28  # characters of their paths together
_MOST_PATH = 4096  # characters of one path
_MOST_TREE = 64 << 20  # bytes of one folder of a commit
_MOST_COMMIT = 16 << 20  # bytes of a commit and its message
_AHEAD = 64  # objects that are asked for before the first is read: some 4 kB of ids, which a pipe takes
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHA256_DIGITS = 64


class TreeEntry(Record):
    """A file of a commit or of the index.

    *mode* is 0o100644, 0o100755, `LINK` or `SUBMODULE`. *id* names its contents, or the commit of a submodule.
    """

    mode: int
    id: str


class ObjectReader:
    """One `git cat-file --batch` process, to be used in a `with` block."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._buffer = b""  # git's output, read up to *_at*
        self._at = 0

    def __enter__(self) -> Self:
        self._process = self._git.start("cat-file", "--batch")
        self._output = selectors.DefaultSelector()
        if self._process.stdout is not None:
            self._out = self._process.stdout.fileno()
            self._output.register(self._out, selectors.EVENT_READ)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()  # it would otherwise wait for more names, or go on with an object of any size
        self._output.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def read_all(self, names: Sequence[str], kind: str) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Yield the size in bytes and the contents of each of the objects *names*.

        The contents of one must be read before the next is asked for. Raises `GitFault` when an object is missing,
        is not a *kind* ("blob", "tree", "commit"), or has other contents than its id says.
        """
        for number, name in enumerate(names):
            if number % _AHEAD == 0:
                self._request(names[number : number + _AHEAD])
            size = self._read_size(name, kind)
            yield size, self._read_contents(name, kind, size)

    def read(self, name: str, kind: str, most: int) -> bytes:
        """Return the contents of the object *name*.

        Raises `GitFault` for more than *most* bytes, and as `read_all`.
        """
        (contents,) = self._read_small([name], kind, most)
        return contents

    def _read_small(self, names: Sequence[str], kind: str, most: int) -> Iterator[bytes]:
        for name, (size, pieces) in zip(names, self.read_all(names, kind), strict=True):
            if size > most:
                raise GitFault(f"a {kind} of the commit is too large", f"{name} has {size} bytes")
            yield b"".join(pieces)

    def _request(self, names: Sequence[str]) -> None:
        """Write the objects' *names* to git.

        They must be few enough for a pipe to take them at once, as git answers meanwhile.
        """
        wrong = next((name for name in names if not _ID.fullmatch(name)), None)
        if wrong is not None or self._process.stdin is None:
            raise GitFault("its git repository is damaged", f"{wrong} is no id of an object")
        try:
            self._process.stdin.write("".join([f"{name}\n" for name in names]).encode())
        except OSError as err:
            raise GitFault("its git repository is damaged", f"git does not answer: {err.strerror}") from err

    def _read_size(self, name: str, kind: str) -> int:
        """Read git's line about the next object, for its size.

        The line is `<id> <kind> <size>`. `GitFault` when git says that it is missing or another *kind*.
        """
        line = b""
        while not line.endswith(b"\n"):
            self._fill()
            end = self._buffer.find(b"\n", self._at) + 1
            line += self._take((end or len(self._buffer)) - self._at)
        _, has_kind, rest = line.decode("ascii", "replace").rstrip("\n").partition(f" {kind} ")
        if not has_kind or not rest.isdecimal():
            raise GitFault("its git repository lacks an object of the commit", f"{name} is no {kind}")
        return int(rest)

    def _read_contents(self, name: str, kind: str, size: int) -> Iterator[bytes]:
        digest = _make_digest(name)
        digest.update(f"{kind} {size}\0".encode())
        left = size
        # The hash is known at the end only: whoever reads gets pieces that may turn out wrong, and then an error.
        while left:
            piece = self._take(left)
            digest.update(piece)
            left -= len(piece)
            yield piece
        self._take(1)  # the line break behind it
        if digest.hexdigest() != name:
            why = f"the {kind} {name} has other contents than its id says"
            raise GitFault("its git repository is damaged", why)

    def _take(self, most: int) -> bytes:
        """Return the next bytes of git's output, at least one and at most *most*."""
        self._fill()
        piece = self._buffer[self._at : self._at + most]
        self._at += len(piece)
        return piece

    def _fill(self) -> None:
        """Wait for more output if the buffer is used up.

        Raises `GitFault` when none comes.
        """
        if self._at < len(self._buffer):
            return
        if not self._output.select(self._git.timeout):
            raise self._git.silence()
        self._buffer, self._at = os.read(self._out, CHUNK), 0
        if not self._buffer:
            raise GitFault("git cannot read an object of the commit", "it is missing, damaged or too large")

    def files(self, commit: str, prefix: str) -> dict[str, TreeEntry]:
        """Return the files of *commit* below *prefix*.

        Paths are relative to it. Empty when the commit has no folder there. Raises `GitFault`, also for what no
        honest repository has: names such as `..`, and more than a million entries.
        """
        head, _, _ = self.read(commit, "commit", _MOST_COMMIT).partition(b"\n")
        top = head.removeprefix(b"tree ").decode("ascii", "replace")
        trees: dict[str, dict[str, TreeEntry]] = {}  # a hostile commit may have one folder in a million places
        for portion in prefix.split("/") if prefix else ():
            self._read_trees([top], trees)
            inner = trees[top].get(portion)
            if inner is None or not stat.S_ISDIR(inner.mode):
                return {}
            top = inner.id
        files: dict[str, TreeEntry] = {}
        level = [("", top)]
        entries = characters = 0
        while level:
            self._read_trees([tree for _, tree in level], trees)
            below = []
            for folder, tree in level:
                for name, entry in trees[tree].items():
                    path = folder + name
                    entries += 1
                    characters += len(path)
                    if entries > _MOST_ENTRIES or characters > _MOST_NAMES or len(path) > _MOST_PATH:
                        raise GitFault("its commit has too many files, or too long paths")
                    if stat.S_ISDIR(entry.mode):
                        below.append((f"{path}/", entry.id))
                    else:
                        files[path] = entry
            level = below
        return files

    def _read_trees(self, names: Iterable[str], known: dict[str, dict[str, TreeEntry]]) -> None:
        """Read the folders *names* that *known* lacks, and add them to it."""
        new = [name for name in dict.fromkeys(names) if name not in known]
        for name, text in zip(new, self._read_small(new, "tree", _MOST_TREE), strict=True):
            known[name] = _parse_tree(name, text)


def _parse_tree(name: str, text: bytes) -> dict[str, TreeEntry]:
    """Return the entries of a tree object by their names.

    *text* is `<mode> <name>`, a NUL and the bytes of the id, for each entry. Folders have the mode 0o40000. Raises
    `GitFault`.
    """
    width = len(name) // 2
    entries: dict[str, TreeEntry] = {}
    at = 0
    while at < len(text):
        end = text.find(b"\0", at)
        mode, _, raw = text[at:end].partition(b" ")
        label = os.fsdecode(raw)
        # git checks out no such names either (read-cache.c, verify_path).
        bad = label in {"", ".", ".."} or "/" in label or label.lower() == ".git" or label in entries
        if end < 0 or bad or not re.fullmatch(rb"[0-7]{5,6}", mode) or end + 1 + width > len(text):
            raise GitFault("its git repository is damaged", f"the tree {name} is malformed")
        at = end + 1 + width
        entries[label] = TreeEntry(canonical_mode(int(mode, 8)), text[end + 1 : at].hex())
    return entries


def blob_id(pieces: Iterable[bytes], size: int, like: str) -> str:
    r"""Return the id that git gives to a file of *size* bytes.

    The hash function is that of the id *like*: SHA-1 for 40 digits, SHA-256 for 64.

    >>> blob_id([b"hello\n"], 6, "0" * 40)
    'ce013625030ba8dba906f756967f9e9ca394464a'
    """
    digest = _make_digest(like)
    digest.update(f"blob {size}\0".encode())
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def canonical_mode(mode: int) -> int:
    """Return *mode* as git writes it today.

    Old repositories have files with other permissions.

    >>> oct(canonical_mode(0o100664)), oct(canonical_mode(0o40000))
    ('0o100644', '0o40000')
    """
    if stat.S_ISREG(mode):
        return 0o100755 if mode & stat.S_IXUSR else 0o100644
    return mode


def _make_digest(like: str) -> hashlib._Hash:
    # *usedforsecurity*: a Python with FIPS rules refuses SHA-1 without it, and git has no other digest there.
    return hashlib.sha256() if len(like) == _SHA256_DIGITS else hashlib.sha1(usedforsecurity=False)
