"""One change of a link plan: does it, tells whether it is done, and takes it back however far it got.

Each is one step of the file system where that has a step for it, and else two, of which the first leaves
nothing at the path; so what a cut-off run left can be told from what anybody else does.
"""

from __future__ import annotations

import posixpath

from linkpack.disk import fs, fslinks
from linkpack.linking.linkrecord import file_state
from linkpack.linking.linkstate import Absent, Change, CreatedDirectory, Displaced, File, Link, Mode, State


def matches(path: str, state: State) -> bool:
    """Whether *state* is what stands at *path* now."""
    try:
        if isinstance(state, Absent):
            return not fslinks.exists(path)
        if isinstance(state, Link):
            return fs.read_link(path) == state.target
        if isinstance(state, File):
            return not fslinks.is_link(path) and file_state(path) == state
        if isinstance(state, CreatedDirectory):
            return fs.is_dir(path)
        status = fs.lstat(path)
        same = status.st_mode & 0o7777 == state.mode if isinstance(state, Mode) else status.st_ino == state.inode
        return same and not fslinks.is_link(path)
    except OSError:
        return False


def _build(state: State, path: str) -> None:
    if isinstance(state, Link):
        fslinks.make_link(state.target, path)
    elif isinstance(state, File):
        fslinks.write_new(path, state.content, state.mode)


def perform(change: Change, temp: str) -> None:
    """Put `after` in the place of `before`; *temp* is a free path beside it. `OSError` as the system gives it."""
    path, before, after = change
    if isinstance(before, Displaced):
        _displace(path, before.stash, after, temp)
    elif isinstance(after, Displaced):
        _restore(path, after.stash, before)
    elif isinstance(after, CreatedDirectory):
        fslinks.make_dir(path)
    elif isinstance(before, CreatedDirectory):
        fslinks.drop_dir(path)
    elif isinstance(after, Absent):
        fslinks.remove(path)
    elif isinstance(after, Mode):
        fslinks.set_mode(path, after.mode)
    elif isinstance(before, Absent) and isinstance(after, Link):
        fslinks.make_link(after.target, path)
    else:
        _build(after, temp)
        fslinks.move(temp, path)


def _displace(path: str, place: str, after: State, temp: str) -> None:
    if isinstance(after, Absent):
        fslinks.move(path, place)
        return
    _build(after, place)
    if not fslinks.exchange(place, path):
        fslinks.remove(place)
        fslinks.move(path, place)
        _build(after, temp)
        fslinks.move(temp, path)


def _restore(path: str, place: str, before: State) -> None:
    if isinstance(before, Absent):
        fslinks.move(place, path)
    elif fslinks.exchange(place, path):
        fslinks.remove(place)
    else:
        fslinks.remove(path)
        fslinks.move(place, path)


def take_back(change: Change, temp: str) -> None:
    """Bring *path* to `before`, however far the change had got; what somebody else put there stays."""
    path, before, after = change
    fslinks.remove(temp)
    if matches(path, before):
        if isinstance(before, Displaced) and not isinstance(after, Absent) and matches(before.stash, after):
            fslinks.remove(before.stash)
    elif matches(path, after):
        if isinstance(after, Displaced) and not isinstance(before, Absent) and matches(after.stash, before):
            fslinks.exchange(after.stash, path)
        else:
            perform(change.inverse(), temp)
    elif not fslinks.exists(path):
        _fill_gap(change)


def _fill_gap(change: Change) -> None:
    """Undo the first half of a swap in two steps, which left nothing at the path."""
    path, before, _ = change
    if isinstance(before, Displaced):
        if fslinks.exists(before.stash):
            fslinks.move(before.stash, path)
    else:
        _build(before, path)


def temp_path(change: Change, run: str, number: int) -> str:
    """The path at which the change with this *number* in the run *run* builds what it puts in place."""
    return f"{posixpath.dirname(change.path)}/.linkpack-{run}-{number}.tmp"
