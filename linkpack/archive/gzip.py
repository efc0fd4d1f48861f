"""Compress the tar stream to the same bytes on every machine.

One compressor, pinned: zlib-ng 1.1.0 at level 7 with memLevel 7, on blocks of 256 KiB. Each block starts from the
32 KiB before it and ends on a byte boundary, as pigz does. The result is one gzip member, and its bytes depend
neither on the machine's zlib nor on the number of threads.

Measured on npm's own folder (13.8 MB): 1.002 times npm's size, in a third of the time of its compressor on one
thread, a seventh on two. The smaller memLevel gives shorter Huffman blocks, which pay on many small files: at the
usual 9 the same level gives 1.007. The level `"max"` is zlib-ng's 9 on blocks of 1 MiB: 0.9999 times npm's size
for 1.4 times the work. Level 8 is smaller there (0.9990), but larger on most trees and dearer on all.

Changing any of this changes every tarball: it is a change of format, to be named in the changelog.
"""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Literal, TypeAlias

from zlib_ng import zlib_ng

from linkpack.record import Record
from linkpack.system.signals import delay_signals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

GzipLevel: TypeAlias = Literal["default", "max"]


class _Setting(Record):
    """Settings of the compressor.

    *level* is zlib-ng's, *block* the number of bytes that are compressed at a time.
    """

    level: int
    block: int


_SETTINGS: Mapping[GzipLevel, _Setting] = {"default": _Setting(7, 1 << 18), "max": _Setting(9, 1 << 20)}
_WINDOW = 1 << 15  # bytes of the block before that a block may refer to
_MEM_LEVEL = 7
# mtime 0; XFL 2 and OS 255 as npm writes them (zlib's "best", "unknown").
_HEADER = bytes.fromhex("1f8b08000000000002ff")


def describe_compressor(level: GzipLevel) -> str:
    """Describe what makes the bytes at *level*.

    The same text means the same bytes for the same stream.
    """
    setting = _SETTINGS[level]
    return f"zlib-ng 1.1.0, level {setting.level}, memLevel {_MEM_LEVEL}, blocks of {setting.block}"


COMPRESSOR = describe_compressor("default")


class _Task:
    """One block on its way through a thread."""

    __slots__ = ("block", "done", "error", "last", "level", "out", "window")

    def __init__(self, level: int, block: bytes, window: bytes, *, last: bool) -> None:
        self.level = level
        self.block = block
        self.window = window
        self.last = last
        self.out = b""
        self.error: Exception | None = None
        # A lock, not an Event: a signal can leave the `threading.Condition` in that locked for good.
        self.done = threading.Lock()
        self.done.acquire()

    def run(self) -> None:
        try:
            self.out = _compress(self.level, self.block, self.window, last=self.last)
        except Exception as err:  # noqa: BLE001 - raised again by whoever asks for the result
            self.error = err
        self.done.release()

    def result(self) -> bytes:
        self.done.acquire()
        if self.error is not None:
            raise self.error
        return self.out


def _compress(level: int, block: bytes, window: bytes, *, last: bool) -> bytes:
    primed = {"zdict": window} if window else {}
    packer = zlib_ng.compressobj(level, zlib_ng.DEFLATED, -15, _MEM_LEVEL, 0, **primed)
    end = zlib_ng.Z_FINISH if last else zlib_ng.Z_SYNC_FLUSH
    return packer.compress(block) + packer.flush(end)


def gzip_stream(pieces: Iterable[bytes], threads: int = 2, level: GzipLevel = "default") -> Iterator[bytes]:
    """Compress *pieces* into one gzip member.

    Its bytes are the same for any number of *threads*. A stream of one block is compressed by the caller's own
    thread. At most three blocks a thread are in memory at a time. Whatever *pieces* raises is raised here.
    """
    yield _HEADER
    crc = 0
    size = 0
    setting = _SETTINGS[level]
    blocks = _cut_blocks(pieces, setting.block)
    block, last = next(blocks)
    if last or threads <= 1:
        work = _compress_one_by_one(setting.level, block, blocks, last=last)
    else:
        work = _compress_in_threads(setting.level, block, blocks, threads)
    for plain, packed in work:
        crc = zlib_ng.crc32(plain, crc)
        size += len(plain)
        yield packed
    yield crc.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")


def _cut_blocks(pieces: Iterable[bytes], length: int) -> Iterator[tuple[bytes, bool]]:
    """Yield the stream in blocks, at least one.

    Each has *length* bytes but the last, and comes with whether it is that.
    """
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size <= length:
            continue
        joined = b"".join(waiting)
        # The last block is known only when nothing follows: a full one waits for the next byte.
        start = 0
        while size - start > length:
            yield joined[start : start + length], False
            start += length
        waiting = [joined[start:]]
        size -= start
    yield b"".join(waiting), True


def _compress_one_by_one(
    level: int, block: bytes, blocks: Iterator[tuple[bytes, bool]], *, last: bool
) -> Iterator[tuple[bytes, bytes]]:
    window = b""
    while True:
        yield block, _compress(level, block, window, last=last)
        if last:
            return
        window = block[-_WINDOW:]
        block, last = next(blocks)


def _compress_in_threads(
    level: int, block: bytes, blocks: Iterator[tuple[bytes, bool]], threads: int
) -> Iterator[tuple[bytes, bytes]]:
    """Compress several blocks at a time, and yield in order.

    Yields what `_compress_one_by_one` does.
    """
    # By hand, as `concurrent.futures` imports `logging`: 5 ms of a run (-X importtime).
    tasks: SimpleQueue[_Task | None] = SimpleQueue()
    workers: list[threading.Thread] = []
    try:
        with delay_signals():
            workers += _start_workers(tasks, threads)
        if not workers:
            yield from _compress_one_by_one(level, block, blocks, last=False)
            return
        waiting: list[_Task] = []
        window = b""
        last = False
        while True:
            task = _Task(level, block, window, last=last)
            tasks.put(task)
            waiting.append(task)
            if last:
                break
            # Enough for each thread to have a block at hand while the results are written in order.
            if len(waiting) >= 3 * threads:
                done = waiting.pop(0)
                yield done.block, done.result()
            window = block[-_WINDOW:]
            block, last = next(blocks)
        for done in waiting:
            yield done.block, done.result()
    finally:
        # Also when the caller stops half-way: a thread that waits for ever would keep what it holds.
        for _ in workers:
            tasks.put(None)
        for worker in workers:
            worker.join()


def _start_workers(tasks: SimpleQueue[_Task | None], threads: int) -> list[threading.Thread]:
    """Start *threads* threads, or as many as the system gives."""
    workers: list[threading.Thread] = []
    while len(workers) < threads:
        worker = threading.Thread(target=_run_tasks, args=(tasks,), daemon=True)
        try:
            worker.start()
        except RuntimeError:
            break
        workers.append(worker)
    return workers


def _run_tasks(tasks: SimpleQueue[_Task | None]) -> None:
    while (task := tasks.get()) is not None:
        task.run()
