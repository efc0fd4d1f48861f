"""Collect the files, omissions, warnings and problems of one package."""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from linkpack.system.tree import Status

_ALL_READ = 0o444  # everybody may read the file: the system need not be asked
_LONG = 1000  # characters of a path from which on its bytes are counted
_PATH_MAX = 4096  # bytes of a path, with the NUL behind it, that Linux opens


class PackedFile(Record):
    """A file that ships.

    *path* is in the package, separated by slashes, and *source* is the real file to open. *size* is in bytes,
    *mode* 0o755 or 0o644. *dev* and *ino* identify the file that planning saw.
    """

    path: str
    source: str
    size: int
    mode: int
    dev: int
    ino: int


class Omission(Record):
    """A path that does not ship, and why.

    A slash ends the path of a directory that was not entered.
    """

    path: str
    reason: str


class PacklistBuilder:
    """The result of one walk below *root*, in no particular order.

    Every file that the walk meets goes to *files*, *omissions* or *problems*. *bins* are the paths of commands.
    """

    def __init__(self, root: str, bins: frozenset[str]) -> None:
        self.files: list[PackedFile] = []
        self.omissions: list[Omission] = []
        self.warnings: list[Problem] = []
        self.problems: list[Problem] = []
        self._root = root
        self._bins = bins

    def ship(self, path: str, source: str, status: Status) -> None:
        """Ship the regular file *source* as *path*.

        If it cannot be packed, that is an error.
        """
        if len(source) > _LONG and len(source.encode("utf-8", "surrogateescape")) >= _PATH_MAX:
            message = f"the path {path} is too long to be opened"
            self.fail("EPATHLONG", path, message, "shorten it, or move the package up")
        elif not path.isascii() and not fs.NAMES_ARE_UTF8:
            message = f"the name {path} cannot be read: this process decodes names in another encoding than UTF-8"
            self.fail("EENCODING", path, message, "start Python in UTF-8 mode: -X utf8, or PYTHONUTF8=1")
        elif "\\" in path or not (path.isascii() or _is_utf8(path)):
            # Installers on Windows take a backslash for a slash, and `verify` refuses such a tarball.
            what = "has a backslash" if "\\" in path else "is not UTF-8"
            self.fail("EBADNAME", path, f"the name {path} {what}", "rename it, or leave it out")
        elif status.st_mode & _ALL_READ != _ALL_READ and not fs.is_readable(source):
            self.fail("EUNREADABLE", path, f"the file {path} cannot be read", "allow reading it, or leave it out")
        else:
            # npm makes commands executable, too (pacote, lib/util/tar-create-options.js, `filter`).
            mode = 0o755 if status.st_mode & stat.S_IXUSR or path in self._bins else 0o644
            packed = PackedFile(
                path=path,
                source=source,
                size=status.st_size,
                mode=mode,
                dev=status.st_dev,
                ino=status.st_ino,
            )
            self.files.append(packed)

    def omit(self, path: str, reason: str) -> None:
        """Leave out *path*."""
        self.omissions.append(Omission(path, reason))

    def omit_star(self, path: str) -> None:
        """Leave out *path*, which has a star in its name, and warn of it."""
        # npm leaves it out without a word (npm-packlist, lib/index.js, `nameIsBadForWindows`).
        self.omit(path, "a * in the name")
        message = f"{path} has a * in its name, which no installer could write everywhere: left out"
        self.warn("WNAME", path, message)

    def omit_link(self, path: str, text: str, why: str) -> None:
        """Leave out the link at *path* to *text*, with a warning.

        If it is the manifest, that is an error.
        """
        self.omit(path, f"a link to {text}, {why}")
        if path == "package.json":
            message = f"package.json is a link to {text}, {why}"
            self.fail("EMANIFESTLINK", path, message, "make package.json a regular file")
        else:
            self.warn("WLINK", path, f"{path} is a symbolic link to {text}, {why}: left out")

    def warn(self, code: str, path: str, message: str, hint: str = "") -> None:
        """Add a warning about *path*."""
        self.warnings.append(Problem(code, f"{self._root}/{path}", message, hint))

    def fail(self, code: str, path: str, message: str, hint: str) -> None:
        """Add an error: *path* cannot be packed."""
        self.problems.append(Problem(code, f"{self._root}/{path}", message, hint))

    def fail_to_read(self, path: str, what: str, err: OSError) -> None:
        """Add an error: *path*, which is a *what*, cannot be read."""
        code = "EPATHLONG" if err.errno == errno.ENAMETOOLONG else "EUNREADABLE"
        message = f"the {what} {path} cannot be read: {err.strerror}"
        self.fail(code, path, message, "make it readable, or leave it out")


def _is_utf8(path: str) -> bool:
    return path.encode("utf-8", "replace").decode() == path
