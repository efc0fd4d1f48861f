"""Recognise what linkpack itself wrote into a package.

That is tarballs, records, bills of materials and staged trees. If they were packed again, a package would grow
with every release, as from npm (npm/cli#7478, npm/npm-packlist#174). Most are recognised by name alone: an earlier
release has another version, and can be in any folder that was a destination.
"""

from __future__ import annotations

import json
import posixpath
import re
from itertools import islice
from typing import TYPE_CHECKING

from linkpack.glob.pattern import compile_glob, matches_file
from linkpack.glob.portion_matcher import fold
from linkpack.npm.package_names import make_slug
from linkpack.record import Record
from linkpack.system import read as fs
from linkpack.system.tree import read_beneath

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSION = r"v?[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]+)?"
_ENDINGS = (".tgz", ".json", ".jsonl")
_RECORDS = (b'"https://in-toto.io/Statement/', b'"tarball": {')  # a record has one of these near its start
_RECORD_START = 512  # bytes of a record in which one of them is
_RECORD_LIMIT = 1 << 24  # bytes of a file that may be a record
_MANIFEST_LIMIT = 1 << 20  # bytes of a package.json that may be a staged one
_BUNDLED = {"node_modules", "vendor"}  # what a staged tree may have besides its package
_ALWAYS = r"(?i)(?:readme|copying|licen[sc]e)(?:\..*)?"  # what npm puts into every tarball, besides package.json
_NAMED = 1000  # paths of a manifest that are looked for
_FIELDS = ("main", "module", "browser", "types", "typings", "bin", "exports", "files")


class Outputs(Record):
    """The outputs of linkpack that may be in a package.

    - *name*: that of the package, "" if it has none.
    - *written*: the paths below it that this run will write.
    - *files*: the entries of the manifest's `files`. What they name ships, even if the run is about to replace it,
      as from npm.
    """

    name: str = ""
    written: frozenset[str] = frozenset()
    files: tuple[str, ...] = ()

    def is_old(self, path: str, source: str) -> bool:
        """Return True if the file at *path* is an output of an earlier run.

        Such a file is named `<name>-<any version>` with `.tgz`, or with `.cdx.json` or `.spdx.json` for a bill of
        materials. With `.json` alone the file on the disk, *source*, must also read like a record: data of a
        package may well be named so.

        >>> Outputs(name="@me/app").is_old("dist/me-app-1.0.0.tgz", source="")
        True
        """
        if not path.endswith(_ENDINGS) or not self.name:  # quick for most files: each one that ships is asked
            return False
        base = path.rpartition("/")[2]
        start = f"{make_slug(self.name)}-"
        if not base.startswith(start):
            return False
        version, _, ending = base[len(start) :].rpartition(".")
        version = version.removesuffix(".cdx").removesuffix(".spdx").removesuffix(".intoto")
        if not re.fullmatch(_VERSION, version) or self.asks_for(path):
            return False
        is_bill = base.endswith((".cdx.json", ".spdx.json"))
        return ending == "tgz" or is_bill or _is_record(source)

    def asks_for(self, path: str) -> bool:
        """Return True if `files` names *path*, or a pattern for its tarballs.

        Such a pattern is `*.tgz`, or `dist/*.tgz`.
        """
        parts = tuple(map(fold, path.split("/")))
        ending = ".tgz" if path.endswith(".tgz") else ""
        for entry in self.files:
            plain = posixpath.normpath(entry).lstrip("/")
            if plain == path:
                return True
            if ending and plain.endswith(ending) and matches_file(compile_glob(f"/{plain}"), parts):
                return True
        return False

    def is_staged(self, root: str, folder: str, names: set[str]) -> bool:
        """Return True if *folder* of the package in *root* is a staged tree of it.

        *names* are its entries. A staged tree has this package's name, nothing at its top that the package does
        not have, and all paths of its manifest that the package has. A build that copies the manifest
        (`dist/package.json` beside `dist/src`) does not have what the manifest calls `dist/src/index.js`.
        """
        if not self.name or posixpath.normpath(folder) in map(posixpath.normpath, self.files):
            return False
        try:
            members = json.loads(read_beneath(f"{root}/{folder}", "package.json", _MANIFEST_LIMIT))
        except (OSError, ValueError, RecursionError):
            return False
        if not isinstance(members, dict) or members.get("name") != self.name:
            return False
        # It has nothing at its top that the package does not have.
        own = names - _BUNDLED
        # The license of a staged tree can be that of pnpm's workspace root.
        # With a manifest alone there is nothing that would be packed twice.
        if len(own) == 1 or not all(_exists(f"{root}/{name}") or re.fullmatch(_ALWAYS, name) for name in own):
            return False
        # It has all that the package has of what its manifest names.
        always = [name for name in _list_names(root) if re.fullmatch(_ALWAYS, name)]
        named = islice(_find_paths(members), _NAMED)
        wanted = [path for path in (*named, *always) if _exists(f"{root}/{path}")]
        return all(_exists(f"{root}/{folder}/{path}") for path in wanted)


NO_OUTPUTS = Outputs()


def _find_paths(members: dict[str, object]) -> Iterator[str]:
    """Yield the plain paths in the usual fields of the manifest *members*.

    >>> sorted(_find_paths({"main": "./lib/a.js", "exports": {".": ["../out.js", "dist/*.js"]}, "bin": "b.js"}))
    ['b.js', 'lib/a.js']
    """
    todo: list[object] = [members.get(field) for field in _FIELDS]
    while todo:
        value = todo.pop()
        if isinstance(value, (dict, list)):
            todo.extend(value.values() if isinstance(value, dict) else value)
        elif isinstance(value, str) and value and not re.search(r"[*?\[\]{}!]", value):
            path = posixpath.normpath(value).lstrip("/")
            if path.split("/")[0] not in {".", ".."}:
                yield path


def _list_names(root: str) -> list[str]:
    try:
        return [entry.name for entry in fs.scan(root)]
    except OSError:
        return []


def _exists(path: str) -> bool:
    return fs.answer(fs.lstat, path) is not None


def _is_record(path: str) -> bool:
    """Return True if the file at *path* begins like a record of linkpack.

    docs/provenance.md shows such a record.
    """
    try:
        start = fs.read_file(path, _RECORD_LIMIT)[:_RECORD_START]
    except OSError:
        return False
    return any(mark in start for mark in _RECORDS)
