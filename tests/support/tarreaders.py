"""What the real readers of tarballs find in one: npm, pnpm, yarn, bun's library, Python, and the gate itself.

Each answer is a mapping of paths below the package's folder to `x` or `-` (may anybody run it?) and a digest, or
an error as text. Folders are left out: pnpm and bun make none of their own.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import hashlib
import io
import json
import os
import posixpath
import struct
import subprocess
import tarfile
import unicodedata
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from linkpack.archive.findings import only_errors
from linkpack.archive.reader import Wanted, read_archive
from linkpack.limits import Limits
from linkpack.verifying.allowable import allow_codes
from tests.support.npm import node, npm_root

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
READERS = Path(os.environ.get("LINKPACK_READERS") or ROOT / "build" / "readers")
LIMITS = Limits(ratio=1 << 20, unpacked=1 << 30)

# The names of the readers that the node process has when everything is installed.
IN_NODE = ("npm", "npm in pieces", "npm 10", "npm 6", "yarn 4", "yarn 1", "tar-stream", "pnpm 10", "pnpm 12")


class Found(NamedTuple):
    """What a reader says: *files* by path, or the *error* that it stopped with."""

    files: Mapping[str, str]
    error: str = ""


def row(mode: int, contents: bytes) -> str:
    """A file as the readers tell it."""
    return f"{'x' if mode & 0o111 else '-'} {hashlib.sha1(contents, usedforsecurity=False).hexdigest()[:16]}"


def verified(raw: bytes, allow: Collection[str] = ()) -> Found:
    """What the gate finds in *raw* when it has nothing against it, *allow* being codes that do not count."""
    keep = Wanted(lambda _path, _size: True)
    archive = read_archive(io.BytesIO(raw), len(raw), keep, LIMITS)
    bad = only_errors(allow_codes(archive.findings, allow))
    if bad:
        return Found({}, f"{bad[0].code}: {bad[0].message}")
    return Found({each.path: row(each.mode, each.kept) for each in archive.members})


def as_npm_names(found: Found) -> Found:
    """*found* with npm's names for ignore files: `.gitignore` becomes `.npmignore` (pacote, fetcher.js)."""
    files: dict[str, str] = {}
    for path, about in found.files.items():
        folder, _, base = path.rpartition("/")
        other = f"{folder}/.npmignore".lstrip("/")
        if base == ".gitignore":
            if other in files and other in found.files:
                continue
            files[other] = about
        else:
            files[path] = about
    return Found(files, found.error)


def composed(found: Found) -> Found:
    """*found* with names in Unicode's composed form, which Debian's libarchive makes of them and bun's does not.

    The gate refuses two names that differ in nothing else.
    """
    return Found({unicodedata.normalize("NFC", path): about for path, about in found.files.items()}, found.error)


def _on_disk(name: str) -> str:
    """Return where *name* leads, below the first folder of it: bun and the system take dots for what they are."""
    return posixpath.normpath(name.lstrip("/").partition("/")[2])


def in_python(raw: bytes) -> Found:
    """What Python's tarfile finds, without the first folder of each path."""
    files = {}
    try:
        with tarfile.open(
            fileobj=io.BytesIO(raw), mode="r:gz", encoding="utf-8", errors="surrogateescape"
        ) as archive:
            for member in archive:
                if member.isreg():
                    source = archive.extractfile(member)
                    assert source is not None
                    files[_on_disk(member.name)] = row(member.mode, source.read())
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, RecursionError) as err:
        return Found({}, f"{type(err).__name__}: {err}")
    return Found(files)


class Libarchive:
    """libarchive as bun calls it: tar and GNU tar in gzip, archives behind the first one included."""

    _REGULAR = 0o100000
    _EOF, _RETRY, _WARN = 1, -10, -20

    def __init__(self) -> None:
        name = ctypes.util.find_library("archive")
        if name is None:
            missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
            missing("libarchive is not installed")
        lib = ctypes.CDLL(name)
        lib.archive_read_new.restype = ctypes.c_void_p
        lib.archive_entry_pathname.restype = ctypes.c_char_p
        lib.archive_entry_pathname.argtypes = [ctypes.c_void_p]
        lib.archive_entry_filetype.argtypes = [ctypes.c_void_p]
        lib.archive_entry_perm.argtypes = [ctypes.c_void_p]
        lib.archive_error_string.restype = ctypes.c_char_p
        lib.archive_read_data.restype = ctypes.c_ssize_t
        lib.archive_read_data.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
        lib.archive_read_open_memory.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
        lib.archive_read_next_header.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        lib.archive_read_set_options.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        for each in (
            "read_support_format_tar",
            "read_support_format_gnutar",
            "read_support_filter_gzip",
            "read_free",
        ):
            getattr(lib, f"archive_{each}").argtypes = [ctypes.c_void_p]
        lib.archive_error_string.argtypes = [ctypes.c_void_p]
        self._lib = lib
        self._buffer = ctypes.create_string_buffer(1 << 16)

    def read(self, raw: bytes) -> Found:
        """What libarchive finds in *raw*."""
        lib = self._lib
        archive = lib.archive_read_new()
        files: dict[str, str] = {}
        try:
            lib.archive_read_support_format_tar(archive)
            lib.archive_read_support_format_gnutar(archive)
            lib.archive_read_support_filter_gzip(archive)
            lib.archive_read_set_options(archive, b"read_concatenated_archives")
            if lib.archive_read_open_memory(archive, raw, len(raw)) != 0:
                return Found({}, self._error(archive))
            entry = ctypes.c_void_p()
            while (status := lib.archive_read_next_header(archive, ctypes.byref(entry))) != self._EOF:
                if status == self._RETRY:
                    continue
                if status < self._WARN:
                    return Found({}, self._error(archive))
                if lib.archive_entry_filetype(entry) & 0o170000 != self._REGULAR:
                    continue
                contents = self._contents(archive)
                if contents is None:
                    return Found({}, self._error(archive))
                name = lib.archive_entry_pathname(entry)
                files[_on_disk((name or b"").decode("utf-8", "surrogateescape"))] = row(
                    lib.archive_entry_perm(entry), contents
                )
        finally:
            lib.archive_read_free(archive)
        return Found(files)

    def _contents(self, archive: int) -> bytes | None:
        held = []
        while size := self._lib.archive_read_data(archive, self._buffer, len(self._buffer)):
            if size < 0:
                return None
            held.append(self._buffer.raw[:size])
        return b"".join(held)

    def _error(self, archive: int) -> str:
        return (self._lib.archive_error_string(archive) or b"an error").decode("utf-8", "replace")


class Node:
    """One node process with the installers' own code for reading tarballs."""

    def __init__(self, places: Sequence[Path] = ()) -> None:
        script = Path(__file__).with_name("tarreaders.cjs")
        roots = [str(place) for place in (*places, READERS)]
        self._process = subprocess.Popen(
            [node(), str(script), str(npm_root()), *roots], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.names: tuple[str, ...] = tuple(json.loads(self._line()))

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the node process ended"
        return line

    def read(self, batch: Sequence[bytes]) -> list[dict[str, Found]]:
        """What each reader finds in each tarball of *batch*."""
        assert self._process.stdin is not None
        for raw in (struct.pack(">I", len(batch)), *(struct.pack(">I", len(raw)) + raw for raw in batch)):
            self._process.stdin.write(raw)
        self._process.stdin.flush()
        answers = json.loads(self._line())
        return [
            {name: Found(said.get("files", {}), said.get("error", "")) for name, said in each.items()}
            for each in answers
        ]

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)


@contextlib.contextmanager
def node_readers(places: Sequence[Path] = ()) -> Iterator[Node]:
    """A node process for the block."""
    process = Node(places)
    try:
        yield process
    finally:
        process.close()


def disagreements(raw: bytes, said: Mapping[str, Found], allow: Collection[str] = ()) -> dict[str, str]:
    """How each reader differs from the gate on a tarball that the gate passes; nothing for one that it refuses."""
    own = verified(raw, allow)
    if own.error:
        return {}
    differing = {}
    for name, found in said.items():
        expected = as_npm_names(own) if name.startswith("npm") else own
        read = composed(found) if name == "libarchive" else found
        if name == "libarchive":
            expected = composed(expected)
        if read.error:
            differing[name] = f"stops: {read.error}"
        elif read.files != expected.files:
            differing[name] = _difference(expected.files, read.files)
    return differing


def _difference(expected: Mapping[str, str], found: Mapping[str, str]) -> str:
    paths = sorted(expected.keys() | found.keys())
    rows = [(path, expected.get(path), found.get(path)) for path in paths if expected.get(path) != found.get(path)]
    return "; ".join(f"{path!r}: {mine} / {other}" for path, mine, other in rows[:4])
