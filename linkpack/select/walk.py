"""npm's walk through one package: every directory asks the frames on the way down to it.

A frame is what one directory says. A deeper frame speaks after its parents, and can take back their "no" only
where the directory itself was let in by name (the ignore-walk package, measured on npm 11.19.1 and 12.2.0).
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, NamedTuple

from linkpack import limits
from linkpack.disk import fs
from linkpack.disk.beneath import Tree
from linkpack.disk.drafts import is_draft
from linkpack.errors import LinkpackError
from linkpack.select.account import Account, listed, too_many
from linkpack.select.frames import Asked, Frame, Voice, deeper, keeps, keeps_file, reason, voices
from linkpack.select.ignore import RuleSet, parse_rules
from linkpack.select.selection import Kind, Selection, is_never_packed, required_rules
from linkpack.select.wildcard import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.disk.beneath import Listed
    from linkpack.select.outputs import Outputs
    from linkpack.select.rules import Rule

_IGNORE_FILES = (".npmignore", ".gitignore")  # the first one that a directory has counts


class Folder(NamedTuple):
    """A directory to visit: its *path* below the root, the same in folded *parts*, and its parents' *frames*.

    *number* is the inode that its parent's listing gave it: what is visited is what was listed.
    *narrow*: why it is ignored, when only what is forced in may ship from it.
    *member* is the workspace member it belongs to: (folder, paths that may ship).
    """

    path: str
    number: int
    parts: tuple[str, ...]
    frames: tuple[Frame, ...]
    narrow: str
    member: tuple[str, frozenset[str]] | None


class Here(NamedTuple):
    """A directory that is visited: its *folder*, its own *frames*, and what is *heard* about the files in it."""

    folder: Folder
    frames: tuple[Frame, ...]
    heard: tuple[Voice, ...]


class Walk:
    """One walk, and what it found so far: in no particular order."""

    def __init__(
        self,
        root: str,
        selection: Selection,
        kind: Kind,
        members: Mapping[str, frozenset[str]],
        outputs: Outputs,
    ) -> None:
        self.account = Account(root, selection.bins)
        self._root = root
        self._selection = selection
        self._kind = kind
        self._members = members
        self._outputs = outputs
        self._old_outputs: list[str] = []
        self._tarballs: list[str] = []
        self._default = () if selection.default is None else (selection.default,)
        self._plain = (*selection.inner, *self._default)
        self._opened: list[tuple[str, Rule]] = []
        # The directories on the way to what is forced in.
        self._ways = {path[:at] for path in selection.forced for at, char in enumerate(path) if char == "/"}

    def run(self) -> None:
        """Visit every directory that may hold something wanted."""
        try:
            tree = Tree(self._root)
        except OSError as err:
            self.account.unreadable(".", "directory", err)
            return
        try:
            todo = [Folder("", 0, (), (), narrow="", member=None)]
            while todo:
                todo += self._visit(tree, todo.pop())
        finally:
            tree.close()
        self._warn_opened()
        self._warn_outputs()

    def _visit(self, tree: Tree, folder: Folder) -> list[Folder]:
        """Take the files of *folder*; the directories in it that are to be visited."""
        try:
            with tree.listed(folder.path, folder.number) as entries:
                return self._visit_all(tree, folder, entries)
        except OSError as err:
            self.account.unreadable(folder.path or ".", "directory", err)
            return []

    def _visit_all(self, tree: Tree, folder: Folder, entries: list[Listed]) -> list[Folder]:
        names = {entry.name for entry in entries}
        if folder.parts and "package.json" in names and self._is_staged(folder, names):
            self.account.omit(f"{folder.path}/", "a staged tree of this package")
            self._old_outputs.append(f"{folder.path}/")
            return []
        sets = self._sets(folder, names)
        frames = deeper(folder.frames, sets, is_open=sets is self._plain or self._is_open(folder))
        limits.spend(len(entries) * sum(rules.work for frame in frames for rules in frame.sets))
        if len(self.account.files) > limits.current().entries:
            raise too_many(self._root)
        here = None
        at = f"{folder.path}/" if folder.path else ""
        found = []
        for entry in entries:
            name = entry.name
            path, parts = at + name, (*folder.parts, fold(name))
            if not entry.is_dir(follow_symlinks=False):
                if here is None:  # many a directory has no files, and patterns are work
                    here = Here(folder, frames, () if folder.narrow else voices(frames, folder.parts))
                if self.keeps(path, parts, here):
                    self._take(tree, path, entry)
            elif (inner := self.enter(Asked(path, parts, frames), entry.inode(), folder)) is not None:
                found.append(inner)
        return found

    def _is_open(self, folder: Folder) -> bool:
        """Whether *folder* was let in by name, so that its ignore file may take back what its parents refuse."""
        here, forced = Asked(folder.path, folder.parts, folder.frames), bool(folder.narrow)
        return not folder.parts or keeps(here, "file", forced=forced) or keeps(here, "folder", forced=forced)

    def _sets(self, folder: Folder, names: set[str]) -> tuple[RuleSet, ...]:
        """Return the rule sets of the directory *folder*, highest precedence first.

        *names* are those of its entries. Most directories have the built-in sets only, and share one tuple.
        """
        chosen = self._selection
        if not folder.parts:
            own = chosen.files or self._ignore_file("", names)
            return (*chosen.root, *([own] if own else []), *chosen.outer, *self._default)
        required = len(folder.parts) == 1 and chosen.required
        last = (required_rules(chosen.required, folder.path),) if required else chosen.inner
        own = self._ignore_file(folder.path, names)
        if own is None and last is chosen.inner:
            return self._plain
        return (*last, *([own] if own else []), *self._default)

    def _ignore_file(self, folder: str, names: set[str]) -> RuleSet | None:
        """Read the rules of the ignore file of *folder*; None without one, or where none apply."""
        name = next((one for one in _IGNORE_FILES if one in names), None)
        if name is None or self._selection.default is None:
            return None
        path = f"{folder}/{name}" if folder else name
        try:
            raw = fs.read_file(f"{self._root}/{path}", limits.current().ignore_file)
            return RuleSet(parse_rules(raw.decode("utf-8", "replace"), path))
        except OSError as err:
            self.account.unreadable(path, "ignore file", err)
        except LinkpackError as err:
            self.account.problems += [one._replace(path=f"{self._root}/{path}") for one in err.problems]
        return None

    def enter(self, each: Asked, number: int, folder: Folder) -> Folder | None:
        """The directory *each* in *folder*, of the inode *number*, to visit; None when nothing below it ships."""
        path = each.path
        if path == "node_modules" and self._kind != "root":
            return None
        narrow = folder.narrow
        if not narrow and not keeps(each, "maybe"):
            narrow = reason(each, "maybe")
        if narrow and not (path in self._ways and keeps(each, "maybe", forced=True)):
            if path != "node_modules":
                self.account.omit(f"{path}/", narrow)
            return None
        if is_draft(path.rpartition("/")[2]):
            self.account.omit(f"{path}/", "left by an earlier run that was cut off")
            return None
        if "*" in path.rpartition("/")[2]:
            self.account.star(f"{path}/")
            return None
        if path in self._ways and not narrow:
            self._note_opened(each)
        return Folder(
            path,
            number,
            each.parts,
            each.frames,
            narrow,
            (path, self._members[path]) if path in self._members else folder.member,
        )

    def keeps(self, path: str, parts: tuple[str, ...], here: Here) -> bool:
        """Whether the rules keep the file at *path*, folded *parts*, in the directory *here*; a "no" is noted."""
        narrow, member = here.folder.narrow, here.folder.member
        kept = not narrow and keeps_file(here.heard, parts)
        if not kept and not (
            path in self._selection.forced and keeps(Asked(path, parts, here.frames), "file", forced=True)
        ):
            self.account.omit(path, narrow or reason(Asked(path, parts, here.frames), "file"))
        elif "*" in path and "*" in path.rpartition("/")[2]:
            self.account.star(path)
        elif member is not None and path[len(member[0]) + 1 :] not in member[1]:
            self.account.omit(path, f"the workspace member {member[0]} does not ship it")
        elif path in self._outputs.written and not self._outputs.asks_for(path):
            self.account.omit(path, "linkpack writes it")
        elif is_draft(path.rpartition("/")[2]):
            self.account.omit(path, "left by an earlier run that was cut off")
        elif self._outputs.is_old(path, f"{self._root}/{path}"):
            self.account.omit(path, "named like an earlier output of linkpack")
            self._old_outputs.append(path)
        else:
            return True
        return False

    def _is_staged(self, folder: Folder, names: set[str]) -> bool:
        if folder.narrow or folder.path in self._ways:
            return False
        return self._outputs.is_staged(self._root, folder.path, names)

    def _take(self, tree: Tree, path: str, entry: Listed) -> None:
        """Ship what is at *path*, by what it is."""
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as err:
            self.account.unreadable(path, "file", err)
            return
        if stat.S_ISREG(status.st_mode):
            self.account.ship(path, f"{self._root}/{path}", status)
            if path in self._outputs.written:
                message = f"{path} ships because files names it, and is what this run then replaces"
                self.account.warn("WTARBALL", path, message, "choose another --pack-destination or --out")
            elif path.endswith(".tgz") and self._kind != "installed" and not self._outputs.asks_for(path):
                self._tarballs.append(path)
        elif stat.S_ISLNK(status.st_mode):
            self._take_link(tree, path)
        else:
            self.account.omit(path, "not a regular file")
            self.account.warn("WSPECIAL", path, f"{path} is a pipe, socket or device: left out")

    def _take_link(self, tree: Tree, path: str) -> None:
        """Ship what the link at *path* leads to, if that is a file of this package that may ship."""
        source = f"{self._root}/{path}"
        inside = text = ""
        try:
            text = fs.read_link(source)
            target = fs.real_path(source)
            status = None
            if target.startswith(f"{self._root.rstrip('/')}/"):
                inside = target[len(self._root.rstrip("/")) + 1 :]
                status = tree.status(inside)
        except OSError:
            self.account.leave_link(path, text, "which leads nowhere")
            return
        if status is None:
            self.account.leave_link(path, text, "outside the package")
        elif not stat.S_ISREG(status.st_mode):
            self.account.leave_link(path, text, "which is no regular file")
        elif is_never_packed(inside):
            self.account.leave_link(path, text, "which is never packed")
        else:
            self.account.ship(path, target, status)
            self.account.warn("WLINK", path, f"{path} is a symbolic link to {text}: packed as a copy of that file")

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
            below = [file.path for file in self.account.files if file.path.startswith(f"{folder}/")]
            forced = [path for path in below if path in self._selection.forced]
            if forced and len(forced) < len(below):
                message = (
                    f"{folder}/ is ignored ({rule.where}: {rule.text}), but ships because {forced[0]} is forced in"
                )
                self.account.warn("WFORCED", folder, message)

    def _warn_outputs(self) -> None:
        """Warn once of what was left out as linkpack's own, and once of other tarballs that ship."""
        if self._old_outputs:
            message = f"left out, as earlier outputs of linkpack by name: {listed(self._old_outputs)}"
            hint = "remove them, or name them in files to ship them"
            self.account.warn("WOWNTARBALL", min(self._old_outputs), message, hint)
        if self._tarballs:
            message = f"tarballs ship inside of this one: {listed(self._tarballs)}"
            hint = "leave them out, or name them in files if they belong there"
            self.account.warn("WTARBALL", min(self._tarballs), message, hint)
