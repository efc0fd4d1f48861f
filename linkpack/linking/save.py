"""Plan `--save`: the entries of a link in package.json and the lockfile, and taking them out again."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING

from linkpack.errors import ManifestInvalid
from linkpack.linking.installed import pnpm_overrides
from linkpack.linking.lockfile_entries import LOCKFILES, OTHER_LOCKFILES, plan_lock, take_out
from linkpack.linking.record import planned_file, read_saved
from linkpack.linking.states import ABSENT, File, ManifestEdit, SaveEdit
from linkpack.npm.collation import collation_key
from linkpack.npm.dependency_sections import META, SECTIONS, place, tables
from linkpack.npm.json_edit import get_raw, list_raw, set_raw, sort_members
from linkpack.npm.json_text import BOM, parse
from linkpack.npm.lockfile import plain
from linkpack.system import links as fslinks
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.context import LinkContext, SaveRules
    from linkpack.linking.record import Saved
    from linkpack.project.source import Source

_EMPTY = b"{\n}\n"


def plan_save(builder: PlanBuilder, context: LinkContext, sources: Sequence[Source], rules: SaveRules) -> None:
    """Add to *builder* that the links to *sources* are saved, in the chosen workspaces or the project.

    Raises `ManifestInvalid` when a manifest or lockfile there is no JSON object.
    """
    folders = context.picked or (context.project.root,)
    for source in sources:
        if _is_refused(builder, context, source, folders):
            continue
        edits = [_save_manifest(builder, context, folder, source, rules) for folder in folders]
        if rules.lockfile:
            locked = plan_lock(builder, folders, source, context)
            edits += [locked] if locked is not None else []
        _record(builder, context, source, edits)


def _is_refused(builder: PlanBuilder, context: LinkContext, source: Source, folders: Sequence[str]) -> bool:
    """True if the link to *source* cannot be saved; the reason is among the conflicts of *builder* then."""
    known = len(builder.conflicts)
    root = context.project.root
    name = source.manifest.name
    for folder in dict.fromkeys((*folders, root)):
        spec = _spec(source, folder)
        if not _is_utf8(spec):
            message = f"{source.root} cannot be saved: a manifest is UTF-8, and its path from {folder} is not"
            builder.refuse("ESAVENAME", source.root, message, "rename the folder, or link without --save")
            break
        for where, wanted in _overrides(builder, root, name):
            if folder in folders and not _agree(wanted, spec, root, source):
                message = f"{where} wants {name} {wanted}, which conflicts with saving it as {spec}"
                hint = f'change that to "${name}", or take it out, or link without --save'
                builder.refuse("EOVERRIDE", f"{root}/package.json", message, hint)
    return len(builder.conflicts) > known


def _spec(source: Source, folder: str) -> str:
    return "file:" + posixpath.relpath(source.root, folder)


def _agree(wanted: str, spec: str, root: str, source: Source) -> bool:
    """True if an override agrees with *spec*: npm compares texts, other managers write `link:` for a folder."""
    protocol, _, path = wanted.partition(":")
    leads = fslinks.canonical(posixpath.join(root, path)) if protocol in {"link", "portal"} else ""
    return wanted == spec or leads == source.root


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _overrides(builder: PlanBuilder, root: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield what replaces the project's own dependency on *name* when it installs, and where that is written.

    npm refuses to install then (EOVERRIDE: arborist of npm 11.19.1, `assertRootOverrides`), and in a workspace
    installs what the root says, as yarn, pnpm and bun do everywhere.
    """
    path = f"{root}/package.json"
    state = planned_file(builder.changes, path)
    members = parse(state.content, path) if state else {}
    pnpm = members.get("pnpm")
    found = {lockfile for lockfile in OTHER_LOCKFILES if fs.is_file(f"{root}/{lockfile}")}
    sources: list[tuple[str, object]] = []
    if not found or any(fs.is_file(f"{root}/{lockfile}") for lockfile in LOCKFILES) or "bun" in " ".join(found):
        sources.append((f"{path} (overrides)", members.get("overrides")))
    if found:
        sources.append((f"{path} (resolutions)", members.get("resolutions")))
    if "pnpm-lock.yaml" in found:
        sources.append((f"{path} (pnpm.overrides)", pnpm.get("overrides") if isinstance(pnpm, dict) else None))
        sources.append((f"{root}/pnpm-workspace.yaml", pnpm_overrides(root)))
    for where, table in sources:
        for selector, value in table.items() if isinstance(table, dict) else ():
            wanted = _override(str(selector).removeprefix("**/"), value, name)
            if wanted not in {"", "*", f"${name}"}:
                yield where, wanted


def _override(selector: str, value: object, name: str) -> str:
    """Return what one rule says of *name* itself; empty when it is about something else.

    {"lib": "1.0.0"} -> 1.0.0; {"lib@^1": {"its-own": "2"}} -> ^1; {"lib": {"its-own": "2"}} -> (nothing)
    """
    at = selector.find("@", 1)
    own, keyed = (selector, "") if at < 0 else (selector[:at], selector[at + 1 :])
    wanted = value.get(".", keyed) if isinstance(value, dict) else value
    return wanted if own == name and isinstance(wanted, str) else ""


def _record(builder: PlanBuilder, context: LinkContext, source: Source, edits: Sequence[ManifestEdit]) -> None:
    """Note in the record what was saved for the link to *source*."""
    root, name = context.project.root, source.manifest.name
    modules = context.local_modules(name, source.root)[0]
    location = context.local_location(modules, name)
    edit = builder.edits.get((location.place, location.key))
    if edit is None or edit.after is None:  # the link was refused
        return
    key = posixpath.relpath(f"{modules}/{name}", root)
    record = read_saved(context.store, root)
    saved = builder.saved(root, record)
    mine = {one.path: one for one in saved.pop(key, ())}
    for one in edits:
        mine[one.path] = _merge_edits(mine.get(one.path), one, saved)
    saved[key] = tuple(mine.values())
    _put_saved(builder, root, record, saved)


def _put_saved(builder: PlanBuilder, root: str, record: Saved, saved: Saved) -> None:
    """Add to *builder* that *saved* is what is saved in the project; *record* is what is saved there now."""
    for key in record.keys() | saved.keys() | {key for where, key in builder.saves if where == root}:
        builder.saves[root, key] = SaveEdit(root, key, record.get(key, ()), saved.get(key, ()))


def _merge_edits(old: ManifestEdit | None, new: ManifestEdit, others: Saved) -> ManifestEdit:
    """Merge two edits that save one link into one that undoes both.

    Other links may have been saved between the two: their edits in *others* are rebased to come before *old*. If
    a person edited the file in between, that edit is kept: what was there before is then the edited file, less
    what *old* had set.
    """
    if old is None:
        return new
    if new.before == new.after:
        return old
    entries = {path: (before, after) for path, before, after in old.entries}
    for path, before, after in new.entries:
        entries[path] = (entries.get(path, (before, None))[0], after)
    later = None if new.before is None else _edits_after(old, new.before, others)
    first = new.before and _without(new.before, old) if later is None else _rebase(old, later, others)
    merged = tuple((path, before, after) for path, (before, after) in entries.items())
    return ManifestEdit(new.path, first, new.after, merged)


def _save_manifest(
    builder: PlanBuilder, context: LinkContext, folder: str, source: Source, rules: SaveRules
) -> ManifestEdit:
    path = f"{folder}/package.json"
    state = planned_file(builder.changes, path)
    raw = state.content if state else _EMPTY
    members = parse(raw, path)
    wanted = _wanted(members, source.manifest.name, _spec(source, folder), rules)
    bom = BOM if raw.startswith(BOM) else b""
    text = raw.removeprefix(BOM).decode()
    entries = []
    for keys, value in wanted:
        before = get_raw(text, keys)
        new = value if value is None or isinstance(value, str) else list_raw(text, value, 1)
        if not _same(before, new):
            text = set_raw(text, keys, new, collation_key if len(keys) > 1 else None)
            entries.append((keys, before, new))
    for section in SECTIONS:
        text = sort_members(text, (section,), collation_key)
    if not members:  # npm writes a manifest that was empty, or missing, with two spaces
        text = _pretty(text)
    after = File(bom + text.encode(), state.mode if state else 0o666 & ~context.rules.umask)
    builder.edit_file(path, after)
    return ManifestEdit(path, state.content if state else None, after.content, tuple(entries))


def _same(left: str | None, right: str | None) -> bool:
    """True if two JSON texts say the same; None is no text."""
    if left is None or right is None:
        return left == right
    return bool(json.loads(left) == json.loads(right))


def _pretty(text: str) -> str:
    return json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


def _wanted(
    members: Mapping[str, object], name: str, spec: str, rules: SaveRules
) -> list[tuple[tuple[str, ...], str | Sequence[str] | None]]:
    """Return the members to set or remove (None), as JSON text, or a list of names for the bundle."""
    before = tables(members)
    after = place(before, name, spec, rules.kind)
    found: list[tuple[tuple[str, ...], str | Sequence[str] | None]] = []
    for section in (*SECTIONS, META):
        if name in after[section]:
            found.append(((section, name), json.dumps(plain(after[section][name]), ensure_ascii=False)))
        elif name in before[section]:
            found.append(((section, name), None))
    if rules.bundle and any(name in after[section] for section in SECTIONS[:3]):
        found.append(_bundle(members, name, after["dependencies"]))
    return found


def _bundle(
    members: Mapping[str, object], name: str, dependencies: Mapping[str, object]
) -> tuple[tuple[str, ...], Sequence[str]]:
    """Return the list of bundled names with *name* among them, under the key that the manifest has it."""
    alias = "bundledDependencies"
    key = alias if alias in members and "bundleDependencies" not in members else "bundleDependencies"
    old = members.get(key)
    names = list(old) if isinstance(old, (list, dict)) else list(dependencies) if old is True else []
    return (key,), sorted({*(each for each in names if isinstance(each, str)), name}, key=collation_key)


# --- taking it out again


def plan_unsave(builder: PlanBuilder, context: LinkContext, links: Sequence[str]) -> None:
    """Add to *builder* that the files in which *links*, relative paths of links, were saved are as before.

    A file that only linkpack changed since gets its old bytes back, with what other links saved in it later put
    in again. In any other file the entries that are still ours go back to what they were, and the rest stays. A
    file that is broken by now stays, with a warning; raises `ManifestInvalid` for one that cannot be read.
    """
    root = context.project.root
    record = read_saved(context.store, root)
    saved = builder.saved(root, record)
    for link in links:
        for edit in saved.pop(link, ()):
            state = planned_file(builder.changes, edit.path)
            if state is None:
                continue
            try:
                _unsave(builder, edit, state, saved)
            except ManifestInvalid as err:
                message = f"the link stays saved: {err.message}"
                builder.warn("WUNSAVED", edit.path, message, "take it out by hand")
    _put_saved(builder, root, record, saved)


def _unsave(builder: PlanBuilder, edit: ManifestEdit, state: File, others: Saved) -> None:
    """Add to *builder* that one file is as before *edit*; raises `ManifestInvalid` when that cannot be."""
    elsewhere = fslinks.is_link(edit.path)
    later = None if elsewhere else _edits_after(edit, state.content, others)
    if later is not None:
        content = _rebase(edit, later, others)
        builder.put_file(edit.path, ABSENT if content is None else File(content, state.mode))
        return
    after = File(_without(state.content, edit), state.mode)
    if after != state and elsewhere:
        message = f"{edit.path} is a link, and what it leads to is not changed"
        raise ManifestInvalid(message, code="ELINKOUT", path=edit.path)
    builder.put_file(edit.path, after)


def _edits_after(first: ManifestEdit, content: bytes, others: Saved) -> list[ManifestEdit] | None:
    """Return the edits that led from *first* to *content*, oldest first; None when something else was changed."""
    known = [edit for edits in others.values() for edit in edits if edit.path == first.path]
    chain: list[ManifestEdit] = []
    while content != first.after:
        step = next((edit for edit in known if edit.after == content and edit not in chain), None)
        if step is None or step.before is None:
            return None
        chain.insert(0, step)
        content = step.before
    return chain


def _rebase(first: ManifestEdit, later: Sequence[ManifestEdit], others: Saved) -> bytes | None:
    """Rebuild the file without *first*, applying the *later* edits in order.

    Updates the rebased edits in *others*. Returns None when the file would not exist.
    """
    content = first.before
    for step in later:
        if content is None or first.before is None:
            after = _without(step.after, first)
        else:
            swapped = step._replace(entries=tuple((keys, new, old) for keys, old, new in step.entries))
            after = _without(content, swapped)
        renewed = step._replace(before=content, after=after)
        for key, edits in others.items():
            others[key] = tuple(renewed if one == step else one for one in edits)
        content = after
    return content


def _without(content: bytes, edit: ManifestEdit) -> bytes:
    """Return *content* with those entries of *edit* undone that are still as they were written."""
    if posixpath.basename(edit.path) in LOCKFILES:
        return take_out(content, edit)
    parse(content, edit.path)
    return _take_out(content, edit)


def _take_out(raw: bytes, edit: ManifestEdit) -> bytes:
    bom = BOM if raw.startswith(BOM) else b""
    text = raw.removeprefix(BOM).decode()
    for keys, before, after in reversed(edit.entries):
        now = get_raw(text, keys)
        if _same(now, after):
            text = set_raw(text, keys, before, collation_key if len(keys) > 1 else None)
            if len(keys) > 1 and before is not None:
                text = sort_members(text, keys[:1], collation_key)
        elif len(keys) == 1:
            text = set_raw(text, keys, _unbundled(text, now, before, after))
    return bom + text.encode()


def _unbundled(text: str, now: str | None, before: str | None, after: str | None) -> str | None:
    """Return the bundled names *now*, to which others added too, less what led from *before* to *after*."""
    have, old, new = (json.loads(each or "[]") for each in (now, before, after))
    if not all(isinstance(each, list) for each in (have, old, new)):
        return now
    names = [each for each in have if each in old or each not in new]
    back = [each for each in old if each not in new and each not in have]
    names = sorted([*names, *back], key=lambda each: collation_key(str(each))) if back else names
    return list_raw(text, names, 1) if names else None
