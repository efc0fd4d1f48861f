"""Keep the record of what is linked, in the user's state folder.

`links` has a file for each real node_modules folder, so that checkouts that share one see each other's links;
`saved` has one for each project in which a link was saved. `inodes` tells, by the number of a project's folder,
where it was, for a project that is moved.
"""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import ConfigError, LinkError, ManifestInvalid
from linkpack.linking.state_folder import state_folder
from linkpack.linking.states import (
    ABSENT,
    Change,
    Displaced,
    File,
    checked_path,
    edits_from_json,
    edits_to_json,
    is_within,
    link_from_json,
    link_to_json,
)
from linkpack.system import dir_entries
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeVar

    from linkpack.linking.states import Edit, ManifestEdit, RecordedLink, SaveEdit, State

    _Entry = TypeVar("_Entry")

Saved = dict[str, "tuple[ManifestEdit, ...]"]

LIMIT = 512 << 20  # bytes of a record or journal
_LONGEST = 200  # bytes of a path that is still a file name when its slashes are escaped
_KINDS = ("inodes", "journals", "last", "links", "locks", "saved")
_DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


class Store(NamedTuple):
    """The state folder of the link commands, by its real path. Only its owner may look into it."""

    root: str

    def file(self, kind: str, place: str) -> str:
        """Return the file of *kind* (`links`, `saved`, `last`, `locks`) that belongs to the folder *place*."""
        name = place.replace("%", "%25").replace("/", "%2F")
        if len(name.encode("utf-8", "surrogateescape")) > _LONGEST:
            from hashlib import blake2b  # noqa: PLC0415 - slow to import, and hardly ever needed

            name = blake2b(place.encode("utf-8", "surrogateescape"), digest_size=24).hexdigest()
        return f"{self.root}/{kind}/{name}.json"

    def prepare(self) -> None:
        """Make the folders, for this user alone; raises `ConfigError` (ESTATE) when that cannot be."""
        try:
            make_parents(f"{self.root}/links")
            for kind in _KINDS:
                dir_entries.make_dir(f"{self.root}/{kind}", 0o700)
        except OSError as err:
            raise ConfigError(
                f"the state folder {self.root} cannot be made: {err.strerror}",
                code="ESTATE",
                path=self.root,
                hint="set XDG_STATE_HOME to a folder that you may write to",
            ) from err
        self.check(*_KINDS)

    def check(self, *kinds: str) -> None:
        """Raise `ConfigError` (ESTATE) if the folder, or one of *kinds* in it, is not this user's alone.

        What it holds decides which files a command writes. A folder that came with a clone or an archive is not
        obeyed either: those make folders that others may read.
        """
        for folder in (self.root, *(f"{self.root}/{kind}" for kind in kinds)):
            fault = dir_entries.privacy_fault(folder)
            if fault:
                raise ConfigError(
                    f"the state folder {folder} {fault}, so what is recorded there is not obeyed",
                    code="ESTATE",
                    path=folder,
                    hint=f"if it is yours, run chmod -R go= {self.root}; or set XDG_STATE_HOME to another folder",
                )

    def read(self, path: str) -> bytes:
        """Return the bytes of a file in the folder; raises `OSError` for one that is missing or not ours.

        Whoever has nothing recorded is not told what is wrong with the folder.
        """
        if not fs.exists(path):
            raise FileNotFoundError(path)
        self.check(posixpath.basename(posixpath.dirname(path)))
        return dir_entries.read_own(path, LIMIT)


def make_parents(path: str) -> None:
    """Make the missing directories above *path*, for this user alone."""
    missing = []
    at = posixpath.dirname(path)
    while not fs.is_dir(at):
        missing.append(at)
        at = posixpath.dirname(at)
    for folder in reversed(missing):
        dir_entries.make_dir(folder, 0o700)


def find_store(env: Mapping[str, str]) -> Store:
    """Return the state folder that *env* names; `ConfigError` without HOME."""
    return Store(fs.canonical(state_folder(env)))


# --- what is linked


def read_record(store: Store, place: str) -> dict[str, RecordedLink]:
    """Return what is recorded as linked in the real node_modules *place*, by key; empty without a record.

    The links of a project that was moved are found by the number of its folder. Raises `LinkError` (ERECORD) when
    the record is damaged, or names links that are not in *place*.
    """
    found = _read(store, "links", place, _link_of)
    if found is not None:
        stray = next((entry.path for entry in found.values() if not is_within(entry.path, place)), "")
        if stray:
            raise _damaged(store.file("links", place), place, f"{stray} is not in it")
        return found
    old = _old_folder(store, posixpath.dirname(place))
    if not old:
        return {}
    new = posixpath.dirname(place)
    before = _read(store, "links", f"{old}/{posixpath.basename(place)}", _link_of) or {}
    moved = [_moved_link(entry, old, new) for entry in before.values()]
    if not any(_is_in_place(entry) for entry in moved):
        return {}
    return {_moved(key, old, new): entry for key, entry in zip(before, moved, strict=True)}


def _link_of(value: Mapping[str, object]) -> RecordedLink:
    entry = link_from_json(value)
    if entry is None:
        raise TypeError("link")
    return entry


def read_saved(store: Store, project: str) -> Saved:
    """Return what is recorded as saved in the project *project*, by the relative path of the link.

    As `read_record`, it follows a project that was moved, and raises `LinkError` (ERECORD).
    """
    found = _read(store, "saved", project, edits_from_json)
    if found is not None:
        edits = (edit for each in found.values() for edit in each)
        stray = next((edit.path for edit in edits if not is_within(edit.path, project)), "")
        if stray:
            raise _damaged(store.file("saved", project), project, f"{stray} is not in it")
        return found
    old = _old_folder(store, project)
    if not old:
        return {}
    before = _read(store, "saved", old, edits_from_json) or {}
    return {
        key: tuple(edit._replace(path=_moved(edit.path, old, project)) for edit in edits)
        for key, edits in before.items()
    }


def _read(store: Store, kind: str, place: str, parse: Callable[..., _Entry]) -> dict[str, _Entry] | None:
    path = store.file(kind, place)
    try:
        value = json.loads(store.read(path))
        return {key: parse(entry) for key, entry in value["links"].items()}
    except FileNotFoundError:
        return None
    except _DAMAGED as err:
        raise _damaged(path, place, str(err)) from err


def _damaged(path: str, place: str, why: str) -> LinkError:
    return LinkError(
        f"the record of {place} cannot be read: {why}",
        code="ERECORD",
        path=path,
        hint=f"move {path} away; the links then count as made by someone else",
    )


def record_changes(store: Store, edits: Iterable[Edit], saves: Iterable[SaveEdit] = ()) -> list[Change]:
    """Return the changes of record files that *edits* and *saves* come to, on top of what the records say now."""
    records: dict[str, dict[str, RecordedLink]] = {}
    for edit in edits:
        record = records.setdefault(edit.place, read_record(store, edit.place))
        _set(record, edit.key, edit.after)
    saved: dict[str, Saved] = {}
    for save in saves:
        _set(saved.setdefault(save.place, read_saved(store, save.place)), save.key, save.after or None)
    for folder in {*map(posixpath.dirname, records), *saved}:
        if _old_folder(store, folder):  # the number of the folder leads to both
            records.setdefault(f"{folder}/node_modules", read_record(store, f"{folder}/node_modules"))
            saved.setdefault(folder, read_saved(store, folder))
    changes = []
    for place, record in records.items():
        links = {key: link_to_json(entry) for key, entry in sorted(record.items())}
        changes += _record_change(store, "links", place, links)
        if any(entry.project for entry in record.values()):
            changes += _note_folder(store, posixpath.dirname(place))
    for place, kept in saved.items():
        changes += _record_change(store, "saved", place, {key: edits_to_json(each) for key, each in kept.items()})
        changes += _note_folder(store, place) if kept else []
    return list({change.path: change for change in changes}.values())


def _set(table: dict[str, _Entry], key: str, entry: _Entry | None) -> None:
    if entry is None:
        table.pop(key, None)
    else:
        table[key] = entry


def _record_change(store: Store, kind: str, place: str, links: Mapping[str, object]) -> list[Change]:
    """Return the change of one record file, which goes with its last entry, and of one of before a move."""
    path = store.file(kind, place)
    after = File(json.dumps({"place": place, "links": links}, indent=1).encode(), 0o600) if links else ABSENT
    changes = [Change(path, file_state(path), after)]
    if isinstance(changes[0].before, File):
        return changes
    folder, name = (place, "") if kind == "saved" else posixpath.split(place)
    old = _old_folder(store, folder)
    before = store.file(kind, posixpath.join(old, name).rstrip("/"))
    return [*changes, Change(before, file_state(before), ABSENT)] if old else changes


# --- projects that are moved


def _note_folder(store: Store, folder: str) -> list[Change]:
    """Return the change that notes the number of *folder*, by which it is found again when it is moved."""
    if not fs.is_dir(folder):
        return []
    path = store.file("inodes", str(fs.stat(folder).st_ino))
    return [Change(path, file_state(path), File(json.dumps({"folder": folder}).encode(), 0o600))]


def _old_folder(store: Store, folder: str) -> str:
    """Return where the project *folder* was when something was recorded there; empty when it was not moved."""
    if not fs.is_dir(folder):
        return ""
    inode = fs.stat(folder).st_ino
    path = store.file("inodes", str(inode))
    try:
        old = checked_path(json.loads(store.read(path))["folder"])
    except FileNotFoundError:
        return ""
    except _DAMAGED as err:
        raise _damaged(path, folder, str(err)) from err
    # Numbers are used again: a folder that is still there, under its old name, was not moved.
    if old == folder or (fs.is_dir(old) and fs.stat(old).st_ino == inode):
        return ""
    return old


def _moved(path: str, old: str, new: str) -> str:
    """Return *path* with the folder *old* in it, whole or at its end, replaced by *new*."""
    if path.endswith(f" from {old}"):  # the key of a link
        return path.removesuffix(old) + new
    return new + path.removeprefix(old) if is_within(path, old) else path


def _moved_link(entry: RecordedLink, old: str, new: str) -> RecordedLink:
    """Return *entry* as it is after its project was moved from *old* to *new*, perhaps with the package."""
    path = _moved(entry.path, old, new)
    along = fs.canonical(posixpath.join(posixpath.dirname(path), entry.literal))
    return entry._replace(
        path=path,
        target=along if fs.is_dir(along) and not fs.is_dir(entry.target) else entry.target,
        owned=tuple(
            Change(_moved(one.path, old, new), _moved_state(one.before, old, new), one.after)
            for one in entry.owned
        ),
        older=tuple(_moved(stash, old, new) for stash in entry.older),
        declared=tuple(_moved(path, old, new) for path in entry.declared),
        project=_moved(entry.project, old, new),
    )


def _moved_state(state: State, old: str, new: str) -> State:
    return Displaced(_moved(state.stash, old, new), state.inode) if isinstance(state, Displaced) else state


def _is_in_place(entry: RecordedLink) -> bool:
    """True if the link, or something that it displaced, is where *entry* says."""
    if fs.is_link(entry.path) and fs.read_link(entry.path) == entry.literal:
        return True
    return any(isinstance(one.before, Displaced) and fs.exists(one.before.stash) for one in entry.owned)


# --- files


def file_state(path: str) -> State:
    """Return the state of the regular file *path*: its bytes and permission bits, or that it is absent."""
    try:
        content = fs.read_file(path, LIMIT)
        return File(content, fs.stat(path).st_mode & 0o7777)
    except FileNotFoundError:
        return ABSENT


def planned_file(changes: Mapping[str, Change], path: str) -> File | None:
    """Return the file at *path* as it will be after *changes*, which are by path; None when there is none.

    `ManifestInvalid` (EUNREADABLE) when what is there cannot be read.
    """
    planned = changes.get(path)
    try:
        state = planned.after if planned else file_state(path)
    except OSError as err:
        raise ManifestInvalid(
            f"{path} cannot be read: {err.strerror}", code="EUNREADABLE", path=path, hint="make it a readable file"
        ) from err
    return state if isinstance(state, File) else None
