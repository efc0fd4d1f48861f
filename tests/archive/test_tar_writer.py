"""The tar stream: headers field by field, and the stream as Python's own tarfile reads it."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkpack.archive.entry import Entry
from linkpack.archive.tar_header import BLOCK, MTIME, entry_header, split_path
from linkpack.archive.tar_writer import tar_blocks

LONG = 8 << 30  # the first size that octal digits cannot say


def entry(path: str, data: bytes, mode: int = 0o644) -> Entry:
    """An entry that carries its own contents."""
    return Entry(path, data, len(data), mode)


def stream(*entries: Entry) -> bytes:
    """The whole tar stream of *entries*."""
    return b"".join(tar_blocks(entries, lambda one: (one.source,) if isinstance(one.source, bytes) else ()))


def test_every_field_of_a_plain_header_is_npms() -> None:
    """Every field of a plain header is where ustar has it, with npm's constants."""
    header = entry_header("package/a.js", 5, 0o755)
    fields = {
        "name": header[:100].rstrip(b"\0"),
        "mode": header[100:108],
        "owner": header[108:124],
        "size": header[124:136],
        "mtime": header[136:148],
        "type": header[156:157],
        "link": header[157:257],
        "magic": header[257:265],
        "names": header[265:329],
        "devices": header[329:345],
        "prefix": header[345:500],
    }
    assert len(header) == BLOCK
    assert fields == {
        "name": b"package/a.js",
        "mode": b"000755 \0",
        "owner": bytes(16),
        "size": b"0000000005 \0",
        "mtime": b"3560116604 \0",
        "type": b"0",
        "link": bytes(100),
        "magic": b"ustar\x0000",
        "names": bytes(64),
        "devices": b"000000 \0" * 2,
        "prefix": bytes(155),
    }


@pytest.mark.parametrize("path", ["package/a", "package/" + "n" * 91, "x" * 70 + "/" + "y" * 90, "package/é"])
def test_the_checksum_is_the_sum_of_the_header(path: str) -> None:
    """The checksum of each header is the sum of its bytes with its own field blank."""
    header = entry_header(path, 1, 0o644)[-BLOCK:]
    assert int(header[148:154], 8) == sum(header[:148]) + 8 * 0x20 + sum(header[156:])


@pytest.mark.parametrize(
    ("size", "field", "pax"),
    [
        (0, b"0000000000 \0", False),
        (0o7777777777, b"7777777777 \0", False),
        (0o10000000000, b"10000000000\0", False),
        (LONG - 1, b"77777777777\0", False),
        (LONG, b"\x80" + LONG.to_bytes(11, "big"), True),
    ],
)
def test_a_size_has_as_many_digits_as_it_needs(size: int, field: bytes, pax: bool) -> None:  # noqa: FBT001 - pytest passes it
    """Ten digits, eleven when needed, base 256 and a pax header from 8 GiB on."""
    header = entry_header("package/big", size, 0o644)
    assert header[-BLOCK:][124:136] == field
    assert (len(header) > BLOCK) == pax


@pytest.mark.parametrize(
    ("path", "name", "prefix", "short"),
    [
        ("p/" + "a" * 97, "p/" + "a" * 97, "", False),
        ("p/" + "a" * 98, "a" * 98, "p", False),
        ("p/" + "a" * 100, "a" * 100, "p", False),
        ("p/" + "a" * 101, "a" * 99, "p", True),
        ("a" * 100, "a" * 99, "", True),
        ("a" * 155 + "/b", "b", "a" * 155, False),
        ("a" * 156 + "/b", "a" * 99, "", True),
        ("a" * 100 + "/" + "b" * 60 + "/c", "b" * 60 + "/c", "a" * 100, False),
        ("p/" + "é" * 48, "p/" + "é" * 48, "", False),
        ("p/" + "é" * 49, "é" * 49, "p", False),
        ("p/" + "a" * 98 + "😀", "a" * 98 + "\ufffd", "p", True),
    ],
)
def test_a_path_is_split_where_a_slash_allows_it(path: str, name: str, prefix: str, short: bool) -> None:  # noqa: FBT001 - pytest passes it
    """A path goes into name and prefix where a slash allows it, and is cut off where none does."""
    assert split_path(path) == (name, prefix, short)


@pytest.mark.parametrize("pad", range(85, 105))
def test_pax_record_counts_itself(pad: int) -> None:
    """The length that begins a pax record is that of the whole record, around a hundred too."""
    path = "é" + "x" * (pad - 9)
    body = entry_header(path, 7, 0o644)[BLOCK:-BLOCK]
    length = int(body.split(b" ", 1)[0])
    assert body[:length] == f"{length} path={path}\n".encode()
    assert body[length:].rstrip(b"\0") == b"19 mtime=%d\n9 size=7\n" % MTIME


def test_a_stream_ends_with_two_zero_blocks() -> None:
    """The stream ends with two zero blocks and no padding to a record; an empty one is nothing else."""
    assert stream() == bytes(1024)
    assert stream(entry("package/a", b"x")) == entry_header("package/a", 1, 0o644) + b"x".ljust(
        BLOCK, b"\0"
    ) + bytes(1024)


def test_large_files_come_in_pieces() -> None:
    """A file that is large is given as it is read, not gathered first."""
    pieces = [b"a" * (1 << 18), b"b"]
    got = list(tar_blocks([Entry("package/a", "", (1 << 18) + 1, 0o644)], lambda _: pieces))
    assert got[1:3] == pieces
    assert [len(piece) for piece in got] == [BLOCK, 1 << 18, 1, 511, 1024]


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=60)
PATHS = st.lists(TEXT, min_size=1, max_size=5).map(lambda parts: "/".join(["package", *parts]))
ENTRIES = st.lists(
    st.builds(entry, PATHS, st.binary(max_size=1200), st.sampled_from((0o644, 0o755, 0o600, 0o711, 0o4755))),
    max_size=4,
)


@pytest.mark.property
@settings(derandomize=True, deadline=None, max_examples=100)
@given(ENTRIES)
def test_tarfile_reads_it_back(entries: list[Entry]) -> None:
    """Names, sizes, modes and contents come back as they went in, whatever is in the names."""
    with tarfile.open(fileobj=io.BytesIO(stream(*entries)), mode="r:") as archive:
        members = archive.getmembers()
        found = [(m.name, m.mode, m.mtime, (archive.extractfile(m) or io.BytesIO()).read()) for m in members]
    assert found == [(one.path, one.mode, MTIME, one.source) for one in entries]
