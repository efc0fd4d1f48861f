"""What the walk through one package found: each file shipped, left out with a reason, or a problem."""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING, NamedTuple

from linkpack import limits
from linkpack.errors import LinkpackError, Problem
from linkpack.system import read as fs

if TYPE_CHECKING:
    from linkpack.system.tree import Status

_ALL_READ = 0o444  # everybody may read the file: the system need not be asked
_LONG = 1000  # characters of a path whose bytes are counted
_NAMED = 5  # paths that a message names
_PATH_MAX = 4096  # bytes that no path given to the system may have


class PackedFile(NamedTuple):
    """A file that ships: *path* in the package, "/"-separated; *source* is the real file to open.

    *size* in bytes; *mode* 0o755 or 0o644; *dev* and *ino* say which file planning saw.
    """

    path: str
    source: str
    size: int
    mode: int
    dev: int
    ino: int


class Omission(NamedTuple):
    """What the walk met and left out, and why; a directory that was not entered ends with a slash."""

    path: str
    reason: str


class Account:
    """The account of one walk below *root*, in no particular order; *bins* are the paths that are commands."""

    def __init__(self, root: str, bins: frozenset[str]) -> None:
        self.files: list[PackedFile] = []
        self.omissions: list[Omission] = []
        self.warnings: list[Problem] = []
        self.problems: list[Problem] = []
        self._root = root
        self._bins = bins

    def leave_link(self, path: str, text: str, why: str) -> None:
        """Leave out the link at *path*, which leads to *text*: say so, or refuse, where it is the manifest."""
        self.omit(path, f"a link to {text}, {why}")
        if path == "package.json":
            message = f"package.json is a link to {text}, {why}"
            self.fail("EMANIFESTLINK", path, message, "make package.json a regular file")
        else:
            self.warn("WLINK", path, f"{path} is a symbolic link to {text}, {why}: left out")

    def ship(self, path: str, source: str, status: Status) -> None:
        """Ship the regular file *source*, whose status is *status*, as *path*."""
        if len(source) > _LONG and len(source.encode("utf-8", "surrogateescape")) >= _PATH_MAX:
            message = f"the path {path} is too long to be opened"
            self.fail("EPATHLONG", path, message, "shorten it, or move the package up")
        elif not path.isascii() and not fs.NAMES_ARE_UTF8:
            message = f"the name {path} cannot be told: this process reads names in another encoding than UTF-8"
            self.fail("EENCODING", path, message, "start Python in UTF-8 mode: -X utf8, or PYTHONUTF8=1")
        elif "\\" in path or not (path.isascii() or _is_utf8(path)):
            what = "has a backslash" if "\\" in path else "is not UTF-8"
            self.fail("EBADNAME", path, f"the name {path} {what}", "rename it, or leave it out")
        elif status.st_mode & _ALL_READ != _ALL_READ and not fs.readable(source):
            self.fail("EUNREADABLE", path, f"the file {path} cannot be read", "allow reading it, or leave it out")
        else:
            mode = 0o755 if status.st_mode & stat.S_IXUSR or path in self._bins else 0o644
            self.files.append(PackedFile(path, source, status.st_size, mode, status.st_dev, status.st_ino))

    def star(self, path: str) -> None:
        """Leave out *path*, which has a star in its name, and warn of it."""
        self.omit(path, "a * in the name")
        message = f"{path} has a * in its name, which no installer could write everywhere: left out"
        self.warn("WNAME", path, message)

    def omit(self, path: str, reason: str) -> None:
        """Leave out *path*."""
        self.omissions.append(Omission(path, reason))

    def warn(self, code: str, path: str, message: str, hint: str = "") -> None:
        """Note a warning about *path*."""
        self.warnings.append(Problem(code, f"{self._root}/{path}", message, hint))

    def fail(self, code: str, path: str, message: str, hint: str) -> None:
        """Note why *path* cannot be packed."""
        self.problems.append(Problem(code, f"{self._root}/{path}", message, hint))

    def unreadable(self, path: str, what: str, err: OSError) -> None:
        """Note that *path*, which is a *what*, cannot be read."""
        code = "EPATHLONG" if err.errno == errno.ENAMETOOLONG else "EUNREADABLE"
        self.fail(code, path, f"the {what} {path} cannot be read: {err.strerror}", "mend it, or leave it out")


def listed(paths: list[str]) -> str:
    """Write *paths* for a message, sorted: the first few of them, and how many more there are."""
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(sorted(paths)[:_NAMED]) + more


def too_many(path: str) -> LinkpackError:
    """The error that *path* holds more files than the limit."""
    most = limits.current().entries
    return LinkpackError(
        f"{path} ships more than {most} files",
        code="ELIMIT",
        path=path,
        hint="leave some out, or raise --max-entries",
    )


def _is_utf8(path: str) -> bool:
    return path.encode("utf-8", "replace").decode() == path
