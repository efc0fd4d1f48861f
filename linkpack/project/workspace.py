"""Read workspace roots: their members and their catalogs.

npm, yarn and bun name members in package.json (`workspaces`), pnpm in pnpm-workspace.yaml; catalogs are in
pnpm-workspace.yaml, in .yarnrc.yml or (bun) in package.json.
"""

from __future__ import annotations

import posixpath
import re
from collections import deque
from typing import TYPE_CHECKING, Literal, TypeAlias, cast, get_args

from linkpack import limits
from linkpack.errors import LinkpackError, ProjectError
from linkpack.glob.pattern import compile_glob, matches_file, may_hold
from linkpack.glob.portion_matcher import fold
from linkpack.npm.json_text import find_conflict
from linkpack.project.package_json import read_loose, read_manifest
from linkpack.read_cache import once
from linkpack.record import Record
from linkpack.system import read as fs
from linkpack.system.read import walk_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.glob.pattern import Glob
    from linkpack.npm.manifest import Manifest

FILE_LIMIT = limits.DEFAULTS.manifest  # bytes of a package.json
_COMPILING = 300  # steps (limits.spend) for compiling one pattern
_YAML_LIMIT = 1 << 18  # bytes of a YAML file, as the parser takes up to 12 s for a megabyte
_PLAIN = r"[\w@./-]*"  # a pattern that names one folder

PackageManager: TypeAlias = Literal["npm", "pnpm", "yarn", "bun"]
_MARKS: tuple[tuple[str, PackageManager], ...] = (
    ("pnpm-workspace.yaml", "pnpm"),
    ("package-lock.json", "npm"),
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    (".yarnrc.yml", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
)  # files of the managers, the first one that is there decides


class Workspace(Record):
    """A workspace root.

    *root* is its real directory, and *patterns* name its members. *catalogs* maps the name of each catalog to its
    specs by package name. The catalog without a name is `default`. *manager* is the package manager that the
    workspace belongs to.
    """

    root: str
    patterns: tuple[str, ...]
    catalogs: Mapping[str, Mapping[str, str]]
    manager: PackageManager = "npm"


def find_workspace(folder: str) -> Workspace | None:
    """Find the nearest workspace above *folder* that names it as a member.

    *folder* is a real directory. Raises `ProjectError` when a workspace file on the way cannot be understood.
    """
    # As npm finds it: @npmcli/config, lib/index.js, `loadLocalPrefix`, and @npmcli/map-workspaces.
    for above in walk_up(posixpath.dirname(folder)):
        workspace = read_workspace(above)
        if workspace is not None and names_member(workspace, posixpath.relpath(folder, above)):
            return workspace
    return None


def names_member(workspace: Workspace, relative: str) -> bool:
    """Return True if *workspace* names a folder as a member.

    The folder is *relative* to the workspace's root.

    >>> workspace = Workspace("/w", ("pk/*", "!pk/out"), {})
    >>> [names_member(workspace, path) for path in ("pk/a", "pk/out", "pk/a/b")]
    [True, False, False]
    """
    return _is_named(_compile_patterns(workspace), relative)


def read_workspace(folder: str) -> Workspace | None:
    """Read what the files in *folder* say of workspaces, if anything.

    Raises `ProjectError` (EWORKSPACEFILE) for a workspace file that cannot be understood.
    """
    return once(("workspace", folder), lambda: _read_workspace(folder))


def _read_workspace(folder: str) -> Workspace | None:
    """Read the members and the catalogs that the files in *folder* name."""
    patterns: tuple[str, ...] = ()
    catalogs: dict[str, Mapping[str, str]] = {}
    named = ""
    manifest = _read_root(folder)
    if manifest is not None:
        patterns = manifest.workspaces
        catalogs.update(manifest.catalogs)
        named = manifest.package_manager
    # The packages of pnpm's own file go before `workspaces` of package.json, which pnpm does not read.
    pnpm = read_yaml(f"{folder}/pnpm-workspace.yaml", (b"packages", b"catalog"))
    listed = pnpm.get("packages")
    if isinstance(listed, list):
        patterns = tuple(pattern for pattern in listed if isinstance(pattern, str))
    for document in (pnpm, read_yaml(f"{folder}/.yarnrc.yml", (b"catalog",))):
        catalogs.update(iter_catalogs(document))
    if not patterns and not catalogs:
        return None
    return Workspace(folder, patterns, catalogs, package_manager(folder, named))


def _read_root(folder: str) -> Manifest | None:
    """Read the package.json in *folder*, if it can be used."""
    try:
        return read_manifest(folder, "installed")
    except LinkpackError as err:
        # Unlike that of a package to pack, it may be a link to a file elsewhere, which npm follows.
        return read_loose(folder) if err.code == "EMANIFESTLINK" else None


def package_manager(folder: str, named: str) -> PackageManager:
    """Return the package manager that the project in *folder* belongs to.

    *named* is the packageManager field of its manifest (`pnpm@9.1.0`). If it names none of these managers, their
    files decide. A project without such files is npm's.
    """
    name = named.partition("@")[0]
    if name in get_args(PackageManager):
        return cast("PackageManager", name)
    return next((manager for mark, manager in _MARKS if fs.is_file(f"{folder}/{mark}")), "npm")


def read_yaml(path: str, words: tuple[bytes, ...]) -> Mapping[str, object]:
    """Read the mapping in a YAML file, if there is one, scalars as text.

    *words* are parts of the keys that the caller wants: a file that has none of them is not parsed, and the
    mapping is empty. Raises `ProjectError` (EWORKSPACEFILE) when the file cannot be read or is no YAML.
    """
    if not fs.is_file(path):
        return {}
    why, hint = "", "it must be a readable YAML file"
    document = None
    try:
        raw = fs.read_file(path, _YAML_LIMIT)
        if find_conflict(raw.decode("utf-8", "replace")) is not None:
            why, hint = "it has the markers of a merge conflict", "resolve the conflict in the file"
        elif _may_name(raw, words):
            from linkpack.project.yaml_text import parse_yaml  # noqa: PLC0415 - PyYAML takes 20 ms

            document = parse_yaml(raw)
    except (OSError, ValueError) as err:
        why = str(err)
    if why:
        raise ProjectError(f"{path} cannot be understood: {why}", code="EWORKSPACEFILE", path=path, hint=hint)
    return document if isinstance(document, dict) else {}


def _may_name(raw: bytes, words: tuple[bytes, ...]) -> bool:
    r"""Return True if the YAML in *raw* may have one of *words* in a key.

    An escape (`"c\u0061talog"`) or UTF-16, which has NULs, may hide one.
    """
    return any(word in raw for word in (*words, b"\\", b"\0"))


def iter_catalogs(document: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the catalogs in `catalog` and `catalogs` of *document*, by name."""
    named = document.get("catalogs")
    catalogs = {"default": document.get("catalog"), **(named if isinstance(named, dict) else {})}
    for name, specs in catalogs.items():
        if isinstance(specs, dict):
            yield name, {key: spec for key, spec in specs.items() if isinstance(spec, str)}


def list_members(workspace: Workspace) -> list[str]:
    """List the real directories of the members, sorted.

    A member is a folder with a package.json that the patterns name, outside of node_modules. Unreadable folders
    are passed over.
    """
    return list(once(("members", workspace.root, workspace.patterns), lambda: _find_members(workspace)))


def _find_members(workspace: Workspace) -> list[str]:
    """Search the workspace's folders for members."""
    rules = _compile_patterns(workspace)
    if all(re.fullmatch(_PLAIN, pattern) for pattern in workspace.patterns):
        # Rush and others list hundreds of folders: asking each pattern about each folder takes a second.
        listed = {posixpath.normpath(pattern.lstrip("/")) for pattern in workspace.patterns}
        return sorted(f"{workspace.root}/{path}" for path in listed if _is_member(workspace.root, rules, path))
    members = []
    waiting = deque([""])
    while waiting:
        relative = waiting.popleft()
        try:
            entries = fs.scan(posixpath.join(workspace.root, relative))
        except OSError:
            continue
        if relative and _is_named(rules, relative) and any(entry.name == "package.json" for entry in entries):
            members.append(f"{workspace.root}/{relative}")
        limits.spend(len(entries) * len(rules))
        for entry in entries:
            below = f"{relative}/{entry.name}" if relative else entry.name
            if (
                entry.name not in {"node_modules", ".git"}
                and entry.is_dir(follow_symlinks=False)
                # Only where a member may be: a repository has far more folders than packages.
                and any(not negated and may_hold(rule, _fold_portions(below)) for negated, rule in rules)
            ):
                waiting.append(below)
    return sorted(members)


def _is_member(root: str, rules: list[tuple[bool, Glob]], relative: str) -> bool:
    """Return True if *rules* name the folder *relative*, and it is a package."""
    folder = f"{root}/{relative}"
    is_there = _is_named(rules, relative) and fs.answer(fs.lstat, f"{folder}/package.json") is not None
    # Nothing behind a link, which the search does not enter either.
    return is_there and fs.real_path(folder) == folder


def _compile_patterns(workspace: Workspace) -> list[tuple[bool, Glob]]:
    """Compile the patterns, each with whether it is an exception."""
    # Once a command: `find_workspace` asks the same root about many folders.
    return once(("rules", workspace.patterns), lambda: _compile_each(workspace.patterns))


def _compile_each(patterns: tuple[str, ...]) -> list[tuple[bool, Glob]]:
    rules = []
    limits.spend(_COMPILING * len(patterns))
    for pattern in patterns:
        text = pattern.removeprefix("!")
        rules.append((text != pattern, compile_glob("/" + posixpath.normpath(text).lstrip("/"))))
    return rules


def _is_named(rules: list[tuple[bool, Glob]], relative: str) -> bool:
    """Return True if *rules* name the folder *relative*.

    The last rule that matches decides.
    """
    named = False
    parts = _fold_portions(relative)
    for negated, rule in rules:
        if matches_file(rule, parts):
            named = not negated
    # npm ignores `**/node_modules/**` whatever the patterns say (@npmcli/map-workspaces, lib/index.js).
    return named and "node_modules" not in relative.split("/")


def _fold_portions(relative: str) -> tuple[str, ...]:
    return tuple(fold(part) for part in relative.split("/"))
