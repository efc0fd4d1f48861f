"""Hold what a link command works with: settings, project, workspaces chosen, state folder, and where links go."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.linking.builder import PlanBuilder
from linkpack.linking.ownership import LinkLocation
from linkpack.linking.package import named_folders, real_folder, resolve_parent
from linkpack.linking.record import read_record
from linkpack.linking.states import is_within
from linkpack.project.local import find_local_project
from linkpack.project.source import read_loose
from linkpack.system import read as fs

if TYPE_CHECKING:
    from linkpack.linking.installed import InstalledLinks
    from linkpack.linking.ownership import LinkRules
    from linkpack.linking.record import Store
    from linkpack.linking.states import RecordedLink
    from linkpack.npm.config import Config
    from linkpack.project.local import LocalProject


class SaveRules(NamedTuple):
    """How a link is saved: *kind* is `prod`, `dev`, `optional`, `peer`, or empty to keep the section it is in."""

    kind: str = ""
    bundle: bool = False
    lockfile: bool = True


class LinkContext(NamedTuple):
    """What a link command works with; *picked* are the real folders of the workspaces chosen, if any."""

    config: Config
    project: LocalProject
    picked: tuple[str, ...]
    store: Store
    rules: LinkRules
    installed: InstalledLinks

    # --- folders

    @property
    def packages(self) -> tuple[str, ...]:
        """The folders whose node_modules a link may go into: the root's, and those of the workspaces chosen."""
        return tuple(dict.fromkeys((self.project.root, *self.picked)))

    @property
    def every_package(self) -> tuple[str, ...]:
        """The folders whose node_modules links are looked for in: with all workspaces if none is chosen."""
        return tuple(dict.fromkeys((*self.packages, *(() if self.picked else self.installed.members()))))

    def writable_roots(self, packages: tuple[str, ...]) -> tuple[str, ...]:
        """Return the real folders that a plan about *packages* may change something in, the prefix among them.

        A node_modules that is a link counts as the folder that it leads to (`modules_elsewhere`). Other links that
        lead out of these folders are refused.
        """
        elsewhere = (modules_elsewhere(folder) for folder in packages)
        prefix = (real_folder(self.config.prefix),) if self.config.prefix else ()
        roots = (*prefix, self.project.root, *(folder for folder in elsewhere if folder))
        return tuple(dict.fromkeys(roots))

    def is_own(self, entry: RecordedLink) -> bool:
        """True if *entry* was made in this project, not in a checkout that shares a node_modules with it.

        A folder may have become a workspace of another one since, or may be none any more.
        """
        root = self.project.root
        return is_within(entry.project, root) or is_within(root, entry.project)

    def builder(self, packages: tuple[str, ...] | None = None) -> PlanBuilder:
        """Return a builder for a plan about *packages*, by default those that links may go into."""
        roots = self.writable_roots(self.packages if packages is None else packages)
        return PlanBuilder(roots, windows=self.rules.windows, installed=self.installed)

    # --- the global node_modules

    @property
    def shared_place(self) -> str:
        """The name by which the global folder is recorded and locked: its real path.

        Raises `ConfigError` where there is no prefix.
        """
        if self.config.fault is not None:
            raise self.config.fault
        return real_folder(self.config.modules)

    @property
    def shared_places(self) -> tuple[str, ...]:
        """The global folder as `shared_place`, or none where there is no prefix."""
        return () if self.config.fault is not None else (self.shared_place,)

    # --- what is recorded

    def places(self, *, shared: bool) -> tuple[str, ...]:
        """Return the real node_modules in which links are looked for: the global one, or those of the project."""
        return (self.shared_place,) if shared else self.local_places(self.every_package)

    def recorded(self, *, shared: bool) -> list[tuple[str, str, RecordedLink]]:
        """Return the place, the key and the link of all that is recorded of global links, or in the project.

        Those are among the latter that another checkout made in a node_modules that it shares: see `is_own`.
        """
        return [
            (place, key, entry)
            for place in self.places(shared=shared)
            for key, entry in read_record(self.store, place).items()
            if bool(entry.project) == (not shared)
        ]

    def shared_location(self, name: str) -> LinkLocation:
        """Return where the global link to the package *name* belongs."""
        config = self.config
        folders = (posixpath.dirname(f"{config.modules}/{name}"), config.bins, config.mans)
        return LinkLocation(
            place=self.shared_place,
            key=name,
            path=resolve_parent(f"{config.modules}/{name}"),
            modules=self.shared_place,
            bins=real_folder(config.bins),
            mans=real_folder(config.mans) if config.mans else "",
            shared=True,
            project="",
            aliases=named_folders(*filter(None, folders)),
        )

    # --- the node_modules of the project

    def local_places(self, packages: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Return the real node_modules folders of *packages*, by default of those that links may go into."""
        folders = self.packages if packages is None else packages
        return tuple(dict.fromkeys(real_folder(f"{folder}/node_modules") for folder in folders))

    def owners(self, packages: tuple[str, ...]) -> tuple[str, ...]:
        """Return the roots of the projects that own the node_modules of *packages*: those are locked.

        Another checkout's, where that is shared; its own commands lock the same.
        """
        root = self.project.root
        shared = [place for place in self.local_places(packages) if not is_within(place, root)]
        return tuple(
            dict.fromkeys((root, *(find_local_project(posixpath.dirname(place)).root for place in shared)))
        )

    def local_location(self, modules: str, name: str) -> LinkLocation:
        """Return where the link to *name* in the node_modules folder *modules* of the project belongs."""
        place, bins = real_folder(modules), f"{modules}/.bin"
        return LinkLocation(
            place=place,
            key=f"{name} from {self.project.root}",
            path=resolve_parent(f"{modules}/{name}"),
            modules=place,
            bins=real_folder(bins),
            mans="",
            shared=False,
            project=self.project.root,
            aliases=named_folders(posixpath.dirname(f"{modules}/{name}"), bins),
        )

    def local_modules(self, name: str, source: str = "") -> tuple[str, ...]:
        """Return the node_modules folders that a link to *name* goes to: a workspace's with a copy, or the root's.

        A link to the workspace's root, *source*, goes into the workspace itself: in the root it would be a ring.
        """
        found = []
        for folder in self.picked or (self.project.root,):
            own = fs.exists(f"{folder}/node_modules/{name}") or source == self.project.root
            found.append(f"{folder if own else self.project.root}/node_modules")
        return tuple(dict.fromkeys(found))


def modules_elsewhere(folder: str) -> str:
    """Return the node_modules that the one of the package in *folder* is a link to; empty when it is none.

    Worktrees and checkouts of one project share a node_modules so. What a clone says does not count: a link is
    followed out of its package only to a folder called node_modules, beside no package.json of another name.
    """
    path = f"{folder}/node_modules"
    real = real_folder(path)
    if not fs.is_dir(path) or is_within(real, folder) or posixpath.basename(real) != "node_modules":
        return ""
    owner = posixpath.dirname(real)
    theirs, ours = read_loose(owner), read_loose(folder)
    if theirs is None:
        return "" if fs.exists(f"{owner}/package.json") else real
    if ours is None or ours.name != theirs.name:
        return ""
    return real if ours.name or ours.raw == theirs.raw else ""
