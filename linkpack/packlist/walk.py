"""Walk through one package as npm does, and decide about all files.

`Walk._visit_all` is the whole of it for one directory: collect its rules, decide about its files, then find the
directories in it to visit. How the rules of several directories decide about one path is in `precedence`.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from linkpack import limits
from linkpack.errors import LinkpackError
from linkpack.glob.portion_matcher import fold, fold_names
from linkpack.packlist.builder import PacklistBuilder
from linkpack.packlist.ignore import (
    BUILT_IN,
    FILES,
    RuleSet,
    add_location,
    decode_rules,
    find_costliest_rule,
    make_encoding_warning,
    parse_rules,
    spend_in,
)
from linkpack.packlist.npm_rules import Selection, is_never_packed, make_required_rules
from linkpack.packlist.outputs import NO_OUTPUTS
from linkpack.packlist.precedence import (
    ApplicableRules,
    Candidate,
    DirectoryRules,
    Verdicts,
    add_directory,
    are_same_rules,
    explain_rule,
    find_applicable_rules,
    find_deciding_rule,
    find_deciding_set,
    judge_files,
    keeps,
)
from linkpack.packlist.rule_index import count_file_steps
from linkpack.packlist.warnings import NAMED_ALIKE, OpenedFolder
from linkpack.record import Record
from linkpack.system import read as fs
from linkpack.system.temporary import is_draft
from linkpack.system.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from linkpack.packlist.outputs import Outputs
    from linkpack.packlist.rule_index import Rule, Rules
    from linkpack.system.tree import Listed

# Only the first one that a directory has is read (npm-packlist, lib/index.js, `filterEntries`).
_IGNORE_FILES = (".npmignore", ".gitignore")


class Folder(Record):
    """A directory to visit.

    - *path*: below the root; *parts*: its folded portions.
    - *number*: the inode in its parent's listing. The directory that is visited must be the one that was listed.
    - *above*: the rules of the directories above it, and *twin_above* those of the selection to compare with.
    - *member*: the workspace member that it belongs to, as (folder, paths that may ship).
    """

    path: str
    number: int
    parts: tuple[str, ...]
    above: tuple[DirectoryRules, ...]
    member: tuple[str, frozenset[str]] | None
    twin_above: tuple[DirectoryRules, ...] = ()


class VisitedFolder(Record):
    """The directory *folder* during its visit.

    *rules* are those *above* it and its own, *verdicts* what they say about the files in it.
    """

    folder: Folder
    rules: tuple[DirectoryRules, ...]
    verdicts: Verdicts


class Walk:
    """One walk below *root* by the rules of *selection*.

    What it finds is in no particular order. *members* are the (folder, paths below it that may ship) of workspace
    members in the package. *twin* is the selection of another edition: after the walk, *differs* is true if the
    two may not ship the same.
    """

    def __init__(
        self,
        root: str,
        selection: Selection,
        *,
        members: Iterable[tuple[str, frozenset[str]]] = (),
        outputs: Outputs = NO_OUTPUTS,
        twin: Selection | None = None,
    ) -> None:
        self.builder = PacklistBuilder(root, selection.bins)
        self.selection = selection
        self.differs = False
        # Collected for warnings: ignored directories that are walked, paths that only a built-in name leaves out,
        # paths that an ignore file around the package leaves out, earlier outputs of linkpack, and other tarballs.
        self.opened: list[OpenedFolder] = []
        self.named_alike: list[tuple[str, Rule]] = []
        self.outer_omissions: list[tuple[str, Rule]] = []
        self.old_outputs: list[str] = []
        self.tarballs: list[str] = []
        self._root = root
        self._members = dict(members)
        self._outputs = outputs
        self._twin = twin
        self._default = () if selection.default is None else (selection.default,)
        self._plain = (*selection.inner, *self._default)  # the sets of most directories, which share this tuple
        self._outer = frozenset(rule.where for rules in selection.outer for rule in rules.rules)
        self._forced_folders = {
            path[:index] for path in selection.forced for index, char in enumerate(path) if char == "/"
        }

    def run(self) -> None:
        """Visit every directory that may hold something that ships."""
        try:
            tree = Tree(self._root)
        except OSError as err:
            self.builder.fail_to_read(".", "directory", err)
            return
        try:
            # In any order: the packlist is sorted at the end.
            todo = [Folder(path="", number=0, parts=(), above=(), member=None)]
            while todo:
                todo += self._visit(tree, todo.pop())
        finally:
            tree.close()

    def _visit(self, tree: Tree, folder: Folder) -> list[Folder]:
        """Visit *folder*, and return the directories in it to visit."""
        try:
            with tree.listed(folder.path, folder.number) as entries:
                return self._visit_all(tree, folder, entries)
        except OSError as err:
            self.builder.fail_to_read(folder.path or ".", "directory", err)
            return []

    def _visit_all(self, tree: Tree, folder: Folder, entries: list[Listed]) -> list[Folder]:
        """Decide about all *entries* of *folder*, and return those to visit."""
        all_names = {entry.name for entry in entries}
        if folder.parts and "package.json" in all_names and self._is_staged(folder, all_names):
            self.builder.omit(f"{folder.path}/", "a staged tree of this package")
            self.old_outputs.append(f"{folder.path}/")
            return []
        if len(self.builder.files) > limits.current().entries:
            raise _too_many_files(self._root)
        inner = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
        files = [entry for entry in entries if not entry.is_dir(follow_symlinks=False)]
        names = fold_names([entry.name for entry in files]) if files else []

        # The rules: those above the directory, and its own.
        own = self._read_own_rules(folder, all_names)
        rules = self._add_rules(self.selection, folder, folder.above, own)
        applicable = find_applicable_rules(rules, folder.parts) if files else ()
        self._spend(folder, rules, applicable, len(inner), names)

        # The files: all are judged at once, and what the rules keep is shipped by what it is.
        here = VisitedFolder(folder, rules, judge_files(applicable, folder.parts, names))
        if self._twin is not None and self._must_compare(self._twin, folder):
            folder = folder._replace(twin_above=self._add_rules(self._twin, folder, folder.twin_above, own))
            self.differs = _differs(here, folder.twin_above, names, inner)
        prefix = f"{folder.path}/" if folder.path else ""
        for entry, name in zip(files, names, strict=True):
            path = prefix + entry.name
            if self.keeps(path, (*folder.parts, name), here):
                self._ship(tree, path, entry)

        # The directories: each is asked whether something in it may be wanted.
        below = []
        for entry in inner:
            asked = Candidate(prefix + entry.name, (*folder.parts, fold(entry.name)), rules)
            entered = self.enter(asked, entry.inode(), folder)
            if entered is not None:
                below.append(entered)
        return below

    def _is_staged(self, folder: Folder, names: set[str]) -> bool:
        """Return True if *folder* is a staged tree of which nothing is forced in."""
        return folder.path not in self._forced_folders and self._outputs.is_staged(self._root, folder.path, names)

    def _read_own_rules(self, folder: Folder, names: set[str]) -> RuleSet | None:
        """Read the ignore file among *names* in *folder*, or None."""
        name = next((name for name in _IGNORE_FILES if name in names), None)
        if name is None or self.selection.default is None:
            return None
        if not folder.parts and self.selection.files is not None:
            return None  # in the root `files` takes the place of the ignore file (`filterEntries`)
        path = f"{folder.path}/{name}" if folder.path else name
        try:
            raw = fs.read_file(f"{self._root}/{path}", limits.current().ignore_file)
            text, encoding = decode_rules(raw, path)
            if encoding:
                self.builder.warnings.append(make_encoding_warning(f"{self._root}/{path}", path, encoding))
            return RuleSet(parse_rules(text, path))
        except OSError as err:
            self.builder.fail_to_read(path, "ignore file", err)
        except LinkpackError as err:
            self.builder.problems += [problem._replace(path=f"{self._root}/{path}") for problem in err.problems]
        return None

    def _add_rules(
        self, selection: Selection, folder: Folder, above: tuple[DirectoryRules, ...], own: RuleSet | None
    ) -> tuple[DirectoryRules, ...]:
        """Return the rules *above* *folder*, and its own by *selection*."""
        sets = self._list_sets(selection, folder, own)
        asked = Candidate(folder.path, folder.parts, above)
        # The ignore file of a directory that was let in by name may take back what its parents refuse: `exact` in
        # ignore-walk, lib/index.js, `onstat`. With the plain sets it makes no difference: they take nothing back.
        is_open = sets is self._plain or not folder.parts or keeps(asked, "file") or keeps(asked, "folder")
        return add_directory(above, sets, is_open=is_open)

    def _list_sets(self, selection: Selection, folder: Folder, own: RuleSet | None) -> tuple[Rules, ...]:
        """Return the rule sets of *folder*, highest precedence first.

        *own* are the rules of its ignore file.
        """
        if not folder.parts:
            chosen = selection.files or own
            return (*selection.root, *([chosen] if chosen else []), *selection.outer, *self._default)
        first: tuple[Rules, ...] = selection.inner
        if len(folder.parts) == 1 and selection.required:
            first = (make_required_rules(selection.required, folder.path),)
        elif own is None:
            return self._plain
        return (*first, *([own] if own else []), *self._default)

    def _spend(
        self,
        folder: Folder,
        directories: tuple[DirectoryRules, ...],
        applicable: tuple[ApplicableRules, ...],
        folders: int,
        names: Collection[str],
    ) -> None:
        """Count the work of asking about *names* and *folders* in *folder*.

        Raises `LinkpackError` (ELIMIT), naming the directory and the pattern that takes most work there.
        """
        sets = [rules for directory in directories for rules in directory.sets]
        characters = sum(map(len, names)) + len(names)
        steps = sum([count_file_steps(rules.runs, len(names), characters) for rules in applicable])
        try:
            spend_in(folder.path, steps + (1 + folders) * sum([rules.work for rules in sets]))
        except LinkpackError as err:
            rule = find_costliest_rule(sets)
            raise err if rule is None else add_location(err, rule.where, rule.text) from err

    def _must_compare(self, twin: Selection, folder: Folder) -> bool:
        """Return True if *twin* is to be compared in *folder*.

        It is until it decides otherwise once. Without `files` its rules differ for names in the root only, or for
        files that the manifest forces in.
        """
        forces_other = len(self.selection.root[0].rules) != len(twin.root[0].rules)
        return not self.differs and (not folder.parts or forces_other or self.selection.files is not None)

    def keeps(self, path: str, parts: tuple[str, ...], here: VisitedFolder) -> bool:
        """Return True if the file at *path* ships, otherwise note the reason."""
        # The rules come first. What they keep may still be no part of the package.
        member = here.folder.member
        if parts[-1] not in here.verdicts.kept:
            depth, rules = here.verdicts.blamed[parts[-1]]
            self._omit_by_rule(path, rules.last_match(parts[depth:], "file"))
        elif path.startswith("node_modules/") and path not in self.selection.forced:
            self.builder.omit(path, "not bundled")
        elif "*" in path and "*" in path.rpartition("/")[2]:
            self.builder.omit_star(path)
        elif member is not None and path[len(member[0]) + 1 :] not in member[1]:
            self.builder.omit(path, f"the workspace member {member[0]} does not ship it")
        elif path in self._outputs.written and not self._outputs.asks_for(path):
            self.builder.omit(path, "linkpack writes it")
        elif is_draft(path.rpartition("/")[2]):
            self.builder.omit(path, "left by an earlier run that was cut off")
        elif self._outputs.is_old(path, f"{self._root}/{path}"):
            self.builder.omit(path, "named like an earlier output of linkpack")
            self.old_outputs.append(path)
        else:
            return True
        return False

    def _ship(self, tree: Tree, path: str, entry: Listed) -> None:
        """Ship the file or link at *path*, or leave out anything else."""
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as err:
            self.builder.fail_to_read(path, "file", err)
            return
        if stat.S_ISREG(status.st_mode):
            self.builder.ship(path, f"{self._root}/{path}", status)
            if path in self._outputs.written:
                message = f"{path} ships because files names it, and is what this run then replaces"
                self.builder.warn("WTARBALL", path, message, "choose another --pack-destination or --out")
            elif path.endswith(".tgz") and self.selection.kind != "installed" and not self._outputs.asks_for(path):
                self.tarballs.append(path)
        elif stat.S_ISLNK(status.st_mode):
            self._ship_link(tree, path)
        else:
            self.builder.omit(path, "not a regular file")
            self.builder.warn("WSPECIAL", path, f"{path} is a pipe, socket or device: left out")

    def _ship_link(self, tree: Tree, path: str) -> None:
        """Ship the target of the link at *path*, if it is a file of the package."""
        source = f"{self._root}/{path}"
        prefix = f"{self._root.rstrip('/')}/"
        inside = text = ""
        try:
            text = fs.read_link(source)
            target = fs.real_path(source)
            status = None  # as of what is outside the package
            if target.startswith(prefix):
                inside = target[len(prefix) :]
                status = tree.status(inside)
        except OSError:
            self.builder.omit_link(path, text, "which leads nowhere")
            return
        if status is None:
            self.builder.omit_link(path, text, "outside the package")
        elif not stat.S_ISREG(status.st_mode):
            self.builder.omit_link(path, text, "which is no regular file")
        elif is_never_packed(inside):
            self.builder.omit_link(path, text, "which is never packed")
        else:
            self.builder.ship(path, target, status)
            self.builder.warn("WLINK", path, f"{path} is a symbolic link to {text}: packed as a copy of that file")

    def enter(self, asked: Candidate, number: int, folder: Folder) -> Folder | None:
        """Return the directory *asked*, to be visited, or None.

        It is None if nothing below it ships. The reason is noted, but for node_modules itself. *number* is its
        inode.
        """
        path = asked.path
        if path == "node_modules" and self.selection.kind != "root":
            return None
        # The bundle ships packages of node_modules. A command or main of the project there brings in itself alone.
        is_package = path.partition("/")[0] == "node_modules"
        if is_package and path not in self._forced_folders:
            if path != "node_modules":
                self.builder.omit(f"{path}/", "not bundled")
            return None
        if not keeps(asked, "maybe"):
            if path != "node_modules":
                self._omit_by_rule(f"{path}/", find_deciding_rule(asked, "maybe"))
            return None
        name = path.rpartition("/")[2]
        if is_draft(name):
            self.builder.omit(f"{path}/", "left by an earlier run that was cut off")
            return None
        if "*" in name:
            self.builder.omit_star(f"{path}/")
            return None
        takes_back = any(rules.takes_back for directory in asked.above for rules in directory.sets)
        if not is_package and (path in self._forced_folders or takes_back):
            self._note_opened(asked)
        member = (path, self._members[path]) if path in self._members else folder.member
        return Folder(
            path=path,
            number=number,
            parts=asked.parts,
            above=asked.above,
            member=member,
            twin_above=folder.twin_above,
        )

    def _note_opened(self, asked: Candidate) -> None:
        """Remember the directory *asked* if it is ignored, but entered."""
        ignoring, opening = find_deciding_set(asked, "folder"), find_deciding_set(asked, "maybe")
        if ignoring is None or opening is None:
            return
        depth, rules = ignoring
        ignoring_rule = rules.last_match(asked.parts[depth:], "folder")
        if ignoring_rule is None or ignoring_rule.negated or ignoring_rule.where in {BUILT_IN, FILES}:
            return
        exceptions = [
            (rule, level)
            for level, others in (ignoring, opening)
            for rule in others.rules
            if rule.negated and rule.where != BUILT_IN
        ]
        opening_rule = rules.last_match(asked.parts[depth:], "maybe")
        if opening_rule is None or not opening_rule.negated:
            depth, rules = opening
            opening_rule = rules.last_match(asked.parts[depth:], "maybe")
        if opening_rule is not None:
            self.opened.append(OpenedFolder(asked.path, ignoring_rule, opening_rule, tuple(exceptions)))

    def _omit_by_rule(self, path: str, rule: Rule | None) -> None:
        """Leave out *path* because of *rule*."""
        self.builder.omit(path, "" if rule is None else explain_rule(rule))
        if rule is None:
            return
        if rule.where == BUILT_IN and rule.text in NAMED_ALIKE:
            self.named_alike.append((path, rule))
        elif rule.where in self._outer:
            self.outer_omissions.append((path, rule))


def _differs(
    here: VisitedFolder, other: tuple[DirectoryRules, ...], names: Sequence[str], inner: Sequence[Listed]
) -> bool:
    """Return True if the rules *other* decide otherwise in *here*.

    *names* are the folded names of the files, *inner* the directories.
    """
    rules, parts = here.rules, here.folder.parts
    # Below the root the two mostly have the same rules, and only the root's own are to be compared.
    is_same = rules[1:] == other[1:] and are_same_rules(
        find_applicable_rules(rules[:1], parts), find_applicable_rules(other[:1], parts)
    )
    if not is_same and judge_files(find_applicable_rules(other, parts), parts, names).kept != here.verdicts.kept:
        return True
    asked = [(entry.name, (*parts, fold(entry.name))) for entry in inner]
    return any(
        keeps(Candidate(name, path, rules), "maybe") is not keeps(Candidate(name, path, other), "maybe")
        for name, path in asked
    )


def _too_many_files(path: str) -> LinkpackError:
    most = limits.current().entries
    return LinkpackError(
        f"{path} ships more than {most} files",
        code="ELIMIT",
        path=path,
        hint="leave some out, or raise --max-entries",
    )
