"""Reads a tarball back while it is still being written, a step behind the writer and in a thread of its own."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from linkpack.disk import fs
from linkpack.tarballs.readback import Found, compare, read_back

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linkpack.tarballs.archive import Entry


class Followed:
    """The file *out*, being written, and what follows; to be used as `followed` gives it."""

    def __init__(self, out: BinaryIO, entries: Sequence[Entry]) -> None:
        self._out = out
        self._handle = out.fileno()
        self._entries = entries
        self._grown = threading.Condition()
        self._written = 0
        self._read = 0
        self._ended = False
        self._found: Found | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> None:
        """Begin to follow; RuntimeError when the system gives no thread."""
        self._thread.start()

    def write(self, piece: bytes) -> int:
        """Write *piece* to the file, from where it can be read at once. `OSError` as the file raises it."""
        self._out.write(piece)
        self._out.flush()
        with self._grown:
            self._written += len(piece)
            self._grown.notify()
        return len(piece)

    def read(self, size: int) -> bytes:
        """The next bytes of the file, at most *size*, once they are written; none at its end."""
        with self._grown:
            self._grown.wait_for(lambda: self._ended or self._written > self._read)
            size = min(size, self._written - self._read)
        piece = fs.read_at(self._handle, size, self._read)
        self._read += len(piece)
        return piece

    def check(self, shasum: str, crc: int) -> None:
        """Read the rest, the file being whole, and compare; raises as `readback.check_tarball` does."""
        self.end()
        if self._error is not None:
            raise self._error
        if self._found is not None:
            compare(self._found, shasum, crc)

    def end(self) -> None:
        """Let the thread come to its end with what is written, and wait for it."""
        with self._grown:
            self._ended = True
            self._grown.notify()
        self._thread.join()

    def _follow(self) -> None:
        try:
            self._found = read_back(self, self._entries)
        except Exception as err:  # noqa: BLE001 - raised again by whoever checks
            self._error = err


@contextmanager
def followed(out: BinaryIO, entries: Sequence[Entry]) -> Iterator[Followed | None]:
    """What to write to instead of *out*, a new file that is to hold *entries*; None when no thread is to be had.

    What it is checked with is `Followed.check`. Whatever happens in the block, nothing reads *out* after it.
    """
    file = Followed(out, entries)
    try:
        file.start()
    except RuntimeError:
        yield None
        return
    try:
        yield file
    finally:
        file.end()
