"""Plans `--save`: the entries of a link in package.json and the lockfile, and taking them out again."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING

from linkpack.disk import fslinks
from linkpack.errors import ManifestInvalid
from linkpack.linking.linklock import LOCKFILES, plan_lock, take_out
from linkpack.linking.linkrecord import planned_file, read_record
from linkpack.linking.linksections import META, SECTIONS, place, tables
from linkpack.linking.linkstate import ABSENT, Edit, File, ManifestEdit
from linkpack.npm.collate import collation_key
from linkpack.npm.jsonedit import get_raw, list_raw, set_raw, sort_members
from linkpack.npm.jsontext import BOM, parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.linking.linkdraft import PlanBuilder
    from linkpack.linking.linkpackage import Source
    from linkpack.linking.linkscene import LinkContext, SaveRules
    from linkpack.linking.linkstate import RecordedLink

_EMPTY = b"{\n}\n"
Entries = "tuple[tuple[tuple[str, ...], str | None, str | None], ...]"


def plan_save(builder: PlanBuilder, context: LinkContext, sources: Sequence[Source], rules: SaveRules) -> None:
    """Add to *builder* that the links to *sources* are saved, in the chosen workspaces or the project.

    `ManifestInvalid` when a manifest or lockfile there is no JSON object.
    """
    folders = context.picked or (context.project.root,)
    for source in sources:
        found = [_save_manifest(builder, folder, source, rules) for folder in folders]
        if rules.lockfile:
            locked = plan_lock(builder, folders, source, context)
            found += [locked] if locked is not None else []
        _note(builder, context, source, found)


def _note(builder: PlanBuilder, context: LinkContext, source: Source, found: Sequence[ManifestEdit]) -> None:
    """Write what was saved into the record's entry of the link."""
    modules = context.local_modules(source.manifest.name)[0]
    location = context.local_location(modules, source.manifest.name)
    edit = builder.edits.get((location.place, location.key))
    if edit is None or edit.after is None:  # the link was refused
        return
    saved = {one.path: one for one in edit.after.saved}
    record = read_record(context.store, location.place)
    others = builder.entries(location.place, record)
    del others[location.key]
    for one in found:
        saved[one.path] = _merge_edits(saved.get(one.path), one, others)
    others[location.key] = edit.after._replace(saved=tuple(saved.values()))
    for key, entry in others.items():
        builder.edits[location.place, key] = Edit(location.place, key, record.get(key), entry)


def _merge_edits(old: ManifestEdit | None, new: ManifestEdit, others: dict[str, RecordedLink]) -> ManifestEdit:
    """Two savings of one link as one: what was there before the first, what is there after the second.

    What the links in *others* saved in between then counts as saved before it. Where somebody else changed the
    file in between, the first is what they left, without *old*.
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


def _save_manifest(builder: PlanBuilder, folder: str, source: Source, rules: SaveRules) -> ManifestEdit:
    path = f"{folder}/package.json"
    state = planned_file(builder.changes, path)
    raw = state.content if state else _EMPTY
    members = parse(raw, path, strict=False)
    name, spec = source.manifest.name, "file:" + posixpath.relpath(source.root, folder)
    wanted = _wanted(members, name, spec, rules)
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
    after = File(bom + text.encode(), state.mode if state else 0o666 & ~_umask(builder))
    builder.edit_file(path, after)
    return ManifestEdit(path, state.content if state else None, after.content, tuple(entries))


def _same(left: str | None, right: str | None) -> bool:
    """Whether two JSON texts say the same; None is no text."""
    if left is None or right is None:
        return left == right
    return bool(json.loads(left) == json.loads(right))


def _pretty(text: str) -> str:
    return json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


def _umask(builder: PlanBuilder) -> int:
    from linkpack.disk.fslinks import current_umask  # noqa: PLC0415 - only for a file that is made

    del builder
    return current_umask()


def _wanted(
    members: Mapping[str, object], name: str, spec: str, rules: SaveRules
) -> list[tuple[tuple[str, ...], str | Sequence[str] | None]]:
    """The members to set or remove (None), as JSON text, or a list of names for the bundle."""
    before = tables(members)
    after = place(before, name, spec, rules.kind)
    found: list[tuple[tuple[str, ...], str | Sequence[str] | None]] = []
    for section in (*SECTIONS, META):
        if name in after[section]:
            found.append(((section, name), json.dumps(after[section][name], ensure_ascii=False)))
        elif name in before[section]:
            found.append(((section, name), None))
    if rules.bundle and any(name in after[section] for section in SECTIONS[:3]):
        found.append(_bundle(members, name, after["dependencies"]))
    return found


def _bundle(
    members: Mapping[str, object], name: str, dependencies: Mapping[str, object]
) -> tuple[tuple[str, ...], Sequence[str]]:
    """The list of bundled names with *name* among them, under the key that the manifest has it."""
    alias = "bundledDependencies"
    key = alias if alias in members and "bundleDependencies" not in members else "bundleDependencies"
    old = members.get(key)
    names = list(old) if isinstance(old, (list, dict)) else list(dependencies) if old is True else []
    return (key,), sorted({*(each for each in names if isinstance(each, str)), name}, key=collation_key)


def plan_unsave(builder: PlanBuilder, entry: RecordedLink, others: dict[str, RecordedLink]) -> None:
    """Add to *builder* that the files in which *entry* was saved are as they were.

    A file that only linkpack changed since gets its old bytes back, with what the links in *others* saved in it
    later put in again (their entries in *others* are brought up to date). In any other, the entries that are
    still ours go back to what they were, and the rest stays. A file that is broken by now stays, with a warning;
    `ManifestInvalid` for one that cannot be read.
    """
    for saved in entry.saved:
        state = planned_file(builder.changes, saved.path)
        if state is None:
            continue
        try:
            _unsave(builder, saved, state, others)
        except ManifestInvalid as err:
            builder.warn("WUNSAVED", saved.path, f"the link stays saved: {err.message}", "take it out by hand")


def _unsave(builder: PlanBuilder, saved: ManifestEdit, state: File, others: dict[str, RecordedLink]) -> None:
    """Add to *builder* that one file is as it was; `ManifestInvalid` when that is not to be had."""
    elsewhere = fslinks.is_link(saved.path)
    later = None if elsewhere else _edits_after(saved, state.content, others)
    if later is not None:
        content = _rebase(saved, later, others)
        builder.put_file(saved.path, ABSENT if content is None else File(content, state.mode))
        return
    after = File(_without(state.content, saved), state.mode)
    if after != state and elsewhere:
        message = f"{saved.path} is a link, and what it leads to is not changed"
        raise ManifestInvalid(message, code="ELINKOUT", path=saved.path)
    builder.put_file(saved.path, after)


def _edits_after(
    first: ManifestEdit, content: bytes, others: Mapping[str, RecordedLink]
) -> list[ManifestEdit] | None:
    """The savings that led from *first* to *content*, oldest first; None when something else changed the file."""
    known = [saved for entry in others.values() for saved in entry.saved if saved.path == first.path]
    chain: list[ManifestEdit] = []
    while content != first.after:
        step = next((saved for saved in known if saved.after == content and saved not in chain), None)
        if step is None or step.before is None:
            return None
        chain.insert(0, step)
        content = step.before
    return chain


def _rebase(first: ManifestEdit, later: Sequence[ManifestEdit], others: dict[str, RecordedLink]) -> bytes | None:
    """The file as if *first* had never been saved, and *later* had, as *others* say then; None for no file."""
    content = first.before
    for step in later:
        if content is None or first.before is None:
            after = _without(step.after, first)
        else:
            swapped = step._replace(entries=tuple((keys, new, old) for keys, old, new in step.entries))
            after = _without(content, swapped)
        for key, entry in others.items():
            if step in entry.saved:
                renewed = step._replace(before=content, after=after)
                whole = tuple(renewed if one == step else one for one in entry.saved)
                others[key] = entry._replace(saved=whole)
        content = after
    return content


def _without(content: bytes, saved: ManifestEdit) -> bytes:
    """*content* with those entries of *saved* undone that are still as they were written."""
    if posixpath.basename(saved.path) in LOCKFILES:
        return take_out(content, saved)
    parse(content, saved.path, strict=False)
    return _take_out(content, saved)


def _take_out(raw: bytes, saved: ManifestEdit) -> bytes:
    bom = BOM if raw.startswith(BOM) else b""
    text = raw.removeprefix(BOM).decode()
    for keys, before, after in reversed(saved.entries):
        now = get_raw(text, keys)
        if _same(now, after):
            text = set_raw(text, keys, before, collation_key if len(keys) > 1 else None)
            text = sort_members(text, keys[:1], collation_key) if len(keys) > 1 and before is not None else text
        elif len(keys) == 1:
            text = set_raw(text, keys, _unbundled(text, now, before, after))
    return bom + text.encode()


def _unbundled(text: str, now: str | None, before: str | None, after: str | None) -> str | None:
    """The list *now* of bundled names, to which others added too, without what led from *before* to *after*."""
    have, old, new = (json.loads(each or "[]") for each in (now, before, after))
    if not all(isinstance(each, list) for each in (have, old, new)):
        return now
    names = [each for each in have if each in old or each not in new]
    back = [each for each in old if each not in new and each not in have]
    names = sorted([*names, *back], key=lambda each: collation_key(str(each))) if back else names
    return list_raw(text, names, 1) if names else None
