"""Replace `workspace:` specs by what pnpm and yarn publish for them."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from linkpack.npm.protocols import Supplied, UnresolvableError, named, no_version
from linkpack.npm.ranges import parse_range
from linkpack.npm.specs import ALIAS, allows, exact

if TYPE_CHECKING:
    from collections.abc import Mapping


class WorkspaceSpecs(NamedTuple):
    """What `workspace:` specs are resolved with: the directory of their manifest, their key, and what can answer.

    *answer* is the package in the tarball that the key resolves to; without one the package is searched in
    *workspaces*, by name, and *there* is what is installed as the key. *binding* says that the answer must
    satisfy the range.
    """

    folder: str
    key: str
    workspaces: Mapping[str, Supplied]
    answer: Supplied | None
    there: Supplied | None
    binding: bool

    def resolve(self, spec: str) -> tuple[str, Supplied | None]:
        """Replace each `||` alternative of *spec* that is a `workspace:` by what pnpm publishes for it.

        Returns the package that the last of them means, too. Raises `UnresolvableError`: EWORKSPACE when there is
        no such workspace, ENOVERSION when it has no version.
        """
        parts = spec.split("||")
        package = None
        for i, part in enumerate(parts):
            wanted = part.strip()
            if wanted.startswith("workspace:"):
                package, meant = self._meaning(wanted.removeprefix("workspace:"))
                new = named(self.key, package, meant) if len(parts) == 1 else meant
                parts[i] = part.replace(wanted, new)
        return "||".join(parts), package

    def _meaning(self, wanted: str) -> tuple[Supplied, str]:
        """Find the package and the range that *wanted* means: a range, an alias with a range, or a path."""
        is_range = wanted in {"^", "~"} or parse_range(wanted) is not None
        alias = None if is_range else re.fullmatch(ALIAS, wanted)
        name = alias[1] if alias else self.key
        package = self.answer or self._find(name, "" if is_range or alias else wanted)
        if alias:
            wanted = alias[2]
        elif not is_range:
            wanted = ""
        version = exact(package.version)
        if wanted in {"", "*", "^", "~"}:
            if not version:
                raise no_version(f'the workspace "{package.name or name}"')
            return package, wanted.strip("*") + version
        is_met = not self.binding or allows(wanted, package.version)
        return package, wanted if is_met else version or "*"

    def _find(self, name: str, path: str) -> Supplied:
        """Find the workspace in *path*, from the package or, as in yarn, the workspace root; else by *name*.

        What is installed comes last: pnpm asks nothing else (measured on 12.21.0), and in a repository of Rush,
        whose pnpm-workspace.yaml is in common/temp, there is nothing else to ask.
        """
        beside = posixpath.normpath(posixpath.join(self.folder, path))
        below = "/" + posixpath.normpath(path)
        for workspace in self.workspaces.values() if path else ():
            if workspace.folder == beside or workspace.folder.endswith(below):
                return workspace
        if name in self.workspaces:
            return self.workspaces[name]
        if self.there is None or name not in {self.key, self.there.name}:
            message = f'means "{name}", which is no workspace here and not installed'
            raise UnresolvableError("EWORKSPACE", message, "list its folder in workspaces, or install it")
        return self.there
