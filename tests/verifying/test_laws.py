"""What holds of any bytes at all that somebody calls a tarball."""

from __future__ import annotations

import io
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkpack.errors import LinkpackError, PlanRejected
from linkpack.verifying import verdict as api
from linkpack.verifying.difference import diff
from linkpack.verifying.unpack import unpack
from tests.support.badtar import BODY, END, gnu, gz, header, manifest, member, pax, write_raw

LONG = b"package/" + b"n" * 120
PIECES = (
    BODY
    + header(b"package/lib/", 0, b"5", mode=0o755)
    + pax({b"path": LONG, b"mtime": b"1"})
    + member("package/n")
    + gnu(b"L", LONG + b"2\0")
    + member("package/n", mode=0o755)
    + member("package/empty", b"")
    + END
)
PATCHES = st.lists(st.tuples(st.integers(0, len(PIECES) - 1), st.binary(min_size=1, max_size=8)), max_size=4)
LINKS = {b"1": b"../x", b"2": b"../x"}
NAMES = st.lists(
    st.text(st.characters(codec="utf-8") | st.sampled_from("/.\\: aA"), max_size=20)
    | st.sampled_from(["..", "a/../b", "a/b", "a", "A", "a/", "/x", "CON", "a//b"]),
    max_size=5,
)


def patched(patches: list[tuple[int, bytes]], *, mend: bool) -> bytes:
    """The pieces with *patches* written over them; checksums mended or not."""
    stream = bytearray(PIECES)
    for at, data in patches:
        stream[at : at + len(data)] = data
    for at in range(0, len(stream) - 511, 512) if mend else ():
        if stream[at + 257 : at + 262] == b"ustar":
            stream[at + 148 : at + 156] = b" " * 8
            stream[at + 148 : at + 156] = b"%06o\0 " % sum(stream[at : at + 512])
    return bytes(stream)


def check(raw: bytes) -> None:
    """Either the tarball is refused, or what lands on the disk is what Python's tarfile reads in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = write_raw(folder, raw)
        (folder / "to").mkdir()
        try:
            unpack(path, folder / "to", allow=["EFILENAME", "EWINDOWS", "ECASE"])
        except PlanRejected:
            assert not api.verify(path).ok
            assert list((folder / "to").iterdir()) == []
        else:
            with tarfile.open(path, encoding="utf-8") as archive:
                files = {each.name.partition("/")[2] for each in archive if each.isreg()}
            there = (folder / "to" / "package").rglob("*")
            assert files == {str(each.relative_to(folder / "to" / "package")) for each in there if each.is_file()}
        assert sorted(each.name for each in folder.iterdir()) == [path.name, "to"]


@pytest.mark.property
@settings(derandomize=True, deadline=None, max_examples=150)
@given(PATCHES, st.booleans())
def test_patched_streams(patches: list[tuple[int, bytes]], mend: bool) -> None:  # noqa: FBT001 - hypothesis's
    """Whatever bytes are written over a tarball's stream, it is refused, or read as another reader does."""
    check(gz(patched(patches, mend=mend)))


@pytest.mark.property
@settings(derandomize=True, deadline=None, max_examples=80)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.binary(min_size=1, max_size=4)), max_size=3), st.integers(0, 500)
)
def test_patched_files(patches: list[tuple[int, bytes]], cut: int) -> None:
    """The same of the gzip file itself, which may be cut short."""
    raw = bytearray(gz(PIECES))
    for at, data in patches:
        raw[at : at + len(data)] = data
    check(bytes(raw[: len(raw) - cut] if cut < len(raw) // 2 else raw))


@pytest.mark.property
@settings(derandomize=True, deadline=None, max_examples=120)
@given(NAMES, st.sampled_from([b"0", b"5", b"1", b"2", b"7"]))
def test_any_names(names: list[str], kind: bytes) -> None:
    """Whatever entries are called, nothing is written but files below the package's folder."""
    entries = b"".join(
        pax({b"path": b"package/" + name.encode()}) + header(b"PaxHeader", 0, kind, LINKS.get(kind, b""))
        for name in names
    )
    check(gz(BODY + entries + END))


@pytest.mark.property
@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.binary(max_size=2000))
def test_any_bytes_as_a_manifest(data: bytes) -> None:
    """Whatever a package.json holds, there is a verdict and no crash."""
    with tempfile.TemporaryDirectory() as name:
        path = write_raw(Path(name), gz(member("package/package.json", data) + END))
        assert api.verify(path).findings


@pytest.mark.property
@settings(derandomize=True, deadline=None, max_examples=80)
@given(
    st.dictionaries(
        st.sampled_from(
            ["name", "main", "exports", "bin", "license", "types", "dependencies", "bundleDependencies", "man",
             "peerDependencies", "optionalDependencies", "directories", "typesVersions", "module"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["./*", "..", "."]),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=6,
        ),
    )
)  # fmt: skip
def test_any_fields(fields: dict[str, object]) -> None:
    """Whatever fields a manifest has, of whatever type, in the package or a bundled one, there is a verdict."""
    with tempfile.TemporaryDirectory() as name:
        inner = manifest("package/node_modules/a/package.json", **fields)
        path = write_raw(Path(name), gz(manifest("package/package.json", **fields) + inner + END))
        verdict = api.verify(path)
        assert verdict.entries == 2
        try:
            found = diff(path, path)
        except LinkpackError:
            return
        assert found.is_same_file


def test_a_stream_as_it_is() -> None:
    """The stream that the laws start from is a good one."""
    check(gz(PIECES))
    with tarfile.open(fileobj=io.BytesIO(PIECES)) as archive:
        assert len(archive.getmembers()) == 6
