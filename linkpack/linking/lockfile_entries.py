"""Save a link in package-lock.json, and take it out again.

`npm ci` accepts the result. A saved link changes three kinds of entries of `packages`: those of the project or
workspaces that depend on it, the link in node_modules, and the package that it leads to:

    "": {"dependencies": {"lib": "file:../lib"}}, "node_modules/lib": {"resolved": "../lib", "link": true},
    "../lib": {"version": "1.0.0"}

The rules are those of npm's arborist (9.9.1, in npm 11.19.1).
"""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, Any

from linkpack.errors import ManifestInvalid
from linkpack.linking.record import planned_file
from linkpack.linking.states import File, ManifestEdit
from linkpack.npm.dependency_sections import META, SECTIONS, copy_sections, find_kind
from linkpack.npm.lockfile import dump, load, sort_as_npm, sort_by_name
from linkpack.npm.ranges import parse_range, satisfies
from linkpack.project.package_json import read_loose
from linkpack.project.resolve import find_path
from linkpack.project.source import read_source_package
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.context import LinkContext
    from linkpack.project.source import SourcePackage

LOCKFILES = ("npm-shrinkwrap.json", "package-lock.json")
OTHER_LOCKFILES = ("pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb")
_TABLES = ("packages", "dependencies")
_FLAGS = ("dev", "optional", "peer")  # the kinds of dependency that an entry is marked with
_EMPTY = "{\n  \n}"  # the text that a new lockfile takes its indent from
# From arborist: lib/node.js `hasInstallScript`, lib/shrinkwrap.js `pkgMetaKeys`.
_INSTALL_SCRIPTS = ("preinstall", "install", "postinstall")
_COPIED = (
    "version", "dependencies", "peerDependencies", META, "optionalDependencies", "bundleDependencies",
    "acceptDependencies", "funding", "engines", "os", "cpu", "libc", "license", "deprecated", "workspaces",
)  # fmt: skip
_COPIED_OBJECTS = ("dependencies", "peerDependencies", META, "optionalDependencies", "engines")

_Lock = dict[str, Any]  # JSON: what npm reads decides what it holds


def plan_lock(
    builder: PlanBuilder, folders: Sequence[str], source: SourcePackage, context: LinkContext
) -> ManifestEdit | None:
    """Plan to save in the lockfile that *folders* depend on *source*.

    Returns None if no lockfile is written: none exists, and the rest of the tree is not known (`_make_lock`).
    Raises `ManifestInvalid` for a lockfile that npm would not write.
    """
    root = context.project.root
    name = next((lockfile for lockfile in LOCKFILES if fs.is_file(f"{root}/{lockfile}")), LOCKFILES[1])
    path = f"{root}/{name}"
    state = planned_file(builder.changes, path)
    raw = state.content if state else None
    lock = _parse_lock(raw, path) if raw is not None else _make_lock(builder, context)
    if lock is None:
        return None
    before = json.loads(json.dumps(lock))  # a deep copy: `_add_link` changes the lockfile in place
    _add_link(lock, builder, folders, source, context)
    content = dump(lock, raw.decode("utf-8", "surrogatepass") if raw is not None else _EMPTY)
    mode = state.mode if state else 0o666 & ~context.rules.umask
    builder.edit_file(path, File(content, mode))
    return ManifestEdit(path=path, before=raw, after=content, entries=tuple(_compare_locks(before, lock)))


def _parse_lock(raw: bytes, path: str) -> _Lock:
    try:
        lock = load(raw)
    except (ValueError, RecursionError) as err:
        why = "it is nested too deeply" if isinstance(err, RecursionError) else str(err)
        raise _make_lock_error(path, why) from err
    if not isinstance(lock, dict) or not all(_is_table(lock.get(table, {})) for table in _TABLES):
        raise _make_lock_error(path, "not the object that npm writes")
    return lock


def _is_table(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, dict) for entry in value.values())


def _make_lock_error(path: str, why: str) -> ManifestInvalid:
    return ManifestInvalid(
        f"{path} cannot be updated: {why}", code="ELOCK", path=path, hint="fix it, or pass --no-package-lock"
    )


def _read_members(builder: PlanBuilder, folder: str) -> dict[str, Any]:
    """Return the members of a package.json, as it will be after the plan.

    The file was read and checked before.
    """
    state = planned_file(builder.changes, f"{folder}/package.json")
    members: dict[str, Any] = load(state.content) if state else {}
    return members


# --- a project without a lockfile


def _make_lock(builder: PlanBuilder, context: LinkContext) -> _Lock | None:
    """Return a lockfile for a project that has none.

    It has the packages that npm installed last, which npm lists in node_modules/.package-lock.json (arborist
    9.9.1, lib/shrinkwrap.js, `hiddenLockfile`). Returns None, with a warning, if other packages belong into it
    that are not known.
    """
    root = context.project.root
    other = next((name for name in OTHER_LOCKFILES if fs.is_file(f"{root}/{name}")), "")
    if other:
        hint = "run that package manager's install to update its own"
        builder.warn("WLOCK", root, f"no package-lock.json is made beside {other}", hint)
        return None
    # The installed packages, and the workspaces. npm's list has no entry for the root itself.
    members = _read_members(builder, root)
    hidden = f"{root}/node_modules/.package-lock.json"
    installed = planned_file(builder.changes, hidden)
    workspaces = _describe_workspaces(builder, context) if members.get("workspaces") else {}
    packages = {
        **(_parse_lock(installed.content, hidden).get("packages", {}) if installed else {}),
        **(workspaces or {}),
    }
    # `npm ci` refuses a lockfile without an entry for each dependency, so that none may be missing.
    known = {key.rpartition("node_modules/")[2] for key in packages}
    needed = _list_needed(members, is_root=True)
    needed = needed.union(*(_list_needed(entry, is_root=False) for entry in packages.values()))
    if workspaces is None or not needed <= known:
        hint = "run npm install --package-lock-only"
        builder.warn("WLOCK", root, "no package-lock.json is made: what else is installed is not known", hint)
        return None
    lock: _Lock = {"name": members.get("name") or posixpath.basename(root)}
    if members.get("version"):
        lock["version"] = members["version"]
    everything = {"": _describe_manifest(members, members.get("name")), **packages}
    return {**lock, "lockfileVersion": 3, "requires": True, "packages": everything}


def _describe_workspaces(builder: PlanBuilder, context: LinkContext) -> dict[str, Any] | None:
    """Return the entries of the workspaces, or None if one is unreadable."""
    root = context.project.root
    entries: dict[str, Any] = {}
    for folder in context.installed.members():
        key, manifest = posixpath.relpath(folder, root), read_loose(folder)
        if manifest is None:
            return None
        entries[key] = _describe_package(read_source_package(folder, manifest), _read_members(builder, folder))
        name = manifest.name or posixpath.basename(folder)
        entries[f"node_modules/{name}"] = {"resolved": key, "link": True}
    return entries


def _list_needed(members: dict[str, Any], *, is_root: bool) -> set[str]:
    """Return the names that a package needs in the lockfile.

    Folders (`file:`) are not among them: they get their entries when they are saved.

    >>> members = {"dependencies": {"a": "1", "b": "file:../b"}, "devDependencies": {"c": "1"}}
    >>> sorted(_list_needed(members, is_root=True)), sorted(_list_needed(members, is_root=False))
    (['a', 'c'], ['a'])
    """
    sections = ("dependencies", "devDependencies") if is_root else ("dependencies",)
    by_section = copy_sections(members)
    return {
        name
        for section in sections
        for name, spec in by_section[section].items()
        if not str(spec).startswith("file:")
    }


# --- the entries of the link


def _add_link(
    lock: _Lock, builder: PlanBuilder, folders: Sequence[str], source: SourcePackage, context: LinkContext
) -> None:
    """Add the entries to *lock* by which *folders* depend on *source*."""
    root = context.project.root
    name = source.manifest.name
    target = posixpath.relpath(source.root, root)
    kinds = set()  # `prod`, `dev` and so on: the link may be another kind of dependency for each folder
    packages = lock.get("packages")
    for folder in folders:
        members = _read_members(builder, folder)
        kinds.add(find_kind(copy_sections(members), name))
        if packages is not None:
            key = "" if folder == root else posixpath.relpath(folder, root)
            packages[key] = sort_as_npm(_update_dependent(packages.get(key, {}), members, name))
    if packages is not None:
        _put_packages(packages, source, target, context, kinds)
        with_peers = not context.config.flag("legacy-peer-deps", default=False)
        _warn_of_needs(builder, packages, source, target, with_peers=with_peers)
    if "dependencies" in lock or lock.get("lockfileVersion") == 1:
        # npm 6 reads this table. Beside `packages` (lockfileVersion 2) its entry says what the package requires.
        legacy = {"version": f"file:{target}"}
        requires = dict(source.manifest.dependencies)
        entry = {**legacy, "requires": requires} if requires and packages is not None else legacy
        lock["dependencies"] = sort_by_name({**lock.get("dependencies", {}), name: entry})


def _update_dependent(entry: dict[str, Any], members: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the entry of a project or workspace with new dependencies.

    *members* are those of its manifest. All else in the entry stays.
    """
    after = dict(entry)
    by_section = copy_sections(members)
    if find_kind(by_section, name) == "optional":
        # npm writes what it saves as optional into both sections of the lockfile, and drops one of them later.
        both = {**by_section["dependencies"], name: by_section["optionalDependencies"][name]}
        members = {**members, "dependencies": both}
    for section in (*SECTIONS, META, "bundleDependencies"):
        if members.get(section):
            after[section] = (
                sort_by_name(members[section]) if isinstance(members[section], dict) else members[section]
            )
        else:
            after.pop(section, None)
    return after


def _put_packages(
    packages: dict[str, Any], source: SourcePackage, target: str, context: LinkContext, kinds: set[str]
) -> None:
    """Put a link and its package into the table of packages."""
    for modules in context.local_modules(source.manifest.name, source.root):
        key = posixpath.relpath(f"{modules}/{source.manifest.name}", context.project.root)
        # The package that the link replaces goes, with all packages that are nested in it.
        replaced = {path: packages.pop(path) for path in list(packages) if f"{path}/".startswith(f"{key}/")}
        packages[key] = {"resolved": target, "link": True}
        if replaced and not replaced.get(key, {}).get("link"):
            _keep_for_others(packages, source, key, replaced)
    entry = _describe_package(source, load(source.manifest.raw))
    # A package is marked `dev` and the like only if all folders have it as such.
    if len(kinds) == 1 and (kind := next(iter(kinds))) in _FLAGS:
        entry[kind] = True
    packages[target] = sort_as_npm(entry)
    ordered = sort_by_name(packages)
    packages.clear()
    packages.update(ordered)


def _keep_for_others(packages: dict[str, Any], source: SourcePackage, key: str, replaced: dict[str, Any]) -> None:
    """Nest the replaced packages below those that cannot use *source*.

    *replaced* are the old entry of *key*, which is a link now, and the entries nested in it.
    """
    # npm does the same. On the disk all of them find the link until the next `npm ci`.
    name = source.manifest.name
    for path, entry in list(packages.items()):
        # Only installed packages: links have no dependencies, and the project and its workspaces use the link.
        if entry.get("link") or "node_modules/" not in path:
            continue
        needs = copy_sections(entry)
        wanted = {**needs["dependencies"], **needs["optionalDependencies"]}.get(name)
        if wanted is None or find_path(path, name, packages.__contains__) != key:
            continue  # it does not need the package, or finds another copy of it
        if not satisfies(source.manifest.version, str(wanted)):
            for place, moved in replaced.items():
                packages[f"{path}/node_modules/{name}{place.removeprefix(key)}"] = moved


def _warn_of_needs(
    builder: PlanBuilder, packages: dict[str, Any], source: SourcePackage, target: str, *, with_peers: bool
) -> None:
    """Warn of dependencies of *source* that the lockfile lacks (WLOCK).

    *target* is its path from the root. *with_peers* is false with `legacy-peer-deps`.
    """
    # npm installs the dependencies of a linked package only inside of the project, but then those for development
    # and peers too. `npm ci` fails without them (tests/differential/test_link_inner.py).
    if target.startswith("../"):
        return
    manifest = source.manifest
    needed = {**manifest.dev_dependencies, **manifest.optional_dependencies, **manifest.dependencies}
    # A peer of another version is left to a warning of npm's own.
    peers = dict.fromkeys(manifest.peer_dependencies.keys() - manifest.optional_peers, "*") if with_peers else {}
    for name, wanted in sorted({**peers, **needed}.items()):
        key = find_path(target, name, packages.__contains__)
        entry = packages.get(key, {})
        # The version of a link is in the entry that it leads to.
        entry = packages.get(str(entry.get("resolved")), entry) if entry.get("link") else entry
        if not key or not _meets(entry.get("version"), wanted):
            lacks = f"{name} {wanted}" if key else name
            message = f"{manifest.name} needs {lacks}, which the lockfile does not have; npm ci would fail"
            builder.warn("WLOCK", source.root, message, "run npm install --package-lock-only")


def _meets(version: object, wanted: str) -> bool:
    """Return True if *version* meets *wanted*, or one of them is neither.

    Anything that is no version, or no range, cannot be compared.
    """
    return not isinstance(version, str) or parse_range(wanted) is None or satisfies(version, wanted)


# --- the entry of one package


def _describe_package(source: SourcePackage, members: dict[str, Any]) -> dict[str, Any]:
    """Return the entry of a linked package.

    The entry has a name only if that is not the name of the package's folder (arborist, lib/shrinkwrap.js,
    `metaFromNode`).
    """
    folder = posixpath.basename(source.root)
    scope = posixpath.basename(posixpath.dirname(source.root))
    folder_name = f"{scope}/{folder}" if scope.startswith("@") else folder
    entry = _describe_manifest(members, None if folder_name == source.manifest.name else source.manifest.name)
    if source.commands:
        entry["bin"] = dict(source.commands)
    _add_dev_dependencies(entry, members)
    if any(source.manifest.scripts.get(script) for script in _INSTALL_SCRIPTS):
        entry["hasInstallScript"] = True
    tidy: dict[str, Any] = sort_as_npm(entry)
    return tidy


def _describe_manifest(members: dict[str, Any], name: object) -> dict[str, Any]:
    """Return the entry of a manifest with *members*.

    The entry has a *name* if there is one.
    """
    # As npm, without empty values (arborist 9.9.1, lib/shrinkwrap.js, `metaFieldFromPkg`) and wrong types.
    entry: dict[str, Any] = {"name": name} if name else {}
    for key in _COPIED:
        value = members.get(key)
        if key == "license" and isinstance(value, dict):
            value = value.get("type") or value
        if key == "funding" and isinstance(value, str):
            value = {"url": value}
        if value and not (key in _COPIED_OBJECTS and not isinstance(value, dict)):
            entry[key] = value
    if name == members.get("name"):
        _add_dev_dependencies(entry, members)
    tidy: dict[str, Any] = sort_as_npm(entry)
    return tidy


def _add_dev_dependencies(entry: dict[str, Any], members: dict[str, Any]) -> None:
    dev = members.get("devDependencies")
    if dev and isinstance(dev, dict):
        entry["devDependencies"] = dev


# --- the changed entries, and how they are undone


def _compare_locks(before: _Lock, after: _Lock) -> list[tuple[tuple[str, ...], str | None, str | None]]:
    """Return changed entries with old and new JSON text."""
    changed: list[tuple[tuple[str, ...], str | None, str | None]] = []
    for table in _TABLES:
        old, new = before.get(table) or {}, after.get(table) or {}
        changed += [
            ((table, key), _to_json(old.get(key)), _to_json(new.get(key)))
            for key in dict.fromkeys([*old, *new])
            if old.get(key) != new.get(key)
        ]
    return changed


def _to_json(value: object) -> str | None:
    return None if value is None else json.dumps(value)


def undo_entries(raw: bytes, saved: ManifestEdit) -> bytes:
    """Undo the entries of *saved* that are as they were written.

    Raises `ManifestInvalid` for a lockfile that is no longer what npm writes.
    """
    lock = _parse_lock(raw, saved.path)
    for (table, key), before, after in saved.entries:
        if table in lock:
            _undo_entry(lock[table], key, before, after)
            lock[table] = sort_by_name(lock[table])
    return raw if lock == _parse_lock(raw, saved.path) else dump(lock, raw.decode("utf-8", "surrogatepass"))


def _undo_entry(table: dict[str, Any], key: str, before: str | None, after: str | None) -> None:
    now = _to_json(table.get(key))
    # Nobody changed the entry since: it gets its old text. Else only its dependencies are undone, one by one.
    if now == after:
        if before is None:
            table.pop(key, None)
        else:
            table[key] = json.loads(before)
    elif now and before and after:
        table[key] = sort_as_npm(_undo_dependencies(json.loads(now), json.loads(before), json.loads(after)))


def _undo_dependencies(now: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Put back the dependencies of an entry that was changed since.

    A dependency stays as it is *now* if it is another than in *after*.

    >>> before, after = {"dependencies": {"lib": "1"}}, {"dependencies": {"lib": "file:../lib"}}
    >>> _undo_dependencies({"version": "2.0.0", "dependencies": {"lib": "file:../lib", "new": "1"}}, before, after)
    {'version': '2.0.0', 'dependencies': {'lib': '1', 'new': '1'}}
    """
    for section in SECTIONS:
        old, ours, current = (copy_sections(entry)[section] for entry in (before, after, now))
        left = dict(current)
        for name in [*old, *ours]:
            if old.get(name) != ours.get(name) and current.get(name) == ours.get(name):
                left.pop(name, None)
                if name in old:
                    left[name] = old[name]
        if left != current:
            now[section] = sort_by_name(left)
            if not left:
                del now[section]
    return now
