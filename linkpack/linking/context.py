"""The context of a link command: what it works with, and where links go."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.linking.builder import PlanBuilder
from linkpack.linking.ownership import LinkLocation
from linkpack.linking.package import alias_folders, real_folder, resolve_parent
from linkpack.linking.record import read_record
from linkpack.linking.states import is_within
from linkpack.project.local import find_local_project
from linkpack.project.package_json import read_loose
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from linkpack.linking.installed import InstalledLinks
    from linkpack.linking.ownership import LinkRules
    from linkpack.linking.record import Store
    from linkpack.linking.states import RecordedLink
    from linkpack.npm.config import Config
    from linkpack.project.local import LocalProject


class SaveRules(Record):
    """How a link is saved.

    *kind* is `prod`, `dev`, `optional` or `peer`, or empty to keep the section that it is in. *bundle* adds it to
    bundleDependencies, *lockfile* to package-lock.json.
    """

    kind: str = ""
    bundle: bool = False
    lockfile: bool = True


class LinkContext(Record):
    """What a link command works with.

    *picked* are the real folders of the workspaces that are chosen, if any.
    """

    config: Config
    project: LocalProject
    picked: tuple[str, ...]
    store: Store
    rules: LinkRules
    installed: InstalledLinks

    # --- folders

    @property
    def packages(self) -> tuple[str, ...]:
        """Return the folders of the root and the workspaces chosen.

        A link goes into the node_modules of one of these.
        """
        return tuple(dict.fromkeys((self.project.root, *self.picked)))

    @property
    def every_package(self) -> tuple[str, ...]:
        """Return the folders to look for links in.

        These are `packages`, with all workspaces of the project if none is chosen.
        """
        return tuple(dict.fromkeys((*self.packages, *(() if self.picked else self.installed.members()))))

    def writable_roots(self, packages: tuple[str, ...]) -> tuple[str, ...]:
        """Return the real folders that a plan about *packages* may write to.

        These are the prefix, the project, and the node_modules that the project shares with another checkout
        (`modules_elsewhere`). Other links that lead out of these folders are refused.
        """
        elsewhere = (modules_elsewhere(folder) for folder in packages)
        prefix = (real_folder(self.config.prefix),) if self.config.prefix else ()
        roots = (*prefix, self.project.root, *(folder for folder in elsewhere if folder))
        return tuple(dict.fromkeys(roots))

    def is_own(self, link: RecordedLink) -> bool:
        """Return True if *link* was made in this project.

        The other links of a shared node_modules belong to another checkout. A folder may have become a workspace
        of another one since, or may be none any more.
        """
        root = self.project.root
        return is_within(link.project, root) or is_within(root, link.project)

    def builder(self, packages: tuple[str, ...] | None = None) -> PlanBuilder:
        """Return a builder for a plan about *packages*.

        The default is those that links may go into.
        """
        roots = self.writable_roots(self.packages if packages is None else packages)
        return PlanBuilder(roots, windows=self.rules.windows, installed=self.installed)

    # --- the global node_modules

    @property
    def shared_place(self) -> str:
        """Return the real path of the global node_modules.

        Its links are recorded and locked by this path. Raises `ConfigError` if there is no prefix.
        """
        if self.config.fault is not None:
            raise self.config.fault
        return real_folder(self.config.modules)

    @property
    def shared_places(self) -> tuple[str, ...]:
        """Return `shared_place` alone, or nothing without a prefix."""
        return () if self.config.fault is not None else (self.shared_place,)

    # --- what is recorded

    def places(self, *, shared: bool) -> tuple[str, ...]:
        """Return the real node_modules to look for links in.

        With *shared* that is the global one, else those of the project.
        """
        return (self.shared_place,) if shared else self.local_places(self.every_package)

    def recorded(self, *, shared: bool) -> list[tuple[str, str, RecordedLink]]:
        """Return the recorded links, each with its place and key.

        With *shared* these are global links, else those of the project. The latter include links that another
        checkout made in a node_modules that it shares (`is_own`).
        """
        return [
            (place, key, link)
            for place in self.places(shared=shared)
            for key, link in read_record(self.store, place).items()
            if bool(link.project) == (not shared)
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
            aliases=alias_folders(*filter(None, folders)),
        )

    # --- the node_modules of the project

    def local_places(self, packages: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Return the real node_modules folders of *packages*.

        The default is those that links may go into.
        """
        folders = self.packages if packages is None else packages
        return tuple(dict.fromkeys(real_folder(f"{folder}/node_modules") for folder in folders))

    def owners(self, packages: tuple[str, ...]) -> tuple[str, ...]:
        """Return the roots of the projects to lock for *packages*.

        Where a node_modules is shared with another checkout, the root of that is among them, as its own commands
        lock it.
        """
        root = self.project.root
        elsewhere = [place for place in self.local_places(packages) if not is_within(place, root)]
        owners = (find_local_project(posixpath.dirname(place)).root for place in elsewhere)
        return tuple(dict.fromkeys((root, *owners)))

    def local_location(self, modules: str, name: str) -> LinkLocation:
        """Return where the link to *name* in *modules* belongs.

        *modules* is a node_modules of the project.
        """
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
            aliases=alias_folders(posixpath.dirname(f"{modules}/{name}"), bins),
        )

    def local_modules(self, name: str, source: str = "") -> tuple[str, ...]:
        """Return the node_modules folders that a link to *name* goes into.

        That is the root's, which all workspaces share, or a chosen workspace's own if it has a package of that
        name. A link to the root itself, the folder *source*, goes into the workspace: in the root it would be a
        ring.
        """
        folders = []
        for package in self.picked or (self.project.root,):
            own = fs.exists(f"{package}/node_modules/{name}") or source == self.project.root
            folders.append(f"{package if own else self.project.root}/node_modules")
        return tuple(dict.fromkeys(folders))


def modules_elsewhere(folder: str) -> str:
    """Return the real node_modules of *folder* if it is a link out of it.

    Worktrees and checkouts of one project share a node_modules so. Empty if it is no such link. A link in a clone
    could lead anywhere, so it is followed only to a folder called node_modules, beside no package.json of another
    name.
    """
    path = f"{folder}/node_modules"
    real = real_folder(path)
    if not fs.is_dir(path) or is_within(real, folder) or posixpath.basename(real) != "node_modules":
        return ""
    owner = posixpath.dirname(real)
    theirs, ours = read_loose(owner), read_loose(folder)
    if theirs is None:
        # A package.json that cannot be read may have another name.
        return "" if fs.exists(f"{owner}/package.json") else real
    if ours is None or ours.name != theirs.name:
        return ""
    return real if ours.name or ours.raw == theirs.raw else ""
