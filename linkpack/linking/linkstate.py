"""The values of the link commands: states of a path, changes, plans, and the record of what is linked.

All of them can be written as JSON and read back, which is how journal and record are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.errors import Problem


class Absent(NamedTuple):
    """Nothing stands there."""


class Link(NamedTuple):
    """A symbolic link with this text."""

    target: str


class CreatedDirectory(NamedTuple):
    """A directory that linkpack made; it is removed again only when it is empty."""

    made: bool = True  # named tuples are equal when their fields are: this one must not equal Absent()


class File(NamedTuple):
    """A regular file with these bytes and permission bits."""

    content: bytes
    mode: int


class Mode(NamedTuple):
    """A regular file with these permission bits, whatever it holds."""

    mode: int


class Displaced(NamedTuple):
    """A directory or file of somebody else, whole: moved to *stash* when it makes way, and back from there.

    *inode* tells it from another that took its name.
    """

    stash: str
    inode: int


State: TypeAlias = "Absent | Link | CreatedDirectory | File | Mode | Displaced"
ABSENT = Absent()


class Change(NamedTuple):
    """What is to happen at *path*: found in state *before*, left in state *after*."""

    path: str
    before: State
    after: State

    def inverse(self) -> Change:
        """The change back."""
        return Change(self.path, self.after, self.before)


class ManifestEdit(NamedTuple):
    """How a link was saved: the manifest or lockfile, its bytes (None: no file) before, and its text after.

    *entries* are the members that were set: (path of keys, old JSON text or None, new JSON text or None).
    """

    path: str
    before: bytes | None
    after: bytes
    entries: tuple[tuple[tuple[str, ...], str | None, str | None], ...]


class RecordedLink(NamedTuple):
    """One link in the record.

    *target* is the package's real directory, *path* where the link stands, *literal* its text. *owned* holds,
    for every path that is ours, what was there first and what we put. *older* are places of displaced content
    that a later displacement of the same name left behind.
    """

    name: str
    version: str
    target: str
    path: str
    literal: str
    bin_links: bool
    owned: tuple[Change, ...]
    saved: tuple[ManifestEdit, ...] = ()
    older: tuple[str, ...] = ()


class Edit(NamedTuple):
    """A change of the record of *place* (a project's root, or a global node_modules) under *key*."""

    place: str
    key: str
    before: RecordedLink | None
    after: RecordedLink | None

    def inverse(self) -> Edit:
        """The edit back."""
        return Edit(self.place, self.key, self.after, self.before)


class Item(NamedTuple):
    """A package in a report: its name, version (may be empty) and the path of its link."""

    name: str
    version: str
    path: str


class LinkPlan(NamedTuple):
    """What a link command is going to do, in order, and what it has to say about it.

    *conflicts* are errors: a plan with any is never applied. *discard* are displaced trees that are no longer
    needed once the plan is done.
    """

    changes: tuple[Change, ...] = ()
    edits: tuple[Edit, ...] = ()
    added: tuple[Item, ...] = ()
    changed: tuple[tuple[Item, Item], ...] = ()
    removed: tuple[Item, ...] = ()
    warnings: tuple[Problem, ...] = ()
    conflicts: tuple[Problem, ...] = ()
    discard: tuple[str, ...] = ()


def inverse(plan: LinkPlan) -> LinkPlan:
    """The plan that takes *plan* back: every change turned round, the last one first."""
    return LinkPlan(
        changes=tuple(change.inverse() for change in reversed(plan.changes)),
        edits=tuple(edit.inverse() for edit in reversed(plan.edits)),
        added=plan.removed,
        changed=tuple((new, old) for old, new in plan.changed),
        removed=plan.added,
    )


# --- JSON. Bytes travel as latin-1 text, which keeps each of the 256 values.


def _file(text: str, mode: int) -> File:
    return File(text.encode("latin-1"), mode)


_KINDS: dict[str, tuple[Any, list[type]]] = {
    "absent": (Absent, []),
    "link": (Link, [str]),
    "folder": (CreatedDirectory, [bool]),
    "file": (_file, [str, int]),
    "mode": (Mode, [int]),
    "kept": (Displaced, [str, int]),
}
_NAMES = {kind: name for name, (kind, _) in _KINDS.items()}


def state_to_json(state: State) -> list[object]:
    """*state* as a JSON list that begins with its kind."""
    if isinstance(state, File):
        return ["file", state.content.decode("latin-1"), state.mode]
    return [_NAMES[type(state)], *state]


def state_from_json(value: Sequence[object]) -> State:
    """The state that `state_to_json` wrote; ValueError, KeyError or TypeError when it did not."""
    name, *rest = value
    kind, types = _KINDS[str(name)]
    if [type(each) for each in rest] != types:
        raise TypeError(name)
    state: State = kind(*rest)
    return state


def change_to_json(change: Change) -> list[object]:
    """*change* as a JSON list."""
    return [change.path, state_to_json(change.before), state_to_json(change.after)]


def change_from_json(value: Sequence[object]) -> Change:
    """The change that `change_to_json` wrote; ValueError, KeyError or TypeError when it did not."""
    path, before, after = value
    if not (isinstance(path, str) and isinstance(before, list) and isinstance(after, list)):
        raise TypeError("change")
    return Change(path, state_from_json(before), state_from_json(after))


def link_to_json(entry: RecordedLink | None) -> dict[str, object] | None:
    """*entry* as a JSON object; None stays None."""
    if entry is None:
        return None
    saved = [
        [
            item.path,
            None if item.before is None else item.before.decode("latin-1"),
            item.after.decode("latin-1"),
            [list(one) for one in item.entries],
        ]
        for item in entry.saved
    ]
    owned = [change_to_json(change) for change in entry.owned]
    return {**entry._asdict(), "owned": owned, "saved": saved}


def link_from_json(value: Mapping[str, object] | None) -> RecordedLink | None:
    """The entry that `link_to_json` wrote; ValueError, KeyError or TypeError when it did not."""
    if value is None:
        return None
    fields: dict[str, object] = dict(value)
    fields["owned"] = tuple(change_from_json(one) for one in _list(value["owned"]))
    fields["saved"] = tuple(_saved(one) for one in _list(value["saved"]))
    fields["older"] = _texts(value["older"])
    _texts([fields[key] for key in ("name", "version", "target", "path", "literal")])
    if not isinstance(fields["bin_links"], bool):
        raise TypeError("link")
    return RecordedLink(**fields)  # type: ignore[arg-type]  # checked above, field by field


def _saved(value: Sequence[object]) -> ManifestEdit:
    path, before, after, entries = value
    if not (isinstance(path, str) and isinstance(after, str)):
        raise TypeError("saved")
    first = _text(before)
    found = tuple((_texts(keys), _text(old), _text(new)) for keys, old, new in _list(entries))
    return ManifestEdit(path, None if first is None else first.encode("latin-1"), after.encode("latin-1"), found)


def _text(value: object) -> str | None:
    if not isinstance(value, (str, type(None))):
        raise TypeError("text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
        raise TypeError("texts")
    return tuple(value)


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value
