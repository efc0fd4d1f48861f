"""The reader that verification uses: it reads what the writer writes, however it is cut, and nothing else."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from typing import TYPE_CHECKING

import pytest
import tarsafe
from hypothesis import given, settings
from hypothesis import strategies as st

from linkpack.archive import readback
from linkpack.archive.entry import Entry
from linkpack.archive.readback import check_tarball
from linkpack.archive.tar_header import BLOCK, entry_header, read_written_records
from linkpack.archive.tar_writer import tar_blocks
from linkpack.errors import VerifyFailed

if TYPE_CHECKING:
    from collections.abc import Iterable


def shasum(packed: bytes) -> str:
    """What the registry records of the file *packed*."""
    return hashlib.sha1(packed, usedforsecurity=False).hexdigest()


NAMES = st.text(st.sampled_from("aé日😀./ -"), min_size=1, max_size=40)
LONG = st.integers(80, 300).map(lambda size: "/".join("d" * 50 for _ in range(6))[:size])
ENTRIES = st.builds(
    lambda path, size, mode: Entry(f"package/{path}.", bytes(size), size, mode),
    NAMES | LONG,
    st.sampled_from([0, 1, 511, 512, 513, 3000]),
    st.sampled_from([0o644, 0o755]),
)


def stream(entries: Iterable[Entry]) -> bytes:
    """The tar stream of *entries*."""
    return b"".join(tar_blocks(entries, lambda one: (one.source,) if isinstance(one.source, bytes) else ()))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(ENTRIES, max_size=6), st.sampled_from([1, 511, 512, 700, 1 << 20]))
def test_entries_read_back_as_planned(entries: list[Entry], piece: int) -> None:
    """Any entries read back as planned, whatever pieces the stream comes in; tarsafe sees the same."""
    tar = stream(entries)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readback, "_PIECE", piece)
        patch.setattr(readback, "_READ", 100)
        packed = gzip.compress(tar)
        check_tarball(io.BytesIO(packed), entries, shasum(packed), zlib.crc32(tar))
    with tarsafe.TarSafe.open(fileobj=io.BytesIO(tar), mode="r:") as other:
        assert [(one.name, one.size, one.mode) for one in other] == [
            (one.path, one.size, one.mode) for one in entries
        ]


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(ENTRIES, min_size=1, max_size=3), st.data())
def test_no_byte_may_differ(entries: list[Entry], data: st.DataObject) -> None:
    """A stream with one byte changed fails, wherever it is."""
    tar = bytearray(stream(entries))
    sum_of_planned = zlib.crc32(tar)
    tar[data.draw(st.integers(0, len(tar) - 1))] ^= data.draw(st.integers(1, 255))
    packed = gzip.compress(bytes(tar))
    with pytest.raises(VerifyFailed):
        check_tarball(io.BytesIO(packed), entries, shasum(packed), sum_of_planned)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(ENTRIES, max_size=3), st.data())
def test_no_byte_may_be_missing(entries: list[Entry], data: st.DataObject) -> None:
    """A stream that ends early fails, wherever it ends."""
    tar = stream(entries)
    tar = tar[: data.draw(st.integers(0, len(tar) - 1))]
    packed = gzip.compress(tar)
    with pytest.raises(VerifyFailed):
        check_tarball(io.BytesIO(packed), entries, shasum(packed), zlib.crc32(tar))


def test_other_bytes_of_the_same_stream_fail() -> None:
    tar = stream([])
    with pytest.raises(VerifyFailed, match="its bytes are not what was written"):
        check_tarball(io.BytesIO(gzip.compress(tar, 1)), [], shasum(gzip.compress(tar, 9)), zlib.crc32(tar))


class Headers(readback._Stream):  # noqa: SLF001 - contents of such sizes cannot be made for a test
    """A stream of which only headers exist; contents are passed over at once."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO())
        self._piece = data
        self.passed = 0

    def skip(self, size: int) -> None:
        """Count what is passed over; the end of a block is there."""
        self.passed += size
        if size < BLOCK:
            super().skip(size)


@pytest.mark.parametrize("size", [0o77777777777, 0o100000000000, 1 << 40])
def test_a_size_beyond_octal_digits_reads_back(size: int) -> None:
    """A size of 8 GiB and more reads back, from the header or from the pax record before it."""
    found = Headers(entry_header("package/big", size, 0o644))
    readback._check_member(found, Entry("package/big", b"", size, 0o644))  # noqa: SLF001 - see above
    assert found.passed >= size


@pytest.mark.parametrize(
    "body", [b"x", b"12 path=a\n", b"9 path=ab\n", b"7 path\n", b"10 path=ab", b"1 \n", b"0 a=b\n"]
)
def test_a_broken_pax_record_is_a_value_error(body: bytes) -> None:
    """A pax header that is not what the writer writes is a ValueError."""
    with pytest.raises(ValueError, match=r"pax|invalid literal|subsection"):
        read_written_records(body)
