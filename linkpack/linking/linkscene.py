"""What a link command finds around it: the settings, the project, the workspaces chosen, the state folder."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.disk import fslinks
from linkpack.linking.linkown import LinkLocation

if TYPE_CHECKING:
    from linkpack.linking.config import Config
    from linkpack.linking.linkhome import LocalProject
    from linkpack.linking.linkown import LinkRules
    from linkpack.linking.linkrecord import Store


class SaveRules(NamedTuple):
    """How a link is saved: *kind* is `prod`, `dev`, `optional`, `peer`, or empty to keep the section it is in."""

    kind: str = ""
    bundle: bool = False
    lockfile: bool = True


class LinkContext(NamedTuple):
    """Everything around a link command: the settings, the project, the workspaces chosen, the state folder."""

    config: Config
    project: LocalProject
    picked: tuple[str, ...]
    store: Store
    rules: LinkRules

    @property
    def writable_roots(self) -> tuple[str, ...]:
        """The real folders that a plan may change something in: the prefix, the project, workspaces chosen.

        A project's node_modules that is a link is where it leads; any other link that leads elsewhere is not
        followed.
        """
        own = (self.project.root, *self.picked)
        folders = (self.config.prefix, *own, *(f"{each}/node_modules" for each in own))
        return tuple(dict.fromkeys(fslinks.canonical(folder) for folder in folders))

    @property
    def shared_place(self) -> str:
        """The name under which the global folder is recorded and locked."""
        return fslinks.canonical(self.config.modules)

    def shared_location(self, name: str) -> LinkLocation:
        """Where the global link to the package *name* stands."""
        config = self.config
        return LinkLocation(
            place=self.shared_place,
            key=name,
            path=f"{config.modules}/{name}",
            modules=config.modules,
            bins=config.bins,
            mans=config.mans,
            shared=True,
        )

    def local_location(self, modules: str, name: str) -> LinkLocation:
        """Where the link to *name* in the node_modules folder *modules* of the project stands."""
        return LinkLocation(
            place=self.project.root,
            key=posixpath.relpath(f"{modules}/{name}", self.project.root),
            path=f"{modules}/{name}",
            modules=modules,
            bins=f"{modules}/.bin",
            mans="",
            shared=False,
        )

    def local_modules(self, name: str) -> tuple[str, ...]:
        """The node_modules folders that a link to *name* goes to: a workspace's with a copy, or the root's."""
        found = []
        for folder in self.picked or (self.project.root,):
            own = fslinks.exists(f"{folder}/node_modules/{name}")
            found.append(f"{folder if own else self.project.root}/node_modules")
        return tuple(dict.fromkeys(found))
