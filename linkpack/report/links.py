"""Turn plans, links and settings into text and into JSON; nothing here prints."""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linkpack.errors import Problem
    from linkpack.linking.list_command import Survey
    from linkpack.linking.outside_project import Outside
    from linkpack.linking.states import Item, LinkPlan
    from linkpack.linking.status import Status
    from linkpack.npm.config import Config, Setting
    from linkpack.npm.npmrc_text import Value

_MASK = "***"
_PRIVATE_NAMES = r"(?i)passw|passphrase|token|secret|credential|^(?:key|cert|otp)$|(?:^|[-_.])auth$"
_SHOWN = 10_000  # characters of a value that is printed
_PRIVATE_ARGUMENTS = r"(?i)([?&][^=&\s]{0,50}(?:token|key|secret|passw|auth|sig)[^=&\s]{0,50}=)[^&#\s]*"
_FUTURE = {action: action for action in ("add", "change", "remove", "replace", "restore", "mode", "rewrite")} | {
    "mode": "change the mode of"
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


def shown(text: str) -> str:
    """Return *text* fit for a terminal: what is not printable is escaped."""
    if text.isprintable():
        return text
    from linkpack.report.pack import safe  # noqa: PLC0415 - hardly any name needs it

    return safe(text)


def problem_lines(kind: str, problems: Sequence[Problem]) -> str:
    """Return a line for each of *problems*, `linkpack: <kind> CODE: message`, with the hint below it."""
    lines = []
    for problem in problems:
        lines.append(f"linkpack: {kind} {problem.code}: {shown(problem.message)}")
        if problem.hint:
            lines.append(f"  {shown(problem.hint)}")
    return "\n".join(lines)


def done(plan: LinkPlan, roots: Sequence[str] = ()) -> str:
    """Say what a plan did, in npm's words: `added 1 package`, or `up to date`; a line for each link.

    Where no link changed, the files that did are named: those that a link was saved in.

    *roots* are the project's folders: each change outside of them has a line of its own.
    """
    counts = (("added", len(plan.added)), ("removed", len(plan.removed)), ("changed", len(plan.changed)))
    parts = [f"{verb} {count} package{'s' if count > 1 else ''}" for verb, count in counts if count]
    outside = _outside_lines(plan, roots, _PAST)
    first = ", ".join(parts) or _unlinked_line(plan, roots, "changed")
    if not first:
        first = "up to date in the project" if outside else "up to date"
    return "\n".join([first, *_details(plan), *outside])


def _unlinked_line(plan: LinkPlan, roots: Sequence[str], verb: str) -> str:
    """Say what a plan without a link to make or remove does to the project: to its files, or the record alone."""
    from linkpack.linking.states import File  # noqa: PLC0415 - only where links change

    files = [one.path for one in plan.changes if isinstance(one.after, File) or isinstance(one.before, File)]
    inside = [path for path in files if not roots or any(path.startswith(f"{root}/") for root in roots)]
    if inside:
        return f"{verb} {' and '.join(shown(posixpath.basename(path)) for path in dict.fromkeys(inside))}"
    return f"{verb} the record of links alone" if plan.edits or plan.saves else ""


def _details(plan: LinkPlan) -> Iterator[str]:
    targets = {change.path: change.after for change in plan.changes}
    for item in (*plan.added, *(new for _, new in plan.changed)):
        target = getattr(targets.get(item.path), "target", "")
        yield f"  {shown(item.path)}{' -> ' if target else ''}{shown(target)}"


def _outside_lines(plan: LinkPlan, roots: Sequence[str], verbs: Mapping[str, str]) -> list[str]:
    """Return a line for each change outside of *roots*, but for the links that are reported by themselves."""
    from linkpack.linking.outside_project import outside_changes  # noqa: PLC0415 - only where links change

    told = {item.path for item in (*plan.added, *plan.removed, *(new for _, new in plan.changed))}
    rows = [
        _outside_line(each, verbs) for each in outside_changes(plan, roots) if each.path not in told or each.kept
    ]
    return ["outside of the project:", *(f"  {shown(row)}" for row in rows)] if rows else []


def _outside_line(change: Outside, verbs: Mapping[str, str]) -> str:
    line = f"{verbs[change.action]} {change.path}"
    if change.action == "mode":
        return f"{line}: {change.before} to {change.after}"
    if change.action == "rewrite":
        return f"{line}: its first line ended in CRLF"
    if change.after and not change.after.isdecimal():
        line += f" -> {change.after}"
    if change.action == "change":
        line += f" (was -> {change.before})"
    if change.action == "replace":
        line += f" (what was installed there is kept in {change.kept})"
    return line


def planned(plan: LinkPlan, roots: Sequence[str] = ()) -> str:
    """Say what a plan would do: `add alpha 9.0.0`, a line each; empty if nothing. *roots* as for `done`."""
    lines = [f"add {_label(item)}" for item in plan.added]
    lines += [f"change {old.name} {old.version or '(no version)'} => {new.version}" for old, new in plan.changed]
    lines += [f"remove {_label(item)}" for item in plan.removed]
    if not lines and (line := _unlinked_line(plan, roots, "change")):
        lines = [line]
    return "\n".join([*(shown(line) for line in lines), *_outside_lines(plan, roots, _FUTURE)])


def _label(item: Item) -> str:
    return f"{item.name} {item.version}".rstrip()


def plan_json(plan: LinkPlan, roots: Sequence[str] = ()) -> str:
    """Return the plan as npm's install commands print it with --json, with keys of our own.

    These are `outside`, what changes outside of *roots* (see `Outside`), and `warnings`.
    """
    from linkpack.linking.outside_project import outside_changes  # noqa: PLC0415 - only where links change

    value = {
        "add": [item._asdict() for item in plan.added],
        "added": len(plan.added),
        "change": [{"from": old._asdict(), "to": new._asdict()} for old, new in plan.changed],
        "changed": len(plan.changed),
        "remove": [item._asdict() for item in plan.removed],
        "removed": len(plan.removed),
        "outside": [change._asdict() for change in outside_changes(plan, roots)],
        "warnings": [problem._asdict() for problem in plan.warnings],
    }
    return json.dumps(value, indent=2)


def listing(found: Survey) -> str:
    """Tell a person of links: name, version, state, target, commands, and what to do about lost ones."""
    lines = [line for link in found.links for line in _link_lines(link)]
    if not lines:
        lines.append(f"no links in {shown(found.place)}")
    if found.linked_at:
        lines += ["this package is linked at:", *(f"  {shown(path)}" for path in found.linked_at)]
    return "\n".join(lines)


def _link_lines(link: Status) -> Iterator[str]:
    from linkpack.linking.status import described  # noqa: PLC0415 - only for ls

    note = "" if link.ours else " (not made by linkpack)"
    label = shown(f"{link.name} {link.version}".rstrip())
    yield f"{link.state:8}  {label} -> {shown(link.target)}{note}"
    facts = [_STATES[link.state]] if link.state in _STATES else []
    facts += [f"commands: {described(link.commands)}"] if link.commands else []
    if not all(command.is_in_order for command in link.commands):
        facts.append("linkpack relink mends commands; build what is unbuilt first")
    facts += [f"saved in {', '.join(link.saved)}"] if link.saved else []
    facts += [f"what it displaced is in {place}" for place in link.displaced]
    facts += [f"the global {link.name} leads elsewhere: {link.elsewhere}"] if link.elsewhere else []
    yield from (f"          {shown(fact)}" for fact in facts)


def listing_json(found: Survey) -> str:
    """Return what `listing` tells as JSON: `{"place", "links", "linkedAt", "warnings"}`.

    Each link has the fields of `Status`.
    """
    value = {
        "place": found.place,
        "links": [
            {**link._asdict(), "commands": [command._asdict() for command in link.commands]}
            for link in found.links
        ],
        "linkedAt": list(found.linked_at),
        "warnings": [problem._asdict() for problem in found.warnings],
    }
    return json.dumps(value, indent=2)


def settings_text(config: Config) -> str:
    """Return every setting with who made it, and the folders that follow from the prefix."""
    rows = [f"{key} = {json.dumps(each.value)}  ({each.source})" for key, each in sorted(_public(config).items())]
    folders = (("global modules", config.modules), ("global commands", config.bins), ("man pages", config.mans))
    rows += [f"{label}: {path}" for label, path in folders if path]
    return "\n".join(shown(row) for row in rows)


def settings_json(config: Config) -> str:
    """Return every setting as JSON: key to value and source."""
    return json.dumps({key: each._asdict() for key, each in sorted(_public(config).items())}, indent=2)


def _public(config: Config) -> dict[str, Setting]:
    """Return the settings without secrets: those that are one by their key, and what is secret in a value."""
    return {
        key: each._replace(value=masked(each.value))
        for key, each in config.settings.items()
        if not key.startswith(("_", "/", "-")) and ":" not in key and not re.search(_PRIVATE_NAMES, key)
    }


def masked(value: Value) -> Value:
    """Return *value*, a setting, with `***` for the secrets in it.

    http://user:word@proxy.example  ->  http://user:***@proxy.example
    https://host/?token=abc         ->  https://host/?token=***
    """
    if isinstance(value, list):
        return [masked(each) for each in value]  # type: ignore[misc]  # scalars give scalars
    if not isinstance(value, str):
        return value
    from linkpack.packlist.secrets import tokens_in  # noqa: PLC0415 - only for this command

    if len(value) > _SHOWN or tokens_in(value.encode("utf-8", "surrogateescape")):
        return _MASK
    words = [_without_password(word) for word in value.split(" ")]
    return re.sub(_PRIVATE_ARGUMENTS, rf"\1{_MASK}", " ".join(words))


def _without_password(word: str) -> str:
    """Return *word* without the password, or token, of the address that it may be."""
    head, at, host = word.rpartition("@")  # the last one: passwords hold unescaped ones
    scheme, mark, login = head.partition("://")
    if not mark:
        scheme, login = "", head
    name, colon, rest = login.partition(":")
    port, slash, _ = rest.partition("/")
    if not at or "/" in name or (slash and port.isdigit()):  # https://host:8080/@scope holds no login
        return word
    if colon:
        return f"{scheme}{mark}{name}:{_MASK}@{host}"
    return f"{scheme}{mark}{_MASK}@{host}" if mark else word
