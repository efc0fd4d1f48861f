"""npm's walk through one package: every directory asks the frames on the way down to it.

A frame is what one directory says. A deeper frame speaks after its parents, and can take back their "no" only
where the directory itself was let in by name (the ignore-walk package, measured on npm 11.19.1 and 12.2.0).
"""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING, NamedTuple

from linkpack.disk import fs
from linkpack.disk.fswrite import is_draft
from linkpack.errors import LinkpackError, Problem
from linkpack.select.frames import Asked, Frame, deeper, keeps, reason
from linkpack.select.ignore import RuleSet, parse_rules
from linkpack.select.selection import Kind, Selection, is_never_packed, required_rules
from linkpack.select.wildcard import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.select.rules import Rule

MAX_IGNORE_FILE = 1 << 20  # bytes
_IGNORE_FILES = (".npmignore", ".gitignore")  # the first one that a directory has counts


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


class _Folder(NamedTuple):
    """A directory to visit: its *path* below the root, the same in folded *parts*, and its parents' *frames*.

    *narrow*: why it is ignored, when only what is forced in may ship from it.
    *member* is the workspace member it belongs to: (folder, paths that may ship).
    """

    path: str
    parts: tuple[str, ...]
    frames: tuple[Frame, ...]
    narrow: str
    member: tuple[str, frozenset[str]] | None


class Walk:
    """One walk, and what it found so far: in no particular order."""

    def __init__(
        self,
        root: str,
        selection: Selection,
        kind: Kind,
        members: Mapping[str, frozenset[str]],
        own_tarballs: frozenset[str],
    ) -> None:
        self.files: list[PackedFile] = []
        self.omissions: list[Omission] = []
        self.warnings: list[Problem] = []
        self.problems: list[Problem] = []
        self._root = root
        self._selection = selection
        self._kind = kind
        self._members = members
        self._own = own_tarballs
        self._plain = (*selection.inner, *(() if selection.outer is None else (selection.outer,)))
        self._opened: list[tuple[str, Rule]] = []
        # The directories on the way to what is forced in.
        self._ways = {path[:at] for path in selection.forced for at, char in enumerate(path) if char == "/"}

    def run(self) -> None:
        """Visit every directory that may hold something wanted."""
        todo = [_Folder("", (), (), narrow="", member=None)]
        while todo:
            todo += self._visit(todo.pop())
        self._warn_opened()

    def _visit(self, folder: _Folder) -> list[_Folder]:
        """Take the files of *folder*; the directories in it that are to be visited."""
        try:
            entries = fs.scan(f"{self._root}/{folder.path}" if folder.path else self._root)
        except OSError as err:
            self._unreadable(folder.path or ".", "directory", err)
            return []
        sets = self._sets(folder, {entry.name for entry in entries})
        frames = deeper(folder.frames, sets, is_open=sets is self._plain or self._is_open(folder))
        found = []
        for entry in entries:
            each = Asked(
                f"{folder.path}/{entry.name}" if folder.path else entry.name,
                (*folder.parts, fold(entry.name)),
                frames,
            )
            if not entry.is_dir(follow_symlinks=False):
                self._take(each, folder)
            elif (inner := self._enter(each, folder)) is not None:
                found.append(inner)
        return found

    def _is_open(self, folder: _Folder) -> bool:
        """Whether *folder* was let in by name, so that its ignore file may take back what its parents refuse."""
        here, forced = Asked(folder.path, folder.parts, folder.frames), bool(folder.narrow)
        return not folder.parts or keeps(here, "file", forced=forced) or keeps(here, "folder", forced=forced)

    def _sets(self, folder: _Folder, names: set[str]) -> tuple[RuleSet, ...]:
        """What the directory *folder*, which has entries *names*, says; most say only what is built in."""
        chosen = self._selection
        last, middle = chosen.root, chosen.files
        if folder.parts:
            required = len(folder.parts) == 1 and chosen.required
            last = (required_rules(chosen.required, folder.path),) if required else chosen.inner
            middle = None
        outer = () if chosen.outer is None else (chosen.outer,)
        if middle is None and outer:
            middle = self._ignore_file(folder.path, names)
        if middle is None and last is chosen.inner and not chosen.custom:
            return self._plain
        return (*last, *(() if middle is None else (middle,)), *outer)

    def _ignore_file(self, folder: str, names: set[str]) -> RuleSet | None:
        """The rules of the ignore file of *folder*, if it has one."""
        name = next((one for one in _IGNORE_FILES if one in names), None)
        if name is None:
            return None
        path = f"{folder}/{name}" if folder else name
        try:
            raw = fs.read_file(f"{self._root}/{path}", MAX_IGNORE_FILE)
            return RuleSet(parse_rules(raw.decode("utf-8", "replace"), path))
        except OSError as err:
            self._unreadable(path, "ignore file", err)
        except LinkpackError as err:
            self.problems += [one._replace(path=f"{self._root}/{path}") for one in err.problems]
        return None

    def _enter(self, each: Asked, folder: _Folder) -> _Folder | None:
        """The directory *each* in *folder* as one to visit; None when nothing below it can ship."""
        path = each.path
        if path == "node_modules" and self._kind != "root":
            return None
        narrow = folder.narrow
        if not narrow and not keeps(each, "maybe"):
            narrow = reason(each, "maybe")
        if narrow and not (path in self._ways and keeps(each, "maybe", forced=True)):
            if path != "node_modules":
                self._omit(f"{path}/", narrow)
            return None
        if "*" in path.rpartition("/")[2]:
            self._star(f"{path}/")
            return None
        if path in self._ways and not narrow:
            self._note_opened(each)
        return _Folder(
            path,
            each.parts,
            each.frames,
            narrow,
            (path, self._members[path]) if path in self._members else folder.member,
        )

    def _take(self, each: Asked, folder: _Folder) -> None:
        """Take the file *each* of *folder*, if the rules keep it and it can ship."""
        path = each.path
        member = folder.member
        forced = path in self._selection.forced and keeps(each, "file", forced=True)
        if not forced and (folder.narrow or not keeps(each, "file")):
            self._omit(path, folder.narrow or reason(each, "file"))
        elif "*" in path.rpartition("/")[2]:
            self._star(path)
        elif member is not None and path[len(member[0]) + 1 :] not in member[1]:
            self._omit(path, f"the workspace member {member[0]} does not ship it")
        elif path in self._own or is_draft(path.rpartition("/")[2]):
            self._omit(path, "written by an earlier run")
            self._warn("WOWNTARBALL", path, f"{path} is a tarball that an earlier run wrote: left out")
        else:
            self._take_kept(path)

    def _take_kept(self, path: str) -> None:
        """Ship what is at *path*, by what it is."""
        source = f"{self._root}/{path}"
        try:
            status = fs.lstat(source)
        except OSError as err:
            self._unreadable(path, "file", err)
            return
        if stat.S_ISREG(status.st_mode):
            self._add(path, source, (status.st_size, status.st_mode, status.st_dev, status.st_ino))
        elif stat.S_ISLNK(status.st_mode):
            self._take_link(path)
        else:
            self._omit(path, "not a regular file")
            self._warn("WSPECIAL", path, f"{path} is a pipe, socket or device: left out")

    def _take_link(self, path: str) -> None:
        """Ship what the link at *path* leads to, if that is a file of this package that may ship."""
        source = f"{self._root}/{path}"
        text = ""
        try:
            text = fs.read_link(source)
            home = fs.real_path(self._root)
            target = fs.real_path(source)
            status = fs.lstat(target)
        except OSError:
            self._leave_link(path, text, "which leads nowhere")
            return
        if (inside := target.removeprefix(home.rstrip("/") + "/")) == target:
            self._leave_link(path, text, "outside the package")
        elif not stat.S_ISREG(status.st_mode):
            self._leave_link(path, text, "which is no regular file")
        elif is_never_packed(inside):
            self._leave_link(path, text, "which is never packed")
        else:
            self._add(path, target, (status.st_size, status.st_mode, status.st_dev, status.st_ino))
            self._warn("WLINK", path, f"{path} is a symbolic link to {text}: packed as a copy of that file")

    def _leave_link(self, path: str, text: str, why: str) -> None:
        self._omit(path, f"a link to {text}, {why}")
        if path == "package.json":
            message = f"package.json is a link to {text}, {why}"
            self._fail("ELINK", path, message, "make package.json a regular file")
        else:
            self._warn("WLINK", path, f"{path} is a symbolic link to {text}, {why}: left out")

    def _add(self, path: str, source: str, status: tuple[int, int, int, int]) -> None:
        """Ship the regular file *source*, whose size, mode, device and inode are *status*, as *path*."""
        if "\\" in path or not _is_utf8(path):
            what = "has a backslash" if "\\" in path else "is not UTF-8"
            self._fail("EBADNAME", path, f"the name {path} {what}", "rename it, or leave it out")
        elif not fs.readable(source):
            self._fail("EUNREADABLE", path, f"the file {path} cannot be read", "allow reading it, or leave it out")
        else:
            size, mode, dev, ino = status
            executable = mode & stat.S_IXUSR or path in self._selection.bins
            self.files.append(PackedFile(path, source, size, 0o755 if executable else 0o644, dev, ino))

    def _note_opened(self, each: Asked) -> None:
        """Remember the directory *each* if an ignore rule names it, so that only what is forced in opens it."""
        for rules in each.frames[0].sets[len(self._selection.root) :]:
            if rules.keeps_folder(each.parts, "maybe") is not None:
                rule = rules.last_match(each.parts, "maybe")
                self._opened += [(each.path, rule)] if rule is not None and not rule.negated else []
                return

    def _warn_opened(self) -> None:
        """Warn of each ignored directory that ships because something in it is forced in.

        npm's walk takes all of a directory that it enters, but for what a rule names.
        """
        for folder, rule in self._opened:
            below = [file.path for file in self.files if file.path.startswith(f"{folder}/")]
            forced = [path for path in below if path in self._selection.forced]
            if forced and len(forced) < len(below):
                message = (
                    f"{folder}/ is ignored ({rule.where}: {rule.text}), but ships because {forced[0]} is forced in"
                )
                self._warn("WFORCED", folder, message)

    def _star(self, path: str) -> None:
        self._omit(path, "a * in the name")
        self._warn(
            "WNAME", path, f"{path} has a * in its name, which no installer could write everywhere: left out"
        )

    def _omit(self, path: str, reason: str) -> None:
        self.omissions.append(Omission(path, reason))

    def _warn(self, code: str, path: str, message: str) -> None:
        self.warnings.append(Problem(code, f"{self._root}/{path}", message))

    def _fail(self, code: str, path: str, message: str, hint: str) -> None:
        self.problems.append(Problem(code, f"{self._root}/{path}", message, hint))

    def _unreadable(self, path: str, what: str, err: OSError) -> None:
        code = "EPATHLONG" if err.errno == errno.ENAMETOOLONG else "EUNREADABLE"
        self._fail(code, path, f"the {what} {path} cannot be read: {err.strerror}", "mend it, or leave it out")


def _is_utf8(path: str) -> bool:
    return path.isascii() or path.encode("utf-8", "replace").decode() == path
