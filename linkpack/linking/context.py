"""The context of a link command: settings, project, records, and places."""

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
    """The settings, the project and the records of a link command.

    *picked* are the real folders of the chosen workspaces, if any. In all methods *shared* means the global
    node_modules, and a *package* is the folder of the root or of a workspace. *store* has the records.
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
        """Return the root and the chosen workspaces.

        Links go into their node_modules.
        """
        return tuple(dict.fromkeys((self.project.root, *self.picked)))

    @property
    def every_package(self) -> tuple[str, ...]:
        """Return the folders to look for links in.

        These are `packages`, and if no workspace is chosen all workspaces of the project.
        """
        return tuple(dict.fromkeys((*self.packages, *(() if self.picked else self.installed.members()))))

    def writable_roots(self, packages: tuple[str, ...]) -> tuple[str, ...]:
        """Return the real folders that a plan about *packages* may write to.

        These are the prefix, the project, and a node_modules that it shares with another checkout
        (`modules_elsewhere`). A change through any other link is refused.
        """
        elsewhere = (modules_elsewhere(folder) for folder in packages)
        prefix = (real_folder(self.config.prefix),) if self.config.prefix else ()
        roots = (*prefix, self.project.root, *(folder for folder in elsewhere if folder))
        return tuple(dict.fromkeys(roots))

    def is_own(self, link: RecordedLink) -> bool:
        """Return True if *link* was made in this project.

        The other links of a shared node_modules belong to another checkout.
        """
        root = self.project.root
        # Since then the project may have become a workspace of the one around it, or have ceased to be one.
        return is_within(link.project, root) or is_within(root, link.project)

    def builder(self, packages: tuple[str, ...] | None = None) -> PlanBuilder:
        """Return a builder for a plan about *packages*, by default `packages`."""
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
        """Return `shared_place` in a tuple, which is empty without a prefix."""
        return () if self.config.fault is not None else (self.shared_place,)

    # --- records

    def places(self, *, shared: bool) -> tuple[str, ...]:
        """Return the global node_modules or the project's."""
        return (self.shared_place,) if shared else self.local_places(self.every_package)

    def recorded(self, *, shared: bool) -> list[tuple[str, str, RecordedLink]]:
        """Return global or local links with place and key.

        The project's include links that another checkout made in a node_modules that it shares (`is_own`).
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
        """Return the real node_modules of *packages*, by default `packages`."""
        folders = self.packages if packages is None else packages
        return tuple(dict.fromkeys(real_folder(f"{folder}/node_modules") for folder in folders))

    def owners(self, packages: tuple[str, ...]) -> tuple[str, ...]:
        """Return the project roots to lock for *packages*.

        A checkout that shares a node_modules with this one locks its own root. So that root is locked here too.
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
            key=f"{name} from {self.project.root}",  # several checkouts may have a link of that name there
            path=resolve_parent(f"{modules}/{name}"),
            modules=place,
            bins=real_folder(bins),
            mans="",
            shared=False,
            project=self.project.root,
            aliases=alias_folders(posixpath.dirname(f"{modules}/{name}"), bins),
        )

    def local_modules(self, name: str, source: str = "") -> tuple[str, ...]:
        """Return the node_modules for a link to *name*.

        That is the root's, which all workspaces share, or a chosen workspace's own if it has a package of that
        name. *source* is the real folder of the package.
        """
        folders = []
        for package in self.picked or (self.project.root,):
            # A link from the root to itself would be a ring: an example of a package gets it into its own.
            own = fs.exists(f"{package}/node_modules/{name}") or source == self.project.root
            folders.append(f"{package if own else self.project.root}/node_modules")
        return tuple(dict.fromkeys(folders))


def modules_elsewhere(folder: str) -> str:
    """Return the real node_modules of *folder* if that is a link out of it.

    Worktrees and checkouts of one project share a node_modules by such a link. Empty for any other. A link in a
    clone may lead anywhere, so it is followed only to a folder called node_modules that has beside it no
    package.json of another name.
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
