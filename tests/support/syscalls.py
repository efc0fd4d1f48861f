"""Stands between Python and the system: counts the calls of `os`, and makes the n-th of them fail, or kills there.

`install` has to run before anything else is imported that keeps functions of `os` for itself (tarfile, shutil).
Files that are opened with `open` are read and written through `os` as well, so every call is seen; a check with
strace is described in tests/security/test_faults.py. Works wherever Python does.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import io
import os
import random
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

READING = ("read", "pread", "stat", "lstat", "fstat", "scandir", "listdir", "readlink", "access", "lseek")
MAKING = (
    *("open", "mkdir", "symlink", "link", "rename", "exchange", "write", "fsync"),
    *("chmod", "fchmod", "utime", "ftruncate", "chown", "lchown", "fchown"),
)
ENDING = ("close", "unlink", "rmdir", "flock")
CALLS = (*READING, *MAKING, *ENDING)
_SAME = {"replace": "rename", "remove": "unlink"}
_ONCE_DONE = {"close"}  # the system has done it when it says that it failed


class Fault(NamedTuple):
    """What goes wrong at the *at*-th of *calls*: *how* names an error, or a signal before or *after*."""

    calls: tuple[str, ...]
    at: int
    how: str
    after: bool = False


class Watch:
    """What was called so far: how often each, *read* bytes, and whether the fault was *hit*."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.log: list[str] = []
        self.read = 0
        self.hit = False
        self.left = 0
        self.fault: Fault | None = None
        self.order: random.Random | None = None
        self.on = False

    def start(self, fault: Fault | None, shuffle: int | None) -> None:
        """Count from here on."""
        self.fault, self.left = fault, fault.at if fault else 0
        self.order = None if shuffle is None else random.Random(shuffle)  # noqa: S311 - an order, no secret
        self.on = True

    def call(self, name: str, real: Callable[..., Any], args: tuple[Any, ...], more: dict[str, Any]) -> Any:  # noqa: ANN401
        """The call itself, or what goes wrong in its place."""
        if not self.on:
            return real(*args, **more)
        self.counts[name] += 1
        self.log.append(f"{name} {args[0]!r}" if args else name)
        if self.fault is None or name not in self.fault.calls:
            return real(*args, **more)
        self.left -= 1
        if self.left != 0:
            return real(*args, **more)
        return self.strike(self.fault, name, real, args, more)

    def strike(
        self, fault: Fault, name: str, real: Callable[..., Any], args: tuple[Any, ...], more: dict[str, Any]
    ) -> Any:  # noqa: ANN401
        """The call that goes wrong."""
        self.hit = True
        os.write.real(HITS, b"hit")  # type: ignore[attr-defined]
        if fault.how.startswith("SIG"):
            found = real(*args, **more) if fault.after else None
            os.kill(os.getpid(), signal.Signals[fault.how])
            return found if fault.after else real(*args, **more)
        if name in _ONCE_DONE:
            real(*args, **more)
        code = getattr(errno, fault.how)
        raise OSError(code, os.strerror(code), *[each for each in args[:1] if isinstance(each, str)])


WATCH = Watch()
HITS = 9  # the descriptor that learns of a strike: a killed process cannot tell


class _Raw(io.RawIOBase):
    """A file whose every call goes through `os`."""

    def __init__(self, handle: int, mode: str, *, ours: bool = True) -> None:
        self.handle, self.mode, self.ours = handle, mode, ours

    def fileno(self) -> int:
        return self.handle

    def readable(self) -> bool:
        return "r" in self.mode or "+" in self.mode

    def writable(self) -> bool:
        return "r" not in self.mode or "+" in self.mode

    def seekable(self) -> bool:
        return self.handle > 2  # the standard streams are not

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - a buffer
        found = os.read(self.handle, len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def write(self, piece: Any) -> int:  # noqa: ANN401 - a buffer
        return os.write(self.handle, piece)

    def seek(self, offset: int, whence: int = 0) -> int:
        return os.lseek(self.handle, offset, whence)

    def truncate(self, size: int | None = None) -> int:
        os.ftruncate(self.handle, self.tell() if size is None else size)
        return self.tell() if size is None else size

    def close(self) -> None:
        if not self.closed:
            super().close()
            if self.ours:
                os.close(self.handle)


_FLAGS = {"r": os.O_RDONLY, "w": os.O_WRONLY | os.O_CREAT | os.O_TRUNC, "x": os.O_WRONLY | os.O_CREAT | os.O_EXCL,
          "a": os.O_WRONLY | os.O_CREAT | os.O_APPEND}  # fmt: skip


def stream(file: str | bytes | int, mode: str = "r", *, ours: bool = True) -> io.BufferedIOBase:
    """The binary file *file*, open as `open` does it."""
    flags = _FLAGS[mode.strip("bt+")]
    flags = (flags & ~os.O_WRONLY) | os.O_RDWR if "+" in mode else flags
    handle = file if isinstance(file, int) else os.open(file, flags | os.O_CLOEXEC, 0o666)
    raw = _Raw(handle, mode, ours=ours)
    if "+" in mode:
        return io.BufferedRandom(raw)
    return io.BufferedReader(raw) if "r" in mode else io.BufferedWriter(raw)


def _opened(real: Callable[..., Any]) -> Callable[..., Any]:
    def opened(file: Any, mode: str = "r", *args: Any, **more: Any) -> Any:  # noqa: ANN401 - as open
        if WATCH.on and "b" in mode and not args and not (more.keys() - {"closefd"}):
            return stream(file if isinstance(file, int) else os.fspath(file), mode, ours=more.get("closefd", True))
        return real(file, mode, *args, **more)

    return opened


class _Entry:
    """An entry of a directory whose questions to the system are counted."""

    def __init__(self, entry: os.DirEntry[str]) -> None:
        self._entry = entry
        self.name, self.path = entry.name, entry.path

    def __fspath__(self) -> str:
        return self.path

    def inode(self) -> int:
        return self._entry.inode()

    def is_symlink(self) -> bool:
        return self._entry.is_symlink()

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return self._entry.is_dir(follow_symlinks=follow_symlinks)

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return self._entry.is_file(follow_symlinks=follow_symlinks)

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        name = "stat" if follow_symlinks else "lstat"
        found: os.stat_result = WATCH.call(
            name, lambda _: self._entry.stat(follow_symlinks=follow_symlinks), (self.path,), {}
        )
        return found


class _Entries:
    """What `os.scandir` gives, in the order that the watch says."""

    def __init__(self, real: Any) -> None:  # noqa: ANN401 - a private type of os
        self.real = real
        self.found = [_Entry(entry) for entry in real]
        if WATCH.order is not None:
            WATCH.order.shuffle(self.found)
        self.rest = iter(self.found)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[_Entry]:
        return self.rest

    def __next__(self) -> _Entry:
        return next(self.rest)

    def close(self) -> None:
        self.real.close()


def _watched(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **more: Any) -> Any:  # noqa: ANN401 - as the function is
        found = WATCH.call(name, real, args, more)
        if not WATCH.on:
            return found
        if name in {"read", "pread"}:
            WATCH.read += len(found)
        if name == "scandir":
            return _Entries(found)
        if name == "listdir" and WATCH.order is not None:
            WATCH.order.shuffle(found)
        return found

    call.real = real  # type: ignore[attr-defined]
    return call


def install() -> None:
    """Put the watch between `os` and the system; it does nothing until it is started."""
    capable = (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids)
    for name in (*CALLS, *_SAME):
        real = getattr(os, name, None)
        if real is None:  # exchange and flock are of other modules
            continue
        watched = _watched(_SAME.get(name, name), real)
        for group in capable:
            if real in group:
                group.add(watched)
        setattr(os, name, watched)
    fcntl.flock = _watched("flock", fcntl.flock)
    builtins.open = _opened(builtins.open)
    io.open = builtins.open
