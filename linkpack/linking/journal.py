"""Carry out a link plan whole or not at all, whatever stops it, and take it back.

The plan is written to a journal in the state folder before the first change:

    journals/<run>.json   at work, or cut off: the next command that needs one of its places takes it back
    journals/<run>.done   done, but for the removal of what is no longer needed: the next command finishes it
    last/<project>.json   the last command of a project, for `undo`
"""

from __future__ import annotations

import contextlib
import errno
import json
import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import LinkConflict, LinkError, LinkMissing, Problem, StalePlan
from linkpack.linking.record import Store, file_state, read_record, read_saved, record_changes
from linkpack.linking.states import (
    ABSENT,
    Change,
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
    edits_from_json,
    edits_to_json,
    inverse,
    is_script_change,
    is_within,
    link_from_json,
    link_to_json,
    paths_outside,
)
from linkpack.linking.steps import left_over, matches, perform, take_back, temp_path
from linkpack.system import dir_entries, locks, own_process
from linkpack.system import read as fs
from linkpack.system.relocate import MountPoint, remove_tree
from linkpack.system.signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DAMAGED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
_OPEN = ".json"
_DONE = ".done"
_UNFINISHED = ".tmp"
_RUN = re.compile(r"[0-9]+-[0-9a-f]+")  # it becomes part of the names of temporary files


class Journal(NamedTuple):
    """A plan as it was recorded: *run* names the run, *scope* the project that it was started for.

    *places* are the folders whose lock it held. *bookkeeping* are the changes of linkpack's own files. *last* says
    that `undo` is to find it. An empty *run* means that there was nothing to do.
    """

    run: str
    scope: str
    places: tuple[str, ...]
    plan: LinkPlan
    bookkeeping: tuple[Change, ...] = ()
    last: bool = True


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
        changes=tuple(change_from_json(one) for one in value["changes"]),
        edits=tuple(edits),
        saves=tuple(saves),
        added=tuple(Item(*checked_texts(one)) for one in value["added"]),
        changed=tuple((Item(*checked_texts(old)), Item(*checked_texts(new))) for old, new in value["changed"]),
        removed=tuple(Item(*checked_texts(one)) for one in value["removed"]),
        discard=tuple(map(checked_path, checked_texts(value["discard"]))),
        roots=tuple(map(checked_path, checked_texts(value["roots"]))),
    )
    return Journal(
        run=run,
        scope=checked_path(value["scope"]),
        places=tuple(map(checked_path, checked_texts(value["places"]))),
        plan=plan,
        bookkeeping=tuple(change_from_json(one) for one in value["bookkeeping"]),
        last=value["last"] is True,
    )


def _strays(journal: Journal, store: Store) -> list[str]:
    """Return the paths that *journal* would change and must not, as it was not made for them.

    Its roots have to be around the places whose lock it held, or in them, and its changes within its roots, but
    for changes of scripts that lose nothing. Its bookkeeping is in the state folder.
    """
    plan = journal.plan
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


# --- doing a plan


def apply(plan: LinkPlan, store: Store, places: Sequence[str], scope: str, *, last: bool = True) -> Journal:
    """Do all of *plan*, and return its journal; the locks of *places* must be held (`opened`).

    Each path is compared with `before` right before it is changed. On any failure, an interrupt included, what
    was done is taken back, newest first: raises `StalePlan` when a path is not what the plan says, `LinkConflict`
    (ELINKOUT) for a path outside of the plan's roots, and `LinkError` with the system's reason for the rest. The
    journal stays as the last of *scope*, for `last_journal`, unless *last* is false.
    """
    if not plan.changes and not plan.edits and not plan.saves:
        return Journal("", scope, tuple(places), plan)
    run = own_process.new_run()
    bookkeeping = record_changes(store, plan.edits, plan.saves)
    if not last:
        final = store.file("last", scope)
        bookkeeping.append(Change(final, file_state(final), ABSENT))
    journal = Journal(run, scope, tuple(places), plan, tuple(bookkeeping), last)
    _check_strays(journal, store)
    path = f"{store.root}/journals/{run}{_OPEN}"
    begun = committed = False
    taken_back = True
    try:
        with uninterrupted():
            dir_entries.write_new(path, _to_json(journal), 0o600)
            dir_entries.sync_dir(posixpath.dirname(path))
            begun = True
        _do_all([*plan.changes, *bookkeeping], run)
        with uninterrupted():
            journal = _settled(journal)
            done = _commit(journal, path, store)
            committed = True
            if done is not None:
                journal = _finished(journal, done, store)
    except BaseException as err:
        if begun and not committed:
            with uninterrupted():
                taken_back = _abandon(journal, path) is None
        if isinstance(err, OSError):
            raise _failed(err, taken_back=taken_back) from err
        raise
    return journal


def _finished(journal: Journal, path: str, store: Store) -> Journal:
    """Finish *journal*, which is done, and return it, with a warning when the system does not allow that now."""
    try:
        _finish(journal, path, store)
    except OSError as err:
        return _warned(journal, err)
    return journal


def _warned(journal: Journal, err: OSError) -> Journal:
    """Return *journal* with a warning that something superfluous could not be removed."""
    where = str(err.filename or "") or journal.scope
    message = f"what is not needed any more could not be removed ({where}: {err.strerror})"
    warning = Problem("WLEFTOVER", where, message, "the next link command here tries again")
    return journal._replace(plan=journal.plan._replace(warnings=(*journal.plan.warnings, warning)))


def _check_strays(journal: Journal, store: Store) -> None:
    stray = _strays(journal, store)
    if stray:
        raise LinkConflict(
            f"{stray[0]} is neither in the prefix nor in the project",
            code="ELINKOUT",
            path=stray[0],
            hint="link from the project that it belongs to",
        )


def _do_all(changes: Sequence[Change], run: str) -> None:
    for number, change in enumerate(changes):
        if not matches(change.path, change.before) and not _folder_is_there(change):
            raise _stale(change.path)
        perform(change, temp_path(change, run, number))
    for folder in {posixpath.dirname(change.path) for change in changes}:
        dir_entries.sync_dir(folder)


def _stale(path: str) -> StalePlan:
    return StalePlan(f"{path} changed while linkpack was at work", path=path, hint="run the command again")


def _folder_is_there(change: Change) -> bool:
    """True if another process made a folder that is to be made, or removed one that is to go: that is fine."""
    if CreatedDirectory() not in (change.before, change.after):
        return False
    return fs.is_dir(change.path) or not fs.exists(change.path)


def _commit(journal: Journal, path: str, store: Store) -> str | None:
    """Make the plan of the journal at *path* count as done, in one step: it is not taken back any more.

    Returns where the journal is when something is left for `_finish`. The system can fail this only before that
    step.
    """
    done = None
    if any(dir_entries.status_at(each) is not None for each in _superfluous(journal)):
        unfinished, done = _sibling(path, _UNFINISHED), _sibling(path, _DONE)
        dir_entries.write_new(unfinished, _to_json(journal), 0o600)
        dir_entries.move(unfinished, done)
    elif journal.last:
        dir_entries.move(path, store.file("last", journal.scope))
    else:
        dir_entries.remove(path)
    dir_entries.sync_dir(posixpath.dirname(path))
    return done


def _sibling(path: str, suffix: str) -> str:
    """Return the file of the run of the journal at *path* with another suffix."""
    return posixpath.splitext(path)[0] + suffix


def _settled(journal: Journal) -> Journal:
    """Return *journal* with the numbers of what is in place now: a copy has another than its original."""
    changes = []
    for change in journal.plan.changes:
        status = dir_entries.status_at(change.path) if isinstance(change.after, Displaced) else None
        if isinstance(change.after, Displaced) and status is not None:
            changes.append(change._replace(after=Displaced(change.after.stash, status.st_ino)))
        else:
            changes.append(change)
    return journal._replace(plan=journal.plan._replace(changes=tuple(changes)))


def _superfluous(journal: Journal) -> list[str]:
    """Return what a journal that is done has left to remove: stashes of what was put back or is there again."""
    return [*journal.plan.discard, *filter(None, map(left_over, journal.plan.changes))]


def _finish(journal: Journal, path: str, store: Store) -> None:
    """Remove what the plan of the journal at *path*, which is done, made superfluous."""
    dir_entries.remove(_sibling(path, _OPEN))  # first of all: without the other it would count
    for stash in _superfluous(journal):
        remove_tree(stash)
    for folder in _stash_folders(journal):
        dir_entries.drop_dir(folder)
    if journal.last:
        dir_entries.move(path, store.file("last", journal.scope))
    else:
        dir_entries.remove(path)


def _stash_folders(journal: Journal) -> set[str]:
    """Return the folders of the stashes that *journal* put back or gave up: they may be empty by now."""
    stashes = [change.after.stash for change in journal.plan.changes if isinstance(change.after, Displaced)]
    return {posixpath.dirname(stash) for stash in [*journal.plan.discard, *stashes]}


def _abandon(journal: Journal, path: str) -> OSError | None:
    """Take back *journal*, which failed, and remove its files; return what the system said to a step that failed.

    Then the journal stays, and the next run tries again.
    """
    failed = _roll_back(journal)
    if failed is None:
        with contextlib.suppress(OSError):  # to take it back once more does nothing
            dir_entries.remove(_sibling(path, _UNFINISHED))
            dir_entries.remove(path)
    return failed


def _roll_back(journal: Journal) -> OSError | None:
    """Take back what was done of *journal*, newest first; return what the system said to a step that failed.

    A step that fails does not keep the others from being taken back.
    """
    failed = None
    changes = list(enumerate([*journal.plan.changes, *journal.bookkeeping]))
    for number, change in reversed(changes):
        try:
            take_back(change, temp_path(change, journal.run, number))
        except OSError as err:  # noqa: PERF203 - each step is tried
            failed = failed or err
    return failed


def _failed(err: OSError, *, taken_back: bool) -> LinkError:
    path = str(err.filename or "")
    if err.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP} and taken_back:
        return _stale(path)  # a folder that became a link, or went
    after = "what was begun was taken back" if taken_back else "what was begun could not be taken back"
    hint = "check the permissions and the space there, then run the command again"
    if isinstance(err, MountPoint):
        hint = "unmount it, or mount that folder somewhere else"
    if not taken_back:
        hint = "the next link command takes it back, when the system allows it"
    return LinkError(f"{path or 'the disk'}: {err.strerror}; {after}", code=_errno_name(err), path=path, hint=hint)


def _errno_name(err: OSError) -> str:
    return errno.errorcode.get(err.errno or 0, "EIO")


# --- locks and recovery


@contextlib.contextmanager
def opened(store: Store, places: Sequence[str]) -> Iterator[tuple[Problem, ...]]:
    """Hold the locks of *places*, with the runs that were cut off there taken back; give a warning for each.

    Waits for other processes that hold a lock. Locks are taken in one order everywhere, so no two runs wait
    for each other; they vanish with the process that holds them.
    """
    store.prepare()
    wanted = set(places)
    while True:
        with contextlib.ExitStack() as held:
            for place in sorted(wanted):
                held.enter_context(locks.locked(store.file("locks", place), place))
            dead = _open_journals(store, wanted)
            more = {place for journal, _ in dead for place in journal.places} - wanted
            if not more:
                warnings = [_recover(journal, path, store) for journal, path in dead]
                yield tuple(warning for warning in warnings if warning is not None)
                return
        wanted |= more


def _open_journals(store: Store, places: set[str]) -> list[tuple[Journal, str]]:
    """Return the journals of dead runs that touch one of *places*, whose locks are held, and their files."""
    found = []
    entries = {entry.name: entry.path for entry in fs.scan(f"{store.root}/journals")}
    for name, path in sorted(entries.items()):
        if name.endswith(_OPEN) and _sibling(name, _DONE) in entries:
            continue  # cut off right after the plan was committed
        if name.endswith(_UNFINISHED):
            # Cut off right before that: the other file of the run says how far it got.
            if not own_process.alive(name):
                with contextlib.suppress(OSError):
                    dir_entries.remove(path)
            continue
        try:
            journal = _from_json(store.read(path))
        except FileNotFoundError:
            continue
        except OSError as err:
            raise _unrecovered(f"{path} cannot be read: {err.strerror}", path) from err
        except _DAMAGED:
            # Cut off while it was written: nothing had been done yet.
            if not own_process.alive(name):
                dir_entries.remove(path)
            continue
        if places.intersection(journal.places):
            found.append((journal, path))
    return found


def cut_off_runs(store: Store) -> Iterator[tuple[Journal, str]]:
    """Yield the journals of dead runs that have not been taken back yet, and their files."""
    folder = f"{store.root}/journals"
    entries = {entry.name: entry.path for entry in fs.scan(folder)} if fs.is_dir(folder) else {}
    for name, path in sorted(entries.items()):
        if not name.endswith(_OPEN) or _sibling(name, _DONE) in entries or own_process.alive(name):
            continue
        with contextlib.suppress(OSError, *_DAMAGED):
            yield _from_json(store.read(path)), path


def _recover(journal: Journal, path: str, store: Store) -> Problem | None:
    """Finish or take back a run that was cut off; return a warning when something was taken back."""
    stray = _strays(journal, store)
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
        raise _unrecovered(message, path) from failed
    return Problem(
        "WRECOVERED", journal.scope, f"an earlier run in {journal.scope} was cut off; it has been taken back", ""
    )


def _unrecovered(message: str, path: str) -> LinkError:
    hint = f"fix that and run the command again; what was planned is in {path}"
    return LinkError(message, code="ERECOVER", path=path, hint=hint)


# --- undo


def last_journal(store: Store, scope: str) -> Journal:
    """Return the journal of the last command that changed something for *scope*; `LinkMissing` without one."""
    try:
        return _from_json(store.read(store.file("last", scope)))
    except (OSError, *_DAMAGED) as err:
        raise LinkMissing(
            f"there is nothing to undo in {scope}",
            code="ENOUNDO",
            path=scope,
            hint="only the last link command of a project can be undone, once",
        ) from err


def plan_undo(journal: Journal, store: Store) -> LinkPlan:
    """Return the plan that takes *journal* back, with conflicts where the disk or a record has changed since."""
    back = inverse(journal.plan)
    back = back._replace(changes=tuple(_renumbered(change) for change in back.changes))
    conflicts = [
        Problem("ESTALE", change.path, f"{change.path} has changed since", "undo would lose that; use unlink")
        for change in back.changes
        if not (_undoable(change) or _folder_is_there(change))
    ]
    for edit in back.edits:
        if read_record(store, edit.place).get(edit.key) != edit.before:
            name = next((entry.name for entry in (edit.before, edit.after) if entry is not None), edit.key)
            message = f"{name} in {edit.place} was linked or unlinked again since"
            conflicts.append(Problem("ESTALE", edit.place, message, "use unlink, or link again"))
    for save in back.saves:
        if read_saved(store, save.place).get(save.key, ()) != save.before:
            message = f"{save.key} in {save.place} was saved or taken out again since"
            conflicts.append(Problem("ESTALE", save.place, message, "use unlink, or link again"))
    return back._replace(conflicts=tuple(conflicts))


def _renumbered(change: Change) -> Change:
    """Return *change* with the number that what it puts back has by now: a copy has another than its original."""
    match change.after:
        case Displaced(stash) if fs.exists(stash):
            return change._replace(after=Displaced(stash, fs.lstat(stash).st_ino))
    return change


def _undoable(change: Change) -> bool:
    if not matches(change.path, change.before):
        return False
    return not isinstance(change.after, Displaced) or fs.exists(change.after.stash)
