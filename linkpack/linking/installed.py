"""Tell a package manager's links from those that people make.

People link packages that they work on.

A link is a package manager's when a manifest or lockfile of the project asks for it (`file:`, `link:`, `portal:`,
`workspace:`), or when it leads to a member of the workspace, into a store, or through another node_modules.
`unlink` refuses such a link, `unlink --all` leaves it alone, and a link of ours over it restores it. The layouts
are those of npm 11.19.1, pnpm 12.21, yarn 4.18, bun 1.4.5 and Rush (tests/linking/test_installed.py).
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING

from linkpack.linking.package import resolve_parent
from linkpack.linking.states import is_within
from linkpack.linking.workspace_files import WorkspaceFiles
from linkpack.project.package_json import read_loose
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.npm.manifest import Manifest

_STORES = tuple(f"/node_modules/{name}/" for name in (".pnpm", ".store", ".bun", ".deno"))
# Folders of global packages: a link through them was made by `npm link`, `bun link` or the like.
_GLOBAL = ("/install/global/node_modules", "/pnpm/global/")
_HOPS = 40  # links that Linux follows before it takes them for a ring
_LOCKFILE_LIMIT = 64 << 20  # bytes
_SETTINGS_LIMIT = 1 << 18  # bytes of a manifest or a file of settings
_PATH_SPEC = re.compile(r"(?:file|link|portal|workspace):(?://(?=/))?|(?=\.{0,2}/|~/)")
_PROJECT_FOLDER = re.compile(r'"projectFolder"\s*:\s*"([^"\\]+)"')


class InstalledLinks:
    """The files of one project that say which links are installed.

    *root* is the real directory of the project, or of its workspace, *global_modules* npm's global node_modules
    (empty without a prefix). Each file is read when it is first needed.
    """

    def __init__(self, root: str, global_modules: str) -> None:
        self._root = root
        self._global = fs.canonical_path(global_modules) if global_modules else ""
        self._texts: dict[str, str] = {}
        self._objects: dict[str, Mapping[str, object]] = {}
        self._stores: dict[str, list[str]] = {}  # by node_modules
        self._workspace = WorkspaceFiles(root)

    def reason(self, path: str, target: str) -> str:
        """Return why a link is a package manager's, or "" if it is not.

        *path* is by the real folder that the link is in, *target* its text. The reason completes a sentence, "lib
        is installed: …":

            node_modules/ms -> .pnpm/ms@2.1.3/node_modules/ms    it leads into the store /app/node_modules/.pnpm
            node_modules/b -> ../packages/b                      it is a workspace of /app
            node_modules/lib -> ../../lib                        /app/package.json asks for file:../lib
        """
        return self.reason_by_target(path, target) or self.reason_by_request(path, target)

    def reason_by_target(self, path: str, target: str) -> str:
        """Return the reason why a link is installed by its target, or ""."""
        first = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        store = match_store(first)  # answers for most links of an isolated layout without a look at the disk
        if store:
            return f"it leads into the store {store}"
        steps = _follow_links(first)
        modules, _ = _split_path(path)
        return (
            self._reason_by_store(modules, steps)
            or self._reason_by_modules(modules, steps)
            or self._reason_by_member(steps[-1])
        )

    def reason_by_request(self, path: str, target: str) -> str:
        """Return the reason why a link is installed by a file, or "".

        A manifest, an override or a lockfile of the project asks for it. `link --save` writes such entries too.
        """
        real = fs.canonical_path(posixpath.join(posixpath.dirname(path), target))
        modules, name = _split_path(path)
        return (
            self._reason_by_manifest(modules, name, real)
            or self._reason_by_override(name, real)
            or self._reason_by_lockfile(path, name, real)
        )

    # --- by where the link leads

    def _reason_by_store(self, modules: str, steps: list[str]) -> str:
        # A link of bun's leads into the store by a second link, out of the project (`_follow_links`).
        for step in steps:
            store = match_store(step)
            store = store or next(
                (named for named in self._read_named_stores(modules) if is_within(step, named)), ""
            )
            if store:
                return f"it leads into the store {store}"
        return ""

    def _read_named_stores(self, modules: str) -> list[str]:
        """Return the stores that the files of pnpm and yarn name.

        pnpm names them in the .modules.yaml of a node_modules, yarn in .yarnrc.yml.
        """
        # Not by a YAML reader, which takes 19 ms to import (docs/decisions.md), for one line of text.
        if modules in self._stores:
            return self._stores[modules]
        stores = []
        for folder in dict.fromkeys((modules, f"{self._root}/node_modules")):
            settings = self._read_object(f"{folder}/.modules.yaml")
            for key in ("virtualStoreDir", "storeDir"):
                # pnpm writes JSON, which is YAML; older versions wrote a line for each key.
                line = re.search(
                    rf"^{key}:\s*[\"']?([^\"'\n]+)", self._read_text(f"{folder}/.modules.yaml"), re.MULTILINE
                )
                path = settings.get(key) or (line[1].strip() if line else "")
                stores += [posixpath.join(folder, path)] if isinstance(path, str) and path else []
        line = re.search(
            r"^pnpmStoreFolder:\s*[\"']?([^\"'\n]+)", self._read_text(f"{self._root}/.yarnrc.yml"), re.MULTILINE
        )
        stores += [posixpath.join(self._root, line[1].strip())] if line else []
        # As written and real: a link may lead through either.
        self._stores[modules] = [*map(posixpath.normpath, stores), *map(fs.canonical_path, stores)]
        return self._stores[modules]

    def _reason_by_modules(self, modules: str, steps: list[str]) -> str:
        """Return the reason that a link leads into a node_modules, or "".

        That may be the node_modules that the link itself is in. *steps* are the paths that the link leads through.
        """
        for step in steps:
            shared = posixpath.commonpath([step, self._root])
            # Only the path below the folder that both are in says something: the project and the package may lie
            # in one node_modules themselves (test_a_project_may_lie_in_a_node_modules).
            head, mark, _ = step.removeprefix(shared.rstrip("/")).rpartition("/node_modules/")
            folder = f"{shared.rstrip('/')}{head}/node_modules" if mark else ""
            if is_within(step, modules) and step != modules:
                folder = modules
            if folder and not self._is_global(folder):
                return f"it leads into {folder}"
        return ""

    def _is_global(self, folder: str) -> bool:
        prefix = posixpath.dirname(posixpath.dirname(folder))
        return (
            fs.canonical_path(folder) == self._global
            or any(f"{mark.rstrip('/')}/" in f"{folder}/" for mark in _GLOBAL)
            # The prefix of another Node: nvm and its like install several side by side.
            or (folder.endswith("/lib/node_modules") and fs.is_file(f"{prefix}/bin/node"))
        )

    def _reason_by_member(self, real: str) -> str:
        if real in self.members():
            return f"it is a workspace of {self._root}"
        # rush.json has comments, so it is no JSON. The folders of its projects are texts all the same.
        rush = self._find_rush()
        if rush and real in {
            f"{rush}/{folder}" for folder in _PROJECT_FOLDER.findall(self._read_text(f"{rush}/rush.json"))
        }:
            return f"it is a project of {rush}/rush.json"
        return ""

    def members(self) -> list[str]:
        """Return the real folders of the workspace's members."""
        return self._workspace.list_members()

    def _find_rush(self) -> str:
        """Return the nearest folder with a rush.json, or ""."""
        return next((folder for folder in fs.walk_up(self._root) if fs.is_file(f"{folder}/rush.json")), "")

    # --- by what asks for the link

    def _reason_by_manifest(self, modules: str, name: str, real: str) -> str:
        owner = posixpath.dirname(modules)
        # What members ask for is hoisted into the node_modules of the root.
        folders = [owner, *(self.members() if owner == self._root else [self._root])]
        for folder in dict.fromkeys(folders):
            manifest = read_loose(folder)
            specs = _list_specs(manifest, name) if manifest is not None else []
            for spec in specs:
                if _is_path_to(spec, name, folder, real):
                    return f"{folder}/package.json asks for {spec}"
        return ""

    def _reason_by_override(self, name: str, real: str) -> str:
        """Return the reason that an override asks for a link, or "".

        An override replaces a dependency wherever it occurs. `pnpm link` and `yarn link` write overrides.
        """
        path = f"{self._root}/package.json"
        members = self._read_object(path)
        pnpm = members.get("pnpm")
        tables = [members.get("resolutions"), members.get("overrides")]
        tables.append(pnpm.get("overrides") if isinstance(pnpm, dict) else None)
        for table in tables:
            spec = self._find_override(table, name, real) if isinstance(table, dict) else ""
            if spec:
                return f"{path} asks for {spec}"
        spec = self._find_override(self._workspace.pnpm_overrides(), name, real)
        return f"{self._root}/pnpm-workspace.yaml asks for {spec}" if spec else ""

    def _find_override(self, table: Mapping[str, object], name: str, real: str) -> str:
        """Return the spec of *name* in *table* that is a path to *real*, or ""."""
        for selector, spec in table.items():
            if isinstance(spec, str) and _is_about(selector, name) and _is_path_to(spec, name, self._root, real):
                return spec
        return ""

    def _reason_by_lockfile(self, path: str, name: str, real: str) -> str:
        key = posixpath.relpath(path, self._root)
        for file in ("npm-shrinkwrap.json", "package-lock.json"):
            lock = self._read_object(f"{self._root}/{file}")
            packages, old = lock.get("packages"), lock.get("dependencies")
            entry = packages.get(key) if isinstance(packages, dict) else None
            spec = entry.get("resolved") if isinstance(entry, dict) and entry.get("link") is True else None
            # npm 6 has no `packages`, and writes a link as the version of a dependency.
            if spec is None and packages is None and isinstance(old, dict):
                entry = old.get(name)
                spec = entry.get("version") if isinstance(entry, dict) else None
                spec = spec.removeprefix("file:") if isinstance(spec, str) and spec.startswith("file:") else None
            if isinstance(spec, str) and fs.canonical_path(posixpath.join(self._root, spec)) == real:
                return f"{self._root}/{file} asks for {spec}"
        # yarn: "sub@portal:../sub::locator=lib%40…", where the path starts at the package that asks for it
        pattern = rf'^"?(?:[^"\n]*, )?{re.escape(name)}@((?:portal|link):(?:\.{{1,2}}/)*([^:"\n]+))'
        for match in re.finditer(pattern, self._read_text(f"{self._root}/yarn.lock"), re.MULTILINE):
            if f"{real}/".endswith(f"/{posixpath.normpath(match[2])}/"):
                return f"{self._root}/yarn.lock asks for {match[1]}"
        return ""

    def _read_text(self, path: str) -> str:
        """Return the text of a file, or "" if it cannot be read."""
        if path not in self._texts:
            is_lockfile = path.endswith((".lock", "-lock.json", "shrinkwrap.json"))
            limit = _LOCKFILE_LIMIT if is_lockfile else _SETTINGS_LIMIT
            try:
                self._texts[path] = fs.read_file(path, limit).decode("utf-8", "surrogateescape")
            except OSError:
                self._texts[path] = ""
        return self._texts[path]

    def _read_object(self, path: str) -> Mapping[str, object]:
        """Return the members of the JSON object in a file, if any."""
        # A broken file asks for nothing. The commands that need it say what is wrong with it.
        if path not in self._objects:
            try:
                value = json.loads(self._read_text(path).removeprefix("\ufeff") or "{}")
            except (ValueError, RecursionError):
                value = {}
            self._objects[path] = value if isinstance(value, dict) else {}
        return self._objects[path]


def match_store(path: str) -> str:
    """Return the package manager's store that *path* is in, or "".

    >>> match_store("/app/node_modules/.pnpm/ms@2.1.3/node_modules/ms")
    '/app/node_modules/.pnpm'
    >>> match_store("/app/node_modules/ms")
    ''
    """
    return next((path[: path.index(mark) + len(mark) - 1] for mark in _STORES if mark in path), "")


def _follow_links(first: str) -> list[str]:
    """Return the paths that a link to *first* leads through.

    Each is as the links write it, but for the last one, which is the real path of *first*.
    """
    steps: list[str] = []
    step = first
    for _ in range(_HOPS):
        steps.append(step)
        if not fs.is_link(step):
            break
        step = posixpath.normpath(posixpath.join(posixpath.dirname(resolve_parent(step)), fs.read_link(step)))
    return [*steps, fs.canonical_path(first)]


def _split_path(path: str) -> tuple[str, str]:
    """Split a link's path into node_modules and name.

    >>> _split_path("/app/node_modules/@s/lib")
    ('/app/node_modules', '@s/lib')
    """
    folder, name = posixpath.split(path)
    above, scope = posixpath.split(folder)
    return (above, f"{scope}/{name}") if scope.startswith("@") else (folder, name)


def _list_specs(manifest: Manifest, name: str) -> list[str]:
    sections = (
        manifest.dependencies,
        manifest.dev_dependencies,
        manifest.optional_dependencies,
        manifest.peer_dependencies,
    )
    return [section[name] for section in sections if name in section]


def _is_about(selector: str, name: str) -> bool:
    """Return True if the selector of an override ends in the package *name*.

    >>> [_is_about(selector, "a") for selector in ("a", "a@1", "parent>a", "parent/a", "a>b")]
    [True, True, True, True, False]
    """
    last = selector.rpartition(">")[2]
    return last == name or last.startswith(f"{name}@") or last.endswith(f"/{name}") or f"/{name}@" in last


def _is_path_to(spec: str, name: str, folder: str, real: str) -> bool:
    """Return True if *spec*, written in *folder*, is a path to *real*."""
    if spec == f"link:{name}":  # bun: the package that `bun link` registered under that name
        return True
    match = _PATH_SPEC.match(spec)
    if match is None or spec[match.end() :].startswith("~"):
        return False
    return fs.canonical_path(posixpath.join(folder, spec[match.end() :])) == real


def list_linked_names(modules: str) -> Iterator[str]:
    """Yield the names of the links in a node_modules, sorted."""
    if not fs.is_dir(modules):
        return
    # A name that begins with a dot is no package (validate-npm-package-name): .bin, .pnpm, our own .linkpack.
    for entry in sorted(fs.scan(modules), key=lambda entry: entry.name):
        if entry.name.startswith("@") and entry.is_dir(follow_symlinks=False):
            scoped = sorted(fs.scan(entry.path), key=lambda entry: entry.name)
            yield from (f"{entry.name}/{package.name}" for package in scoped if package.is_symlink())
        elif entry.is_symlink() and not entry.name.startswith("."):
            yield entry.name
