"""Ask git about a directory: its commit, changes and tracked files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.record import Record
from linkpack.system.git import GitFault
from linkpack.system.repository import open_repository
from linkpack.system.worktree import read_changes

if TYPE_CHECKING:
    from collections.abc import Mapping


class GitState(Record):
    """The answers of git about one directory, with paths relative to it.

    *commit* is HEAD's id, "" when nothing is known. Then *fault* says why, without a path, so that records can
    hold it, and *detail* may be git's own words. *dirty* are the files that differ from the commit, new ones that
    are not ignored included, sorted. *undecided* are those of them that only a filter could compare, with its
    name. *tracked* are the files in git's index.
    """

    commit: str
    dirty: tuple[str, ...] = ()
    tracked: frozenset[str] = frozenset()
    fault: str = ""
    detail: str = ""
    undecided: Mapping[str, str] = {}


def read_git(folder: str) -> GitState:
    """Return what git says of *folder*, whatever repository that is in.

    Nothing is raised. The fault says when there is no git, repository or commit, or when git does not trust the
    repository (safe.directory).
    """
    try:
        repository = open_repository(folder)
        changes = read_changes(repository)  # compares contents: flags and times of the index hide nothing
    except GitFault as err:
        return GitState("", fault=err.reason, detail=err.detail)
    return GitState(
        repository.commit,
        tuple(sorted(changes.changed)),
        changes.tracked,
        undecided=dict(sorted(changes.undecided.items())),  # messages name the first one
    )
