"""Build a link plan, over the disk as it will be after the changes so far."""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.linking.package import link_target, real_folder
from linkpack.linking.record import file_state
from linkpack.linking.states import (
    ABSENT,
    Absent,
    Change,
    Copied,
    CreatedDirectory,
    Displaced,
    File,
    Link,
    LinkPlan,
    is_within,
    paths_of,
    paths_outside,
)
from linkpack.system import read as fs
from linkpack.system.relocate import mounts_below

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.linking.installed import InstalledLinks
    from linkpack.linking.record import Saved
    from linkpack.linking.states import Edit, Item, RecordedLink, SaveEdit, State

# The folder in a node_modules in which displaced content is kept. Package managers leave it alone, except for
# `npm ci`, which empties node_modules (docs/link.md).
STASH = ".linkpack"
_SHIM_LIMIT = 1 << 20  # bytes of a file that is read to see whether it is a shim


class PlanBuilder:
    """A collector of the parts of a `LinkPlan`.

    A later change of a path replaces an earlier one. The folder of each path is a real one (`real_folder`). Each
    changed path has to be below one of *writable_roots*, real folders, unless it is a script of a linked package.
    With *windows* a command shim is a state, as a link is. *installed* knows the links of package managers.
    """

    def __init__(
        self, writable_roots: tuple[str, ...], *, windows: bool = False, installed: InstalledLinks | None = None
    ) -> None:
        self._writable_roots = writable_roots
        self._windows = windows
        self._installed = installed
        self._scripts: set[str] = set()
        self.aliases: dict[str, str] = {}  # real folders, and how the user knows them
        self.changes: dict[str, Change] = {}
        self.edits: dict[tuple[str, str], Edit] = {}
        self.saves: dict[tuple[str, str], SaveEdit] = {}
        self.added: list[Item] = []
        self.changed: list[tuple[Item, Item]] = []
        self.removed: list[Item] = []
        self.warnings: list[Problem] = []
        self.conflicts: list[Problem] = []
        self.discard: list[str] = []
        self.copied: dict[str, str] = {}  # the source folders of copies, by path

    # --- what is there

    def state(self, path: str) -> State:
        """Return the state of *path* after the changes so far.

        Anything that is neither a link nor a shim is a `Displaced` without a stash.
        """
        if path in self.changes:
            return self.changes[path].after
        return disk_state(path, windows=self._windows)

    def is_installed(self, path: str, target: str) -> bool:
        """Return True if a package manager made the link at *path* to *target*."""
        return self._installed is not None and self._installed.reason(path, target) != ""

    def entries(self, place: str, record: Mapping[str, RecordedLink]) -> dict[str, RecordedLink]:
        """Return the links of *place* by key, as planned.

        *record* has those that are linked there now.
        """
        planned = {key: edit.after for (where, key), edit in self.edits.items() if where == place}
        return {key: link for key, link in {**record, **planned}.items() if link is not None}

    def saved(self, project: str, record: Saved) -> Saved:
        """Return the edits that save links in *project*, as planned.

        *record* has those that are recorded now. The keys are the paths of the links below the project.
        """
        planned = {key: save.after for (where, key), save in self.saves.items() if where == project}
        return {key: edits for key, edits in {**record, **planned}.items() if edits}

    # --- what is to change

    def put(self, path: str, after: State, modules: str) -> list[Change]:
        """Plan *after* at *path*.

        A file or folder that makes way goes to a stash of the node_modules folder *modules*. Returns the changes
        that make folders for it (`folder`).
        """
        folders: list[Change] = []
        # A path has one change: from what is on the disk now to what was planned last.
        planned = self.changes.get(path)
        before = planned.before if planned else disk_state(path, windows=self._windows)
        if planned is None and isinstance(before, Displaced):
            if path in mounts_below(path):  # renaming one fails with EBUSY
                message = f"{path} is a mount point, and cannot make way for a link"
                self.refuse("EBUSY", path, message, "unmount it, or mount the package's folder somewhere else")
                return folders
            stash = self._choose_stash(path, modules)
            folders += self.folder(posixpath.dirname(stash))
            before = Displaced(stash, before.inode)
        if before == after:
            self.changes.pop(path, None)
            return folders
        if not isinstance(after, Absent):
            folders += self.folder(posixpath.dirname(path))
        self.changes[path] = Change(path, before, after)
        return folders

    def clear_copy(self, path: str, modules: str) -> None:
        """Plan that the copy at *path* makes way, for good.

        It is moved to the stash of the node_modules folder *modules* first, so that it is never there in part.
        """
        if path not in self.changes:
            stash = self._choose_stash(path, modules)
            self.folder(posixpath.dirname(stash))
            self.changes[path] = Change(path, Copied(stash, fs.lstat(path).st_ino), ABSENT)

    def put_file(self, path: str, after: File | Absent) -> None:
        """Plan the file *after*, or none, at *path*.

        The change itself has the bytes that it replaces, so that no stash is needed.
        """
        planned = self.changes.get(path)
        self._plan_change(path, planned.before if planned else file_state(path), after)

    def edit_file(self, path: str, after: File) -> None:
        """Plan the manifest or lockfile *after* at *path*.

        A link there is a conflict, as others may use the file that it leads to.
        """
        self.put_file(path, after)
        # Only a link that would have to change: the entry may be saved already
        # (test_nothing_is_refused_where_nothing_has_to_be_written).
        if path in self.changes and fs.is_link(path):
            message = f"{path} is a link, and what it leads to is not changed"
            self.refuse("ELINKOUT", path, message, "make it a regular file, or link without --save")

    def replace(self, path: str, now: State, then: State) -> None:
        """Plan *then* at *path*, which has *now* after the changes so far.

        Unlike `put`, nothing is displaced: what is there now is ours.
        """
        planned = self.changes.get(path)
        self._plan_change(path, planned.before if planned else now, then)

    def _plan_change(self, path: str, before: State, after: State) -> None:
        """Plan a change, unless *before* equals *after*."""
        if before == after:
            self.changes.pop(path, None)
        else:
            self.changes[path] = Change(path, before, after)

    def set_mode(self, path: str, change: Change) -> None:
        """Plan *change* of a linked package's script, unless one is planned.

        Two commands may have one script. Its change is the same for both.
        """
        self.changes.setdefault(path, change)
        self._scripts.add(path)

    def folder(self, path: str) -> list[Change]:
        """Plan a directory at *path*, and those above it.

        Returns the changes that make them. A directory that the plan was to remove stays, and is among them: the
        link that needs it owns it from now on.
        """
        missing = []
        while isinstance(self.state(path), Absent):
            missing.append(path)
            path = posixpath.dirname(path)
        made = [Change(folder, ABSENT, CreatedDirectory()) for folder in reversed(missing)]
        for change in made:
            # To remove a directory of ours and to make it again is no change.
            planned = self.changes.pop(change.path, None)
            if planned is None or planned.before != CreatedDirectory():
                self.changes[change.path] = change
        return made

    def _choose_stash(self, path: str, modules: str) -> str:
        """Return a free stash path for the content of *path*.

        The stash is on the same file system, so that the move is a rename.
        """
        base = modules
        # A global `bin` may be on another file system than node_modules, as may a mounted folder of a scope.
        if fs.device_of(modules) != fs.device_of(posixpath.dirname(path)):
            base = posixpath.dirname(path)
        # ../../bin/tool -> bin+tool. `unlink` without a record looks for this name
        # (`Unlinking.unlink_unrecorded`).
        name = posixpath.relpath(path, base).replace("../", "").replace("/", "+")
        first = stash = f"{base}/{STASH}/{name}"
        number = 1
        while not isinstance(self.state(stash), Absent) or self._is_planned_stash(stash):
            number += 1
            stash = f"{first}-{number}"
        return stash

    def _is_planned_stash(self, path: str) -> bool:
        return any(path in paths_of(change)[1:] for change in self.changes.values())

    # --- warnings and conflicts

    def warn(self, code: str, path: str, message: str, hint: str = "") -> None:
        """Add a warning."""
        self.warnings.append(Problem(code, path, message, hint))

    def refuse(self, code: str, path: str, message: str, hint: str = "") -> None:
        """Add a reason why the plan cannot be done."""
        self.conflicts.append(Problem(code, path, message, hint))

    # --- the plan

    def plan(self) -> LinkPlan:
        """Return the finished plan.

        Its conflicts include folders that may not be changed, so that nothing is found out halfway.
        """
        self._check_roots()
        self._check_folders()
        changes = tuple(step for change in self.changes.values() for step in _split_moves(change))
        return LinkPlan(
            changes=changes,
            edits=tuple(edit for edit in self.edits.values() if edit.before != edit.after),
            saves=tuple(save for save in self.saves.values() if save.before != save.after),
            added=tuple(self.added),
            changed=tuple(self.changed),
            removed=tuple(self.removed),
            warnings=tuple(dict.fromkeys(self.warnings)),
            conflicts=tuple(dict.fromkeys(self.conflicts)),
            discard=tuple(self.discard),
            roots=tuple(
                root for root in self._writable_roots if any(_is_about(root, change) for change in changes)
            ),
        )

    def _check_roots(self) -> None:
        """Refuse changes outside of the writable roots, or through a link.

        A link in a clone may lead anywhere (tests/security/test_link_places.py).
        """
        # Scripts are in the linked package, which may be anywhere.
        ours = [change for path, change in self.changes.items() if path not in self._scripts]
        outside = [path for change in ours for path in paths_outside(change, self._writable_roots)]
        outside += [
            path for path in self.discard if not any(is_within(path, root) for root in self._writable_roots)
        ]
        folders = {posixpath.dirname(path) for change in ours for path in paths_of(change)}
        through_links = [folder for folder in folders if real_folder(folder) != folder]
        for folder in sorted({*(posixpath.dirname(path) for path in outside), *through_links}):
            # The user knows the folder by another path, and can do something about the link on it.
            named = _find_link_in(self.aliases.get(folder, folder))
            where = "is" if named == real_folder(named) else f"leads to {real_folder(named)}, which is"
            message = f"{named} {where} neither in the prefix nor in the project"
            hint = "move the link there away, or link from the place that it leads to"
            self.refuse("ELINKOUT", named, message, hint)

    def _check_folders(self) -> None:
        """Refuse folders that cannot be written to, and files in their place."""
        for folder in dict.fromkeys(posixpath.dirname(path) for path in self.changes):
            planned = self.changes.get(folder)
            if planned is not None and isinstance(planned.after, CreatedDirectory):
                continue  # it does not exist yet, and will be ours
            if fs.is_dir(folder):
                if not fs.is_writable_dir(folder):
                    hint = "make it writable; for global links, choose a prefix that you own (npm_config_prefix)"
                    self.refuse("EACCES", folder, f"you may not write to {folder}", hint)
            else:
                self.refuse("ENOTDIR", folder, f"{folder} is not a folder", "move it away")


def _find_link_in(folder: str) -> str:
    """Return the nearest link at *folder* or around it.

    Returns *folder* if none is a link.
    """
    above = folder
    while not fs.is_link(above) and above != posixpath.dirname(above):
        above = posixpath.dirname(above)
    return above if fs.is_link(above) else folder


def _is_about(root: str, change: Change) -> bool:
    """Return True if a path of *change* is in *root*."""
    return len(paths_outside(change, (root,))) < len(paths_of(change))


def _split_moves(change: Change) -> tuple[Change, ...]:
    """Return the steps of *change*: a move away and a move into place are two.

    /app/node_modules/a: installed -> copied, becomes installed -> absent and absent -> copied
    """
    if isinstance(change.before, Displaced) and isinstance(change.after, Displaced):
        return (change._replace(after=ABSENT), change._replace(before=ABSENT))
    return (change,)


def disk_state(path: str, *, windows: bool = False) -> State:
    """Return what is at *path* on the disk, as in `PlanBuilder.state`."""
    try:
        status = fs.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    if stat.S_ISLNK(status.st_mode):
        return Link(fs.read_link(path))
    if windows and stat.S_ISREG(status.st_mode) and status.st_size <= _SHIM_LIMIT:
        shim = file_state(path)
        if link_target(path, shim) is not None:
            return shim
    return Displaced("", status.st_ino)
