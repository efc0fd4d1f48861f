"""Values of the link commands: states of a path, changes, plans, and recorded links.

All of them can be written as JSON and read back, which is how journals and records are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.errors import Problem


class _State:
    """Base class of what can be at a path; two states are equal when kind and values are.

    Written by hand: `dataclasses` imports `inspect`, which costs every start of the program 6 ms.
    """

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), *self._values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._values()!r}"

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__match_args__)


class Absent(_State):
    """Nothing at all."""

    __slots__ = ()


class Link(_State):
    """A symbolic link with the text *target*."""

    __slots__ = __match_args__ = ("target",)

    def __init__(self, target: str) -> None:
        self.target = target


class CreatedDirectory(_State):
    """A directory that linkpack made, and removes again only when it is empty."""

    __slots__ = ()


class File(_State):
    """A regular file with these bytes and permission bits."""

    __slots__ = __match_args__ = ("content", "mode")

    def __init__(self, content: bytes, mode: int) -> None:
        self.content = content
        self.mode = mode


class Mode(_State):
    """A regular file with these permission bits, whatever its content."""

    __slots__ = __match_args__ = ("mode",)

    def __init__(self, mode: int) -> None:
        self.mode = mode


class Displaced(_State):
    """A whole directory or file that is not ours, moved to *stash* while something else is in its place.

    *inode* is its number at the time of planning, which tells it from another one of that name.
    """

    __slots__ = __match_args__ = ("stash", "inode")

    def __init__(self, stash: str, inode: int) -> None:
        self.stash = stash
        self.inode = inode


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


def state_to_json(state: State) -> list[object]:
    """Return *state* as a JSON list that begins with its kind: `["link", "../lib"]`."""
    match state:
        case Absent():
            return ["absent"]
        case Link(target):
            return ["link", target]
        case CreatedDirectory():
            return ["folder"]
        case File(content, mode):
            return ["file", content.decode("latin-1"), mode]
        case Mode(mode):
            return ["mode", mode]
        case Displaced(stash, inode):
            return ["displaced", stash, inode]


def state_from_json(value: Sequence[object]) -> State:
    """Return the state that `state_to_json` wrote; raises ValueError or TypeError for anything else."""
    # Booleans are numbers to `int()`; JSON has them apart, and none of them is a mode.
    match value:
        case ["absent"]:
            return ABSENT
        case ["link", str(target)]:
            return Link(target)
        case ["folder"]:
            return CreatedDirectory()
        case ["file", str(text), int(mode)] if not isinstance(mode, bool):
            return File(text.encode("latin-1"), mode)
        case ["mode", int(mode)] if not isinstance(mode, bool):
            return Mode(mode)
        case ["displaced", str(stash), int(inode)] if not isinstance(inode, bool):
            return Displaced(stash, inode)
    raise TypeError(value)


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
