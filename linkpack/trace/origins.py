"""Where the sources of a tarball come from: the directories of project and snapshots, as git sees them."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.disk import fs
from linkpack.errors import Problem
from linkpack.trace.gitstate import read_git

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from linkpack.api import PackPlan
    from linkpack.trace.gitstate import GitState

_NAMED = 5  # changed files that a message names


class Origin(NamedTuple):
    """A source directory that a tarball is made from: the project's (its only slot is "") or a snapshot's.

    *path* is relative to the project; *git* is what git says of the directory, but for files that this run writes.
    """

    name: str
    version: str
    slots: tuple[str, ...]
    path: str
    git: GitState

    @property
    def label(self) -> str:
        """`name@version`, as far as there is one."""
        return f"{self.name}@{self.version}" if self.version else self.name


def read_origins(plan: PackPlan, outputs: Iterable[str]) -> tuple[Origin, ...]:
    """The origins of what *plan* packs, the project first; *outputs* are the paths that packing writes."""
    written = frozenset(path for each in outputs if (path := _real(each)))
    own = (plan.manifest.name, plan.manifest.version, ("",), plan.root)
    linked = [(each.name, each.version, each.slots, each.source) for each in plan.bundled if each.linked]
    return tuple(
        Origin(name, version, slots, posixpath.relpath(source, plan.root), _state(source, written))
        for name, version, slots, source in (own, *linked)
    )


def _state(source: str, written: frozenset[str]) -> GitState:
    state = read_git(source)
    return state._replace(dirty=tuple(path for path in state.dirty if f"{source}/{path}" not in written))


def _real(path: str) -> str:
    """The path that *path* has without links; empty when its folder is not there yet."""
    folder, name = posixpath.split(path)
    try:
        return posixpath.join(fs.real_path(folder or "."), name)
    except (OSError, ValueError):
        return ""


def unclean(origins: Iterable[Origin]) -> Iterator[Problem]:
    """A problem (EDIRTY) for each of *origins* whose directory is not what its commit says, or not known to be."""
    for origin in origins:
        git = origin.git
        if git.fault:
            why = f"is not known to be committed: {git.fault}"
            hint = "commit it where git can be asked"
        elif git.dirty:
            why, hint = f"has uncommitted changes: {_some(git.dirty)}", "commit them, or have git ignore new files"
        elif "package.json" not in git.tracked:
            why, hint = "is not committed: git ignores its package.json", "commit it"
        else:
            continue
        where = "" if origin.path == "." else f" ({origin.path})"
        yield Problem(
            "EDIRTY", origin.path, f"{origin.label}{where} {why}", f"{hint}, or leave --require-clean out"
        )


def _some(paths: tuple[str, ...]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more
