"""Reads a tarball back while it is still being written, a step behind the writer and in a thread of its own.

What the disk has is read once it is there: what somebody writes over it afterwards is not seen, but nobody else
knows of a draft. The two threads talk through `SimpleQueue` alone: no signal can leave it half-done, as it can a
`threading.Condition`.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO

from linkpack.archive.readback import Found, compare, read_back
from linkpack.system import read as fs
from linkpack.system.signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linkpack.archive.entry import Entry


class Followed:
    """The file *out*, being written, and what follows; to be used as `followed` gives it."""

    def __init__(self, out: BinaryIO, entries: Sequence[Entry]) -> None:
        self._out = out
        self._handle = out.fileno()
        self._entries = entries
        self._grown: SimpleQueue[int] = SimpleQueue()  # bytes written; 0: there will be no more
        self._ready = 0  # bytes that are written and not read
        self._read = 0
        self._outcome: Found | BaseException | None = None
        self._over: SimpleQueue[None] = SimpleQueue()

    def start(self) -> None:
        """Begin to follow; RuntimeError when the system gives no thread."""
        threading.Thread(target=self._follow, daemon=True).start()

    def write(self, piece: bytes) -> int:
        """Write *piece* to the file, from where it can be read at once. `OSError` as the file raises it."""
        self._out.write(piece)
        self._out.flush()
        if piece:
            self._grown.put(len(piece))
        return len(piece)

    def read(self, size: int) -> bytes:
        """The next bytes of the file, at most *size*, once they are written; none at its end."""
        if not self._ready:
            self._ready = self._grown.get()
            if not self._ready:
                self._grown.put(0)  # whoever asks again is told again
                return fs.read_at(self._handle, size, self._read)  # nothing, unless somebody added to it
        piece = fs.read_at(self._handle, min(size, self._ready), self._read)
        self._ready -= len(piece)
        self._read += len(piece)
        return piece

    def check(self, shasum: str, crc: int) -> None:
        """Have the rest read, the file being whole, and compare; raises as `readback.check_tarball` does."""
        outcome = self.end()
        if isinstance(outcome, BaseException):
            raise outcome
        compare(outcome, shasum, crc)

    def end(self) -> Found | BaseException:
        """Let the thread come to its end with what is written, wait for it, and say what came of it."""
        self._grown.put(0)
        while self._outcome is None:
            self._over.get()
        return self._outcome

    def _follow(self) -> None:
        try:
            self._outcome = read_back(self, self._entries)
        except BaseException as err:  # noqa: BLE001 - raised again by whoever checks
            self._outcome = err
        self._over.put(None)


@contextmanager
def followed(out: BinaryIO, entries: Sequence[Entry]) -> Iterator[Followed | None]:
    """What to write to instead of *out*, a new file that is to hold *entries*; None when no thread is to be had.

    What it is checked with is `Followed.check`. Whatever happens in the block, nothing reads *out* after it.
    """
    file = Followed(out, entries)
    started = False
    try:
        with uninterrupted():
            started = _started(file)
        yield file if started else None
    finally:
        if started:
            with uninterrupted():
                file.end()


def _started(file: Followed) -> bool:
    try:
        file.start()
    except RuntimeError:
        return False
    return True
