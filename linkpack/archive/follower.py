"""Read a tarball back while it is written, in a second thread.

The thread reads each block once the writer says that it is written. Changes that another process makes to the file
afterwards go unseen, but no other process knows its temporary name. The two threads talk through `SimpleQueue`
alone, since a signal handler can interrupt a `threading.Condition` while it holds its lock.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO

from linkpack.archive.readback import Digests, compare, read_back
from linkpack.system import read as fs
from linkpack.system.signals import delay_signals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linkpack.archive.entry import Entry


class Follower:
    """The file *out*, being written, and the thread that reads it back.

    `follow` makes, starts and ends one.
    """

    def __init__(self, out: BinaryIO, entries: Sequence[Entry]) -> None:
        self._out = out
        self._handle = out.fileno()
        self._entries = entries
        # With a `threading.Condition` instead of queues, Ctrl-C hung 3 of 788 runs.
        self._grown: SimpleQueue[int] = SimpleQueue()  # bytes written; 0 when there will be no more
        self._ready = 0  # bytes that are written and not read
        self._read = 0
        self._outcome: Digests | BaseException | None = None
        self._over: SimpleQueue[None] = SimpleQueue()

    def start(self) -> None:
        """Start the thread.

        Raises RuntimeError when the system gives none.
        """
        threading.Thread(target=self._follow, daemon=True).start()

    def write(self, piece: bytes) -> int:
        """Write *piece*, which the thread can read at once."""
        self._out.write(piece)
        self._out.flush()
        if piece:
            self._grown.put(len(piece))
        return len(piece)

    def read(self, size: int) -> bytes:
        """Return the next *size* bytes or fewer, once they are written.

        b"" is the end of the file.
        """
        if not self._ready:
            self._ready = self._grown.get()
            if not self._ready:
                self._grown.put(0)  # for the next call
                return fs.read_at(self._handle, size, self._read)  # b"", unless another process added to it
        piece = fs.read_at(self._handle, min(size, self._ready), self._read)
        self._ready -= len(piece)
        self._read += len(piece)
        return piece

    def check(self, shasum: str, crc: int) -> None:
        """Let the thread read the rest, and compare.

        The file must be complete. Raises as `readback.check_tarball`.
        """
        outcome = self.end()
        if isinstance(outcome, BaseException):
            raise outcome
        compare(outcome, shasum, crc)

    def end(self) -> Digests | BaseException:
        """Let the thread end, and return its outcome.

        It reads what is written by now.
        """
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
def follow(out: BinaryIO, entries: Sequence[Entry]) -> Iterator[Follower | None]:
    """Yield a file to write to that is read back meanwhile.

    *out* is a new file that is to hold *entries*. Yields None when the system gives no thread. `Follower.check`
    gives the outcome. Whatever happens in the block, nothing reads *out* after it.
    """
    file = Follower(out, entries)
    started = False
    try:
        with delay_signals():
            started = _start(file)
        yield file if started else None
    finally:
        if started:
            with delay_signals():
                file.end()


def _start(file: Follower) -> bool:
    try:
        file.start()
    except RuntimeError:
        return False
    return True
