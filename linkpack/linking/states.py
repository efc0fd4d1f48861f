"""States of a path, changes, plans and recorded links, and their JSON.

Journals and records hold that JSON. Reading it checks every value: a damaged file raises `ValueError`, `KeyError`
or `TypeError`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard

from linkpack.errors import Problem
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class _PathState:
    """Base class of the states that a path can be in.

    Two states are equal if their types and all their values are equal. Named tuples compare values only, so that
    states of two kinds could be equal. Dataclasses would do, but import `inspect`, which takes 6 ms of a start.
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


class Absent(_PathState):
    """The state of a path with nothing at it."""

    __slots__ = ()


class Link(_PathState):
    """A symbolic link with the text *target*."""

    __slots__ = __match_args__ = ("target",)

    def __init__(self, target: str) -> None:
        self.target: Final = target


class CreatedDirectory(_PathState):
    """A directory that linkpack made, and removes again only when it is empty."""

    __slots__ = ()


class File(_PathState):
    """A regular file with this content and these permission bits."""

    __slots__ = __match_args__ = ("content", "mode")

    def __init__(self, content: bytes, mode: int) -> None:
        self.content: Final = content
        self.mode: Final = mode


class Mode(_PathState):
    """A regular file with these permission bits, whatever its content."""

    __slots__ = __match_args__ = ("mode",)

    def __init__(self, mode: int) -> None:
        self.mode: Final = mode


class Displaced(_PathState):
    """A file or whole directory of others, with a place to keep it in.

    It is at *stash* while something else is in its place. The stash is empty if none is chosen yet. *inode* is the
    number that it had when the change was planned, which tells it from another one of that name.
    """

    __slots__ = __match_args__ = ("stash", "inode")

    def __init__(self, stash: str, inode: int) -> None:
        self.stash: Final = stash
        self.inode: Final = inode


class Copied(Displaced):
    """A folder with a copy of a package, which linkpack made.

    It is written at *stash*, and moved into place in one step. When it makes way, it is moved to a stash again and
    removed. In a plan whose copies are not written yet, *stash* is the path itself and *inode* 0.
    """

    __slots__ = ()


State: TypeAlias = "Absent | Link | CreatedDirectory | File | Mode | Displaced"
ABSENT = Absent()


class Change(Record):
    """A change at *path*, from the state *before* to the state *after*."""

    path: str
    before: State
    after: State

    def inverse(self) -> Change:
        """Return the change back."""
        return Change(self.path, self.after, self.before)


class ManifestEdit(Record):
    """How a link was saved in a manifest or lockfile.

    *before* and *after* are the bytes of the file, *before* None if there was none. *entries* are the members that
    were set: (path of keys, old JSON text or None, new JSON text or None). The bytes restore a file that nobody
    else changed, the entries any other.
    """

    path: str
    before: bytes | None
    after: bytes
    entries: tuple[tuple[tuple[str, ...], str | None, str | None], ...]


class RecordedLink(Record):
    """One link in the record of a node_modules.

    *target* is the package's real directory, *path* the link's own path, *literal* its text. *owned* has for every
    path of the link the state to restore, and the state that the link put there. *older* are stashes of the same
    name that an earlier link left behind. *project* is the root of the project that the link was made in, empty
    for a global one: several worktrees may share one node_modules, and each has its own links there. *declared*
    are the manifests that named the package when it was linked.
    """

    name: str
    version: str
    target: str
    path: str
    literal: str
    bin_links: bool
    owned: tuple[Change, ...]
    older: tuple[str, ...] = ()
    project: str = ""
    declared: tuple[str, ...] = ()

    @property
    def copied(self) -> Copied | None:
        """Return the state of a copy, None for a link.

        Its *inode* tells the copy from what others put in its place.
        """
        after = next((change.after for change in self.owned if change.path == self.path), ABSENT)
        return after if isinstance(after, Copied) else None


class Edit(Record):
    """A change of the record of one link.

    *place* is the real node_modules that the link is in, *key* its key in the record of that.
    """

    place: str
    key: str
    before: RecordedLink | None
    after: RecordedLink | None

    def inverse(self) -> Edit:
        """Return the edit back."""
        return Edit(self.place, self.key, self.after, self.before)


class SaveEdit(Record):
    """A change of the record of how one link is saved.

    *place* is the root of the project, *key* the relative path of the link.
    """

    place: str
    key: str
    before: tuple[ManifestEdit, ...]
    after: tuple[ManifestEdit, ...]

    def inverse(self) -> SaveEdit:
        """Return the edit back."""
        return SaveEdit(self.place, self.key, self.after, self.before)


class Item(Record):
    """A package in a report, with the path of its link.

    *version* may be empty.
    """

    name: str
    version: str
    path: str


class CopyItem(Record):
    """A copy in a report.

    *path* is where it goes, *source* the package's folder. *files* counts what it holds. *nested* are the packages
    in its own node_modules (`ms@2.1.3`), *peers* those of the project that it shares (`react`), each there once.
    """

    name: str
    path: str
    source: str
    files: int
    nested: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()


class LinkPlan(Record):
    """The changes of a link command, before they are made.

    *changes* are in the order in which they are made. *edits* and *saves* are changes of the records. The command
    reports *added*, *changed* and *removed*. *conflicts* are errors: a plan with any is never applied. *discard*
    are stashes that are not needed once the plan is done. *roots* are the real folders around all changed paths,
    except scripts of linked packages (`is_script_change`). *copies* says what copies hold.
    """

    changes: tuple[Change, ...] = ()
    edits: tuple[Edit, ...] = ()
    added: tuple[Item, ...] = ()
    changed: tuple[tuple[Item, Item], ...] = ()
    removed: tuple[Item, ...] = ()
    warnings: tuple[Problem, ...] = ()
    conflicts: tuple[Problem, ...] = ()
    discard: tuple[str, ...] = ()
    saves: tuple[SaveEdit, ...] = ()
    roots: tuple[str, ...] = ()
    copies: tuple[CopyItem, ...] = ()


def paths_of(change: Change) -> tuple[str, ...]:
    """Return the path of *change*, and the stash that it fills or empties.

    >>> paths_of(Change("/app/node_modules/a", Displaced("/app/node_modules/.linkpack/a", 7), Link("../../a")))
    ('/app/node_modules/a', '/app/node_modules/.linkpack/a')
    """
    stashes = (state.stash for state in (change.before, change.after) if isinstance(state, Displaced))
    return (change.path, *stashes)


def is_within(path: str, root: str) -> bool:
    """Return True if *path* is *root* or below it.

    >>> is_within("/app/lib", "/app"), is_within("/app", "/app"), is_within("/apple", "/app")
    (True, True, False)
    """
    return f"{path.rstrip('/')}/".startswith(f"{root.rstrip('/')}/")


def paths_outside(change: Change, roots: Sequence[str]) -> list[str]:
    """Return the paths of *change* outside of *roots*.

    Making or removing a folder above a root is allowed, as the root may not exist yet.

    >>> paths_outside(Change("/prefix/lib/x", ABSENT, Link("y")), ["/app"])
    ['/prefix/lib/x']
    >>> paths_outside(Change("/prefix", ABSENT, CreatedDirectory()), ["/prefix/lib"])
    []
    """
    made = CreatedDirectory() in (change.before, change.after)
    # npm 11 ends with ENOENT on a prefix that does not exist (npm/cli#6971). Here its folders are made.
    return [
        path
        for path in paths_of(change)
        if not any(is_within(path, root) or (made and is_within(root, path)) for root in roots)
    ]


def copies_moved_away(plan: LinkPlan) -> tuple[str, ...]:
    """Return where copies are that *plan* took out of their places."""
    return tuple(change.before.stash for change in plan.changes if isinstance(change.before, Copied))


def is_script_change(change: Change) -> bool:
    """Return True if *change* only makes a script runnable.

    Linking a package sets the permission bits of its commands, and removes a carriage return from their first
    line.
    """
    match change.before, change.after:
        case Mode(), Mode():
            return True
        case File(old), File(new):
            # Both ways: `undo` and a rollback put the carriage return back.
            return old.replace(b"\r\n", b"\n", 1) == new or new.replace(b"\r\n", b"\n", 1) == old
    return False


def inverse(plan: LinkPlan) -> LinkPlan:
    """Return the plan that takes *plan* back.

    It has the inverse of every change, the last one first.
    """
    return LinkPlan(
        changes=tuple(change.inverse() for change in reversed(plan.changes)),
        edits=tuple(edit.inverse() for edit in reversed(plan.edits)),
        saves=tuple(save.inverse() for save in reversed(plan.saves)),
        added=plan.removed,
        changed=tuple((new, old) for old, new in plan.changed),
        removed=plan.added,
        roots=plan.roots,
    )


# --- JSON. Bytes travel as latin-1 text, which keeps each of the 256 values.


def state_to_json(state: State) -> list[object]:
    """Return *state* as a JSON list, the kind first.

    >>> state_to_json(Link("../lib"))
    ['link', '../lib']
    """
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
            return ["copied" if isinstance(state, Copied) else "displaced", stash, inode]


def state_from_json(value: Sequence[object]) -> State:
    """Return the state that `state_to_json` wrote."""
    match value:
        case ["absent"]:
            return ABSENT
        case ["link", str(target)]:
            return Link(_parse_system_text(target))
        case ["folder"]:
            return CreatedDirectory()
        case ["file", str(text), mode] if _is_number(mode, 0o7777):
            return File(text.encode("latin-1"), mode)
        case ["mode", mode] if _is_number(mode, 0o7777):
            return Mode(mode)
        case ["displaced" | "copied" as kind, str(stash), inode] if _is_number(inode, 1 << 64):
            return (Copied if kind == "copied" else Displaced)(checked_path(stash), inode)
    raise TypeError(value)


def _is_number(value: object, most: int) -> TypeGuard[int]:
    """Return True if *value* is an integer from 0 to *most*, and no boolean.

    >>> _is_number(1, 1), _is_number(True, 1), _is_number(2, 1)
    (True, False, False)
    """
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def change_to_json(change: Change) -> list[object]:
    """Return *change* as a JSON list."""
    return [change.path, state_to_json(change.before), state_to_json(change.after)]


def change_from_json(value: Sequence[object]) -> Change:
    """Return the change that `change_to_json` wrote."""
    path, before, after = value
    if not (isinstance(before, list) and isinstance(after, list)):
        raise TypeError("change")
    return Change(checked_path(path), state_from_json(before), state_from_json(after))


def link_to_json(link: RecordedLink | None) -> dict[str, object] | None:
    """Return *link* as a JSON object, and None as None."""
    if link is None:
        return None
    return {**link._asdict(), "owned": [change_to_json(change) for change in link.owned]}


def link_from_json(value: Mapping[str, object] | None) -> RecordedLink | None:
    """Return the link that `link_to_json` wrote."""
    if value is None:
        return None
    fields: dict[str, object] = dict(value)
    fields["owned"] = tuple(change_from_json(change) for change in _parse_list(value["owned"]))
    fields["older"] = tuple(map(checked_path, checked_texts(value["older"])))
    fields["declared"] = tuple(map(checked_path, checked_texts(value.get("declared", []))))
    checked_texts([fields[key] for key in ("name", "version", "target", "path", "literal", "project")])
    for key in ("target", "path"):
        checked_path(fields[key])
    if not isinstance(fields["bin_links"], bool):
        raise TypeError("link")
    return RecordedLink(**fields)  # type: ignore[arg-type]  # checked above, field by field


def edits_to_json(saved: Sequence[ManifestEdit]) -> list[object]:
    """Return the edits *saved* as a JSON list."""
    return [
        [
            edit.path,
            None if edit.before is None else edit.before.decode("latin-1"),
            edit.after.decode("latin-1"),
            [list(entry) for entry in edit.entries],
        ]
        for edit in saved
    ]


def edits_from_json(value: object) -> tuple[ManifestEdit, ...]:
    """Return the edits that `edits_to_json` wrote."""
    return tuple(_edit_from_json(edit) for edit in _parse_list(value))


def _edit_from_json(value: Sequence[object]) -> ManifestEdit:
    path, before, after, entries = value
    if not isinstance(after, str):
        raise TypeError("saved")
    old_text = _parse_optional_text(before)
    return ManifestEdit(
        path=checked_path(path),
        before=None if old_text is None else old_text.encode("latin-1"),
        after=after.encode("latin-1"),
        entries=tuple(
            (_parse_keys(keys), _parse_json_text(old), _parse_json_text(new))
            for keys, old, new in _parse_list(entries)
        ),
    )


def _parse_keys(value: object) -> tuple[str, ...]:
    """Return a path of one or two keys, as manifests and lockfiles have."""
    keys = checked_texts(value)
    if len(keys) not in {1, 2}:
        raise TypeError("keys")
    return keys


def _parse_json_text(value: object) -> str | None:
    """Return a text that is JSON, or None."""
    text = _parse_optional_text(value)
    if text is not None:
        json.loads(text)
    return text


def _parse_optional_text(value: object) -> str | None:
    if not isinstance(value, (str, type(None))):
        raise TypeError("text")
    return value


def checked_path(value: object) -> str:
    """Return *value* if it is an absolute path, else raise.

    Names that are not UTF-8 hold surrogate escapes, as in all of linkpack.
    """
    path = _parse_system_text(checked_text(value))
    if not path.startswith("/"):
        raise ValueError(f"{path!r} is no absolute path")
    return path


def _parse_system_text(text: str) -> str:
    """Return *text* if it can be the text of a link or a path, else raise."""
    if not text or b"\0" in text.encode("utf-8", "surrogateescape"):
        raise ValueError(f"{text!r} is no path")
    return text


def checked_text(value: object) -> str:
    """Return *value* if it is a text, else raise."""
    if not isinstance(value, str):
        raise TypeError("text")
    return value


def checked_texts(value: object) -> tuple[str, ...]:
    """Return *value* as a tuple if it is a list of texts, else raise."""
    if not (isinstance(value, list) and all(isinstance(text, str) for text in value)):
        raise TypeError("texts")
    return tuple(value)


def _parse_list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value
