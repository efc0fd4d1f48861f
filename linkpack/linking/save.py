"""Save a link in package.json and the lockfile, and take it out again.

`link --save ../lib` sets the members of the link, in the sections that npm chooses, and sorts the sections. All
other bytes of package.json stay:

    {"dependencies": {"lib": "^1.0.0"}}  ->  {"dependencies": {"lib": "file:../lib"}}

The record has a `ManifestEdit`: the bytes before and after, and the old and new text of each member. `unlink lib`
has three ways to take the link out again:

- nobody changed the file since: its old bytes come back
- only other links were saved in it since: it is rebuilt with their edits alone, which are recorded anew
(`_rebase`) - the user or another program changed it: each member that still is as it was written gets its old text
back

    {"version": "2.0.0", "dependencies": {"lib": "file:../lib"}}
      ->  {"version": "2.0.0", "dependencies": {"lib": "^1.0.0"}}

`lockfile_entries` does the same for the entries of package-lock.json.
"""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING

from linkpack.errors import ManifestInvalid
from linkpack.linking.lockfile_entries import LOCKFILES, OTHER_LOCKFILES, plan_lock, undo_entries
from linkpack.linking.record import planned_file, read_saved
from linkpack.linking.states import ABSENT, File, ManifestEdit, SaveEdit
from linkpack.linking.workspace_files import read_pnpm_overrides
from linkpack.npm.collation import collation_key
from linkpack.npm.dependency_sections import META, SECTIONS, copy_sections, place_dependency
from linkpack.npm.json_edit import format_list, get_raw, set_raw, sort_members
from linkpack.npm.json_text import BOM, parse
from linkpack.npm.lockfile import convert_numbers
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.context import LinkContext, SaveRules
    from linkpack.linking.record import Saved
    from linkpack.project.source import SourcePackage

_EMPTY = b"{\n}\n"


def plan_save(
    builder: PlanBuilder, context: LinkContext, sources: Sequence[SourcePackage], rules: SaveRules
) -> None:
    """Plan to save the links to *sources*.

    They are saved in the chosen workspaces, or in the project. Raises `ManifestInvalid` for a manifest or lockfile
    that is no JSON object.
    """
    # npm writes the path from one workspace into all of them (measured on npm 11.19.1): here each gets its own.
    folders = context.picked or (context.project.root,)
    for source in sources:
        if _refuse_save(builder, context, source, folders):
            continue
        edits = [_save_in_manifest(builder, context, folder, source, rules) for folder in folders]
        if rules.lockfile:
            lock_edit = plan_lock(builder, folders, source, context)
            edits += [lock_edit] if lock_edit is not None else []
        _record_edits(builder, context, source, edits)


# --- what cannot be saved


def _refuse_save(
    builder: PlanBuilder, context: LinkContext, source: SourcePackage, folders: Sequence[str]
) -> bool:
    """Add conflicts for a link that cannot be saved.

    Returns True if there is one.
    """
    known = len(builder.conflicts)
    root = context.project.root
    name = source.manifest.name
    for folder in dict.fromkeys((*folders, root)):
        spec = _make_spec(source, folder)
        if not _is_utf8(spec):
            message = f"{source.root} cannot be saved: a manifest is UTF-8, and its path from {folder} is not"
            builder.refuse("ESAVENAME", source.root, message, "rename the folder, or link without --save")
            break
        for where, wanted in _find_overrides(builder, root, name):
            if folder in folders and not _agrees(wanted, spec, root, source):
                message = f"{where} wants {name} {wanted}, which conflicts with saving it as {spec}"
                hint = f'change that to "${name}", or take it out, or link without --save'
                builder.refuse("EOVERRIDE", f"{root}/package.json", message, hint)
    return len(builder.conflicts) > known


def _make_spec(source: SourcePackage, folder: str) -> str:
    return "file:" + posixpath.relpath(source.root, folder)


def _is_utf8(text: str) -> bool:
    """Return True if the path *text* is UTF-8."""
    # Python keeps other bytes as half a surrogate pair (PEP 383), which cannot be encoded.
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _find_overrides(builder: PlanBuilder, root: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield the place of each override of *name*, with the spec there.

    npm refuses to install when an override contradicts the project's own dependency (EOVERRIDE: arborist 9.9.1,
    lib/node.js, `assertRootOverrides`). In a workspace it installs what the root says, as yarn, pnpm and bun do
    everywhere. `overrides` apply to npm and bun, and without any lockfile, `resolutions` beside the lockfile
    of another manager, and both places of pnpm's overrides beside its own.
    """
    path = f"{root}/package.json"
    state = planned_file(builder.changes, path)
    members = parse(state.content, path) if state else {}
    pnpm = members.get("pnpm")
    others = {lockfile for lockfile in OTHER_LOCKFILES if fs.is_file(f"{root}/{lockfile}")}
    has_npm = any(fs.is_file(f"{root}/{lockfile}") for lockfile in LOCKFILES)
    # Which places are read depends on the package managers in use.
    tables_by_place: list[tuple[str, object]] = []
    if not others or has_npm or any(lockfile.startswith("bun.") for lockfile in others):
        tables_by_place.append((f"{path} (overrides)", members.get("overrides")))
    if others:
        tables_by_place.append((f"{path} (resolutions)", members.get("resolutions")))
    if "pnpm-lock.yaml" in others:
        overrides = pnpm.get("overrides") if isinstance(pnpm, dict) else None
        tables_by_place.append((f"{path} (pnpm.overrides)", overrides))
        tables_by_place.append((f"{root}/pnpm-workspace.yaml", read_pnpm_overrides(root)))
    for where, table in tables_by_place:
        if not isinstance(table, dict):
            continue
        for selector, value in table.items():
            wanted = _match_override(str(selector).removeprefix("**/"), value, name)
            if wanted not in {"", "*", f"${name}"}:
                yield where, wanted


def _match_override(selector: str, value: object, name: str) -> str:
    """Return the spec of *name* in one override, or "".

    >>> _match_override("lib", "1.0.0", "lib")
    '1.0.0'
    >>> _match_override("lib@^1", {"its-own": "2"}, "lib")
    '^1'
    >>> _match_override("lib", {"its-own": "2"}, "lib")
    ''
    """
    split = selector.find("@", 1)
    own, keyed = (selector, "") if split < 0 else (selector[:split], selector[split + 1 :])
    wanted = value.get(".", keyed) if isinstance(value, dict) else value
    return wanted if own == name and isinstance(wanted, str) else ""


def _agrees(wanted: str, spec: str, root: str, source: SourcePackage) -> bool:
    """Return True if an override agrees with *spec*."""
    # npm compares the texts. Other managers write `link:` or `portal:` for a folder.
    protocol, _, path = wanted.partition(":")
    target = fs.canonical_path(posixpath.join(root, path)) if protocol in {"link", "portal"} else ""
    return wanted == spec or target == source.root


# --- one manifest


def _save_in_manifest(
    builder: PlanBuilder, context: LinkContext, folder: str, source: SourcePackage, rules: SaveRules
) -> ManifestEdit:
    """Plan to save a link in one manifest."""
    path = f"{folder}/package.json"
    state = planned_file(builder.changes, path)
    raw = state.content if state else _EMPTY
    members = parse(raw, path)
    bom = BOM if raw.startswith(BOM) else b""
    text = raw.removeprefix(BOM).decode()
    # Only members with another value are written: escapes and spaces of the others stay as they are.
    entries = []
    for keys, value in _choose_members(members, source.manifest.name, _make_spec(source, folder), rules):
        old = get_raw(text, keys)
        new = value if value is None or isinstance(value, str) else format_list(text, value, 1)
        if not _is_same_json(old, new):
            # A new dependency goes to its place in the order of its section, other members go to the end.
            text = set_raw(text, keys, new, collation_key if len(keys) > 1 else None)
            entries.append((keys, old, new))
    for section in SECTIONS:  # as @npmcli/package-json 7.0.5, lib/update-dependencies.js
        text = sort_members(text, (section,), collation_key)
    if not members:  # npm writes a manifest that was empty, or missing, with two spaces
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
    after = File(bom + text.encode(), state.mode if state else 0o666 & ~context.rules.umask)
    builder.edit_file(path, after)
    before = state.content if state else None
    return ManifestEdit(path=path, before=before, after=after.content, entries=tuple(entries))


def _choose_members(
    members: Mapping[str, object], name: str, spec: str, rules: SaveRules
) -> list[tuple[tuple[str, ...], str | Sequence[str] | None]]:
    """Return the members to set, with keys and values.

    A value is a JSON text, a list of names for the bundle, or None for a member that goes.
    """
    before = copy_sections(members)
    after = place_dependency(before, name, spec, rules.kind)
    chosen: list[tuple[tuple[str, ...], str | Sequence[str] | None]] = []
    for section in (*SECTIONS, META):
        if name in after[section]:
            chosen.append(((section, name), json.dumps(convert_numbers(after[section][name]), ensure_ascii=False)))
        elif name in before[section]:
            chosen.append(((section, name), None))
    if rules.bundle and any(name in after[section] for section in SECTIONS[:3]):
        chosen.append(_add_to_bundle(members, name, after["dependencies"]))
    return chosen


def _add_to_bundle(
    members: Mapping[str, object], name: str, dependencies: Mapping[str, object]
) -> tuple[tuple[str, ...], Sequence[str]]:
    """Return the bundle's key, and its names with *name*.

    >>> _add_to_bundle({"bundledDependencies": ["zeta"]}, "lib", {})
    (('bundledDependencies',), ['lib', 'zeta'])
    """
    alias = "bundledDependencies"
    key = alias if alias in members and "bundleDependencies" not in members else "bundleDependencies"
    bundle = members.get(key)
    names = list(bundle) if isinstance(bundle, (list, dict)) else list(dependencies) if bundle is True else []
    return (key,), sorted({*(item for item in names if isinstance(item, str)), name}, key=collation_key)


def _is_same_json(left: str | None, right: str | None) -> bool:
    r"""Return True if two JSON texts have the same value, or neither is one.

    >>> _is_same_json('"1.0"', '"1\\u002e0"')
    True
    """
    if left is None or right is None:
        return left == right
    return bool(json.loads(left) == json.loads(right))


# --- the record of what was saved


def _record_edits(
    builder: PlanBuilder, context: LinkContext, source: SourcePackage, edits: Sequence[ManifestEdit]
) -> None:
    """Plan the record of the edits that saved a link."""
    root, name = context.project.root, source.manifest.name
    modules = context.local_modules(name, source.root)[0]
    location = context.local_location(modules, name)
    link_edit = builder.edits.get((location.place, location.key))
    if link_edit is None or link_edit.after is None:  # the link was refused
        return
    key = posixpath.relpath(f"{modules}/{name}", root)
    record = read_saved(context.store, root)
    saved = builder.saved(root, record)
    by_path = {edit.path: edit for edit in saved.pop(key, ())}
    for edit in edits:
        by_path[edit.path] = _merge_edits(by_path.get(edit.path), edit, saved)
    saved[key] = tuple(by_path.values())
    _put_saved(builder, root, record, saved)


def _merge_edits(old: ManifestEdit | None, new: ManifestEdit, others: Saved) -> ManifestEdit:
    """Merge two edits that saved one link.

    The result undoes both. If other links were saved in between, their edits in *others* are rebased as if the
    first save had not been. If the user changed the file in between, this change stays: the merged edit goes back
    to the changed file without the members of *old*.
    """
    if old is None:
        return new
    if new.before == new.after:
        return old
    # Each member has the text before the first save, and the text after the second.
    entries = {keys: (before, after) for keys, before, after in old.entries}
    for keys, before, after in new.entries:
        entries[keys] = (entries.get(keys, (before, None))[0], after)
    later = None if new.before is None else _find_later_edits(old, new.before, others)
    original: bytes | None
    if later is not None:
        original = _rebase(old, later, others)
    elif new.before:
        original = _undo_edit(new.before, old)
    else:
        original = new.before  # no file, or an empty one
    merged = tuple((keys, before, after) for keys, (before, after) in entries.items())
    return ManifestEdit(path=new.path, before=original, after=new.after, entries=merged)


def _put_saved(builder: PlanBuilder, root: str, record: Saved, saved: Saved) -> None:
    """Plan the record *saved* of the project, in the place of *record*."""
    planned = {key for where, key in builder.saves if where == root}
    for key in record.keys() | saved.keys() | planned:
        builder.saves[root, key] = SaveEdit(
            place=root, key=key, before=record.get(key, ()), after=saved.get(key, ())
        )


# --- taking it out again


def plan_unsave(builder: PlanBuilder, context: LinkContext, links: Sequence[str]) -> None:
    """Plan to take saved links out of their files.

    *links* are paths below the project. A file that is broken by now stays as it is, with a warning. Raises
    `ManifestInvalid` for a file that cannot be read.
    """
    root = context.project.root
    record = read_saved(context.store, root)
    saved = builder.saved(root, record)
    for link in links:
        for edit in saved.pop(link, ()):
            state = planned_file(builder.changes, edit.path)
            if state is None:
                continue  # a removed file does not come back
            try:
                _unsave_in_file(builder, edit, state, saved)
            except ManifestInvalid as err:
                message = f"the link stays saved: {err.message}"
                builder.warn("WUNSAVED", edit.path, message, "take it out by hand")
    _put_saved(builder, root, record, saved)


def _unsave_in_file(builder: PlanBuilder, edit: ManifestEdit, state: File, others: Saved) -> None:
    """Plan one file as it was before *edit*.

    Raises `ManifestInvalid` for a file that is no longer JSON, and for a link that would have to change.
    """
    is_link = fs.is_link(edit.path)
    later = None if is_link else _find_later_edits(edit, state.content, others)
    if later is not None:
        content = _rebase(edit, later, others)
        builder.put_file(edit.path, ABSENT if content is None else File(content, state.mode))
        return
    after = File(_undo_edit(state.content, edit), state.mode)
    if after != state and is_link:
        message = f"{edit.path} is a link, and what it leads to is not changed"
        raise ManifestInvalid(message, code="ELINKOUT", path=edit.path)
    builder.put_file(edit.path, after)


def _find_later_edits(first: ManifestEdit, content: bytes, others: Saved) -> list[ManifestEdit] | None:
    """Return the edits that led from *first* to *content*, in order.

    They are among *others*. None if the user or another program changed the file too. The search starts at
    *content*, and goes back.
    """
    known = [edit for edits in others.values() for edit in edits if edit.path == first.path]
    later: list[ManifestEdit] = []
    while content != first.after:
        step = next((edit for edit in known if edit.after == content and edit not in later), None)
        if step is None or step.before is None:
            return None
        later.insert(0, step)
        content = step.before
    return later


def _rebase(first: ManifestEdit, later: Sequence[ManifestEdit], others: Saved) -> bytes | None:
    """Rebuild the file without *first*, applying the *later* edits in order.

    Updates the rebased edits in *others*. Returns None when the file would not exist:

        empty -> first: a -> later: a, b    becomes    empty -> later: b
    """
    content = first.before
    for step in later:
        if content is None or first.before is None:  # there is no file to start from
            after = _undo_edit(step.after, first)
        else:
            # To apply an edit is to undo its inverse.
            inverse = step._replace(entries=tuple((keys, new, old) for keys, old, new in step.entries))
            after = _undo_edit(content, inverse)
        rebased = step._replace(before=content, after=after)
        for key, edits in others.items():
            others[key] = tuple(rebased if edit == step else edit for edit in edits)
        content = after
    return content


def _undo_edit(content: bytes, edit: ManifestEdit) -> bytes:
    """Undo the entries of *edit* that are as they were written.

    >>> entry = (("dependencies", "lib"), '"^1.0.0"', '"file:../lib"')
    >>> edit = ManifestEdit(path="/app/package.json", before=None, after=b"", entries=(entry,))
    >>> _undo_edit(b'{"version": "2.0.0", "dependencies": {"lib": "file:../lib"}}', edit)
    b'{"version": "2.0.0", "dependencies": {"lib": "^1.0.0"}}'
    >>> _undo_edit(b'{"dependencies": {"lib": "^3.0.0"}}', edit)
    b'{"dependencies": {"lib": "^3.0.0"}}'
    """
    if posixpath.basename(edit.path) in LOCKFILES:
        return undo_entries(content, edit)
    parse(content, edit.path)
    bom = BOM if content.startswith(BOM) else b""
    text = content.removeprefix(BOM).decode()
    for keys, before, after in reversed(edit.entries):
        now = get_raw(text, keys)
        if _is_same_json(now, after):
            text = set_raw(text, keys, before, collation_key if len(keys) > 1 else None)
            if len(keys) > 1 and before is not None:
                text = sort_members(text, keys[:1], collation_key)
        elif len(keys) == 1:  # the bundle, the one list among the members
            text = set_raw(text, keys, _unbundle(text, now, before, after))
    return bom + text.encode()


def _unbundle(text: str, now: str | None, before: str | None, after: str | None) -> str | None:
    """Take an edit's names out of the bundle *now*.

    The edit led from *before* to *after*. Names that others added stay. The result is formatted as the manifest
    *text* is, and is None if no name is left.

    >>> _unbundle("{}", now='["lib", "theirs"]', before=None, after='["lib"]')
    '["theirs"]'
    """
    names, old, new = (json.loads(raw or "[]") for raw in (now, before, after))
    if not all(isinstance(value, list) for value in (names, old, new)):
        return now
    left = [name for name in names if name in old or name not in new]
    back = [name for name in old if name not in new and name not in names]
    if back:
        left = sorted([*left, *back], key=lambda name: collation_key(str(name)))
    return format_list(text, left, 1) if left else None
