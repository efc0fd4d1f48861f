"""Keep the record of what is linked, in the user's state folder.

    links/<node_modules>.json   the links in a real node_modules, which several checkouts may share
    saved/<project>.json        how the links of a project are saved in its manifests and lockfiles
    inodes/<number>.json        where the project's folder with this number was, to find a project that was moved

A file's name is the path with its slashes escaped, or a hash of a long one.
"""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING

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
from linkpack.record import Record
from linkpack.system import dir_entries
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeVar

    from linkpack.linking.states import Edit, ManifestEdit, RecordedLink, SaveEdit, State

    _Entry = TypeVar("_Entry")

Saved = dict[str, "tuple[ManifestEdit, ...]"]

LIMIT = 512 << 20  # bytes of a record or journal, or of a file that a plan changes
_LONGEST = 200  # bytes of an escaped path that is used as a file name; most systems allow 255
# The folders of a store. `journals` has the plans of runs (`journal`), `locks` a file to lock for each place.
_KINDS = ("copies", "inodes", "journals", "last", "links", "locks", "saved")
# The errors of reading JSON and its values, for a file that linkpack did not write or that was cut off.
DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


class Store(Record):
    """The state folder of the link commands, by its real path.

    Only its owner may look into it: the records decide which files a command writes.
    """

    root: str

    def file(self, kind: str, place: str) -> str:
        """Return the file of *kind* for the folder *place*.

        *kind* is `links`, `saved`, `last` or `locks`; for `inodes`, *place* is a number.

        >>> Store("/state").file("links", "/app/node_modules")
        '/state/links/%2Fapp%2Fnode_modules.json'
        """
        name = place.replace("%", "%25").replace("/", "%2F")
        if len(name.encode("utf-8", "surrogateescape")) > _LONGEST:
            from hashlib import blake2b  # noqa: PLC0415 - 2.7 ms, and hardly ever needed

            name = blake2b(place.encode("utf-8", "surrogateescape"), digest_size=24).hexdigest()
        return f"{self.root}/{kind}/{name}.json"

    def prepare(self) -> None:
        """Make the folders, for this user alone.

        Raises `ConfigError` (ESTATE) if that fails, or if they are not this user's alone.
        """
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
        """Raise `ConfigError` (ESTATE) unless the folder is this user's alone.

        *kinds* are folders in it for which the same holds.
        """
        # A state folder that came with a clone is refused too: git makes folders that others may read, unless the
        # umask forbids it (test_a_state_folder_that_is_open_is_not_obeyed).
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
        """Return the bytes of a file in the folder.

        Raises `OSError` for one that is missing or another user's, and `ConfigError` (ESTATE) as `check` does.
        """
        # Before `check`: a fault of the folder does not matter to users who have nothing recorded.
        if not fs.exists(path):
            raise FileNotFoundError(path)
        self.check(posixpath.basename(posixpath.dirname(path)))
        return dir_entries.read_own(path, LIMIT)


def make_parents(path: str) -> None:
    """Make the missing directories above *path*, for this user alone."""
    missing = []
    above = posixpath.dirname(path)
    while not fs.is_dir(above):
        missing.append(above)
        above = posixpath.dirname(above)
    for folder in reversed(missing):
        dir_entries.make_dir(folder, 0o700)


def find_store(env: Mapping[str, str]) -> Store:
    """Return the store in the state folder that *env* names.

    Raises `ConfigError` (ENOHOME) without a home folder.
    """
    return Store(fs.canonical_path(state_folder(env)))


# --- what is linked


def read_record(store: Store, place: str) -> dict[str, RecordedLink]:
    """Return the recorded links in the real node_modules *place*, by key.

    Empty without a record. If the project was moved, the record under its old path is returned, with new paths.
    Raises `LinkError` (ERECORD) if the record is damaged, or names links that are not in *place*.
    """
    links = _read(store, "links", place, _parse_link)
    if links is not None:
        stray = next((link.path for link in links.values() if not is_within(link.path, place)), "")
        if stray:
            raise _make_damage_error(store.file("links", place), place, f"{stray} is not in it")
        return links
    # A folder keeps its inode when it is moved on its file system.
    new, name = posixpath.split(place)
    old = _find_old_folder(store, new)
    if not old:
        return {}
    before = _read(store, "links", f"{old}/{name}", _parse_link) or {}
    moved = [_move_link(link, old, new) for link in before.values()]
    # The number of a removed folder is used again: then none of its links is here
    # (tests/linking/test_real_places.py).
    if not any(_left_traces(link) for link in moved):
        return {}
    return {_move_path(key, old, new): link for key, link in zip(before, moved, strict=True)}


def _parse_link(value: Mapping[str, object]) -> RecordedLink:
    link = link_from_json(value)
    if link is None:
        raise TypeError("link")
    return link


def read_saved(store: Store, project: str) -> Saved:
    """Return the edits that save links of *project*, by relative path.

    As `read_record` it finds a project that was moved, and raises `LinkError` (ERECORD).
    """
    saved = _read(store, "saved", project, edits_from_json)
    if saved is not None:
        all_edits = (edit for edits in saved.values() for edit in edits)
        stray = next((edit.path for edit in all_edits if not is_within(edit.path, project)), "")
        if stray:
            raise _make_damage_error(store.file("saved", project), project, f"{stray} is not in it")
        return saved
    old = _find_old_folder(store, project)
    if not old:
        return {}
    before = _read(store, "saved", old, edits_from_json) or {}
    return {
        key: tuple(edit._replace(path=_move_path(edit.path, old, project)) for edit in edits)
        for key, edits in before.items()
    }


def _read(store: Store, kind: str, place: str, parse: Callable[..., _Entry]) -> dict[str, _Entry] | None:
    """Return the entries of a record file by key, None without a file.

    *parse* makes an entry of its JSON value.
    """
    path = store.file(kind, place)
    try:
        value = json.loads(store.read(path))
        return {key: parse(entry) for key, entry in value["links"].items()}
    except FileNotFoundError:
        return None
    except DAMAGED as err:
        raise _make_damage_error(path, place, str(err)) from err


def _make_damage_error(path: str, place: str, why: str) -> LinkError:
    return LinkError(
        f"the record of {place} cannot be read: {why}",
        code="ERECORD",
        path=path,
        hint=f"move {path} away; the links then count as made by someone else",
    )


def record_changes(store: Store, edits: Sequence[Edit], saves: Iterable[SaveEdit] = ()) -> list[Change]:
    """Return the changes of record files that make *edits* and *saves*."""
    # The records after the edits, whole: a file is written anew.
    records: dict[str, dict[str, RecordedLink]] = {}
    for edit in edits:
        record = records.setdefault(edit.place, read_record(store, edit.place))
        _set_entry(record, edit.key, edit.after)
    saved: dict[str, Saved] = {}
    for save in saves:
        _set_entry(saved.setdefault(save.place, read_saved(store, save.place)), save.key, save.after or None)
    for folder in {*map(posixpath.dirname, records), *saved}:
        if _find_old_folder(
            store, folder
        ):  # its inode leads to one path only, so both of its records have to be moved
            records.setdefault(f"{folder}/node_modules", read_record(store, f"{folder}/node_modules"))
            saved.setdefault(folder, read_saved(store, folder))
    changes = _forget_copies(store, edits)
    for place, record in records.items():
        links = {key: link_to_json(link) for key, link in sorted(record.items())}
        changes += _change_file(store, "links", place, links)
        if any(link.project for link in record.values()):
            changes += _note_inode(store, posixpath.dirname(place))
    for place, table in saved.items():
        entries = {key: edits_to_json(edits) for key, edits in table.items()}
        changes += _change_file(store, "saved", place, entries)
        if table:
            changes += _note_inode(store, place)
    return list({change.path: change for change in changes}.values())


def _forget_copies(store: Store, edits: Iterable[Edit]) -> list[Change]:
    """Return the changes that remove what is remembered of copies that go."""
    gone = [edit.before for edit in edits if edit.before is not None and edit.before.copied is not None]
    kept = {edit.after.path for edit in edits if edit.after is not None and edit.after.copied is not None}
    files = [store.file("copies", link.path) for link in gone if link.path not in kept]
    return [Change(path, file_state(path), ABSENT) for path in files if fs.is_file(path)]


def _set_entry(table: dict[str, _Entry], key: str, entry: _Entry | None) -> None:
    if entry is None:
        table.pop(key, None)
    else:
        table[key] = entry


def _change_file(store: Store, kind: str, place: str, entries: Mapping[str, object]) -> list[Change]:
    """Return the changes that write a record file.

    Without entries the file is removed. The file under the old path of a project that was moved is removed too.
    """
    path = store.file(kind, place)
    content = json.dumps({"place": place, "links": entries}, indent=1).encode()
    after = File(content, 0o600) if entries else ABSENT
    changes = [Change(path, file_state(path), after)]
    if isinstance(changes[0].before, File):
        return changes  # the record was moved already
    folder, name = (place, "") if kind == "saved" else posixpath.split(place)
    old = _find_old_folder(store, folder)
    before = store.file(kind, posixpath.join(old, name).rstrip("/"))
    return [*changes, Change(before, file_state(before), ABSENT)] if old else changes


# --- projects that are moved


def _note_inode(store: Store, folder: str) -> list[Change]:
    """Return the change that records *folder* under its inode number."""
    if not fs.is_dir(folder):
        return []
    path = store.file("inodes", str(fs.stat(folder).st_ino))
    return [Change(path, file_state(path), File(json.dumps({"folder": folder}).encode(), 0o600))]


def _find_old_folder(store: Store, folder: str) -> str:
    """Return the path that the project *folder* had before it was moved.

    Empty if nothing is recorded for it, or it was not moved.
    """
    if not fs.is_dir(folder):
        return ""
    inode = fs.stat(folder).st_ino
    path = store.file("inodes", str(inode))
    try:
        old = checked_path(json.loads(store.read(path))["folder"])
    except FileNotFoundError:
        return ""
    except DAMAGED as err:
        raise _make_damage_error(path, folder, str(err)) from err
    # Not moved: the record is its own, or the folder can still be reached by its old path (a bind mount).
    if old == folder or (fs.is_dir(old) and fs.stat(old).st_ino == inode):
        return ""
    return old


def _move_path(path: str, old: str, new: str) -> str:
    """Return *path* as it is after the folder *old* was moved to *new*.

    The keys of links, which end in a folder, can be moved as well.

    >>> _move_path("/old/node_modules/lib", "/old", "/new"), _move_path("lib from /old", "/old", "/new")
    ('/new/node_modules/lib', 'lib from /new')
    """
    if path.endswith(f" from {old}"):  # the key of a link
        return path.removesuffix(old) + new
    return new + path.removeprefix(old) if is_within(path, old) else path


def _move_link(link: RecordedLink, old: str, new: str) -> RecordedLink:
    """Return *link* as it is after its project was moved.

    *old* and *new* are the folders of the project.
    """
    path = _move_path(link.path, old, new)
    # If the package was moved along, the text of the link leads to it from the new place.
    target = fs.canonical_path(posixpath.join(posixpath.dirname(path), link.literal))
    return link._replace(
        path=path,
        target=target if link.literal and fs.is_dir(target) and not fs.is_dir(link.target) else link.target,
        owned=tuple(
            Change(_move_path(change.path, old, new), _move_state(change.before, old, new), change.after)
            for change in link.owned
        ),
        older=tuple(_move_path(stash, old, new) for stash in link.older),
        declared=tuple(_move_path(manifest, old, new) for manifest in link.declared),
        project=_move_path(link.project, old, new),
    )


def _move_state(state: State, old: str, new: str) -> State:
    return Displaced(_move_path(state.stash, old, new), state.inode) if isinstance(state, Displaced) else state


def _left_traces(link: RecordedLink) -> bool:
    """Return True if *link*, or a stash of it, is where the record says."""
    if link.copied is not None and fs.is_dir(link.path) and fs.lstat(link.path).st_ino == link.copied.inode:
        return True
    if fs.is_link(link.path) and fs.read_link(link.path) == link.literal:
        return True
    befores = [change.before for change in link.owned]
    return any(isinstance(before, Displaced) and fs.exists(before.stash) for before in befores)


# --- files


def file_state(path: str) -> State:
    """Return the state of the file at *path*, or `Absent`."""
    try:
        content = fs.read_file(path, LIMIT)
        return File(content, fs.stat(path).st_mode & 0o7777)
    except FileNotFoundError:
        return ABSENT


def planned_file(changes: Mapping[str, Change], path: str) -> File | None:
    """Return the file at *path* as it is after *changes*.

    *changes* are by path. None if there is no file then. Raises `ManifestInvalid` (EUNREADABLE) for a file that
    cannot be read.
    """
    planned = changes.get(path)
    try:
        state = planned.after if planned else file_state(path)
    except OSError as err:
        raise ManifestInvalid(
            f"{path} cannot be read: {err.strerror}", code="EUNREADABLE", path=path, hint="make it a readable file"
        ) from err
    return state if isinstance(state, File) else None
