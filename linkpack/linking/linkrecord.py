"""Keeps the record of what is linked, one file for each project and each global folder, in the state folder."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.disk import fs, fslinks
from linkpack.errors import ConfigError, LinkError, ManifestInvalid
from linkpack.linking.linkstate import ABSENT, Change, File, link_from_json, link_to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from linkpack.linking.linkstate import Edit, RecordedLink, State

LIMIT = 512 << 20  # bytes of a record or journal
_LONGEST = 200  # bytes of a path that is still a file name when its slashes are escaped
_FOLDERS = ("journals", "last", "links", "locks")


class Store(NamedTuple):
    """The state folder of the link commands, outside of every project."""

    root: str

    def file(self, kind: str, place: str) -> str:
        """The file of *kind* (`links`, `last`, `locks`) that belongs to the directory *place*."""
        name = place.replace("%", "%25").replace("/", "%2F")
        if len(name.encode("utf-8", "surrogateescape")) > _LONGEST:
            from hashlib import blake2b  # noqa: PLC0415 - slow to import, and hardly ever needed

            name = blake2b(place.encode("utf-8", "surrogateescape"), digest_size=24).hexdigest()
        return f"{self.root}/{kind}/{name}.json"

    def prepare(self) -> None:
        """Make the folders; `ConfigError` when that is not allowed."""
        try:
            make_parents(f"{self.root}/links")
            for name in _FOLDERS:
                fslinks.make_dir(f"{self.root}/{name}")
        except OSError as err:
            raise ConfigError(
                f"the state folder {self.root} cannot be made: {err.strerror}",
                code="ESTATE",
                path=self.root,
                hint="set XDG_STATE_HOME to a folder that you may write to",
            ) from err


def make_parents(path: str) -> None:
    """Make the missing directories above *path*."""
    missing = []
    at = posixpath.dirname(path)
    while not fs.is_dir(at):
        missing.append(at)
        at = posixpath.dirname(at)
    for folder in reversed(missing):
        fslinks.make_dir(folder)


def find_store(env: Mapping[str, str]) -> Store:
    """The state folder that *env* names: `$XDG_STATE_HOME/linkpack`, else `~/.local/state/linkpack`.

    A relative XDG_STATE_HOME does not count (XDG Base Directory Specification). `ConfigError` without HOME.
    """
    base, home = env.get("XDG_STATE_HOME", ""), env.get("HOME", "")
    if not base.startswith("/"):
        if not home.startswith("/"):
            raise ConfigError("HOME is not set", code="ENOHOME", hint="set HOME or XDG_STATE_HOME")
        base = f"{home}/.local/state"
    return Store(posixpath.normpath(f"{base}/linkpack"))


def read_record(store: Store, place: str) -> dict[str, RecordedLink]:
    """What is recorded as linked in *place*, by key; empty without a record.

    `LinkError` (ERECORD) when the record is damaged.
    """
    path = store.file("links", place)
    try:
        value = json.loads(fs.read_file(path, LIMIT))
        found = {key: link_from_json(entry) for key, entry in value["links"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        raise LinkError(
            f"the record of {place} cannot be read: {err}",
            code="ERECORD",
            path=path,
            hint=f"move {path} away; the links then count as made by someone else",
        ) from err
    return {key: entry for key, entry in found.items() if entry is not None}


def record_changes(store: Store, edits: Iterable[Edit]) -> list[Change]:
    """The changes of record files that *edits* come to, on top of what the records say now."""
    records: dict[str, dict[str, RecordedLink]] = {}
    for edit in edits:
        record = records.setdefault(edit.place, read_record(store, edit.place))
        if edit.after is None:
            record.pop(edit.key, None)
        else:
            record[edit.key] = edit.after
    changes = []
    for place, record in records.items():
        path = store.file("links", place)
        after: State = ABSENT
        if record:
            links = {key: link_to_json(entry) for key, entry in sorted(record.items())}
            after = File(json.dumps({"place": place, "links": links}, indent=1).encode(), 0o600)
        changes.append(Change(path, file_state(path), after))
    return changes


def file_state(path: str) -> State:
    """The state of the regular file *path*: its bytes and permission bits, or that it is absent."""
    try:
        content = fs.read_file(path, LIMIT)
        return File(content, fs.stat(path).st_mode & 0o7777)
    except FileNotFoundError:
        return ABSENT


def planned_file(changes: Mapping[str, Change], path: str) -> File | None:
    """The file at *path* as it will be after *changes*, which are by path; None when there is none.

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
