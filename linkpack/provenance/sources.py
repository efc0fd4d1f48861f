"""Read where the sources of a tarball come from, by asking git."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.provenance.git_state import read_git
from linkpack.provenance.places import known_homes, shown_path
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from linkpack.packing.plan import PackPlan
    from linkpack.provenance.git_state import GitState

_NAMED = 5  # changed files that a message names


class Origin(Record):
    """A source directory of a tarball: the project's, or a snapshot's.

    The project's only slot is "". *path* is relative to the project. *place* is the same path for records, "" when
    they must not name it. *git* is what git says of the directory, without the files that this run writes.
    """

    name: str
    version: str
    slots: tuple[str, ...]
    path: str
    place: str
    git: GitState

    @property
    def label(self) -> str:
        """Return `name@version`, or the name of a package without a version."""
        return f"{self.name}@{self.version}" if self.version else self.name


def read_origins(plan: PackPlan, outputs: Iterable[str]) -> tuple[Origin, ...]:
    """Return the origins of what *plan* packs, the project first.

    *outputs* are the paths that packing writes: git must not report them.
    """
    homes = known_homes()
    written = frozenset(path for output in outputs if (path := _resolve_folder(output)))
    project = (plan.manifest.name, plan.manifest.version, ("",), plan.root)
    linked = [
        (package.name, package.version, package.slots, package.source)
        for package in plan.bundled
        if package.linked
    ]
    return tuple(
        Origin(
            name=name,
            version=version,
            slots=slots,
            path=posixpath.relpath(source, plan.root),
            place=shown_path(source, plan.root, homes),
            git=_read_state(source, written),
        )
        for name, version, slots, source in (project, *linked)
    )


def _read_state(source: str, written: frozenset[str]) -> GitState:
    """Return what git says of *source*, apart from the *written* files."""
    state = read_git(source)
    # A tarball or record of an earlier run is a new file to git, but this run replaces it.
    return state._replace(dirty=tuple(path for path in state.dirty if f"{source}/{path}" not in written))


def _resolve_folder(path: str) -> str:
    """Return *path* with links in its folder resolved.

    It is "" when there is no such folder yet.
    """
    folder, name = posixpath.split(path)
    try:
        return posixpath.join(fs.real_path(folder or "."), name)
    except (OSError, ValueError):
        return ""


def find_unclean(origins: Iterable[Origin]) -> Iterator[Problem]:
    """Yield a problem (EDIRTY) for origins not known to be as committed."""
    for origin in origins:
        for why, hint in _iter_faults(origin.git):
            message = f"{_name(origin)} {why}"
            yield Problem("EDIRTY", origin.path, message, f"{hint}, or leave --require-clean out")


def _iter_faults(git: GitState) -> Iterator[tuple[str, str]]:
    """Yield why a directory is not clean, and what to do about it."""
    # Undecided files are dirty as well, and have a sentence of their own.
    changed = [path for path in git.dirty if path not in git.undecided]
    if git.fault:
        detail = f" ({git.detail})" if git.detail else ""
        yield f"is not known to be committed: {git.fault}{detail}", "commit it where git can be asked"
    elif changed:
        yield f"has uncommitted changes: {_name_some(changed)}", "commit them, or have git ignore new files"
    if git.undecided:
        yield f"is not known to be committed: {_describe_undecided(git)}", "leave such files out of the repository"
    # Nothing in an ignored folder is dirty to git, although none of it is committed.
    if not (git.fault or git.dirty) and "package.json" not in git.tracked:
        yield "is not committed: git ignores its package.json", "commit it"


def warn_of_undecided(origins: Iterable[Origin]) -> Iterator[Problem]:
    """Yield a warning (WFILTER) for origins that only a filter can compare."""
    for origin in origins:
        if origin.git.undecided:
            message = f"{_name(origin)} may differ from its commit: {_describe_undecided(origin.git)}"
            hint = "linkpack runs no program of a repository; the record lists them as dirty"
            yield Problem("WFILTER", origin.path, message, hint)


def _describe_undecided(git: GitState) -> str:
    """Return which files cannot be compared, and why, in words."""
    count = len(git.undecided)
    path, filter_ = next(iter(git.undecided.items()))  # sorted by path (`read_git`)
    more = f", and {count - 1} more files likewise" if count > 1 else ""
    return f"{path} has other contents, and {filter_} would have to be run to compare it{more}"


def _name(origin: Origin) -> str:
    return origin.label if origin.path == "." else f"{origin.label} ({origin.path})"


def _name_some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more
