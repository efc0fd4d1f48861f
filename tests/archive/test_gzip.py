"""The gzip member: its bytes depend on the input alone, and any zlib reads them."""

from __future__ import annotations

import gzip
import hashlib
import threading
import zlib
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkpack.archive import gzip as deflate
from linkpack.archive.gzip import COMPRESSOR, describe_compressor, gzip_stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.archive.gzip import GzipLevel

BLOCK = 1 << 18
THREADS = (0, 1, 2, 5)
LEVELS: tuple[GzipLevel, ...] = ("default", "max")


def sample(size: int) -> bytes:
    """Bytes, always the same, that compress about as well as source code does."""
    random = Random(7)  # noqa: S311 - a fixed input, not a secret
    words = [random.randbytes(random.randint(2, 9)).hex().encode() for _ in range(300)]
    return b" ".join(random.choices(words, k=size // 8 + 1))[:size]


def packed(*pieces: bytes, threads: int = 2, level: GzipLevel = "default") -> bytes:
    """The whole member."""
    return b"".join(gzip_stream(pieces, threads, level))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 4 * BLOCK, 5 * BLOCK + 17, 20 * BLOCK])
def test_every_size_comes_back_whole(size: int, threads: int, level: GzipLevel) -> None:
    """Every size, block borders too, comes back whole, and the bytes do not depend on the threads."""
    data = sample(size)
    made = packed(data, threads=threads, level=level)
    assert gzip.decompress(made) == data
    assert made == packed(data, threads=1, level=level)


@pytest.mark.parametrize("level", LEVELS)
def test_header_and_trailer_are_npms(level: GzipLevel) -> None:
    """The header has no time, no name, npm's XFL and OS; the trailer has CRC and length."""
    data = sample(1000)
    made = packed(data, level=level)
    assert made[:10].hex() == "1f8b08000000000002ff"
    assert made[-8:] == zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little")


@pytest.mark.parametrize("level", LEVELS)
def test_nothing_follows_the_only_member(level: GzipLevel) -> None:
    """Nothing follows the only member, however many blocks it has."""
    unzip = zlib.decompressobj(31)
    unzip.decompress(packed(sample(9 * BLOCK), level=level))
    assert unzip.eof
    assert unzip.unused_data == b""


@pytest.mark.parametrize(
    ("level", "size", "digest"),
    [
        ("default", 3 * BLOCK + 5, "6b286fe7b8aa8e2a0169ec3188df7628c3c9736876f4fa4c162193958bf3da3a"),
        ("max", 9 * BLOCK + 5, "d2e9441c7d23a45acf02767fe2af5595690845f1a340078a5b7e6956e04c9a63"),
    ],
)
def test_bytes_are_pinned(level: GzipLevel, size: int, digest: str) -> None:
    """The compressed bytes of a fixed input are these: another digest is another format, for the changelog."""
    assert hashlib.sha256(packed(sample(size), level=level)).hexdigest() == digest


def test_max_is_smaller() -> None:
    """The level that is asked for smaller files makes them."""
    data = sample(9 * BLOCK)
    assert len(packed(data, level="max")) < len(packed(data))


def test_the_compressor_is_named() -> None:
    """Each level's name says what decides its bytes; the default's is the constant."""
    assert describe_compressor("default") == COMPRESSOR == "zlib-ng 1.1.0, level 7, memLevel 7, blocks of 262144"
    assert describe_compressor("max") == "zlib-ng 1.1.0, level 9, memLevel 7, blocks of 1048576"


@pytest.mark.property
@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 3_000_000), max_size=8), st.sampled_from(THREADS), st.sampled_from(LEVELS))
def test_cuts_do_not_matter(cuts: list[int], threads: int, level: GzipLevel) -> None:
    """However the stream comes in pieces, empty ones included, the bytes are the same."""
    data = sample(600_000 if level == "default" else 2_500_000)
    borders = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(borders)]
    assert packed(*pieces, threads=threads, level=level) == packed(data, threads=1, level=level)


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("blocks", [0, 1, 3, 30])
def test_errors_of_the_input_come_through(blocks: int, threads: int) -> None:
    """What the input raises, early or late, is raised here, and no thread stays behind."""

    def pieces() -> Iterator[bytes]:
        for _ in range(blocks):
            yield bytes(BLOCK)
        raise OSError("gone")

    before = set(threading.enumerate())
    with pytest.raises(OSError, match="gone"):
        list(gzip_stream(pieces(), threads))
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("threads", THREADS)
def test_errors_of_the_compressor_come_through(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    """What fails in a thread, want of memory say, is raised to the caller, and no thread stays behind."""

    def fail(*_: object, last: bool) -> bytes:
        raise MemoryError(last)

    before = set(threading.enumerate())
    monkeypatch.setattr(deflate, "_compress", fail)
    with pytest.raises(MemoryError):
        packed(bytes(9 * BLOCK), threads=threads)
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("given", [0, 1])
def test_fewer_threads_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch, given: int) -> None:
    start = threading.Thread.start
    started: list[threading.Thread] = []

    def scarce(self: threading.Thread) -> None:
        if len(started) >= given:
            raise RuntimeError("can't start new thread")
        started.append(self)
        start(self)

    monkeypatch.setattr(threading.Thread, "start", scarce)
    assert packed(sample(9 * BLOCK), threads=3) == packed(sample(9 * BLOCK), threads=1)
    assert len(started) == given


def test_unfinished_use_leaves_no_thread() -> None:
    """A caller that stops early stops the threads as well."""
    before = set(threading.enumerate())
    stream = gzip_stream([bytes(40 * BLOCK)], 2)
    assert [len(next(stream)) > 0 for _ in range(3)] == [True] * 3
    del stream
    assert set(threading.enumerate()) <= before


def test_input_is_not_gathered() -> None:
    """Output comes while input is still to be read: only a few blocks a thread are held."""
    taken = []

    def pieces() -> Iterator[bytes]:
        for number in range(100):
            taken.append(number)
            yield bytes(BLOCK)

    stream = gzip_stream(pieces(), 2)
    head = next(stream) + next(stream)
    assert len(taken) <= 9
    assert len(gzip.decompress(head + b"".join(stream))) == 100 * BLOCK
