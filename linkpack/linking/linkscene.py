"""What a link command finds around it: the settings, the project, the workspaces chosen, the state folder."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.disk import fslinks
from linkpack.linking.linkown import Spot

if TYPE_CHECKING:
    from linkpack.linking.config import Config
    from linkpack.linking.linkhome import Home
    from linkpack.linking.linkown import Rules
    from linkpack.linking.linkrecord import Store


class SaveRules(NamedTuple):
    """How a link is saved: *kind* is `prod`, `dev`, `optional`, `peer`, or empty to keep the section it is in."""

    kind: str = ""
    bundle: bool = False
    lockfile: bool = True


class Scene(NamedTuple):
    """Everything around a link command: the settings, the project, the workspaces chosen, the state folder."""

    config: Config
    home: Home
    picked: tuple[str, ...]
    store: Store
    rules: Rules

    @property
    def homes(self) -> tuple[str, ...]:
        """The real folders that a plan may change something in: the prefix, the project, workspaces chosen.

        A project's node_modules that is a link is where it leads; any other link that leads elsewhere is not
        followed.
        """
        own = (self.home.root, *self.picked)
        prefix = (self.config.prefix,) if self.config.prefix else ()
        folders = (*prefix, *own, *(f"{each}/node_modules" for each in own))
        return tuple(dict.fromkeys(fslinks.canonical(folder) for folder in folders))

    @property
    def shared_place(self) -> str:
        """The name under which the global folder is recorded and locked.

        Raises `ConfigError` where there is no prefix.
        """
        if self.config.fault is not None:
            raise self.config.fault
        return fslinks.canonical(self.config.modules)

    def place(self, *, shared: bool) -> str:
        """Return the name under which the global folder, or else the project, is recorded and locked."""
        return self.shared_place if shared else self.home.root

    def shared_spot(self, name: str) -> Spot:
        """Where the global link to the package *name* stands."""
        config = self.config
        return Spot(
            place=self.shared_place,
            key=name,
            path=f"{config.modules}/{name}",
            modules=config.modules,
            bins=config.bins,
            mans=config.mans,
            shared=True,
        )

    def local_spot(self, modules: str, name: str) -> Spot:
        """Where the link to *name* in the node_modules folder *modules* of the project stands."""
        return Spot(
            place=self.home.root,
            key=posixpath.relpath(f"{modules}/{name}", self.home.root),
            path=f"{modules}/{name}",
            modules=modules,
            bins=f"{modules}/.bin",
            mans="",
            shared=False,
        )

    def local_modules(self, name: str) -> tuple[str, ...]:
        """The node_modules folders that a link to *name* goes to: a workspace's with a copy, or the root's."""
        found = []
        for folder in self.picked or (self.home.root,):
            own = fslinks.exists(f"{folder}/node_modules/{name}")
            found.append(f"{folder if own else self.home.root}/node_modules")
        return tuple(dict.fromkeys(found))
