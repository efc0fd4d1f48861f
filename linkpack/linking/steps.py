"""Make one change of a link plan on the disk, and take it back.

A change is one step of the file system where the system has a step for it: a rename, or the exchange of two
entries. Where it has none, a change takes several steps. Each of them leaves a state that `take_back` can tell
from what another process does.
"""

from __future__ import annotations

import errno
import posixpath
import stat
from typing import TYPE_CHECKING

from linkpack.linking.record import LIMIT
from linkpack.linking.states import Absent, Change, CreatedDirectory, Displaced, File, Link, Mode, State
from linkpack.system import dir_entries
from linkpack.system.relocate import duplicate, explain_busy, is_part_of, relocate, remove_tree

if TYPE_CHECKING:
    from linkpack.system.tree import Status


def matches(path: str, state: State) -> bool:
    """Return True if *path* has *state*, and no folder above it is a link."""
    try:
        match state:
            case Absent():
                return dir_entries.status_at(path) is None
            case Link(target):
                return dir_entries.link_at(path) == target
            case File(content, mode):
                return dir_entries.file_at(path, LIMIT) == (content, mode)
            case _:
                status = dir_entries.status_at(path)
                return status is not None and _fits(status, state)
    except OSError:
        return False


def _fits(status: Status, state: CreatedDirectory | Mode | Displaced) -> bool:
    match state:
        case CreatedDirectory():
            return stat.S_ISDIR(status.st_mode)
        case Mode(mode):
            return stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == mode
        case Displaced(_, inode):
            # A rename keeps the inode: another folder of that name, put there since, has another one.
            return status.st_ino == inode and not stat.S_ISLNK(status.st_mode)


def temp_path(change: Change, run: str, number: int) -> str:
    """Return the path at which change *number* of *run* builds its files.

    It is beside the path of the change, so that moving a file from there is a rename.
    """
    return f"{posixpath.dirname(change.path)}/.linkpack-{run}-{number}.tmp"


def _temp_beside(stash: str, temp: str) -> str:
    """Return the temporary path of *temp*'s name beside *stash*."""
    return f"{posixpath.dirname(stash)}/{posixpath.basename(temp)}"


# --- making a change


def perform(change: Change, temp: str) -> None:
    """Put `after` in the place of `before`.

    *temp* is a free path beside it (`temp_path`). If a stash has to be copied to be put back, it stays until the
    plan is done (`find_left_over`). Raises `OSError` as the system does.
    """
    path = change.path
    # The order matters: content of others is moved, never removed, whatever takes its place.
    match change.before, change.after:
        case Displaced(stash), after:
            _displace(path, stash, after, temp)
        case before, Displaced(stash):
            _put_back(path, stash, before, temp)
        case _, CreatedDirectory():
            dir_entries.make_dir(path)
        case CreatedDirectory(), _:
            dir_entries.drop_dir(path)
        case _, Absent():
            _remove(path)
        case _, Mode(mode):
            dir_entries.set_mode(path, mode)
        case Absent(), Link(target):
            dir_entries.make_link(target, path)
        case _, after:
            _replace(path, after, temp)


def _build(state: State, path: str, scratch: str) -> None:
    """Make a link or file at *path*, where nothing may be.

    A file is written at *scratch* beside it first, so that it appears whole.
    """
    match state:
        case Link(target):
            dir_entries.make_link(target, path)
        case File(content, mode):
            dir_entries.write_new(scratch, content, mode)
            dir_entries.move(scratch, path)


def _remove(path: str) -> None:
    try:
        dir_entries.remove(path)
    except OSError as err:
        raise explain_busy(path, err) from err


def _replace(path: str, after: State, temp: str) -> None:
    """Put a link or file in the place of another or none."""
    match after:
        case Link(target):
            dir_entries.make_link(target, temp)
        case File(content, mode):
            dir_entries.write_new(temp, content, mode)
    try:
        dir_entries.move(temp, path)
    except OSError as err:
        # Containers mount single files, package.json among them: those can be written, and not replaced.
        if err.errno != errno.EBUSY or not isinstance(after, File):
            raise explain_busy(path, err) from err
        dir_entries.overwrite(path, after.content, after.mode)
        dir_entries.remove(temp)


def _displace(path: str, stash: str, after: State, temp: str) -> None:
    """Move what is at *path* to *stash*, and put *after* in its place."""
    if isinstance(after, Absent):
        relocate(path, stash, _temp_beside(stash, temp))
        return
    # After an exchange no moment is without something at the path: a process that loads the package meanwhile
    # finds the old one or the new one (renameat2(2), RENAME_EXCHANGE).
    _build(after, stash, _temp_beside(stash, temp))
    if not _exchange(stash, path):
        dir_entries.remove(stash)
        relocate(path, stash, _temp_beside(stash, temp))
        _build(after, path, temp)


def _put_back(path: str, stash: str, before: State, temp: str) -> None:
    """Move what is at *stash* to *path*, in the place of *before*.

    Where the system cannot rename, the content is copied and the stash stays.
    """
    if not isinstance(before, Absent):
        if _exchange(stash, path):
            dir_entries.remove(stash)  # which holds `before` now
            return
        _remove(path)
    try:
        dir_entries.move(stash, path)
    except OSError as err:
        if err.errno != errno.EXDEV:
            raise explain_busy(stash, err) from err
        # Not `relocate`, which would remove the stash: until the plan is done, a rollback needs it.
        duplicate(stash, path, temp)


def _exchange(left: str, right: str) -> bool:
    """Exchange two entries, and return whether the system can do that."""
    try:
        return dir_entries.exchange(left, right)
    except OSError as err:
        raise explain_busy(right, err) from err


def find_left_over(change: Change) -> str:
    """Return the stash that *change* put back as a copy.

    It is removed when the plan is done. Empty if there is none.
    """
    match change.after:
        case Displaced(stash) if dir_entries.status_at(stash) is not None:
            return stash
    return ""


# --- taking a change back


def take_back(change: Change, temp: str) -> None:
    """Restore `before` at the path of *change*, however far that got.

    Anything that another process put there stays.
    """
    remove_tree(temp)
    match change.before, change.after:
        case Displaced(stash), after:
            remove_tree(_temp_beside(stash, temp))
            _take_back_displacing(change, stash, after, temp)
        case before, Displaced(stash):
            _take_back_putting_back(change, stash, before, temp)
        case File(old, mode), File() as new if _is_torn(change.path, File(old, mode), new):
            dir_entries.overwrite(change.path, old, mode)
        case before, after:
            if not matches(change.path, before):
                if matches(change.path, after):
                    perform(change.inverse(), temp)
                elif dir_entries.status_at(change.path) is None:
                    _build(before, change.path, temp)


def _take_back_displacing(change: Change, stash: str, after: State, temp: str) -> None:
    """Restore the content that *change* moves to *stash*."""
    path = change.path
    # The contents of the two paths say how far the change got.
    if not isinstance(after, Absent) and matches(stash, after):
        # Cut off before the exchange: `after` waits in the stash, and nothing has been moved.
        dir_entries.remove(stash)
    elif dir_entries.status_at(stash) is None:
        return  # nothing was moved
    elif dir_entries.status_at(path) is None:
        # Moved, and `after` is not in its place yet.
        relocate(stash, path, temp)
    elif matches(path, after):
        # The change was done. If the content has to be copied back, the stash is still there afterwards.
        _put_back(path, stash, after, temp)
        remove_tree(stash)
    elif is_part_of(path, stash):
        # Cut off after copying the content to the stash: the original is whole, or partly removed.
        if is_part_of(stash, path):
            remove_tree(stash)
        else:
            remove_tree(path)
            relocate(stash, path, temp)
    elif is_part_of(stash, path):
        # A rollback was cut off before: it had copied the content back, and was removing the stash.
        remove_tree(stash)


def _take_back_putting_back(change: Change, stash: str, before: State, temp: str) -> None:
    """Move the content of *path* back to *stash*."""
    path = change.path
    if dir_entries.status_at(path) is None:
        # Cut off after removing `before`. The content is still in the stash.
        _build(before, path, temp)
        return
    if matches(path, before):
        return  # nothing was done
    # An exchange leaves `before` in the stash until it is removed there.
    is_exchanged = not isinstance(before, Absent) and matches(stash, before)
    if is_exchanged or dir_entries.status_at(stash) is None:
        if not matches(path, change.after):
            return  # another process put something there since
        if is_exchanged and _exchange(stash, path):
            return
        dir_entries.remove(stash)
        _displace(path, stash, before, temp)
    elif is_part_of(path, stash):
        # Cut off while the stash was copied, which is whole.
        remove_tree(path)
        _build(before, path, temp)


def _is_torn(path: str, old: File, new: File) -> bool:
    """Return True if overwriting *old* by *new* at *path* was cut off.

    Only a file that is mounted by itself is overwritten in place (`_replace`).
    """
    try:
        present = dir_entries.file_at(path, LIMIT)
    except OSError:
        return False
    if present is None or present in {(old.content, old.mode), (new.content, new.mode)}:
        return False
    content, mode = present
    pairs = enumerate(zip(content, new.content, strict=False))
    shorter = min(len(content), len(new.content))
    written = next((offset for offset, (byte, wanted) in pairs if byte != wanted), shorter)
    # The beginning is new, and the rest is old. Or all is new except the mode, which is set last.
    return mode in {old.mode, new.mode} and content[written:] in {old.content[written:], new.content[written:]}
