"""Apply a link plan whole or not at all, and take it back.

The plan is written to a journal in the state folder before the first change:

    journals/<run>.json   a run that is at work, or was cut off
    journals/<run>.tmp    the same run, while its .done is being written
    journals/<run>.done   a run that is done, except that stashes are left to remove
    last/<project>.json   the last command of a project, for `undo`

Each change has the state of its path before and after. A run that fails is rolled back: its changes are taken
back, newest first, however far the last of them got. The next command that locks one of its places does the same
for a run that was cut off, and finishes one that is done. `undo` applies the inverse of a plan as a plan of its
own, so that an undo can fail and be rolled back too.
"""

from __future__ import annotations

import contextlib
import errno
import json
import posixpath
import re
from typing import TYPE_CHECKING

from linkpack.errors import LinkConflict, LinkError, LinkMissing, Problem, StalePlan
from linkpack.linking.record import DAMAGED, Store, file_state, read_record, read_saved, record_changes
from linkpack.linking.states import (
    ABSENT,
    Change,
    Copied,
    CreatedDirectory,
    Displaced,
    Edit,
    Item,
    LinkPlan,
    SaveEdit,
    change_from_json,
    change_to_json,
    checked_path,
    checked_text,
    checked_texts,
    copies_moved_away,
    edits_from_json,
    edits_to_json,
    inverse,
    is_script_change,
    is_within,
    link_from_json,
    link_to_json,
    paths_outside,
)
from linkpack.linking.steps import find_left_over, matches, perform, take_back, temp_path
from linkpack.notices import note_output
from linkpack.record import Record
from linkpack.system import dir_entries, own_process
from linkpack.system import read as fs
from linkpack.system.locks import hold_lock
from linkpack.system.relocate import MountPoint, remove_tree
from linkpack.system.signals import delay_signals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_OPEN = ".json"
_DONE = ".done"
_UNFINISHED = ".tmp"
_RUN = re.compile(r"[0-9]+-[0-9a-f]+")  # it becomes part of the names of temporary files


class Journal(Record):
    """A plan that was applied, or is being applied.

    *run* names the run, and is empty if there was nothing to do. *scope* is the project that the command was
    started in, *places* are the folders that it locked. *bookkeeping* are the changes of linkpack's own files.
    *last* is true if `undo` is to find the journal.
    """

    run: str
    scope: str
    places: tuple[str, ...]
    plan: LinkPlan
    bookkeeping: tuple[Change, ...] = ()
    last: bool = True


# --- applying a plan


def apply(plan: LinkPlan, store: Store, places: Sequence[str], scope: str, *, last: bool = True) -> Journal:
    """Make all changes of *plan* or none.

    The locks of *places* must be held (`lock_places`). On any failure, an interrupt included, the changes are
    taken back. Raises `StalePlan` if a path is not as planned, `LinkConflict` (ELINKOUT) for a path outside of
    the plan's roots, and `LinkError` with the system's reason for the rest. The journal becomes the last of
    *scope*, which `undo` takes back, unless *last* is false.
    """
    if not plan.changes and not plan.edits and not plan.saves:
        return Journal("", scope, tuple(places), plan)

    # Add the changes of the records, and check that every path is one that this run may change.
    bookkeeping = record_changes(store, plan.edits, plan.saves)
    if not last:  # an undo: the journal that it takes back is used up
        last_file = store.file("last", scope)
        bookkeeping.append(Change(last_file, file_state(last_file), ABSENT))
    journal = Journal(
        run=own_process.new_run(),
        scope=scope,
        places=tuple(places),
        plan=plan,
        bookkeeping=tuple(bookkeeping),
        last=last,
    )
    _check_paths(journal, store)

    path = f"{store.root}/journals/{journal.run}{_OPEN}"
    # What the error says if nothing was begun, and so nothing had to be taken back.
    begun = committed = False
    taken_back = True
    try:
        # Write the journal to the disk. From here on, a run that is killed is taken back by the next one. A signal
        # waits, as `begun` has to say what happened.
        with delay_signals():
            dir_entries.write_new(path, _to_json(journal), 0o600)
            dir_entries.sync_dir(posixpath.dirname(path))
            begun = True

        # Make the changes, each compared with its `before` first.
        _make_changes([*plan.changes, *bookkeeping], journal.run)

        # Commit: move the journal away in one step. From here on, nothing is taken back.
        with delay_signals():
            journal = _with_inodes(journal)
            done = _commit(journal, path, store)
            committed = True
            note_output("every change of the command")
            if done is not None:
                journal = _try_to_finish(journal, done, store)
    except BaseException as err:  # KeyboardInterrupt, and the SystemExit of a signal, are taken back as well
        if begun and not committed:
            with delay_signals():
                taken_back = _abandon(journal, path) is None
                if not taken_back:
                    note_output("a part of the changes, which the next command of linkpack takes back")
        if isinstance(err, OSError):
            raise _explain_failure(err, taken_back=taken_back) from err
        raise
    return journal


def _check_paths(journal: Journal, store: Store) -> None:
    # A program may hand in a plan of its own (tests/security/test_link_places.py: a plan from elsewhere).
    stray = _find_stray_paths(journal, store)
    if stray:
        raise LinkConflict(
            f"{stray[0]} is neither in the prefix nor in the project",
            code="ELINKOUT",
            path=stray[0],
            hint="link from the project that it belongs to",
        )


def _find_stray_paths(journal: Journal, store: Store) -> list[str]:
    """Return the paths that *journal* changes and must not.

    A change has to be in one of the plan's roots, unless it only makes a script runnable. A root has to be around
    a place that is locked, or in one. The bookkeeping has to be in the state folder.
    """
    plan = journal.plan
    # A file that only looks like a journal could name `/` as its root.
    roots = [
        root
        for root in plan.roots
        if any(is_within(place, root) or is_within(root, place) for place in journal.places)
    ]
    stray = [path for change in journal.bookkeeping for path in paths_outside(change, (store.root,))]
    for change in plan.changes:
        if not is_script_change(change):
            stray += paths_outside(change, roots)
    return stray + [path for path in plan.discard if not any(is_within(path, root) for root in roots)]


def _make_changes(changes: Sequence[Change], run: str) -> None:
    """Make *changes* in order, and have the disk keep them."""
    # Planning is over: what another process did since is seen here, before each change.
    for number, change in enumerate(changes):
        if not matches(change.path, change.before) and not _is_made_already(change):
            raise _make_stale_error(change.path)
        perform(change, temp_path(change, run, number))
    # A rename survives a loss of power once its folder is synced (fsync(2)).
    for folder in {posixpath.dirname(change.path) for change in changes}:
        dir_entries.sync_dir(folder)


def _make_stale_error(path: str) -> StalePlan:
    return StalePlan(f"{path} changed while linkpack was at work", path=path, hint="run the command again")


def _is_made_already(change: Change) -> bool:
    """Return True if another process made or removed the folder already.

    *change* makes or removes a folder. One to make may exist, and one to remove may be gone.
    """
    if CreatedDirectory() not in (change.before, change.after):
        return False
    return fs.is_dir(change.path) or not fs.exists(change.path)


def _with_inodes(journal: Journal) -> Journal:
    """Return *journal* with the inodes of what it put back.

    A copy of a stash has another inode than the plan says, and `undo` compares inodes.
    """
    changes = []
    for change in journal.plan.changes:
        status = dir_entries.status_at(change.path) if isinstance(change.after, Displaced) else None
        if isinstance(change.after, Displaced) and status is not None:
            changes.append(change._replace(after=type(change.after)(change.after.stash, status.st_ino)))
        else:
            changes.append(change)
    return journal._replace(plan=journal.plan._replace(changes=tuple(changes)))


def _commit(journal: Journal, path: str, store: Store) -> str | None:
    """Move the journal at *path* away in one step: then the run is done.

    Returns the path of the `.done` journal if stashes are left to remove, else None. If this raises, the journal
    is still at *path*: nothing after the one step can fail.
    """
    done = None
    if any(dir_entries.status_at(stash) is not None for stash in _list_needless_stashes(journal)):
        # Written anew, as `_with_inodes` may have changed the journal.
        unfinished, done = _replace_suffix(path, _UNFINISHED), _replace_suffix(path, _DONE)
        dir_entries.write_new(unfinished, _to_json(journal), 0o600)
        dir_entries.move(unfinished, done)
    elif journal.last:
        dir_entries.move(path, store.file("last", journal.scope))
    else:
        dir_entries.remove(path)
    dir_entries.sync_dir(posixpath.dirname(path))
    return done


def _replace_suffix(path: str, suffix: str) -> str:
    """Return the path of a run's journal with *suffix*."""
    return posixpath.splitext(path)[0] + suffix


def _list_needless_stashes(journal: Journal) -> list[str]:
    """Return the stashes that *journal* no longer needs.

    Their content was put back by a copy, or is in place again by other means. Copies of packages that made way are
    not needed either.
    """
    plan = journal.plan
    return [*plan.discard, *copies_moved_away(plan), *filter(None, map(find_left_over, plan.changes))]


def _try_to_finish(journal: Journal, path: str, store: Store) -> Journal:
    """Finish *journal*, or warn that the system does not allow it now."""
    try:
        _finish(journal, path, store)
    except OSError as err:
        where = str(err.filename or "") or journal.scope
        message = f"what is not needed any more could not be removed ({where}: {err.strerror})"
        warning = Problem("WLEFTOVER", where, message, "the next link command here tries again")
        plan = journal.plan
        return journal._replace(plan=plan._replace(warnings=(*plan.warnings, warning)))
    return journal


def _finish(journal: Journal, path: str, store: Store) -> None:
    """Remove the needless stashes of a journal that is done."""
    dir_entries.remove(_replace_suffix(path, _OPEN))  # first: it says that the run is to be taken back
    for stash in _list_needless_stashes(journal):
        remove_tree(stash)
    for folder in _list_stash_folders(journal):
        dir_entries.drop_dir(folder)  # only if it is empty
    for change in journal.plan.changes:
        if (change.before, change.after) == (CreatedDirectory(), ABSENT):
            dir_entries.drop_dir(change.path)  # it may have held a stash until now
    if journal.last:
        dir_entries.move(path, store.file("last", journal.scope))
    else:
        dir_entries.remove(path)


def _list_stash_folders(journal: Journal) -> set[str]:
    """Return the folders that *journal* took stashes from."""
    stashes = [change.after.stash for change in journal.plan.changes if isinstance(change.after, Displaced)]
    stashes += copies_moved_away(journal.plan)
    return {posixpath.dirname(stash) for stash in [*journal.plan.discard, *stashes]}


# --- rolling back


def _abandon(journal: Journal, path: str) -> OSError | None:
    """Take back a failed *journal*, and remove its files.

    Returns the error of a step that failed. Then the journal stays, and the next run tries again.
    """
    failed = _roll_back(journal)
    if failed is None:
        with contextlib.suppress(OSError):  # to take it back once more does nothing
            dir_entries.remove(_replace_suffix(path, _UNFINISHED))
            dir_entries.remove(path)
    return failed


def _roll_back(journal: Journal) -> OSError | None:
    """Take back what was done of *journal*, newest first.

    Returns the first error. The other steps are taken back all the same.
    """
    changes = list(enumerate([*journal.plan.changes, *journal.bookkeeping]))
    failures = [
        _try_to_take_back(change, temp_path(change, journal.run, number)) for number, change in reversed(changes)
    ]
    return next((err for err in failures if err is not None), None)


def _try_to_take_back(change: Change, temp: str) -> OSError | None:
    try:
        take_back(change, temp)
    except OSError as err:
        return err
    return None


def _explain_failure(err: OSError, *, taken_back: bool) -> LinkError:
    """Return the error for a change that the system refused."""
    path = str(err.filename or "")
    if err.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP} and taken_back:
        return _make_stale_error(path)  # a folder that became a link, or was removed
    after = "what was begun was taken back" if taken_back else "what was begun could not be taken back"
    hint = "check the permissions and the space there, then run the command again"
    if isinstance(err, MountPoint):
        hint = "unmount it, or mount that folder somewhere else"
    if not taken_back:
        hint = "the next link command takes it back, when the system allows it"
    code = errno.errorcode.get(err.errno or 0, "EIO")
    return LinkError(f"{path or 'the disk'}: {err.strerror}; {after}", code=code, path=path, hint=hint)


# --- locks and recovery


@contextlib.contextmanager
def lock_places(store: Store, places: Sequence[str]) -> Iterator[tuple[Problem, ...]]:
    """Hold the locks of *places*, and take back runs that were cut off there.

    Gives a warning for each such run. Waits for other processes that hold a lock. Locks are taken in one order
    everywhere, so no two runs wait for each other. They are released when their process ends, however it ends.
    """
    store.prepare()
    wanted = set(places)
    while True:
        with contextlib.ExitStack() as locks:
            for place in sorted(wanted):
                locks.enter_context(hold_lock(store.file("locks", place), place))
            # A dead run may have locked other places too. Its changes there are taken back under their locks.
            dead = _read_dead_journals(store, wanted)
            more = {place for journal, _ in dead for place in journal.places} - wanted
            if not more:
                warnings = [_recover(journal, path, store) for journal, path in dead]
                yield tuple(warning for warning in warnings if warning is not None)
                return
        wanted |= more  # begin again, to take these locks in order too


def _read_dead_journals(store: Store, places: set[str]) -> list[tuple[Journal, str]]:
    """Return the journals of dead runs in one of *places*, with their files.

    The locks of *places* must be held. A run holds its locks until it ends, so each journal found is of a dead
    run.
    """
    dead = []
    entries = {entry.name: entry.path for entry in fs.scan(f"{store.root}/journals")}
    for name, path in sorted(entries.items()):
        if name.endswith(_OPEN) and _replace_suffix(name, _DONE) in entries:
            continue  # cut off right after the plan was committed
        if name.endswith(_UNFINISHED):
            # Cut off right before that: the .json of the run has all that is needed.
            if not own_process.is_running(name):
                with contextlib.suppress(OSError):
                    dir_entries.remove(path)
            continue
        try:
            journal = _from_json(store.read(path))
        except FileNotFoundError:
            continue  # a run of another place ended since the folder was listed
        except OSError as err:
            raise _make_recovery_error(f"{path} cannot be read: {err.strerror}", path) from err
        except DAMAGED:
            # Cut off while it was written: nothing had been done yet.
            if not own_process.is_running(name):
                dir_entries.remove(path)
            continue
        if places.intersection(journal.places):
            dead.append((journal, path))
    return dead


def cut_off_runs(store: Store) -> Iterator[tuple[Journal, str]]:
    """Yield journals of runs that were cut off, with paths."""
    # Without locks, for the doctor, which only reads: whether a run has ended is told by its process.
    folder = f"{store.root}/journals"
    entries = {entry.name: entry.path for entry in fs.scan(folder)} if fs.is_dir(folder) else {}
    for name, path in sorted(entries.items()):
        if not name.endswith(_OPEN) or _replace_suffix(name, _DONE) in entries or own_process.is_running(name):
            continue
        with contextlib.suppress(*DAMAGED):
            yield _from_json(store.read(path)), path


def _recover(journal: Journal, path: str, store: Store) -> Problem | None:
    """Finish or take back a run that was cut off.

    Returns a warning if it was taken back. A run that was done needs none.
    """
    # Nothing that came with a clone or an archive may direct changes (docs/link.md, "Where things are kept").
    stray = _find_stray_paths(journal, store)
    if stray:
        why = f"{path} is no journal of linkpack's: {stray[0]} is none of its places"
        raise LinkError(why, code="ERECOVER", path=path, hint=f"look at it, and remove it: rm {path}")
    done = path.endswith(_DONE)
    try:
        if done:
            _finish(journal, path, store)
            return None
        failed = _roll_back(journal)
        if failed is None:
            dir_entries.remove(path)
            dir_entries.sync_dir(posixpath.dirname(path))
    except OSError as err:
        failed = err
    if failed is not None:
        verb = "finished" if done else "taken back"
        message = f"an earlier run in {journal.scope} was cut off and cannot be {verb}: {failed}"
        raise _make_recovery_error(message, path) from failed
    message = f"an earlier run in {journal.scope} was cut off; it has been taken back"
    return Problem("WRECOVERED", journal.scope, message, "")


def _make_recovery_error(message: str, path: str) -> LinkError:
    hint = f"fix that and run the command again; what was planned is in {path}"
    return LinkError(message, code="ERECOVER", path=path, hint=hint)


# --- undo


def undo_journal(store: Store, scope: str, places: Sequence[str], journal: Journal | None = None) -> Journal:
    """Take *journal* back, by default the last one of the project *scope*.

    *places* are the folders of that project's links. Returns the journal of the undo. Raises `LinkMissing` if
    there is nothing to take back, and `StalePlan` if the disk or a record has changed since; nothing was changed
    then.
    """
    # Lock the project. An undo that was cut off is taken back by that, and its journal is the last one again.
    with lock_places(store, places) as recovered:
        if journal is None:
            journal = last_journal(store, scope)

    # Lock what the command locked: it may have been about a shared node_modules, or another prefix.
    with lock_places(store, journal.places) as recovered_there:
        # Turn every change round, the last one first. Each path and record has to be what the command left.
        plan = plan_undo(journal, store)
        if plan.conflicts:
            first = plan.conflicts[0]
            raise StalePlan(first.message, path=first.path, hint=first.hint)

        # Apply that as any plan, under a journal of its own. It removes the last journal: an undo is not undone.
        plan = plan._replace(warnings=(*recovered, *recovered_there, *plan.warnings))
        return apply(plan, store, journal.places, journal.scope, last=False)


def last_journal(store: Store, scope: str) -> Journal:
    """Return the journal of the last command that changed *scope*.

    Raises `LinkMissing` (ENOUNDO) without one.
    """
    try:
        return _from_json(store.read(store.file("last", scope)))
    except DAMAGED as err:  # a file that is missing among others: without the journal nothing can be undone
        raise LinkMissing(
            f"there is nothing to undo in {scope}",
            code="ENOUNDO",
            path=scope,
            hint="only the last link command of a project can be undone, once",
        ) from err


def plan_undo(journal: Journal, store: Store) -> LinkPlan:
    """Return the plan that takes *journal* back.

    It has a conflict for each path or record that has changed since.
    """
    plan = inverse(journal.plan)
    plan = plan._replace(changes=tuple(_with_stash_inode(change) for change in plan.changes))
    gone = [change for change in plan.changes if _is_of_a_removed_copy(change)]
    conflicts = [
        Problem("ESTALE", change.path, f"the copy that was at {change.path} is gone", "make it again: link --copy")
        for change in gone
    ]
    conflicts += [
        Problem("ESTALE", change.path, f"{change.path} has changed since", "undo would lose that; use unlink")
        for change in _join_changes(plan.changes)
        if not (gone or _can_be_made(change) or _is_made_already(change))
    ]
    for edit in plan.edits:
        if read_record(store, edit.place).get(edit.key) != edit.before:
            name = next((link.name for link in (edit.before, edit.after) if link is not None), edit.key)
            message = f"{name} in {edit.place} was linked or unlinked again since"
            conflicts.append(Problem("ESTALE", edit.place, message, "use unlink, or link again"))
    for save in plan.saves:
        if read_saved(store, save.place).get(save.key, ()) != save.before:
            message = f"{save.key} in {save.place} was saved or taken out again since"
            conflicts.append(Problem("ESTALE", save.place, message, "use unlink, or link again"))
    return plan._replace(conflicts=tuple(conflicts))


def _with_stash_inode(change: Change) -> Change:
    """Return *change* with the inode of the stash that it puts back.

    A stash that was filled by a copy has another inode than the journal says.
    """
    match change.after:
        case Displaced(stash) if fs.exists(stash):
            return change._replace(after=type(change.after)(stash, fs.lstat(stash).st_ino))
    return change


def _join_changes(changes: Sequence[Change]) -> list[Change]:
    """Return *changes* joined to one for each path.

    A copy and what it displaces take two changes of one path.
    """
    by_path: dict[str, Change] = {}
    for change in changes:
        earlier = by_path.get(change.path, change)
        by_path[change.path] = change._replace(before=earlier.before)
    return list(by_path.values())


def _is_of_a_removed_copy(change: Change) -> bool:
    """Return True if *change* puts back a copy that is gone."""
    return isinstance(change.after, Copied) and not fs.exists(change.after.stash)


def _can_be_made(change: Change) -> bool:
    """Return True if *change* finds what it starts from.

    That is the state before at its path, and the stash that it puts back.
    """
    if not matches(change.path, change.before):
        return False
    return not isinstance(change.after, Displaced) or fs.exists(change.after.stash)


# --- the JSON of a journal


def _to_json(journal: Journal) -> bytes:
    plan = journal.plan
    value = {
        "run": journal.run,
        "scope": journal.scope,
        "places": journal.places,
        "last": journal.last,
        "roots": plan.roots,
        "changes": [change_to_json(change) for change in plan.changes],
        "bookkeeping": [change_to_json(change) for change in journal.bookkeeping],
        "edits": [[e.place, e.key, link_to_json(e.before), link_to_json(e.after)] for e in plan.edits],
        "saves": [[e.place, e.key, edits_to_json(e.before), edits_to_json(e.after)] for e in plan.saves],
        "discard": plan.discard,
        "added": plan.added,
        "changed": plan.changed,
        "removed": plan.removed,
    }
    return json.dumps(value).encode()


def _from_json(raw: bytes) -> Journal:
    """Return the journal that `_to_json` wrote, else raise one of `DAMAGED`."""
    value = json.loads(raw)
    run = checked_text(value["run"])
    if not _RUN.fullmatch(run):
        raise ValueError(f"{run!r} is no name of a run")
    edits = [
        Edit(checked_path(place), checked_text(key), link_from_json(before), link_from_json(after))
        for place, key, before, after in value["edits"]
    ]
    saves = [
        SaveEdit(checked_path(place), checked_text(key), edits_from_json(before), edits_from_json(after))
        for place, key, before, after in value["saves"]
    ]
    plan = LinkPlan(
        changes=tuple(change_from_json(change) for change in value["changes"]),
        edits=tuple(edits),
        saves=tuple(saves),
        added=tuple(Item(*checked_texts(item)) for item in value["added"]),
        changed=tuple((Item(*checked_texts(old)), Item(*checked_texts(new))) for old, new in value["changed"]),
        removed=tuple(Item(*checked_texts(item)) for item in value["removed"]),
        discard=tuple(map(checked_path, checked_texts(value["discard"]))),
        roots=tuple(map(checked_path, checked_texts(value["roots"]))),
    )
    return Journal(
        run=run,
        scope=checked_path(value["scope"]),
        places=tuple(map(checked_path, checked_texts(value["places"]))),
        plan=plan,
        bookkeeping=tuple(change_from_json(change) for change in value["bookkeeping"]),
        last=value["last"] is True,
    )
