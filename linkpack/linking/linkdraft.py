"""A link plan while it is being made: what the disk says, with the changes so far laid over it."""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING

from linkpack.disk import fs, fslinks
from linkpack.errors import Problem
from linkpack.linking.linkpackage import link_target
from linkpack.linking.linkrecord import file_state
from linkpack.linking.linkstate import ABSENT, Absent, Change, CreatedDirectory, Displaced, File, Link, LinkPlan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.linking.linkstate import Edit, Item, RecordedLink, State

_STASH = ".linkpack"
_SHIM_LIMIT = 1 << 20  # bytes


class PlanBuilder:
    """Collects the parts of a `LinkPlan`; for each path, later wishes replace earlier ones.

    Scripts of linked packages aside, everything that changes has to be in one of *writable_roots*, real
    folders. With *windows*, a shim counts as what it says, as a link does.
    """

    def __init__(self, writable_roots: tuple[str, ...], *, windows: bool = False) -> None:
        self._writable_roots = writable_roots
        self._windows = windows
        self._scripts: set[str] = set()
        self.changes: dict[str, Change] = {}
        self.edits: dict[tuple[str, str], Edit] = {}
        self.added: list[Item] = []
        self.changed: list[tuple[Item, Item]] = []
        self.removed: list[Item] = []
        self.warnings: list[Problem] = []
        self.conflicts: list[Problem] = []
        self.discard: list[str] = []

    def state(self, path: str) -> State:
        """What will stand at *path*; a directory or file of anybody's is a `Displaced` that has no place yet."""
        if path in self.changes:
            return self.changes[path].after
        return disk_state(path, windows=self._windows)

    def entries(self, place: str, record: Mapping[str, RecordedLink]) -> dict[str, RecordedLink]:
        """The links of *place*, by key, as they are planned to be; *record* is what is linked there now."""
        planned = {key: edit.after for (where, key), edit in self.edits.items() if where == place}
        return {key: entry for key, entry in {**record, **planned}.items() if entry is not None}

    def put(self, path: str, after: State, stash: str) -> None:
        """Have *after* at *path*; what is displaced goes below the node_modules folder *stash*."""
        planned = self.changes.get(path)
        before = planned.before if planned else disk_state(path, windows=self._windows)
        if planned is None and isinstance(before, Displaced):
            before = Displaced(self._place(path, stash), before.inode)
        if before == after:
            self.changes.pop(path, None)
            return
        if not isinstance(after, Absent):
            self.folder(posixpath.dirname(path))
        self.changes[path] = Change(path, before, after)

    def put_file(self, path: str, after: File | Absent) -> None:
        """Have the file *after*, or none, at *path*; the plan remembers the bytes of the file that it replaces."""
        planned = self.changes.get(path)
        before = planned.before if planned else file_state(path)
        if before == after:
            self.changes.pop(path, None)
        else:
            self.changes[path] = Change(path, before, after)

    def edit_file(self, path: str, after: File) -> None:
        """As `put_file`, for a manifest or a lockfile; refused where that is a link, whose file others may use."""
        self.put_file(path, after)
        if path in self.changes and fslinks.is_link(path):
            message = f"{path} is a link, and what it leads to is not changed"
            self.refuse("ELINKOUT", path, message, "make it a regular file, or link without --save")

    def replace(self, path: str, now: State, then: State) -> None:
        """Have *then* at *path*, where *now* will stand after the changes so far."""
        planned = self.changes.get(path)
        before = planned.before if planned else now
        if before == then:
            self.changes.pop(path, None)
        else:
            self.changes[path] = Change(path, before, then)

    def set_mode(self, path: str, change: Change) -> None:
        """Have the change of a script of the linked package, unless one is planned already."""
        self.changes.setdefault(path, change)
        self._scripts.add(path)

    def folder(self, path: str) -> None:
        """Have a directory at *path*, and those above it."""
        missing = []
        while isinstance(self.state(path), Absent):
            missing.append(path)
            path = posixpath.dirname(path)
        for each in reversed(missing):
            self.changes[each] = Change(each, ABSENT, CreatedDirectory())

    def _place(self, path: str, stash: str) -> str:
        """A free path on the same file system for what has to make way at *path*."""
        base = stash
        if fslinks.device_of(stash) != fslinks.device_of(posixpath.dirname(path)):
            base = posixpath.dirname(path)
        name = posixpath.relpath(path, base).replace("../", "").replace("/", "+")
        first = place = f"{base}/{_STASH}/{name}"
        number = 1
        while not isinstance(self.state(place), Absent) or self._taken(place):
            number += 1
            place = f"{first}-{number}"
        self.folder(posixpath.dirname(place))
        return place

    def _taken(self, place: str) -> bool:
        return any(isinstance(c.before, Displaced) and c.before.stash == place for c in self.changes.values())

    def warn(self, code: str, path: str, message: str, hint: str = "") -> None:
        """Add a warning."""
        self.warnings.append(Problem(code, path, message, hint))

    def refuse(self, code: str, path: str, message: str, hint: str = "") -> None:
        """Add a reason why the plan cannot be done."""
        self.conflicts.append(Problem(code, path, message, hint))

    def plan(self) -> LinkPlan:
        """The finished plan; folders that may not be written to, or lie elsewhere, are among its conflicts."""
        self._check_folders()
        return LinkPlan(
            changes=tuple(self.changes.values()),
            edits=tuple(edit for edit in self.edits.values() if edit.before != edit.after),
            added=tuple(self.added),
            changed=tuple(self.changed),
            removed=tuple(self.removed),
            warnings=tuple(dict.fromkeys(self.warnings)),
            conflicts=tuple(dict.fromkeys(self.conflicts)),
            discard=tuple(self.discard),
        )

    def _check_homes(self) -> None:
        """Refuse what would be written through somebody's link to somewhere else."""
        kept = (change.before.stash for change in self.changes.values() if isinstance(change.before, Displaced))
        paths = (*self.changes, *kept)
        real = {folder: fslinks.canonical(folder) for folder in {posixpath.dirname(path) for path in paths}}
        for path in paths:
            folder = posixpath.dirname(path)
            at = f"{real[folder].rstrip('/')}/{posixpath.basename(path)}/"
            writable_roots = [f"{root.rstrip('/')}/" for root in self._writable_roots]
            # What is made on the way to a missing prefix lies around it.
            if path in self._scripts or any(at.startswith(root) or root.startswith(at) for root in writable_roots):
                continue
            message = f"{folder} leads to {real[folder]}, which is neither in the prefix nor in the project"
            hint = "move the link there away, or link from the place that it leads to"
            self.refuse("ELINKOUT", folder, message, hint)

    def _check_folders(self) -> None:
        self._check_homes()
        folders = dict.fromkeys(posixpath.dirname(path) for path in self.changes)
        for folder in folders:
            if isinstance(self.changes.get(folder, Change("", ABSENT, ABSENT)).after, CreatedDirectory):
                continue
            if fs.is_dir(folder):
                if not fslinks.may_write(folder):
                    hint = "make it writable; for global links, choose a prefix that you own (npm_config_prefix)"
                    self.refuse("EACCES", folder, f"you may not write to {folder}", hint)
            else:
                self.refuse("ENOTDIR", folder, f"{folder} is not a folder", "move it away")


def disk_state(path: str, *, windows: bool = False) -> State:
    """What stands at *path* on the disk, as `PlanBuilder.state` has it."""
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
