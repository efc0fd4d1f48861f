"""Does a link plan whole or not at all, whatever stops it, and takes it back.

The plan is written to a journal in the state folder before the first change. Each change is one step of the
file system, or two that recovery can tell apart. A journal that a lock's next holder finds belongs to a run
that was cut off: it is undone first.
"""

from __future__ import annotations

import contextlib
import json
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.disk import fs, fslinks
from linkpack.disk.signals import uninterrupted
from linkpack.errors import LinkError, LinkMissing, Problem, StalePlan
from linkpack.linking.linkrecord import LIMIT, Store, file_state, read_record, record_changes
from linkpack.linking.linkstate import (
    ABSENT,
    Change,
    CreatedDirectory,
    Displaced,
    Edit,
    Item,
    LinkPlan,
    change_from_json,
    change_to_json,
    inverse,
    link_from_json,
    link_to_json,
)
from linkpack.linking.linkstep import matches, perform, take_back, temp_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DAMAGED = (ValueError, KeyError, TypeError, RecursionError)


class Journal(NamedTuple):
    """A plan as it was recorded: *run* names the run, *scope* the directory it was started for.

    *places* are the directories whose lock it held; *bookkeeping* are the changes of linkpack's own files. An
    empty *run* means that there was nothing to do.
    """

    run: str
    scope: str
    places: tuple[str, ...]
    plan: LinkPlan
    bookkeeping: tuple[Change, ...] = ()


# --- a whole plan


def _to_json(journal: Journal) -> bytes:
    plan = journal.plan
    value = {
        "run": journal.run,
        "scope": journal.scope,
        "places": journal.places,
        "changes": [change_to_json(change) for change in plan.changes],
        "bookkeeping": [change_to_json(change) for change in journal.bookkeeping],
        "edits": [[e.place, e.key, link_to_json(e.before), link_to_json(e.after)] for e in plan.edits],
        "added": plan.added,
        "changed": plan.changed,
        "removed": plan.removed,
    }
    return json.dumps(value).encode()


def _from_json(raw: bytes) -> Journal:
    value = json.loads(raw)
    edits = [
        Edit(place, key, link_from_json(before), link_from_json(after))
        for place, key, before, after in value["edits"]
    ]
    plan = LinkPlan(
        changes=tuple(change_from_json(one) for one in value["changes"]),
        edits=tuple(edits),
        added=tuple(Item(*one) for one in value["added"]),
        changed=tuple((Item(*old), Item(*new)) for old, new in value["changed"]),
        removed=tuple(Item(*one) for one in value["removed"]),
    )
    bookkeeping = tuple(change_from_json(one) for one in value["bookkeeping"])
    return Journal(value["run"], value["scope"], tuple(value["places"]), plan, bookkeeping)


def apply(plan: LinkPlan, store: Store, places: Sequence[str], scope: str, *, last: bool = True) -> Journal:
    """The journal of *plan*, after doing all of it; the locks of *places* must be held (`opened`).

    Each path is checked against `before` right before it is changed. On any failure, an interrupt included,
    what was done is taken back, newest first: `StalePlan` when a path is not what the plan says, `LinkError`
    with the system's reason for the rest. The journal stays as the last of *scope*, for `last_journal`, unless
    *last* is false.
    """
    if not plan.changes and not plan.edits:
        return Journal("", scope, tuple(places), plan)
    run = fslinks.new_run()
    bookkeeping = record_changes(store, plan.edits)
    if not last:
        final = store.file("last", scope)
        bookkeeping.append(Change(final, file_state(final), ABSENT))
    journal = Journal(run, scope, tuple(places), plan, tuple(bookkeeping))
    path = f"{store.root}/journals/{run}.json"
    begun = False
    try:
        with uninterrupted():
            fslinks.write_new(path, _to_json(journal), 0o600)
            fslinks.sync_dir(posixpath.dirname(path))
            begun = True
        _do_all([*plan.changes, *bookkeeping], run)
        _commit(journal, path, store, last=last)
    except BaseException as err:
        with uninterrupted():
            if begun and _roll_back(journal) is None:
                fslinks.remove(path)  # else the next run tries again
        if isinstance(err, OSError):
            raise _failed(err) from err
        raise
    for place in plan.discard:
        fslinks.remove_tree(place)
        fslinks.drop_dir(posixpath.dirname(place))
    return journal


def _do_all(changes: Sequence[Change], run: str) -> None:
    for number, change in enumerate(changes):
        if not matches(change.path, change.before) and not _folder_is_there(change):
            raise StalePlan(
                f"{change.path} changed while linkpack was at work",
                path=change.path,
                hint="run the command again",
            )
        perform(change, temp_path(change, run, number))
    for folder in {posixpath.dirname(change.path) for change in changes}:
        fslinks.sync_dir(folder)


def _folder_is_there(change: Change) -> bool:
    """Whether a folder that is to be made, or to go, was made or removed by somebody else: that is fine."""
    if not (isinstance(change.before, CreatedDirectory) or isinstance(change.after, CreatedDirectory)):
        return False
    return fs.is_dir(change.path) or not fslinks.exists(change.path)


def _commit(journal: Journal, path: str, store: Store, *, last: bool) -> None:
    """The step after which the plan counts as done: the journal leaves the folder of open ones."""
    if last:
        fslinks.move(path, store.file("last", journal.scope))
    else:
        fslinks.remove(path)
    fslinks.sync_dir(posixpath.dirname(path))


def _roll_back(journal: Journal) -> OSError | None:
    """Take back what was done of *journal*, newest first; what the system said to a step that failed, or None.

    A step that fails does not keep the others.
    """
    failed = None
    changes = list(enumerate([*journal.plan.changes, *journal.bookkeeping]))
    for number, change in reversed(changes):
        try:
            take_back(change, temp_path(change, journal.run, number))
        except OSError as err:  # noqa: PERF203 - each step is tried
            failed = failed or err
    return failed


def _failed(err: OSError) -> LinkError:
    path = str(err.filename or "")
    return LinkError(
        f"{path or 'the disk'}: {err.strerror}; what was begun was taken back",
        code=_errno_name(err),
        path=path,
        hint="check the permissions and the space there, then run the command again",
    )


def _errno_name(err: OSError) -> str:
    import errno  # noqa: PLC0415 - only when something failed

    return errno.errorcode.get(err.errno or 0, "EIO")


# --- locks and recovery


@contextlib.contextmanager
def opened(store: Store, places: Sequence[str]) -> Iterator[tuple[Problem, ...]]:
    """Hold the locks of *places*, with runs that were cut off there undone; gives a warning for each such run.

    Waits for other processes that hold a lock. Locks are taken in one order everywhere, so no two runs wait
    for each other; they vanish with the process that holds them.
    """
    store.prepare()
    wanted = set(places)
    while True:
        with contextlib.ExitStack() as held:
            for place in sorted(wanted):
                held.enter_context(fslinks.locked(store.file("locks", place)))
            dead = _open_journals(store, wanted)
            more = {place for journal, _ in dead for place in journal.places} - wanted
            if not more:
                yield tuple(_recover(journal, path) for journal, path in dead)
                return
        wanted |= more


def _open_journals(store: Store, places: set[str]) -> list[tuple[Journal, str]]:
    """The journals of dead runs that touch one of *places*, whose locks are held, and their files."""
    found = []
    for entry in sorted(fs.scan(f"{store.root}/journals"), key=lambda one: one.name):
        try:
            journal = _from_json(fs.read_file(entry.path, LIMIT))
        except FileNotFoundError:
            continue
        except OSError as err:
            raise _unrecovered(f"{entry.path} cannot be read: {err.strerror}", entry.path) from err
        except _DAMAGED:
            # Cut off while it was written: nothing had been done yet.
            if not fslinks.alive(entry.name):
                fslinks.remove(entry.path)
            continue
        if places.intersection(journal.places):
            found.append((journal, entry.path))
    return found


def _recover(journal: Journal, path: str) -> Problem:
    failed = _roll_back(journal)
    if failed is not None:
        raise _unrecovered(
            f"an earlier run in {journal.scope} was cut off and cannot be taken back: {failed}", path
        )
    fslinks.remove(path)
    fslinks.sync_dir(posixpath.dirname(path))
    return Problem(
        "ERECOVERED", journal.scope, f"an earlier run in {journal.scope} was cut off; it has been taken back", ""
    )


def _unrecovered(message: str, path: str) -> LinkError:
    hint = f"mend that and run the command again; what was planned is in {path}"
    return LinkError(message, code="ERECOVER", path=path, hint=hint)


# --- undo


def last_journal(store: Store, scope: str) -> Journal:
    """The journal of the last command that changed something for *scope*; `LinkMissing` without one."""
    try:
        return _from_json(fs.read_file(store.file("last", scope), LIMIT))
    except (OSError, *_DAMAGED) as err:
        raise LinkMissing(
            f"there is nothing to undo in {scope}",
            code="ENOUNDO",
            path=scope,
            hint="only the last link command of a project can be undone, once",
        ) from err


def plan_undo(journal: Journal, store: Store) -> LinkPlan:
    """The plan that takes *journal* back, with conflicts where the disk or the record has changed since."""
    back = inverse(journal.plan)
    conflicts = [
        Problem("ESTALE", change.path, f"{change.path} has changed since", "undo would lose that; use unlink")
        for change in back.changes
        if not (_undoable(change) or _folder_is_there(change))
    ]
    for edit in back.edits:
        if read_record(store, edit.place).get(edit.key) != edit.before:
            message = f"{edit.key} in {edit.place} was linked or unlinked again since"
            conflicts.append(Problem("ESTALE", edit.place, message, "use unlink, or link again"))
    return back._replace(conflicts=tuple(conflicts))


def _undoable(change: Change) -> bool:
    if not matches(change.path, change.before):
        return False
    return not isinstance(change.after, Displaced) or fslinks.exists(change.after.stash)
