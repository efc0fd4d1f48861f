"""Writing, verifying and putting in place: the whole tarball or nothing."""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import tarfile
import zlib
from typing import TYPE_CHECKING

import pytest

from linkpack.archive import gzip as deflate
from linkpack.archive import writer as tarball
from linkpack.archive.entry import Entry
from linkpack.archive.tar_writer import tar_blocks
from linkpack.archive.writer import TarballFile, measure_tarball, write_tarball
from linkpack.errors import SnapshotError, SourceChanged, VerifyFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from linkpack.archive.gzip import GzipLevel

MANIFEST = Entry("package/package.json", b"{}\n", 3, 0o644)


def names(folder: Path) -> list[str]:
    """What is in *folder*."""
    return sorted(path.name for path in folder.iterdir())


def swap(path: Path, *, folder: bool = False, link: bool = False) -> None:
    """Put another file, or a link to the old one, at *path*; or another folder around it. The old one lives on."""
    if folder:
        path.parent.rename(path.parents[1] / "was")
        path.parent.mkdir()
    else:
        path.rename(path.with_name("old"))
    if link:
        path.symlink_to("old")
    else:
        path.write_bytes(b"x" * 600_000)


def planned(file: Path, path: str = "package/a.js", mode: int = 0o644) -> Entry:
    """The entry that planning makes of *file*."""
    status = file.stat()
    return Entry(path, str(file), status.st_size, mode, status.st_dev, status.st_ino)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of 600,000 bytes in a folder beside the target's."""
    (tmp_path / "src").mkdir()
    (tmp_path / "out").mkdir()
    file = tmp_path / "src" / "a.js"
    file.write_bytes(os.urandom(1000) * 600)
    return file


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_tarball_holds_its_entries_and_has_npms_figures(tmp_path: Path, source: Path, threads: int) -> None:
    entries = [planned(source, mode=0o755), planned(source, "package/é/b.js"), MANIFEST]
    target = tmp_path / "out" / "p-1.0.0.tgz"
    made = write_tarball(entries, str(target), threads=threads)
    data = target.read_bytes()
    assert (made.path, made.filename, made.size, made.unpacked_size) == (
        str(target),
        target.name,
        len(data),
        1_200_003,
    )
    assert made.shasum == hashlib.sha1(data, usedforsecurity=False).hexdigest()
    assert made.integrity == "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    assert made.files[0] == TarballFile("a.js", 600_000, 0o755)
    with tarfile.open(target) as archive:
        assert archive.getnames() == [entry.path for entry in entries]
    assert gzip.decompress(data)[512:600_512] == source.read_bytes()
    assert names(tmp_path / "out") == [target.name]


@pytest.mark.parametrize("entries", [[], [MANIFEST]])
def test_measuring_gives_the_figures_of_writing(tmp_path: Path, entries: list[Entry]) -> None:
    measured = measure_tarball(entries, "p.tgz")
    assert names(tmp_path) == []
    assert write_tarball(entries, str(tmp_path / "p.tgz")) == measured._replace(path=str(tmp_path / "p.tgz"))


def test_a_level_changes_the_compressed_bytes_alone(tmp_path: Path, source: Path) -> None:
    """A tarball names its compressor; the level that is asked for changes the compressed bytes alone."""
    entries = [planned(source), MANIFEST]
    plain = write_tarball(entries, str(tmp_path / "a.tgz"))
    most = write_tarball(entries, str(tmp_path / "b.tgz"), gzip_level="max")
    assert (plain.compressor, most.compressor) == (deflate.COMPRESSOR, deflate.describe_compressor("max"))
    assert plain.integrity != most.integrity
    assert gzip.decompress((tmp_path / "a.tgz").read_bytes()) == gzip.decompress((tmp_path / "b.tgz").read_bytes())
    assert measure_tarball(entries, "b.tgz", gzip_level="max") == most._replace(path="b.tgz")


def test_many_entries_are_verified(tmp_path: Path) -> None:
    """Ten thousand entries, of all the lengths around a block, are written and read back."""
    entries = [Entry(f"package/{n}", bytes(n % 1030), n % 1030, 0o644) for n in range(10_000)]
    assert len(write_tarball(entries, str(tmp_path / "p.tgz")).files) == 10_000


CHANGES: dict[str, Callable[[Path], object]] = {
    "grown": lambda p: p.write_bytes(b"x" * 600_001),
    "shrunk": lambda p: p.write_bytes(b""),
    "removed": lambda p: p.unlink(),
    "replaced": swap,
    "a link": lambda p: swap(p, link=True),
    "its folder swapped": lambda p: swap(p, folder=True),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_source_that_changes_stops_the_run(tmp_path: Path, source: Path, change: str) -> None:
    """A file that is not what was planned stops the run; the older tarball stays and nothing else does."""
    entries = [planned(source), MANIFEST]
    target = tmp_path / "out" / "p.tgz"
    target.write_text("older")
    CHANGES[change](source)
    with pytest.raises(SourceChanged, match=r"a\.js") as caught:
        write_tarball(entries, str(target))
    assert caught.value.path == str(source)
    assert target.read_text() == "older"
    assert names(target.parent) == [target.name]


def test_a_source_that_is_rewritten_meanwhile(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is written to while it is read, its size the same, stops the run as well."""
    read = Entry.read  # the moment between two pieces

    def rewriting(entry: Entry) -> Iterator[bytes]:
        for piece in read(entry):
            yield piece
            source.write_bytes(b"z" * 600_000)
            os.utime(source, ns=(1, 1))

    monkeypatch.setattr(Entry, "read", rewriting)
    with pytest.raises(SourceChanged, match="was written to"):
        write_tarball([planned(source)], str(tmp_path / "out" / "p.tgz"))
    assert names(tmp_path / "out") == []


def place_of(tmp_path: Path, kind: str) -> Path:
    """A target that cannot be written."""
    if kind == "a folder":
        (tmp_path / "t" / "full").mkdir(parents=True)
        return tmp_path / "t"
    if kind == "below a file":
        (tmp_path / "file").touch()
        return tmp_path / "file" / "t"
    return tmp_path / {"missing": "gone/t", "too long": "n" * 300}[kind]


@pytest.mark.parametrize("kind", ["a folder", "below a file", "missing", "too long"])
def test_a_target_that_cannot_be_written_is_named(tmp_path: Path, kind: str) -> None:
    """A target that cannot be written is named with the system's reason, and nothing is left behind."""
    target = place_of(tmp_path, kind)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SnapshotError, match=r"cannot be written: [A-Z]") as caught:
        write_tarball([MANIFEST], str(target))
    assert (caught.value.code, caught.value.path) == ("EWRITE", str(target))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_leaves_the_older_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk without room is an error like any other of the system's: older file kept, nothing left behind."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "p.tgz").write_text("older")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SnapshotError, match="No space left on device"):
        write_tarball([MANIFEST], str(tmp_path / "p.tgz"))
    assert (tmp_path / "p.tgz").read_text() == "older"
    assert names(tmp_path) == ["p.tgz"]


def zipped(data: bytes) -> bytes:
    """A gzip file as some other compressor makes it."""
    return gzip.compress(data, 1, mtime=0)


def changed(data: bytes, at: int) -> bytes:
    """*data* with the byte at *at* changed."""
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]


def rekind(tar: bytes, kind: bytes) -> bytes:
    """*tar* with its first header made one of another *kind*, its checksum right."""
    total = int(tar[148:154], 8) - ord("0") + kind[0]
    return tar[:148] + b"%06o \0" % total + kind + tar[157:]


A = Entry("package/a.js", b"abc", 3, 0o644)


def retar(*entries: Entry) -> Callable[[bytes], bytes]:
    """What gives a sound tarball of other entries instead."""
    blocks = tar_blocks(entries, lambda one: (one.source,) if isinstance(one.source, bytes) else ())
    data = zipped(b"".join(blocks))
    return lambda _: data


def unzipped(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """What changes the tar stream and packs it again."""
    return lambda data: zipped(change(gzip.decompress(data)))


CORRUPTIONS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing": (lambda _: b"", "cannot be read back"),
    "no gzip": (lambda _: b"x" * 1000, "cannot be read back"),
    "a plain tar": (gzip.decompress, "cannot be read back"),
    "cut in the middle": (lambda d: d[: len(d) // 2], "cannot be read back"),
    "no trailer": (lambda d: d[:-8], "cannot be read back"),
    "a wrong CRC": (lambda d: changed(d, len(d) - 8), "cannot be read back"),
    "a wrong length": (lambda d: changed(d, len(d) - 4), "cannot be read back"),
    "a wrong bit": (lambda d: changed(d, 30), "failed verification"),
    "half an end mark": (unzipped(lambda t: t[:-512]), "the tar stream has no end"),
    "half an end mark and more": (unzipped(lambda t: t[:-512] + b"x" * 512), "the tar stream has no end"),
    "a wrong checksum": (unzipped(lambda t: changed(t, 150)), "cannot be read back"),
    "another kind": (unzipped(lambda t: rekind(t, b"5")), "its entry package/a.js differs"),
    "a byte more": (lambda d: d + b"x", "something follows"),
    "a second member": (lambda d: d + zipped(b""), "something follows"),
    "other contents": (unzipped(lambda t: t.replace(b"abc", b"abd")), "contents are not what was written"),
    "a wrong header": (unzipped(lambda t: changed(t, 3)), "failed verification"),
    "no end mark": (unzipped(lambda t: t[:-1024]), "failed verification"),
    "more after the end": (unzipped(lambda t: t + b"more"), "contents are not what was written"),
    "much more after the end": (unzipped(lambda t: t + bytes(3 << 20)), "contents are not what was written"),
    "an entry less": (retar(A), "it ends before package/package.json"),
    "an entry more": (retar(A, MANIFEST, A), "it holds package/a.js, which was not planned"),
    "another order": (retar(MANIFEST, A), "its entry package/package.json differs from the planned"),
    "another mode": (retar(A._replace(mode=0o4755), MANIFEST), "its entry package/a.js differs"),
    "another size": (retar(Entry(A.path, b"abcd", 4, 0o644), MANIFEST), "its entry package/a.js differs"),
    "another name": (retar(A._replace(path="package/../a"), MANIFEST), "its entry package/../a differs"),
}


@pytest.mark.parametrize("meanwhile", [False, True], ids=["after", "meanwhile"])
@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_anything_but_the_plan_on_the_disk_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, corruption: str, *, meanwhile: bool
) -> None:
    """Whatever else than the plan comes to lie on the disk is noticed, and the older tarball stays.

    A small tarball is read back when it is written, a large one meanwhile.
    """
    monkeypatch.setattr(tarball, "_SMALL", -1 if meanwhile else 1 << 30)
    monkeypatch.setattr(tarball, "_SMALL_FILE", -1)
    spoil, message = CORRUPTIONS[corruption]

    def spoiled(pieces: Iterable[bytes], threads: int, level: GzipLevel) -> Iterator[bytes]:
        yield spoil(b"".join(deflate.gzip_stream(pieces, threads, level)))

    target = tmp_path / "p.tgz"
    target.write_text("older")
    monkeypatch.setattr(tarball, "gzip_stream", spoiled)
    with pytest.raises(VerifyFailed, match=message) as caught:
        write_tarball([A, MANIFEST], str(target), threads=2)
    assert caught.value.code == "EVERIFY"
    assert target.read_text() == "older"
    assert names(tmp_path) == ["p.tgz"]


def test_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt in the middle leaves nothing behind."""

    def interrupted(_: Entry) -> Iterator[bytes]:
        yield b"x"
        raise KeyboardInterrupt

    monkeypatch.setattr(Entry, "read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_tarball([MANIFEST], str(tmp_path / "p.tgz"))
    assert names(tmp_path) == []


def test_the_same_bytes_wherever_it_is(tmp_path: Path, source: Path) -> None:
    """Path, times and umask of source and target leave no trace in the bytes."""
    first = write_tarball([planned(source), MANIFEST], str(tmp_path / "out" / "p.tgz"))
    copy = tmp_path / "elsewhere"
    copy.write_bytes(source.read_bytes())
    os.utime(copy, (1, 1))
    old = os.umask(0o077)
    try:
        second = write_tarball([planned(copy), MANIFEST], str(tmp_path / "other.tgz"))
    finally:
        os.umask(old)
    assert second.integrity == first.integrity
    assert zlib.crc32((tmp_path / "other.tgz").read_bytes()) == zlib.crc32(
        (tmp_path / "out" / "p.tgz").read_bytes()
    )
