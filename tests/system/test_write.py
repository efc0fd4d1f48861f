"""Writing the disk: whole files or none, and nothing left behind."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from linkpack.system import temporary as drafts
from linkpack.system import write as fswrite

DEAD = ".linkpack-00112233445566ff.tmp"


def names(folder: Path) -> list[str]:
    """What is in *folder*."""
    return sorted(path.name for path in folder.iterdir())


def test_draft_becomes_the_target(tmp_path: Path) -> None:
    """After the block the file is there whole, and nothing else is; an older one is replaced."""
    target = tmp_path / "out"
    target.write_text("older")
    with fswrite.open_draft(str(target)) as out:
        out.write(b"newer")
        out.seek(0)
        assert out.read() == b"newer"
        assert target.read_text() == "older"
    assert target.read_bytes() == b"newer"
    assert names(tmp_path) == ["out"]


def test_draft_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare name is a file of the working directory."""
    monkeypatch.chdir(tmp_path)
    with fswrite.open_draft("out") as out:
        out.write(b"x")
    assert names(tmp_path) == ["out"]


def fail_in_draft(target: Path, error: BaseException) -> None:
    """Write something, then fail."""
    with fswrite.open_draft(str(target)) as out:
        out.write(b"half")
        raise error


def fail_in_made(folder: Path, leave: str = "") -> None:
    """Make *folder*, and the file *leave* inside, then be interrupted."""
    with fswrite.make_folders(str(folder)):
        if leave:
            (folder.parent / leave).touch()
        raise KeyboardInterrupt


@pytest.mark.parametrize("error", [OSError("full"), ValueError("x"), KeyboardInterrupt(), SystemExit(1)])
def test_draft_fails_whole(tmp_path: Path, error: BaseException) -> None:
    """On any exception the older file is what it was and no temporary one stays."""
    target = tmp_path / "out"
    target.write_text("older")
    with pytest.raises(type(error)):
        fail_in_draft(target, error)
    assert target.read_text() == "older"
    assert names(tmp_path) == ["out"]


def test_draft_that_lost_its_file(tmp_path: Path) -> None:
    """When another process removes the draft, that is an error, and nothing appears."""
    with pytest.raises(FileNotFoundError), fswrite.open_draft(str(tmp_path / "out")):
        (tmp_path / names(tmp_path)[0]).unlink()
    assert names(tmp_path) == []


def test_draft_over_a_folder(tmp_path: Path) -> None:
    """A folder of the target's name stays, with what is in it."""
    (tmp_path / "out" / "sub").mkdir(parents=True)
    with pytest.raises(IsADirectoryError), fswrite.open_draft(str(tmp_path / "out")):
        pass
    assert names(tmp_path) == ["out"]


def no_file(kind: str, path: Path) -> None:
    """Make at *path* something that is not a regular file, by its *kind*."""
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    else:
        (path.parent / "kept").write_text("kept")
        path.symlink_to({"link": "kept", "dangling link": "nowhere"}[kind])


@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "socket"])
def test_a_draft_does_not_replace_what_is_no_file(tmp_path: Path, kind: str) -> None:
    """A link, pipe or socket of the target's name stays; the error says what it is."""
    target = tmp_path / "out"
    no_file(kind, target)
    before = (target.lstat(), names(tmp_path))
    with pytest.raises(FileExistsError, match="which is not replaced"), fswrite.open_draft(str(target)):
        pass
    assert (target.lstat(), names(tmp_path)) == before


def test_a_link_that_comes_while_a_draft_is_written_stays(tmp_path: Path) -> None:
    """The target is looked at again before the new file is put there."""
    target = tmp_path / "out"
    with pytest.raises(FileExistsError), fswrite.open_draft(str(target)):
        no_file("link", target)
    assert target.is_symlink()
    assert names(tmp_path) == ["kept", "out"]


@pytest.mark.parametrize("kind", ["link", "dangling link", "socket"])
def test_output_is_not_written_through_links(tmp_path: Path, kind: str) -> None:
    """A link to a file is refused beforehand and afterwards, and the file keeps its contents."""
    target = tmp_path / "out"
    no_file(kind, target)
    before = names(tmp_path)
    with pytest.raises(FileExistsError):
        fswrite.check_output(str(target))
    with pytest.raises(FileExistsError):
        fswrite.write_output(str(target), b"x")
    assert names(tmp_path) == before
    assert kind == "socket" or (tmp_path / "kept").read_text() == "kept"


@pytest.mark.parametrize("through", ["pipe", "link to the pipe"])
def test_output_goes_into_a_pipe(tmp_path: Path, through: str) -> None:
    """What a pipe takes at once is written to it, more than fits as well, and the pipe stays."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link to the pipe").symlink_to("pipe")
    text = os.urandom(300_000)
    opened = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # so that writing need not wait until cat has opened it
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader, ThreadPoolExecutor(1) as pool:
        fswrite.check_output(str(tmp_path / through))
        written = pool.submit(fswrite.write_output, str(tmp_path / through), text)
        assert reader.stdout is not None
        assert reader.stdout.read() == text
        written.result()
    os.close(opened)
    assert names(tmp_path) == ["link to the pipe", "pipe"]


def test_a_pipe_that_nothing_reads_from_is_an_error(tmp_path: Path) -> None:
    """A pipe that no process reads is an error at once."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="nothing reads from this pipe"):
        fswrite.write_output(str(tmp_path / "pipe"), b"x")


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_output_goes_to_our_own_descriptors(tmp_path: Path, path: str) -> None:
    """Standard output is written where it is, be it a file that the shell appends to; no link is replaced."""
    (tmp_path / "link").symlink_to("/dev/stdout")
    script = (
        "import os, sys; from linkpack.system import write as fswrite\n"
        "os.write(1, b'before,'); fswrite.check_output(sys.argv[1])\n"
        "fswrite.write_output(sys.argv[1], b'text,'); os.write(1, b'after')"
    )
    target = str(tmp_path / path) if path == "link" else path
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", script, target], stdout=out, check=True)
    assert (tmp_path / "out").read_text() == "before,text,after"
    piped = subprocess.run([sys.executable, "-c", script, target], capture_output=True, check=True)
    assert piped.stdout == b"before,text,after"
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_draft_without_a_folder(tmp_path: Path, folder: str) -> None:
    """A folder that is not there, or a file in its place, is the system's error."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError) as caught, fswrite.open_draft(str(tmp_path / folder / "out")):  # noqa: PT011 - the number
        pass
    assert caught.value.errno in {errno.ENOENT, errno.ENOTDIR}
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_mode_is_the_users(tmp_path: Path, mask: int) -> None:
    """The new file has the mode that the umask gives, as any file that a user makes."""
    old = os.umask(mask)
    try:
        with fswrite.open_draft(str(tmp_path / "out")):
            pass
    finally:
        os.umask(old)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o666 & ~mask


def test_left_overs_of_dead_runs_go(tmp_path: Path) -> None:
    """The temporary file of a killed run, seen by its name and having no lock, is removed by the next run."""
    script = (
        "import os, sys; from linkpack.system import write as fswrite\n"
        "with fswrite.open_draft(sys.argv[1]): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "out")], check=False)
    left = names(tmp_path)
    assert len(left) == 1
    with fswrite.open_draft(str(tmp_path / "out")):
        assert left[0] not in names(tmp_path)
    assert names(tmp_path) == ["out"]


def test_files_of_living_runs_stay(tmp_path: Path) -> None:
    """Two drafts of one target at a time do not hurt each other; the one that ends last stays."""
    target = tmp_path / "out"
    with fswrite.open_draft(str(target)) as first:
        with fswrite.open_draft(str(target)) as second:
            first.write(b"first")
            second.write(b"second")
        assert target.read_bytes() == b"second"
    assert target.read_bytes() == b"first"
    assert names(tmp_path) == ["out"]


def test_only_our_files_are_swept(tmp_path: Path) -> None:
    """A file or folder that `draft_path` named goes; what looks like one stays, as do links and pipes."""
    ours = [Path(drafts.draft_path(str(tmp_path))) for _ in range(4)]
    ours[0].touch()
    (ours[1] / "package" / "lib").mkdir(parents=True)
    ours[2].symlink_to("elsewhere")
    os.mkfifo(ours[3])
    (tmp_path / ".linkpack-notes.tmp").touch()
    (tmp_path / DEAD).touch()
    (tmp_path / DEAD.replace("ff", "aa") / "package").mkdir(parents=True)
    drafts.sweep(str(tmp_path))
    drafts.sweep(str(tmp_path / "missing"))
    kept = {ours[2].name, ours[3].name, ".linkpack-notes.tmp", DEAD, DEAD.replace("ff", "aa")}
    assert set(names(tmp_path)) == kept


def test_drafts_of_another_folder_are_not_swept(tmp_path: Path) -> None:
    """A draft that came with a copy of its folder, as in a clone or an archive, stays."""
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    name = Path(drafts.draft_path(str(tmp_path / "old"))).name
    (tmp_path / "old" / name).touch()
    (tmp_path / "new" / name).touch()
    drafts.sweep(str(tmp_path / "old"))
    drafts.sweep(str(tmp_path / "new"))
    assert names(tmp_path / "old") == []
    assert names(tmp_path / "new") == [name]


def test_drafts_of_another_user_are_not_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of another user stay, whatever their names: root could remove them."""
    path = Path(drafts.draft_path(str(tmp_path)))
    path.touch()
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    drafts.sweep(str(tmp_path))
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize("removed", [True, False], ids=["removed", "locked"])
def test_a_sweep_that_is_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removed: bool) -> None:  # noqa: FBT001
    """A new file that another run's sweep got hold of before it was locked is given up for another one."""
    real = fcntl.flock
    seen: list[int] = []

    def flock(handle: int, flags: int) -> None:
        path = tmp_path / names(tmp_path)[0]
        if not seen:
            seen.append(os.open(path, os.O_RDWR))
            real(seen[0], flags)
            if removed:
                path.unlink()
                real(seen[0], fcntl.LOCK_UN)
        real(handle, flags)

    monkeypatch.setattr(fcntl, "flock", flock)
    with fswrite.open_draft(str(tmp_path / "out")) as out:
        out.write(b"x")
        monkeypatch.undo()
        for path in tmp_path.iterdir():
            if path.stat().st_ino == os.fstat(seen[0]).st_ino:
                path.unlink()  # as the sweep does next
    os.close(seen[0])
    assert (tmp_path / "out").read_bytes() == b"x"


def test_a_disk_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where files cannot be locked, writing works, and no draft is removed."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    left = Path(drafts.draft_path(str(tmp_path)))
    left.touch()
    monkeypatch.setattr(fcntl, "flock", refuse)
    with fswrite.open_draft(str(tmp_path / "out")):
        pass
    assert names(tmp_path) == [left.name, "out"]


def test_made_dirs(tmp_path: Path) -> None:
    """Missing folders are made and stay; those that are there are fine."""
    for _ in range(2):
        with fswrite.make_folders(str(tmp_path / "a" / "b")):
            assert (tmp_path / "a" / "b").is_dir()
    assert names(tmp_path / "a") == ["b"]


def test_made_dirs_go_again(tmp_path: Path) -> None:
    """When the block fails, folders that it made go, unless another process put something there."""
    (tmp_path / "a").mkdir()
    with pytest.raises(KeyboardInterrupt):
        fail_in_made(tmp_path / "a/b/c")
    assert names(tmp_path / "a") == []
    with pytest.raises(KeyboardInterrupt):
        fail_in_made(tmp_path / "a/b/c", leave="other")
    assert names(tmp_path / "a/b") == ["other"]


@pytest.mark.parametrize(
    "path", ["new/sub/" + "n" * 300, "file", "file/sub", "dangling", "new/n\0l", "new/\ud800"]
)
def test_made_dirs_that_cannot_be(tmp_path: Path, path: str) -> None:
    """A folder that no disk can hold, or with something in its way, is an `OSError` and leaves nothing behind."""
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(OSError), fswrite.make_folders(f"{tmp_path}/{path}"):  # noqa: PT011 - which one is the system's
        pass
    assert names(tmp_path) == ["dangling", "file"]
