"""Plan what a saved link changes in package-lock.json, so that `npm ci` accepts it.

Facts: arborist of npm 11.19.1.
"""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, Any

from linkpack.errors import ManifestInvalid
from linkpack.linking.lockfile_entry import described, meta_of
from linkpack.linking.record import planned_file
from linkpack.linking.states import File, ManifestEdit
from linkpack.npm.dependency_sections import META, SECTIONS, kind_of, tables
from linkpack.npm.lockfile import by_name, dump, load, nice
from linkpack.project.source import read_loose, source_of
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.context import LinkContext
    from linkpack.project.source import Source

LOCKFILES = ("npm-shrinkwrap.json", "package-lock.json")
OTHER_LOCKFILES = ("pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb")
_TABLES = ("packages", "dependencies")
_FLAGS = {"dev": "dev", "optional": "optional", "peer": "peer"}

_Lock = dict[str, Any]  # JSON: what npm reads decides what it holds


def plan_lock(
    builder: PlanBuilder, folders: Sequence[str], source: Source, context: LinkContext
) -> ManifestEdit | None:
    """Add to *builder* the project's lockfile, in which *folders* depend on *source*.

    None when there is nothing to write: other package managers have lockfiles of their own, and one that is
    not there is only made when the rest of the tree is known. `ManifestInvalid` for a lockfile that is not what
    npm writes.
    """
    root = context.project.root
    name = next((each for each in LOCKFILES if fs.is_file(f"{root}/{each}")), LOCKFILES[1])
    path = f"{root}/{name}"
    state = planned_file(builder.changes, path)
    old = state.content if state else None
    lock = _parse(old, path) if old is not None else _new_lock(builder, root)
    if lock is None:
        return None
    before = json.loads(json.dumps(lock))
    _update(lock, builder, folders, source, context)
    content = dump(lock, old.decode("utf-8", "surrogatepass") if old is not None else "{\n  \n}")
    mode = state.mode if state else 0o666 & ~context.rules.umask
    builder.edit_file(path, File(content, mode))
    return ManifestEdit(path, old, content, tuple(_entries(before, lock)))


def _parse(raw: bytes, path: str) -> _Lock:
    try:
        lock = load(raw)
    except (ValueError, RecursionError) as err:
        why = "it is nested too deeply" if isinstance(err, RecursionError) else str(err)
        raise _no_lock(path, why) from err
    if not isinstance(lock, dict) or not all(_is_table(lock.get(table, {})) for table in _TABLES):
        raise _no_lock(path, "not the object that npm writes")
    return lock


def _is_table(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, dict) for entry in value.values())


def _no_lock(path: str, why: str) -> ManifestInvalid:
    return ManifestInvalid(
        f"{path} cannot be updated: {why}", code="ELOCK", path=path, hint="mend it, or pass --no-package-lock"
    )


def _manifest(builder: PlanBuilder, folder: str) -> dict[str, Any]:
    """Return the members of the package.json in *folder*, as it will be; it was read and checked before."""
    state = planned_file(builder.changes, f"{folder}/package.json")
    members: dict[str, Any] = load(state.content) if state else {}
    return members


def _new_lock(builder: PlanBuilder, root: str) -> _Lock | None:
    """Return a lockfile for a project that has none, from what npm last installed.

    None, with a warning, when it is not known what else belongs into it.
    """
    other = next((name for name in OTHER_LOCKFILES if fs.is_file(f"{root}/{name}")), "")
    if other:
        hint = "run that package manager's install to update its own"
        builder.warn("WLOCK", root, f"no package-lock.json is made beside {other}", hint)
        return None
    members = _manifest(builder, root)
    hidden = f"{root}/node_modules/.package-lock.json"
    installed = planned_file(builder.changes, hidden)
    inner = _members(builder, root, members)
    packages = {**(_parse(installed.content, hidden).get("packages", {}) if installed else {}), **(inner or {})}
    known = {key.rpartition("node_modules/")[2] for key in packages}
    missing = {name for each in (members, *packages.values()) for name in _needed(each, inner=each is not members)}
    if inner is None or not missing <= known:
        hint = "run npm install --package-lock-only"
        builder.warn("WLOCK", root, "no package-lock.json is made: what else is installed is not known", hint)
        return None
    lock: _Lock = {"name": members.get("name") or posixpath.basename(root)}
    if members.get("version"):
        lock["version"] = members["version"]
    everything = {"": meta_of(members, members.get("name")), **packages}
    return {**lock, "lockfileVersion": 3, "requires": True, "packages": everything}


def _needed(members: dict[str, Any], *, inner: bool) -> set[str]:
    """Return the names that a package needs in the lockfile, but for folders, which saving them puts there."""
    sections = SECTIONS[:1] if inner else (SECTIONS[0], SECTIONS[2])
    found = tables(members)
    return {name for part in sections for name, spec in found[part].items() if not str(spec).startswith("file:")}


def _members(builder: PlanBuilder, root: str, members: dict[str, Any]) -> dict[str, Any] | None:
    """Return the lockfile entries of the workspaces of *root*; None when one of them cannot be read."""
    if not members.get("workspaces"):
        return {}
    from linkpack.project.workspace import member_folders, read_workspace  # noqa: PLC0415 - few projects have workspaces

    workspace = read_workspace(root)
    found: dict[str, Any] = {}
    for folder in member_folders(workspace) if workspace is not None else ():
        key, manifest = posixpath.relpath(folder, root), read_loose(folder)
        if manifest is None:
            return None
        found[key] = described(source_of(folder, manifest), _manifest(builder, folder))
        name = manifest.name or posixpath.basename(folder)
        found[f"node_modules/{name}"] = {"resolved": key, "link": True}
    return found


def _update(
    lock: _Lock, builder: PlanBuilder, folders: Sequence[str], source: Source, context: LinkContext
) -> None:
    root = context.project.root
    name = source.manifest.name
    target = posixpath.relpath(source.root, root)
    kinds = set()
    packages = lock.get("packages")
    for folder in folders:
        members = _manifest(builder, folder)
        kinds.add(kind_of(tables(members), name))
        if packages is not None:
            key = "" if folder == root else posixpath.relpath(folder, root)
            packages[key] = nice(_dependent(packages.get(key, {}), members, name))
    if packages is not None:
        _put_packages(packages, source, target, context, kinds)
        with_peers = not context.config.flag("legacy-peer-deps", default=False)
        _warn_about_inner(builder, packages, source, target, with_peers=with_peers)
    if "dependencies" in lock or lock.get("lockfileVersion") == 1:
        legacy = {"version": f"file:{target}"}
        needs = dict(source.manifest.dependencies)
        entry = {**legacy, "requires": needs} if needs and packages is not None else legacy
        lock["dependencies"] = by_name({**lock.get("dependencies", {}), name: entry})


def _put_packages(
    packages: dict[str, Any], source: Source, target: str, context: LinkContext, kinds: set[str]
) -> None:
    for modules in context.local_modules(source.manifest.name, source.root):
        key = posixpath.relpath(f"{modules}/{source.manifest.name}", context.project.root)
        moved = {each: packages.pop(each) for each in list(packages) if f"{each}/".startswith(f"{key}/")}
        packages[key] = {"resolved": target, "link": True}
        if moved and not moved.get(key, {}).get("link"):
            _keep_for_others(packages, source, key, moved)
    meta = described(source, load(source.manifest.raw))
    if len(kinds) == 1 and (flag := _FLAGS.get(next(iter(kinds)))):
        meta[flag] = True
    packages[target] = nice(meta)
    ordered = by_name(packages)
    packages.clear()
    packages.update(ordered)


def _keep_for_others(packages: dict[str, Any], source: Source, key: str, moved: dict[str, Any]) -> None:
    """Give packages that need what the link replaces, and that cannot use it, a copy of their own.

    As npm does; only in the lockfile: on the disk the link is what all of them find until `npm ci`.
    """
    from linkpack.npm.ranges import satisfies  # noqa: PLC0415 - only when something is replaced

    name = source.manifest.name
    for each, entry in list(packages.items()):
        if entry.get("link") or (each and "node_modules/" not in each) or each == "":
            continue
        needs = tables(entry)
        wanted = {**needs["dependencies"], **needs["optionalDependencies"]}.get(name)
        if wanted is None or _found_from(packages, each, name) != key:
            continue
        if not satisfies(source.manifest.version, str(wanted)):
            for place, inner in moved.items():
                packages[f"{each}/node_modules/{name}{place.removeprefix(key)}"] = inner


def _found_from(packages: dict[str, Any], start: str, name: str) -> str:
    """Return the key of the package that the one at *start* finds as *name*; empty when there is none."""
    at = start
    while True:
        found = f"{at}/node_modules/{name}".lstrip("/")
        if found in packages or not at:
            return found if found in packages else ""
        head, _, _ = at.rpartition("node_modules/")
        at = head.rstrip("/") if head or at.startswith("node_modules/") else posixpath.dirname(at)


def _warn_about_inner(
    builder: PlanBuilder, packages: dict[str, Any], source: Source, target: str, *, with_peers: bool
) -> None:
    """Warn when a package inside of the project needs what the project's lockfile lacks.

    npm installs what such a package needs, for its development and as a peer too, and `npm ci` fails without
    (measured on npm 11.19.1). A peer of another version is left to a warning of npm's own.
    """
    if target.startswith("../"):
        return
    manifest = source.manifest
    needed = {**manifest.dev_dependencies, **manifest.optional_dependencies, **manifest.dependencies}
    peers = dict.fromkeys(manifest.peer_dependencies.keys() - manifest.optional_peers, "*") if with_peers else {}
    for name, wanted in sorted({**peers, **needed}.items()):
        found = _found_from(packages, target, name)
        entry = packages.get(found, {})
        entry = packages.get(str(entry.get("resolved")), entry) if entry.get("link") else entry
        if not found or not _meets(entry.get("version"), wanted):
            lacks = f"{name} {wanted}" if found else name
            message = f"{manifest.name} needs {lacks}, which the lockfile does not have; npm ci would fail"
            builder.warn("WLOCK", source.root, message, "run npm install --package-lock-only")


def _meets(version: object, wanted: str) -> bool:
    """True if *version* meets *wanted*, or one of them is no version or range."""
    from linkpack.npm.ranges import parse_range, satisfies  # noqa: PLC0415 - only for packages inside of the project

    return not isinstance(version, str) or parse_range(wanted) is None or satisfies(version, wanted)


def _dependent(entry: dict[str, Any], members: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the entry of a project or workspace, with the dependencies that its manifest has now."""
    after = dict(entry)
    found = tables(members)
    if kind_of(found, name) == "optional":
        # npm writes what it saves as optional into both sections of the lockfile, and drops one of them later.
        both = {**found["dependencies"], name: found["optionalDependencies"][name]}
        members = {**members, "dependencies": both}
    for section in (*SECTIONS, META, "bundleDependencies"):
        if members.get(section):
            after[section] = by_name(members[section]) if isinstance(members[section], dict) else members[section]
        else:
            after.pop(section, None)
    return after


def _entries(before: _Lock, after: _Lock) -> list[tuple[tuple[str, ...], str | None, str | None]]:
    """Return the entries of the two tables that differ, each with its old and new JSON text."""
    found: list[tuple[tuple[str, ...], str | None, str | None]] = []
    for table in _TABLES:
        old, new = before.get(table) or {}, after.get(table) or {}
        found += [
            ((table, key), _raw(old.get(key)), _raw(new.get(key)))
            for key in dict.fromkeys([*old, *new])
            if old.get(key) != new.get(key)
        ]
    return found


def _raw(value: object) -> str | None:
    return None if value is None else json.dumps(value)


def take_out(raw: bytes, saved: ManifestEdit) -> bytes:
    """Return the lockfile *raw* with those entries of *saved* undone that are still as they were written.

    `ManifestInvalid` when it is no longer what npm writes.
    """
    lock = _parse(raw, saved.path)
    for (table, key), before, after in saved.entries:
        if table in lock:
            _put_back(lock[table], key, before, after)
            lock[table] = by_name(lock[table])
    return raw if lock == _parse(raw, saved.path) else dump(lock, raw.decode("utf-8", "surrogatepass"))


def _put_back(section: dict[str, Any], key: str, before: str | None, after: str | None) -> None:
    now = _raw(section.get(key))
    if now == after:
        if before is None:
            section.pop(key, None)
        else:
            section[key] = json.loads(before)
    elif now and before and after:
        section[key] = nice(_without(json.loads(now), json.loads(before), json.loads(after)))


def _without(now: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return the entry *now*, which was changed since, with those dependencies put back that are still ours."""
    for section in SECTIONS:
        old, ours, have = (tables(each)[section] for each in (before, after, now))
        left = dict(have)
        for name in [*old, *ours]:
            if old.get(name) != ours.get(name) and have.get(name) == ours.get(name):
                left.pop(name, None)
                if name in old:
                    left[name] = old[name]
        if left != have:
            now[section] = by_name(left)
            if not left:
                del now[section]
    return now
