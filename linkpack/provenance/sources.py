"""Where the sources of a tarball come from: the directories of project and snapshots, as git sees them."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import Problem
from linkpack.provenance.git_state import read_git
from linkpack.provenance.places import known_homes, shown_path
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from linkpack.packing.plan import PackPlan
    from linkpack.provenance.git_state import GitState

_NAMED = 5  # changed files that a message names


class Origin(NamedTuple):
    """A source directory that a tarball is made from: the project's (its only slot is "") or a snapshot's.

    *path* is relative to the project, and *place* the same for records: empty when it would name a place of this
    machine. *git* is what git says of the directory, but for files that this run writes.
    """

    name: str
    version: str
    slots: tuple[str, ...]
    path: str
    place: str
    git: GitState

    @property
    def label(self) -> str:
        """`name@version`, as far as there is one."""
        return f"{self.name}@{self.version}" if self.version else self.name


def read_origins(plan: PackPlan, outputs: Iterable[str]) -> tuple[Origin, ...]:
    """Return the origins of what *plan* packs, the project first; *outputs* are the paths that packing writes."""
    homes = known_homes()
    written = frozenset(path for each in outputs if (path := _real(each)))
    own = (plan.manifest.name, plan.manifest.version, ("",), plan.root)
    linked = [(each.name, each.version, each.slots, each.source) for each in plan.bundled if each.linked]
    return tuple(
        Origin(
            name,
            version,
            slots,
            path=posixpath.relpath(source, plan.root),
            place=shown_path(source, plan.root, homes),
            git=_state(source, written),
        )
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
    """Yield a problem (EDIRTY) for each of *origins* that is not what its commit says, or not known to be."""
    for origin in origins:
        for why, hint in _unclean(origin.git):
            message = f"{_where(origin)} {why}"
            yield Problem("EDIRTY", origin.path, message, f"{hint}, or leave --require-clean out")


def _unclean(git: GitState) -> Iterator[tuple[str, str]]:
    """Yield why a directory in the state *git* is not clean, and what to do."""
    changed = [path for path in git.dirty if path not in git.undecided]
    if git.fault:
        said = f" ({git.detail})" if git.detail else ""
        yield f"is not known to be committed: {git.fault}{said}", "commit it where git can be asked"
    elif changed:
        yield f"has uncommitted changes: {_some(changed)}", "commit them, or have git ignore new files"
    if git.undecided:
        yield f"is not known to be committed: {_undecided(git)}", "leave such files out of the repository"
    if not (git.fault or git.dirty) and "package.json" not in git.tracked:
        yield "is not committed: git ignores its package.json", "commit it"


def undecided(origins: Iterable[Origin]) -> Iterator[Problem]:
    """Yield a warning (WFILTER) for each of *origins* with files that only a filter could compare."""
    for origin in origins:
        if origin.git.undecided:
            message = f"{_where(origin)} may differ from its commit: {_undecided(origin.git)}"
            hint = "linkpack runs no program of a repository; the record lists them as dirty"
            yield Problem("WFILTER", origin.path, message, hint)


def _undecided(git: GitState) -> str:
    """Return which files cannot be compared, and why, in words."""
    count = len(git.undecided)
    path, what = next(iter(git.undecided.items()))
    more = f", and {count - 1} more files likewise" if count > 1 else ""
    return f"{path} has other contents, and {what} would have to be run to compare it{more}"


def _where(origin: Origin) -> str:
    return origin.label if origin.path == "." else f"{origin.label} ({origin.path})"


def _some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more
