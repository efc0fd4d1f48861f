"""Tell the links that a package manager made from those that somebody made to work on a package.

A link is an installer's when a manifest or lockfile of the project asks for it (`file:`, `link:`, `portal:`,
`workspace:`), when it leads to a member of the workspace, into a store, or through another node_modules. Such a
link is left alone: `unlink` refuses it, `unlink --all` passes it over, and a link of ours in its place gives it
back. The layouts are those of npm 11.19.1, pnpm 12.21, yarn 4.18, bun 1.4.5 and Rush, as
tests/linking/test_installed.py has them.
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING

from linkpack.linking.package import resolve_parent
from linkpack.linking.states import is_within
from linkpack.project.source import read_loose
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.npm.manifest import Manifest

_STORES = tuple(f"/node_modules/{name}/" for name in (".pnpm", ".store", ".bun", ".deno"))
# Folders of global packages: a link through them was made by `npm link`, `bun link` or the like.
_GLOBAL = ("/install/global/node_modules", "/pnpm/global/")
_HOPS = 40  # links that Linux follows before it takes them for a ring
_LIMIT = 64 << 20  # bytes of a lockfile
_SMALL = 1 << 18  # bytes of a file of settings: a YAML parser takes up to 12 s a megabyte
_PATH_SPEC = re.compile(r"(?:file|link|portal|workspace):(?://(?=/))?|(?=\.{0,2}/|~/)")
_PROJECT_FOLDER = re.compile(r'"projectFolder"\s*:\s*"([^"\\]+)"')


class InstalledLinks:
    """What the files of one project say about its links; each file is read when it is first needed.

    *root* is the project's real directory, or its workspace's; *global_modules* is npm's global
    node_modules, empty without a prefix.
    """

    def __init__(self, root: str, global_modules: str) -> None:
        self._root = root
        self._global = fs.canonical(global_modules) if global_modules else ""
        self._texts: dict[str, str] = {}
        self._objects: dict[str, Mapping[str, object]] = {}
        self._stores: dict[str, list[str]] = {}  # by node_modules
        self._folders: list[str] | None = None  # of the members

    def reason(self, path: str, target: str) -> str:
        """Return why the link at *path*, whose text is *target*, is an installer's; empty when it is none.

        *path* is by the real folder that it is in. The reason completes a sentence: "lib is installed: …".

        node_modules/ms -> .pnpm/ms@2.1.3/node_modules/ms    it leads into the store /app/node_modules/.pnpm
        node_modules/b -> ../packages/b                      it is a workspace of /app
        node_modules/lib -> ../../lib                        /app/package.json asks for file:../lib
        """
        return self.leads(path, target) or self.asked_for(path, target)

    def leads(self, path: str, target: str) -> str:
        """Return why the link at *path* is an installer's by where it leads; empty when that does not tell."""
        first = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        store = store_in(first)  # most links of an isolated layout, and no file has to be looked at
        if store:
            return f"it leads into the store {store}"
        steps = _steps(first)
        modules, _ = _split(path)
        return self._store(modules, steps) or self._other_modules(modules, steps) or self._member(steps[-1])

    def asked_for(self, path: str, target: str) -> str:
        """Return which file of the project asks for the link at *path*; it may have been saved with the link."""
        real = fs.canonical(posixpath.join(posixpath.dirname(path), target))
        modules, name = _split(path)
        return self._manifests(modules, name, real) or self._lockfiles(path, name, real)

    # --- by where it leads

    def _store(self, modules: str, steps: list[str]) -> str:
        for step in steps:
            store = store_in(step)
            store = store or next((each for each in self._named_stores(modules) if is_within(step, each)), "")
            if store:
                return f"it leads into the store {store}"
        return ""

    def _named_stores(self, modules: str) -> list[str]:
        """Return the stores that settings name: those of pnpm in .modules.yaml, that of yarn in .yarnrc.yml."""
        if modules in self._stores:
            return self._stores[modules]
        found = []
        for folder in dict.fromkeys((modules, f"{self._root}/node_modules")):
            settings = self._object(f"{folder}/.modules.yaml")
            for key in ("virtualStoreDir", "storeDir"):
                # pnpm writes JSON, which is YAML; older versions wrote a line for each key.
                line = re.search(
                    rf"^{key}:\s*[\"']?([^\"'\n]+)", self._text(f"{folder}/.modules.yaml"), re.MULTILINE
                )
                path = settings.get(key) or (line[1].strip() if line else "")
                found += [posixpath.join(folder, path)] if isinstance(path, str) and path else []
        line = re.search(
            r"^pnpmStoreFolder:\s*[\"']?([^\"'\n]+)", self._text(f"{self._root}/.yarnrc.yml"), re.MULTILINE
        )
        found += [posixpath.join(self._root, line[1].strip())] if line else []
        self._stores[modules] = [*map(posixpath.normpath, found), *map(fs.canonical, found)]
        return self._stores[modules]

    def _other_modules(self, modules: str, steps: list[str]) -> str:
        """Return where in a node_modules the link leads to, or through; its own one counts as well."""
        for step in steps:
            shared = posixpath.commonpath([step, self._root])
            # What is around the project does not count: the project itself may lie in a node_modules.
            head, found, _ = step.removeprefix(shared.rstrip("/")).rpartition("/node_modules/")
            folder = f"{shared.rstrip('/')}{head}/node_modules" if found else ""
            if is_within(step, modules) and step != modules:
                folder = modules
            if folder and not self._is_global(folder):
                return f"it leads into {folder}"
        return ""

    def _is_global(self, folder: str) -> bool:
        prefix = posixpath.dirname(posixpath.dirname(folder))
        return (
            fs.canonical(folder) == self._global
            or any(f"{mark.rstrip('/')}/" in f"{folder}/" for mark in _GLOBAL)
            # The prefix of another node: several are there with nvm and its like.
            or (folder.endswith("/lib/node_modules") and fs.is_file(f"{prefix}/bin/node"))
        )

    def _member(self, real: str) -> str:
        if real in self.members():
            return f"it is a workspace of {self._root}"
        rush = self._rush()
        if rush and real in {
            f"{rush}/{folder}" for folder in _PROJECT_FOLDER.findall(self._text(f"{rush}/rush.json"))
        }:
            return f"it is a project of {rush}/rush.json"
        return ""

    def members(self) -> list[str]:
        """Return the real folders of the workspace's members; none in a project without workspaces."""
        from linkpack.project.workspace import member_folders, read_workspace  # noqa: PLC0415 - seldom needed

        if self._folders is None:
            workspace = read_workspace(self._root)
            self._folders = member_folders(workspace) if workspace is not None else []
        return self._folders

    def _rush(self) -> str:
        """Return the nearest folder above with a rush.json; empty without one."""
        at = self._root
        while not fs.is_file(f"{at}/rush.json"):
            above = posixpath.dirname(at)
            if above == at:
                return ""
            at = above
        return at

    # --- by what asks for it

    def _manifests(self, modules: str, name: str, real: str) -> str:
        owner = posixpath.dirname(modules)
        # What members ask for is hoisted into the node_modules of the root.
        folders = [owner, *(self.members() if owner == self._root else [self._root])]
        for folder in dict.fromkeys(folders):
            manifest = read_loose(folder)
            specs = _specs(manifest, name) if manifest is not None else []
            for spec in specs:
                if _leads_to(spec, name, folder, real):
                    return f"{folder}/package.json asks for {spec}"
        return self._overrides(name, real)

    def _overrides(self, name: str, real: str) -> str:
        """Look among what replaces a dependency wherever it occurs: `pnpm link` and `yarn link` write it there."""
        path = f"{self._root}/package.json"
        members = self._object(path)
        pnpm = members.get("pnpm")
        tables = [members.get("resolutions"), members.get("overrides")]
        tables.append(pnpm.get("overrides") if isinstance(pnpm, dict) else None)
        for table in tables:
            for key, spec in table.items() if isinstance(table, dict) else ():
                if _is_about(key, name) and isinstance(spec, str) and _leads_to(spec, name, self._root, real):
                    return f"{path} asks for {spec}"
        for key, spec in pnpm_overrides(self._root).items():
            if _is_about(key, name) and _leads_to(spec, name, self._root, real):
                return f"{self._root}/pnpm-workspace.yaml asks for {spec}"
        return ""

    def _lockfiles(self, path: str, name: str, real: str) -> str:
        key = posixpath.relpath(path, self._root)
        for file in ("npm-shrinkwrap.json", "package-lock.json"):
            lock = self._object(f"{self._root}/{file}")
            packages, old = lock.get("packages"), lock.get("dependencies")
            entry = packages.get(key) if isinstance(packages, dict) else None
            spec = entry.get("resolved") if isinstance(entry, dict) and entry.get("link") is True else None
            if spec is None and packages is None and isinstance(old, dict):  # npm 6
                entry = old.get(name)
                spec = entry.get("version") if isinstance(entry, dict) else None
                spec = spec.removeprefix("file:") if isinstance(spec, str) and spec.startswith("file:") else None
            if isinstance(spec, str) and fs.canonical(posixpath.join(self._root, spec)) == real:
                return f"{self._root}/{file} asks for {spec}"
        # yarn: "sub@portal:../sub::locator=lib%40…", where the path starts at the package that asks for it
        pattern = rf'^"?(?:[^"\n]*, )?{re.escape(name)}@((?:portal|link):(?:\.{{1,2}}/)*([^:"\n]+))'
        for match in re.finditer(pattern, self._text(f"{self._root}/yarn.lock"), re.MULTILINE):
            if f"{real}/".endswith(f"/{posixpath.normpath(match[2])}/"):
                return f"{self._root}/yarn.lock asks for {match[1]}"
        return ""

    def _text(self, path: str) -> str:
        """Return the text of a file; empty when there is none that can be read."""
        if path not in self._texts:
            limit = _LIMIT if path.endswith((".lock", "-lock.json", "shrinkwrap.json")) else _SMALL
            try:
                self._texts[path] = fs.read_file(path, limit).decode("utf-8", "surrogateescape")
            except OSError:
                self._texts[path] = ""
        return self._texts[path]

    def _object(self, path: str) -> Mapping[str, object]:
        """Return the members of a JSON file; none when it is no object."""
        if path not in self._objects:
            try:
                found = json.loads(self._text(path).removeprefix("\ufeff") or "{}")
            except (ValueError, RecursionError):
                found = {}
            self._objects[path] = found if isinstance(found, dict) else {}
        return self._objects[path]


def _split(path: str) -> tuple[str, str]:
    """Return the node_modules folder and the package's name of a link's path."""
    folder, name = posixpath.split(path)
    above, scope = posixpath.split(folder)
    return (above, f"{scope}/{name}") if scope.startswith("@") else (folder, name)


def store_in(path: str) -> str:
    """Return the store that *path* names: a folder like `.pnpm` in a node_modules; empty without one."""
    return next((path[: path.index(mark) + len(mark) - 1] for mark in _STORES if mark in path), "")


def _steps(first: str) -> list[str]:
    """Return the paths that a link to *first* leads through, each as it is written, and last the real one."""
    found: list[str] = []
    at = first
    for _ in range(_HOPS):
        found.append(at)
        if not fs.is_link(at):
            break
        at = posixpath.normpath(posixpath.join(posixpath.dirname(resolve_parent(at)), fs.read_link(at)))
    return [*found, fs.canonical(found[0])]


def _specs(manifest: Manifest, name: str) -> list[str]:
    sections = (
        manifest.dependencies,
        manifest.dev_dependencies,
        manifest.optional_dependencies,
        manifest.peer_dependencies,
    )
    return [section[name] for section in sections if name in section]


def _is_about(key: str, name: str) -> bool:
    """True if the key of an override is about the package *name*: `a`, `a@1`, `parent>a` and `parent/a` are."""
    last = re.split(r"[>]", key)[-1]
    return last == name or last.startswith(f"{name}@") or last.endswith(f"/{name}") or f"/{name}@" in last


def _leads_to(spec: str, name: str, folder: str, real: str) -> bool:
    """True if *spec*, written in the manifest of *folder*, is a path to the real directory *real*."""
    if spec == f"link:{name}":  # bun: what `bun link` registered under that name
        return True
    match = _PATH_SPEC.match(spec)
    if match is None or spec[match.end() :].startswith("~"):
        return False
    return fs.canonical(posixpath.join(folder, spec[match.end() :])) == real


def pnpm_overrides(root: str) -> dict[str, str]:
    """Return the overrides in pnpm-workspace.yaml, where `pnpm link` writes too: selectors to specs."""
    path = f"{root}/pnpm-workspace.yaml"
    if not fs.is_file(path):
        return {}
    import yaml  # noqa: PLC0415 - only workspaces of pnpm need it

    try:
        # Every scalar stays text: 1.10 is a version here, not a number.
        found = yaml.load(fs.read_file(path, _SMALL), yaml.BaseLoader)  # noqa: S506 - makes only text
    except (OSError, yaml.YAMLError, RecursionError):
        return {}
    table = found.get("overrides") if isinstance(found, dict) else None
    pairs = table.items() if isinstance(table, dict) else ()
    return {key: spec for key, spec in pairs if isinstance(key, str) and isinstance(spec, str)}


def link_names(modules: str) -> Iterator[str]:
    """Yield the names of the symbolic links to packages in the node_modules folder *modules*, sorted."""
    if not fs.is_dir(modules):
        return
    for entry in sorted(fs.scan(modules), key=lambda one: one.name):
        if entry.name.startswith("@") and entry.is_dir(follow_symlinks=False):
            inner = sorted(fs.scan(entry.path), key=lambda one: one.name)
            yield from (f"{entry.name}/{each.name}" for each in inner if each.is_symlink())
        elif entry.is_symlink() and not entry.name.startswith("."):
            yield entry.name
