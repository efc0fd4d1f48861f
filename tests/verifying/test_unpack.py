"""Unpacking: a whole folder or none, and nothing anywhere else."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from linkpack.archive import reader
from linkpack.archive.reader import Wanted, read_archive
from linkpack.errors import LinkpackError, SnapshotError, SourceChanged, VerifyFailed
from linkpack.limits import DEFAULTS
from linkpack.system import read as fs
from linkpack.system import temporary as drafts
from linkpack.verifying import verdict as api
from linkpack.verifying.unpack import _report_unwritable, _write_folder, unpack
from tests.support.badtar import BODY, END, gz, header, manifest, member, write


def test_files_and_modes(tmp_path: Path) -> None:
    """Files become 644 or 755 and folders 755, whatever the tarball says, in a folder called package."""
    stream = (
        manifest("other/package.json")
        + header(b"other/d/", 0, b"5", mode=0)
        + member("other/d/x", "run", mode=0o711)
        + member("other/y", "read", mode=0o600)
        + member("other/z", "none", mode=0)
    )
    done = unpack(write(tmp_path, stream), tmp_path / "new" / "to")
    folder = tmp_path / "new" / "to" / "package"
    assert done.folder == str(folder)
    modes = {each.name: each.stat().st_mode & 0o7777 for each in folder.rglob("*")}
    assert modes == {"package.json": 0o644, "d": 0o755, "x": 0o755, "y": 0o644, "z": 0o644}
    assert (folder / "d" / "x").read_text() == "run"
    assert [each.code for each in done.findings] == ["WROOT"]
    assert [each.name for each in (tmp_path / "new" / "to").iterdir()] == ["package"]


@pytest.mark.parametrize("kind", ["folder", "file", "link", "dangling"])
def test_what_is_there_stays(kind: str, tmp_path: Path) -> None:
    """A folder, file or link in the way is an error, and nothing is written to it or through it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    place = tmp_path / "to" / "package"
    place.parent.mkdir()
    if kind == "folder":
        place.mkdir()
    elif kind == "file":
        place.write_text("mine")
    else:
        place.symlink_to(outside if kind == "link" else "nowhere")
    with pytest.raises(SnapshotError) as err:
        unpack(write(tmp_path, BODY), tmp_path / "to")
    assert err.value.code == "EEXIST"
    assert [each.name for each in (tmp_path / "to").iterdir()] == ["package"]
    assert list(outside.iterdir()) == []


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """A file where the target's folder should be is an error that names it, and nothing is left."""
    (tmp_path / "to").write_text("")
    path = write(tmp_path, BODY)
    with pytest.raises(SnapshotError) as err:
        unpack(path, tmp_path / "to" / "x")
    assert err.value.code == "EWRITE"
    with pytest.raises(SnapshotError):
        unpack(path, tmp_path / ("n" * 300))
    assert sorted(each.name for each in tmp_path.iterdir()) == [path.name, "to"]


def test_a_path_too_long_for_the_disk_leaves_nothing(tmp_path: Path) -> None:
    """A path that is allowed, and longer than the disk takes below this target, leaves nothing."""
    stream = BODY + header(b"package/x", 0, b"0")
    deep = tmp_path / "/".join(["d" * 200] * 18)
    path = write(tmp_path, stream)
    with pytest.raises(SnapshotError):
        unpack(path, f"{deep}/{'e' * 200}/{'f' * 200}/{'g' * 200}")
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_dead_runs_are_cleared_away(tmp_path: Path) -> None:
    """Folders of killed runs go; those of living ones, which hold a lock, and foreign names stay."""
    names = [Path(drafts.draft_path(str(tmp_path))).name for _ in range(2)]
    for name in (*names, ".linkpack-x.tmp"):
        (tmp_path / name / "package").mkdir(parents=True)
    Path(drafts.draft_path(str(tmp_path))).symlink_to(tmp_path / ".linkpack-x.tmp")
    handle = os.open(tmp_path / names[0], os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    unpack(write(tmp_path, BODY), tmp_path)
    os.close(handle)
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_dir() and not each.is_symlink()) == [
        names[0],
        ".linkpack-x.tmp",
        "package",
    ]
    assert (tmp_path / ".linkpack-x.tmp" / "package").is_dir()


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (BODY + member("package/more.js"), "reads other entries"),
        (manifest() + member("package/index.js", "y"), "reads other entries"),
        (BODY + header(b"package/l", 0, b"2", b"index.js"), "reads other entries"),
        (BODY + header(b"package/d/", 0, b"5"), "reads other entries"),
    ],
)
def test_the_last_check(other: bytes, why: str, tmp_path: Path) -> None:
    """What tarfile reads must be what was checked: a tarball that was swapped is not written."""
    with reader.open_tarball(str(write(tmp_path, BODY))) as file:
        archive = read_archive(file.source, file.size, Wanted(lambda _path, _size: False), DEFAULTS)
    with (
        reader.open_tarball(str(write(tmp_path, other))) as file,
        pytest.raises(VerifyFailed, match=why),
    ):
        _write_folder(file, archive, str(tmp_path / "to"))
    assert [each.name for each in tmp_path.iterdir()] == ["evil-1.0.0.tgz"]


def test_the_last_check_reads_gzip_itself(tmp_path: Path) -> None:
    """A stream that breaks off between check and extraction is refused."""
    archive_path = write(tmp_path, BODY)
    with reader.open_tarball(str(archive_path)) as file:
        archive = read_archive(file.source, file.size, Wanted(lambda _path, _size: False), DEFAULTS)
    archive_path.write_bytes(gz(BODY + END)[:60])
    with reader.open_tarball(str(archive_path)) as file, pytest.raises(VerifyFailed, match="last check"):
        _write_folder(file, archive, str(tmp_path / "to"))


def test_a_tarball_that_is_written_to(tmp_path: Path) -> None:
    """A file that changes while it is read is an error, not a verdict."""
    path = write(tmp_path, BODY)
    with pytest.raises(SourceChanged, match="was written to"), reader.open_tarball(str(path)):
        path.write_bytes(b"other")


def test_a_tarball_that_is_written_to_while_it_is_unpacked(tmp_path: Path) -> None:
    """What was read twice must have been the same: else nothing is put in place."""
    path = write(tmp_path, BODY)
    with fs.open_regular(str(path)) as file:
        archive = read_archive(file.source, file.size, Wanted(lambda _path, _size: False), DEFAULTS)
        os.utime(path, (1, 1))
        with pytest.raises(VerifyFailed, match="was written to"):
            _write_folder(file, archive, str(tmp_path / "package"))
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_folder_that_came_meanwhile_is_named() -> None:
    """Whoever is faster than the rename is an error of the same code as a folder that was there before."""
    assert _report_unwritable("to/package", FileExistsError(errno.EEXIST, "there", "to/package")).code == "EEXIST"


@pytest.mark.parametrize("kind", ["nothing", "folder", "pipe", "nul"])
def test_anything_but_a_file_is_refused_by_name(kind: str, tmp_path: Path) -> None:
    """What is no regular file is refused by name, and never waited for."""
    path = tmp_path / ("\0" if kind == "nul" else kind)
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(SnapshotError) as err:
        api.verify(path)
    assert err.value.code == "EREAD"


def test_another_name_can_be_allowed_and_danger_cannot(tmp_path: Path) -> None:
    """A name that differs can be allowed; what is dangerous cannot."""
    path = write(tmp_path, manifest(version="2.0.0"))
    assert [each.severity for each in unpack(path, tmp_path, allow=["EFILENAME"]).findings] == ["warning"]
    with pytest.raises(LinkpackError, match="ELINK cannot be allowed"):
        unpack(path, tmp_path, allow=["ELINK"])
