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
from linkpack.select.account import Account, too_many
from linkpack.select.frames import (
    Asked,
    Frame,
    Verdicts,
    Voice,
    decider,
    deeper,
    judge,
    keeps,
    last_speaker,
    reason,
    same_voices,
    voices,
)
from linkpack.select.ignore import (
    BUILT_IN,
    FILES,
    RuleSet,
    costliest,
    decode_rules,
    encoding_warning,
    located,
    parse_rules,
    spend_at,
)
from linkpack.select.rules import work_for_files
from linkpack.select.selection import Kind, Selection, is_never_packed, required_rules
from linkpack.select.warnings import NAMED_ALIKE, Opened
from linkpack.select.wildcard import fold, fold_names

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from linkpack.disk.beneath import Listed
    from linkpack.select.outputs import Outputs
    from linkpack.select.rules import Rule, Rules

_IGNORE_FILES = (".npmignore", ".gitignore")  # the first one that a directory has counts


class Folder(NamedTuple):
    """A directory to visit: its *path* below the root, the same in folded *parts*, and its parents' *frames*.

    *number* is the inode that its parent's listing gave it: what is visited is what was listed.
    *member* is the workspace member it belongs to: (folder, paths that may ship). *other* are the frames by the
    rules that the walk is compared with.
    """

    path: str
    number: int
    parts: tuple[str, ...]
    frames: tuple[Frame, ...]
    member: tuple[str, frozenset[str]] | None
    other: tuple[Frame, ...] = ()


class Here(NamedTuple):
    """A directory that is visited: its *folder*, its own *frames*, and the *verdicts* about the files in it."""

    folder: Folder
    frames: tuple[Frame, ...]
    verdicts: Verdicts


class Walk:
    """One walk, and what it found so far: in no particular order.

    Given the selection *twin* of another edition, it finds out whether that one *differs*, at least in what is
    asked about one name: where it does not, it ships the same.
    """

    def __init__(  # noqa: PLR0917 - for one caller
        self,
        root: str,
        selection: Selection,
        kind: Kind,
        members: Mapping[str, frozenset[str]],
        outputs: Outputs,
        twin: Selection | None = None,
    ) -> None:
        self.differs = False
        self._twin = twin
        self.account = Account(root, selection.bins)
        self._root = root
        self.selection = selection
        self._kind = kind
        self._members = members
        self._outputs = outputs
        self._default = () if selection.default is None else (selection.default,)
        self._plain = (*selection.inner, *self._default)
        # What to warn of: ignored directories that are open, what only a built-in name leaves out, what an ignore
        # file around the package does, what is left out as linkpack's own, and other tarballs that ship.
        self.opened: list[Opened] = []
        self.named_alike: list[tuple[str, Rule]] = []
        self.outer_omissions: list[tuple[str, Rule]] = []
        self.old_outputs: list[str] = []
        self.tarballs: list[str] = []
        self._outer = frozenset(rule.where for rules in selection.outer for rule in rules.rules)
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
            todo = [Folder("", 0, (), (), member=None)]
            while todo:
                todo += self._visit(tree, todo.pop())
        finally:
            tree.close()

    def _visit(self, tree: Tree, folder: Folder) -> list[Folder]:
        """Take the files of *folder*; the directories in it that are to be visited."""
        try:
            with tree.listed(folder.path, folder.number) as entries:
                return self._visit_all(tree, folder, entries)
        except OSError as err:
            self.account.unreadable(folder.path or ".", "directory", err)
            return []

    def _visit_all(self, tree: Tree, folder: Folder, entries: list[Listed]) -> list[Folder]:
        all_names = {entry.name for entry in entries}
        if folder.parts and "package.json" in all_names and self._is_staged(folder, all_names):
            self.account.omit(f"{folder.path}/", "a staged tree of this package")
            self.old_outputs.append(f"{folder.path}/")
            return []
        own = self._own_rules(folder, all_names)
        frames = self._frames(self.selection, folder, folder.frames, own)
        if len(self.account.files) > limits.current().entries:
            raise too_many(self._root)
        inner = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
        files = [entry for entry in entries if not entry.is_dir(follow_symlinks=False)]
        names = fold_names([entry.name for entry in files]) if files else []
        heard = voices(frames, folder.parts) if files else ()
        self._spend(folder, frames, heard, len(inner), names)
        here = Here(folder, frames, judge(heard, folder.parts, names))
        at = f"{folder.path}/" if folder.path else ""
        if self._twin is not None and self._is_compared(self._twin, folder):
            folder = folder._replace(other=self._frames(self._twin, folder, folder.other, own))
            self.differs = self._differs(here, folder.other, names, inner)
        for entry, name in zip(files, names, strict=True):
            path = at + entry.name
            if self.keeps(path, (*folder.parts, name), here):
                self._take(tree, path, entry)
        found = []
        for entry in inner:
            asked = Asked(at + entry.name, (*folder.parts, fold(entry.name)), frames)
            if (below := self.enter(asked, entry.inode(), folder)) is not None:
                found.append(below)
        return found

    def _spend(
        self,
        folder: Folder,
        frames: tuple[Frame, ...],
        heard: tuple[Voice, ...],
        folders: int,
        names: Collection[str],
    ) -> None:
        """Count the work of asking about so many *folders* and about files with these *names* in *folder*.

        `LinkpackError` (ELIMIT) that names the directory and the pattern that is most work there.
        """
        sets = [rules for frame in frames for rules in frame.sets]
        characters = sum(map(len, names)) + len(names)
        steps = sum([work_for_files(voice.nears, len(names), characters) for voice in heard])
        try:
            spend_at(folder.path, steps + (1 + folders) * sum([rules.work for rules in sets]))
        except LinkpackError as err:
            rule = costliest(sets)
            raise err if rule is None else located(err, rule.where, rule.text) from err

    def _frames(
        self, selection: Selection, folder: Folder, above: tuple[Frame, ...], own: RuleSet | None
    ) -> tuple[Frame, ...]:
        """Return the frames *above* the directory *folder* and its own, by *selection* and its *own* rules."""
        sets = self._sets(selection, folder, own)
        here = Asked(folder.path, folder.parts, above)
        # It was let in by name, and so its ignore file may take back what its parents refuse.
        is_open = sets is self._plain or not folder.parts or keeps(here, "file") or keeps(here, "folder")
        return deeper(above, sets, is_open=is_open)

    def _sets(self, selection: Selection, folder: Folder, own: RuleSet | None) -> tuple[Rules, ...]:
        """Return the rule sets of the directory *folder*, highest precedence first.

        *own* are the rules of its ignore file. Most directories have the built-in sets only, and share one tuple.
        """
        if not folder.parts:
            named = selection.files or own
            return (*selection.root, *([named] if named else []), *selection.outer, *self._default)
        required = len(folder.parts) == 1 and selection.required
        last = (required_rules(selection.required, folder.path),) if required else selection.inner
        if own is None and last is selection.inner:
            return self._plain
        return (*last, *([own] if own else []), *self._default)

    def _own_rules(self, folder: Folder, names: set[str]) -> RuleSet | None:
        """Return the rules of the ignore file among *names* in *folder*; at the root `files` beats it."""
        if not folder.parts and self.selection.files is not None:
            return None
        return self._ignore_file(folder.path, names)

    def _is_compared(self, twin: Selection, folder: Folder) -> bool:
        """True if *twin* may say something else about what is in *folder*, and nothing was found so far.

        Without `files` its rules differ for names in the root alone, or for files that the manifest forces.
        """
        forced = len(self.selection.root[0].rules) != len(twin.root[0].rules)
        return not self.differs and (not folder.parts or forced or self.selection.files is not None)

    def _differs(self, here: Here, other: tuple[Frame, ...], names: list[str], inner: list[Listed]) -> bool:
        """True if the frames *other* say of one of the files or directories in *here* what its own do not."""
        frames, parts = here.frames, here.folder.parts
        is_same = frames[1:] == other[1:] and same_voices(voices(frames[:1], parts), voices(other[:1], parts))
        if not is_same and judge(voices(other, parts), parts, names).kept != here.verdicts.kept:
            return True
        asked = [(entry.name, (*parts, fold(entry.name))) for entry in inner]
        return any(
            keeps(Asked(name, path, frames), "maybe") is not keeps(Asked(name, path, other), "maybe")
            for name, path in asked
        )

    def _ignore_file(self, folder: str, names: set[str]) -> RuleSet | None:
        """Read the rules of the ignore file of *folder*; None without one, or where none apply."""
        name = next((one for one in _IGNORE_FILES if one in names), None)
        if name is None or self.selection.default is None:
            return None
        path = f"{folder}/{name}" if folder else name
        try:
            raw = fs.read_file(f"{self._root}/{path}", limits.current().ignore_file)
            text, encoding = decode_rules(raw, path)
            if encoding:
                self.account.warnings.append(encoding_warning(f"{self._root}/{path}", path, encoding))
            return RuleSet(parse_rules(text, path))
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
        # Of the packages there the bundle ships; a command or main of the project's brings in itself alone.
        is_package = path.partition("/")[0] == "node_modules"
        if is_package and path not in self._ways:
            if path != "node_modules":
                self.account.omit(f"{path}/", "not bundled")
            return None
        if not keeps(each, "maybe"):
            if path != "node_modules":
                self._omit(f"{path}/", decider(each, "maybe"))
            return None
        if is_draft(path.rpartition("/")[2]):
            self.account.omit(f"{path}/", "left by an earlier run that was cut off")
            return None
        if "*" in path.rpartition("/")[2]:
            self.account.star(f"{path}/")
            return None
        if not is_package and (
            path in self._ways or any(rules.takes_back for frame in each.frames for rules in frame.sets)
        ):
            self._note_opened(each)
        return Folder(
            path,
            number,
            each.parts,
            each.frames,
            (path, self._members[path]) if path in self._members else folder.member,
            folder.other,
        )

    def keeps(self, path: str, parts: tuple[str, ...], here: Here) -> bool:
        """Whether the rules keep the file at *path*, folded *parts*, in the directory *here*; a "no" is noted."""
        member = here.folder.member
        if parts[-1] not in here.verdicts.kept:
            depth, rules = here.verdicts.blamed[parts[-1]]
            self._omit(path, rules.last_match(parts[depth:], "file"))
        elif path.startswith("node_modules/") and path not in self.selection.forced:
            self.account.omit(path, "not bundled")
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
            self.old_outputs.append(path)
        else:
            return True
        return False

    def _is_staged(self, folder: Folder, names: set[str]) -> bool:
        """True if *folder*, with the entries *names*, is a staged tree, and nothing in it is forced in."""
        return folder.path not in self._ways and self._outputs.is_staged(self._root, folder.path, names)

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
                self.tarballs.append(path)
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

    def _omit(self, path: str, rule: Rule | None) -> None:
        """Leave out *path*, with a slash behind it for a directory, because of *rule*."""
        self.account.omit(path, "" if rule is None else reason(rule))
        if rule is None:
            return
        if rule.where == BUILT_IN and rule.text in NAMED_ALIKE:
            self.named_alike.append((path, rule))
        elif rule.where in self._outer:
            self.outer_omissions.append((path, rule))

    def _note_opened(self, each: Asked) -> None:
        """Remember the directory *each* if an ignore rule names it, and it is entered for something below it."""
        ignoring, opening = last_speaker(each, "folder"), last_speaker(each, "maybe")
        if ignoring is None or opening is None:
            return
        depth, rules = ignoring
        rule = rules.last_match(each.parts[depth:], "folder")
        if rule is None or rule.negated or rule.where in {BUILT_IN, FILES}:
            return
        exceptions = [
            (one, at)
            for at, among in (ignoring, opening)
            for one in among.rules
            if one.negated and one.where != BUILT_IN
        ]
        known = rules.last_match(each.parts[depth:], "maybe")
        if known is None or not known.negated:
            depth, rules = opening
            known = rules.last_match(each.parts[depth:], "maybe")
        if known is not None:
            self.opened.append(Opened(each.path, rule, known, tuple(exceptions)))
