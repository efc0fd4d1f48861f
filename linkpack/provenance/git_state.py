"""What git knows of a directory: the commit, what differs from it, and which files it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from linkpack.system.git import GitFault
from linkpack.system.repository import open_repository
from linkpack.system.worktree import read_changes

if TYPE_CHECKING:
    from collections.abc import Mapping


class GitState(NamedTuple):
    """What git says of one directory; paths are relative to it, and sorted.

    *commit* is HEAD's id. It is empty when nothing is known: *fault* then says why, without a path, so that
    records can hold it, and *detail* may be git's own words. *dirty* are the files that differ from the commit,
    new ones that are not ignored included, and *undecided* those of them that only a filter could compare, with
    its name. *tracked* are the files in git's index.
    """

    commit: str
    dirty: tuple[str, ...] = ()
    tracked: frozenset[str] = frozenset()
    fault: str = ""
    detail: str = ""
    undecided: Mapping[str, str] = {}


def read_git(folder: str) -> GitState:
    """Return what git says of the directory *folder*, whatever repository that belongs to.

    Nothing is raised: without git, a repository or a commit, and for a repository that git does not trust
    (safe.directory), the fault says so.
    """
    try:
        repository = open_repository(folder)
        found = read_changes(repository)
    except GitFault as err:
        return GitState("", fault=err.reason, detail=err.detail)
    return GitState(
        repository.commit,
        tuple(sorted(found.changed)),
        found.tracked,
        undecided=dict(sorted(found.undecided.items())),
    )
