"""Replace `workspace:` specs by what pnpm publishes for them.

    workspace:*  ->  1.2.3        workspace:^  ->  ^1.2.3        workspace:^1.0.0  ->  ^1.0.0
    workspace:left-pad@~  ->  npm:left-pad@~1.2.3                workspace:../lib  ->  1.2.3

`linkpack.bundle.consumer_specs` decides where in a manifest that is done.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.npm.protocols import Supplied, UnresolvableError, add_alias, make_version_error
from linkpack.npm.ranges import parse_range
from linkpack.npm.specs import allows, make_exact, split_alias
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping


class WorkspaceSpecs(Record):
    """The packages that `workspace:` specs of one dependency may mean.

    *folder* is the directory of the manifest, and *key* the dependency's name in it. *answer* is the package in
    the tarball that the key resolves to. If there is none, the package is looked up in *workspaces*, by name, and
    then taken from *installed*, the package that is installed as the key. If *binding*, the published spec must
    allow the answer's version.
    """

    folder: str
    key: str
    workspaces: Mapping[str, Supplied]
    answer: Supplied | None
    installed: Supplied | None
    binding: bool

    def resolve(self, spec: str) -> tuple[str, Supplied | None]:
        """Replace the `workspace:` in each `||` alternative.

        Returns the new spec, and the package that the last of these alternatives means. Raises
        `UnresolvableError` when there is no such workspace (EWORKSPACESPEC), or when it has no version
        (ENOVERSION).

        >>> workspaces = {"lib": Supplied("lib", "1.2.3", "/repo/lib")}
        >>> specs = WorkspaceSpecs("/repo/app", "lib", workspaces, answer=None, installed=None, binding=False)
        >>> [specs.resolve(f"workspace:{text}")[0] for text in ("*", "^", "^1.0.0", "../lib")]
        ['1.2.3', '^1.2.3', '^1.0.0', '1.2.3']
        """
        alternatives = spec.split("||")
        package = None
        for i, alternative in enumerate(alternatives):
            text = alternative.strip()
            if text.startswith("workspace:"):
                package, new = self._resolve_alternative(text.removeprefix("workspace:"))
                # An alias takes the whole spec, so beside others an alternative has none.
                if len(alternatives) == 1:
                    new = add_alias(self.key, package, new)
                alternatives[i] = alternative.replace(text, new)
        return "||".join(alternatives), package

    def _resolve_alternative(self, wanted: str) -> tuple[Supplied, str]:
        """Find the package and the range that *wanted* means.

        It is a range, an alias with a range, or a path.
        """
        is_range = wanted in {"^", "~"} or parse_range(wanted) is not None
        alias = None if is_range else split_alias(wanted)
        name = alias[0] if alias else self.key
        package = self.answer or self._find(name, "" if is_range or alias else wanted)
        if alias:
            wanted = alias[1]
        elif not is_range:
            wanted = ""
        version = make_exact(package.version)
        # pnpm writes the version for `workspace:` and `workspace:*`, and puts `^` and `~` before it.
        if wanted in {"", "*", "^", "~"}:
            if not version:
                raise make_version_error(f'the workspace "{package.name or name}"')
            return package, wanted.strip("*") + version
        is_met = not self.binding or allows(wanted, package.version)
        return package, wanted if is_met else version or "*"

    def _find(self, name: str, path: str) -> Supplied:
        """Find the workspace at *path*, else the one called *name*.

        A path starts at the manifest's folder or, as in yarn, at the workspace root.
        """
        beside = posixpath.normpath(posixpath.join(self.folder, path))
        below = "/" + posixpath.normpath(path)
        if path:
            for workspace in self.workspaces.values():
                if workspace.folder == beside or workspace.folder.endswith(below):
                    return workspace
        if name in self.workspaces:
            return self.workspaces[name]
        # Last, the installed package. pnpm asks nothing else (measured on 12.21.0), and in a repository of Rush
        # nothing else can be asked, since its pnpm-workspace.yaml is in common/temp.
        if self.installed is None or name not in {self.key, self.installed.name}:
            message = f'means "{name}", which is no workspace here and not installed'
            raise UnresolvableError("EWORKSPACESPEC", message, "list its folder in workspaces, or install it")
        return self.installed
