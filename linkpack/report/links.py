"""Write plans of the link commands and lists of links."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING

from linkpack.linking.outside_project import outside_changes
from linkpack.linking.states import File
from linkpack.linking.status import describe_commands
from linkpack.report.problems import problem_values
from linkpack.report.text import JSON_SCHEMA, count, escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linkpack.linking.list_command import Survey
    from linkpack.linking.outside_project import Outside
    from linkpack.linking.states import Item, LinkPlan
    from linkpack.linking.status import Status

# What a change of a path outside of the project is called, by the `action` of `Outside`.
_FUTURE = {
    "add": "add",
    "change": "change",
    "remove": "remove",
    "replace": "replace",
    "restore": "restore",
    "mode": "change the mode of",
    "rewrite": "rewrite",
}
_PAST = {
    "add": "added",
    "change": "changed",
    "remove": "removed",
    "replace": "replaced",
    "restore": "restored",
    "mode": "changed the mode of",
    "rewrite": "rewrote",
}
_STATES = {
    "dropped": "an install took it away; linkpack relink brings it back",
    "dangling": "its folder is gone; linkpack unlink puts back what was there",
    "uninstalled": "it left package.json since; linkpack unlink forgets it, linkpack relink NAME brings it back",
}


def planned_text(plan: LinkPlan, roots: Sequence[str] = ()) -> str:
    """Return what a plan would do, a line for each link.

    Such a line is `add alpha 9.0.0`. The text is empty where nothing would change.
    *roots* are the project's folders: each change outside of them has a line of its own.
    """
    # The words of npm's own dry run (npm 12.2, lib/utils/reify-output.js).
    lines = [f"add {_label(item)}" for item in plan.added]
    lines += [f"change {old.name} {old.version or '(no version)'} => {new.version}" for old, new in plan.changed]
    lines += [f"remove {_label(item)}" for item in plan.removed]
    if not lines and (line := _unlinked_line(plan, roots, "change")):
        lines = [line]
    return "\n".join([*map(escape, lines), *_copy_lines(plan), *_outside_lines(plan, roots, _FUTURE)])


def _label(item: Item) -> str:
    return f"{item.name} {item.version}".rstrip()


def done_text(plan: LinkPlan, roots: Sequence[str] = ()) -> str:
    """Return what a plan did in npm's words, then a line for each link.

    npm's words are `added 1 package` or `up to date`. Where no link is added or removed, files that changed are
    named. *roots* are as for `planned_text`.
    """
    # npm 12.2, lib/utils/reify-output.js, packagesChangedMessage, without the time that it took.
    counts = (("added", len(plan.added)), ("removed", len(plan.removed)), ("changed", len(plan.changed)))
    parts = [f"{verb} {count(number, 'package')}" for verb, number in counts if number]
    outside = _outside_lines(plan, roots, _PAST)
    first = ", ".join(parts) or _unlinked_line(plan, roots, "changed")
    if not first:
        first = "up to date in the project" if outside else "up to date"
    return "\n".join([first, *_link_targets(plan), *_copy_lines(plan), *outside])


def _unlinked_line(plan: LinkPlan, roots: Sequence[str], verb: str) -> str:
    """Return the line about a plan that adds and removes no link.

    It names the files of the project that change, or the record alone. It is empty where nothing changes.
    """
    files = [
        change.path for change in plan.changes if isinstance(change.after, File) or isinstance(change.before, File)
    ]
    inside = [path for path in files if not roots or any(path.startswith(f"{root}/") for root in roots)]
    if inside:
        return f"{verb} {' and '.join(escape(posixpath.basename(path)) for path in dict.fromkeys(inside))}"
    return f"{verb} the record of links alone" if plan.edits or plan.saves else ""


def _link_targets(plan: LinkPlan) -> Iterator[str]:
    targets = {change.path: change.after for change in plan.changes}
    copies = {copy.path for copy in plan.copies}  # `_copy_lines` has them
    for item in (*plan.added, *(new for _, new in plan.changed)):
        if item.path in copies:
            continue
        target = getattr(targets.get(item.path), "target", "")
        yield f"  {escape(item.path)}{' -> ' if target else ''}{escape(target)}"


def _copy_lines(plan: LinkPlan) -> Iterator[str]:
    """Yield where each copy is and what it holds, then which peers it shares."""
    for copy in plan.copies:
        yield f"  {escape(copy.path)} <- {escape(copy.source)} ({count(copy.files, 'file')})"
        if copy.nested:
            yield f"    with {escape(', '.join(copy.nested))}"
        yield from (f"    {escape(peer)}: one copy" for peer in copy.peers)


def _outside_lines(plan: LinkPlan, roots: Sequence[str], verbs: Mapping[str, str]) -> list[str]:
    """Return a line for each change outside of *roots* without one yet."""
    # A global link is among the packages above. If it displaced what was installed, a second line says where that
    # is kept (tests/linking/test_outside_project.py, test_a_displaced_global_tool_is_reported).
    reported = {item.path for item in (*plan.added, *plan.removed, *(new for _, new in plan.changed))}
    rows = [
        _outside_line(change, verbs)
        for change in outside_changes(plan, roots)
        if change.path not in reported or change.kept
    ]
    return ["outside of the project:", *(f"  {escape(row)}" for row in rows)] if rows else []


def _outside_line(change: Outside, verbs: Mapping[str, str]) -> str:
    line = f"{verbs[change.action]} {change.path}"
    if change.action == "mode":
        return f"{line}: {change.before} to {change.after}"
    if change.action == "rewrite":
        return f"{line}: its first line ended in CRLF"
    # The text of a link. For a file it is permission bits, which JSON alone has.
    if change.after and not change.after.isdecimal():
        line += f" -> {change.after}"
    if change.action == "change":
        line += f" (was -> {change.before})"
    if change.action == "replace":
        line += f" (what was installed there is kept in {change.kept})"
    return line


def plan_json(plan: LinkPlan, roots: Sequence[str] = ()) -> str:
    """Return the plan as npm's install commands print it with --json.

    Four keys are our own: `copies`, `outside` with the changes outside of *roots* (see `Outside`), `warnings`, and
    `linkpack` with the number of the schema.
    """
    # npm 12.2, lib/utils/reify-output.js, without `audited` and `funding`: no registry is asked.
    value = {
        "add": [item._asdict() for item in plan.added],
        "added": len(plan.added),
        "change": [{"from": old._asdict(), "to": new._asdict()} for old, new in plan.changed],
        "changed": len(plan.changed),
        "remove": [item._asdict() for item in plan.removed],
        "removed": len(plan.removed),
        "copies": [copy._asdict() for copy in plan.copies],
        "outside": [change._asdict() for change in outside_changes(plan, roots)],
        "warnings": [problem_values(problem) for problem in plan.warnings],
        "linkpack": {"schema": JSON_SCHEMA},
    }
    return json.dumps(value, indent=2)


def listing_text(survey: Survey) -> str:
    """Return the links with their states, and what to do about lost ones."""
    lines = [line for link in survey.links for line in _link_lines(link)]
    if not lines:
        lines.append(f"no links in {escape(survey.place)}")
    if survey.linked_at:
        lines += ["this package is linked at:", *(f"  {escape(path)}" for path in survey.linked_at)]
    return "\n".join(lines)


def _link_lines(link: Status) -> Iterator[str]:
    note = "" if link.ours else " (not made by linkpack)"
    label = escape(f"{link.name} {link.version}".rstrip())
    state = "copied" if link.copy and link.state == "linked" else link.state
    yield f"{state:8}  {label} {'<-' if link.copy else '->'} {escape(link.target)}{note}"
    facts = [_STATES[link.state]] if link.state in _STATES else []
    facts += [f"commands: {describe_commands(link.commands)}"] if link.commands else []
    if not all(command.is_in_order for command in link.commands):
        facts.append("linkpack relink mends commands; build what is unbuilt first")
    facts += [f"saved in {', '.join(link.saved)}"] if link.saved else []
    facts += [f"what it displaced is in {place}" for place in link.displaced]
    facts += [f"the global {link.name} leads elsewhere: {link.elsewhere}"] if link.elsewhere else []
    yield from (f"          {escape(fact)}" for fact in facts)


def listing_json(survey: Survey) -> str:
    """Return the links as JSON.

    Its keys are `schema`, `place`, `links`, `linkedAt` and `warnings`. Each link has the fields of `Status`.
    """
    value = {
        "schema": JSON_SCHEMA,
        "place": survey.place,
        "links": [
            {**link._asdict(), "commands": [command._asdict() for command in link.commands]}
            for link in survey.links
        ],
        "linkedAt": list(survey.linked_at),
        "warnings": [problem_values(problem) for problem in survey.warnings],
    }
    return json.dumps(value, indent=2)
