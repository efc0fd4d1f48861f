"""Read workspace roots: which folders they name as members, and the catalogs that their specs come from.

npm, yarn and bun name members in package.json (`workspaces`), pnpm in pnpm-workspace.yaml; catalogs are in
pnpm-workspace.yaml, in .yarnrc.yml or (bun) in package.json.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, cast, get_args

from linkpack import limits
from linkpack.errors import LinkpackError, ProjectError
from linkpack.glob.pattern import compile_glob, matches_file, may_hold
from linkpack.glob.portion_matcher import fold
from linkpack.npm.json_text import conflict_marker
from linkpack.npm.manifest import parse_manifest
from linkpack.read_cache import once
from linkpack.system import read as fs
from linkpack.system.read import upward

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from linkpack.glob.pattern import Glob

FILE_LIMIT = limits.DEFAULTS.manifest  # bytes of a package.json
_COMPILING = 300  # steps that a pattern is worth which is compiled
_YAML_LIMIT = 1 << 18  # bytes of a YAML file: its parser takes up to 12 s a megabyte
_PLAIN = r"[\w@./-]*"  # a pattern that names one folder
_MERGED_KEYS = 1_000_000  # of all merge keys of a file together

PackageManager: TypeAlias = Literal["npm", "pnpm", "yarn", "bun"]
_MARKS: tuple[tuple[str, PackageManager], ...] = (
    ("pnpm-workspace.yaml", "pnpm"),
    ("package-lock.json", "npm"),
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    (".yarnrc.yml", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
)  # files that tell which manager a folder belongs to; the first one that is there decides


class Workspace(NamedTuple):
    """A workspace root: its real directory, the patterns naming its members, and its catalogs.

    *catalogs* maps a catalog's name (`default` for the unnamed one) to its specs by package name. *manager* is the
    package manager that the workspace belongs to.
    """

    root: str
    patterns: tuple[str, ...]
    catalogs: Mapping[str, Mapping[str, str]]
    manager: PackageManager = "npm"


def find_workspace(folder: str) -> Workspace | None:
    """The workspace of the nearest directory above the real directory *folder* that names it as a member.

    As npm finds it (@npmcli/config, `loadLocalPrefix`; @npmcli/map-workspaces). `ProjectError` when a workspace
    file on the way cannot be understood.
    """
    for at in upward(posixpath.dirname(folder)):
        found = read_workspace(at)
        if found is not None and names_member(found, posixpath.relpath(folder, at)):
            return found
    return None


def names_member(workspace: Workspace, relative: str) -> bool:
    """True if the patterns of *workspace* name the folder *relative* to its root as a member."""
    return _names(_compiled(workspace), relative)


def read_workspace(folder: str) -> Workspace | None:
    """What the files in *folder* say of workspaces and catalogs; None when they say nothing."""
    return once(("workspace", folder), lambda: _read_workspace(folder))


def _read_workspace(folder: str) -> Workspace | None:
    patterns: tuple[str, ...] = ()
    catalogs: dict[str, Mapping[str, str]] = {}
    named = ""
    try:
        raw = fs.read_file(f"{folder}/package.json", limits.current().manifest)
        manifest = parse_manifest(raw, f"{folder}/package.json", "installed")
    except (OSError, LinkpackError):
        pass  # whatever is wrong with it, it names no workspace
    else:
        patterns = manifest.workspaces
        catalogs.update(manifest.catalogs)
        named = manifest.package_manager
    pnpm = read_yaml(f"{folder}/pnpm-workspace.yaml")
    listed = pnpm.get("packages")
    if isinstance(listed, list):
        patterns = tuple(each for each in listed if isinstance(each, str))
    for document in (pnpm, read_yaml(f"{folder}/.yarnrc.yml")):
        catalogs.update(specs_by_catalog(document))
    if not patterns and not catalogs:
        return None
    return Workspace(folder, patterns, catalogs, package_manager(folder, named))


def package_manager(folder: str, named: str) -> PackageManager:
    """Return the package manager that the project in *folder* belongs to.

    *named* is the packageManager field of its manifest (`pnpm@9.1.0`), which decides where it names one that is
    known; else the manager's own files do; npm without any.
    """
    name = named.partition("@")[0]
    if name in get_args(PackageManager):
        return cast("PackageManager", name)
    return next((manager for mark, manager in _MARKS if fs.is_file(f"{folder}/{mark}")), "npm")


def read_yaml(path: str) -> Mapping[str, object]:
    """Read the mapping in a YAML file, scalars as text; empty when there is no such file."""
    if not fs.is_file(path):
        return {}
    import yaml  # noqa: PLC0415 - only workspaces of pnpm and yarn need it

    why, hint = "", "it must be a readable YAML file"
    found = None
    try:
        raw = fs.read_file(path, _YAML_LIMIT)
        if conflict_marker(raw.decode("utf-8", "replace")) is not None:
            why, hint = "it has the markers of a merge conflict", "resolve the conflict in the file"
        else:
            found = _load_yaml(raw)
    except (OSError, yaml.YAMLError, RecursionError) as err:
        why = str(err).splitlines()[0]
    if why:
        raise ProjectError(f"{path} cannot be understood: {why}", code="EWORKSPACEFILE", path=path, hint=hint)
    return found if isinstance(found, dict) else {}


def _load_yaml(raw: bytes) -> object:
    """Parse YAML as pnpm does, merge keys (`<<`) included, but with every scalar a text: 1.10 is a version here.

    A mapping's own keys win over merged ones, and of several merged mappings the first (pnpm 12.21.0).
    """
    import yaml  # noqa: PLC0415 - as above

    class Loader(yaml.BaseLoader):
        """A loader that makes only text, and knows merge keys."""

        merged_keys = 0

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
            merges = [value for key, value in node.value if _is_merge(key)]
            pairs = [pair for pair in node.value if not _is_merge(pair[0])]
            own = super().construct_mapping(
                yaml.MappingNode(node.tag, pairs, node.start_mark, node.end_mark), deep
            )
            merged: dict[Hashable, Any] = {}
            for value in merges:
                found = self.construct_object(value, deep=True)
                for each in found if isinstance(found, list) else [found]:
                    if not isinstance(each, dict):
                        raise yaml.YAMLError(f"<< takes a mapping (line {value.start_mark.line + 1})")
                    merged = {**each, **merged}
                    self.merged_keys += len(merged)
                    if self.merged_keys > _MERGED_KEYS:
                        raise yaml.YAMLError(f"<< merges more than {_MERGED_KEYS} keys")
            return {**merged, **own}

    return yaml.load(raw, Loader)  # noqa: S506 - makes only text


def _is_merge(key: Any) -> bool:  # noqa: ANN401 - a node of yaml, which is not loaded here
    """True if *key* is the node of a merge key; in quotes it is a key like any other."""
    return key.value == "<<" and key.style is None


def specs_by_catalog(document: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the catalogs that *document* defines in `catalog` and `catalogs`, by name."""
    named = document.get("catalogs")
    catalogs = {"default": document.get("catalog"), **(named if isinstance(named, dict) else {})}
    for name, specs in catalogs.items():
        if isinstance(specs, dict):
            yield name, {key: spec for key, spec in specs.items() if isinstance(spec, str)}


def member_folders(workspace: Workspace) -> list[str]:
    """List the real directories of the members, sorted: folders with a package.json that the patterns name.

    Never inside node_modules, as for npm and pnpm. Unreadable folders are passed over.
    """
    return list(once(("members", workspace.root, workspace.patterns), lambda: _member_folders(workspace)))


def _member_folders(workspace: Workspace) -> list[str]:
    rules = _compiled(workspace)
    if all(re.fullmatch(_PLAIN, pattern) for pattern in workspace.patterns):
        # Rush and others list hundreds of folders: asking each pattern about each folder takes a second.
        listed = {posixpath.normpath(pattern.lstrip("/")) for pattern in workspace.patterns}
        return sorted(f"{workspace.root}/{each}" for each in listed if _is_member(workspace.root, rules, each))
    members = []
    queue = [""]
    for relative in queue:
        try:
            entries = fs.scan(posixpath.join(workspace.root, relative))
        except OSError:
            continue
        if relative and _names(rules, relative) and any(entry.name == "package.json" for entry in entries):
            members.append(f"{workspace.root}/{relative}")
        limits.spend(len(entries) * len(rules))
        for entry in entries:
            below = f"{relative}/{entry.name}" if relative else entry.name
            if (
                entry.name not in {"node_modules", ".git"}
                and entry.is_dir(follow_symlinks=False)
                and any(not negated and may_hold(rule, _parts(below)) for negated, rule in rules)
            ):
                queue.append(below)
    return sorted(members)


def _is_member(root: str, rules: list[tuple[bool, Glob]], relative: str) -> bool:
    """True if the folder *relative*, reached through no link, has a package.json and is named by *rules*."""
    at = f"{root}/{relative}"
    is_there = _names(rules, relative) and fs.answer(fs.lstat, f"{at}/package.json") is not None
    return is_there and fs.real_path(at) == at


def _compiled(workspace: Workspace) -> list[tuple[bool, Glob]]:
    """The patterns, anchored at the root, each with whether it is an exception."""
    return once(("rules", workspace.patterns), lambda: _compile(workspace.patterns))


def _compile(patterns: tuple[str, ...]) -> list[tuple[bool, Glob]]:
    rules = []
    limits.spend(_COMPILING * len(patterns))
    for pattern in patterns:
        text = pattern.removeprefix("!")
        rules.append((text != pattern, compile_glob("/" + posixpath.normpath(text).lstrip("/"))))
    return rules


def _names(rules: list[tuple[bool, Glob]], relative: str) -> bool:
    """Whether the patterns name the folder *relative*: the last that matches decides."""
    named = False
    parts = _parts(relative)
    for negated, rule in rules:
        if matches_file(rule, parts):
            named = not negated
    return named and "node_modules" not in relative.split("/")


def _parts(relative: str) -> tuple[str, ...]:
    return tuple(fold(part) for part in relative.split("/"))
