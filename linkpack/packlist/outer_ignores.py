"""The ignore files between a workspace's root and a member: who applies them, and where their lines mislead.

npm reads each line as if it stood in the member's own folder (npm-packlist 10.0.4 and 11.3.0, lib/index.js,
`readOutOfTreeIgnoreFiles`), pnpm does the same, and yarn and bun read none of it. Git reads a line from the folder
of its file. Measured on npm 11.19.1 and 12.2.0, pnpm 12.21.0, yarn 4.18.1, bun 1.4.5.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import Problem
from linkpack.glob.pattern import may_hold
from linkpack.glob.portion_matcher import fold
from linkpack.packlist.ignore import encoding_warning, parse_rules
from linkpack.packlist.rule_index import applies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from linkpack.packlist.rule_index import Rule


class IgnoreFile(NamedTuple):
    """An ignore file: its absolute *path*, its *text*, and its *encoding*, "" for UTF-8."""

    path: str
    text: str
    encoding: str = ""


class OuterIgnores(NamedTuple):
    """The ignore files around a workspace member, outermost first, and who applies them to it.

    *applied*: the packer of the workspace's own *manager* does, and so linkpack. *by_npm*: npm does.
    """

    files: tuple[IgnoreFile, ...] = ()
    applied: bool = False
    by_npm: bool = False
    manager: str = "npm"

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Path and text of the files that apply."""
        return tuple([(file.path, file.text) for file in self.files]) if self.applied else ()

    def other_packer(self) -> OuterIgnores:
        """Return the same files as npm applies them, where the manager does not, and the other way round."""
        return self._replace(applied=self.by_npm)


class _Line(NamedTuple):
    """A *rule* of an ignore file, and the folded parts of the member's folder from that file's folder on."""

    rule: Rule
    prefix: tuple[str, ...]

    def ignores(self, parts: tuple[str, ...]) -> bool:
        """True if git finds that the line matches what is at *parts* in the member, or a folder around that."""
        whole = (*self.prefix, *parts)
        return applies(self.rule, whole, "file") or self._names_folder(whole[:-1])

    def reaches_in(self) -> bool:
        """True if git could match the line with something in the member, but not with all of it."""
        is_one = not any(alternative.base for alternative in self.rule.glob.alternatives)
        return is_one and may_hold(self.rule.glob, self.prefix) and not self._names_folder(self.prefix)

    def _names_folder(self, folder: tuple[str, ...]) -> bool:
        """True if the line matches *folder* or one above it."""
        depths = range(1, len(folder) + 1)
        return any(applies(self.rule, folder[:depth], "folder") for depth in depths)


def encoding_warnings(root: str, outer: OuterIgnores) -> Iterator[Problem]:
    """Warn of each file around the member in *root* that npm and git do not read."""
    for file in outer.files:
        if file.encoding:
            yield encoding_warning(file.path, posixpath.relpath(file.path, root), file.encoding)


def anchored_warnings(
    root: str, outer: OuterIgnores, omitted: Sequence[tuple[str, Rule]], shipped: Sequence[str], manifest: bytes
) -> Iterator[Problem]:
    """Warn of lines around the member in *root* that keep out, or let in, what git would not.

    *omitted* are the paths that a rule of these files leaves out, a folder with a slash behind it, and *shipped*
    are the files that ship. What *manifest*, the member's package.json, speaks of is meant to ship.
    """
    if outer.applied:
        lines = [line for file in outer.files for line in _lines(root, file)]
        yield from _kept_out(root, outer.manager, lines, omitted)
        yield from _let_in(root, outer.manager, lines, shipped, manifest)


def _lines(root: str, file: IgnoreFile) -> list[_Line]:
    prefix = tuple(fold(part) for part in posixpath.relpath(root, posixpath.dirname(file.path)).split("/"))
    return [_Line(rule, prefix) for rule in parse_rules(file.text, file.path)]


def _kept_out(
    root: str, manager: str, lines: list[_Line], omitted: Sequence[tuple[str, Rule]]
) -> Iterator[Problem]:
    """Warn of each line that leaves out what it does not speak of when read from its own folder."""
    for line in lines:
        by_it = [path for path, rule in omitted if rule.where == line.rule.where]
        found = [path for path in by_it if not line.ignores(_parts(path))]
        if found:
            message = f"{_misread(root, line, manager)}: {_some(found)} left out"
            yield Problem("WANCHORED", f"{root}/{found[0]}", message, 'name what is to ship in "files"')


def _let_in(
    root: str, manager: str, lines: list[_Line], shipped: Sequence[str], manifest: bytes
) -> Iterator[Problem]:
    """Warn of each line that keeps out nothing, but would when read from its own folder."""
    for number, line in enumerate(lines):
        if line.rule.negated or not line.reaches_in():
            continue
        later = [each for each in lines[number + 1 :] if each.rule.negated]
        found = [
            path
            for path in sorted(shipped)
            if line.ignores(parts := _parts(path)) and not any(each.ignores(parts) for each in later)
        ]
        if found and not any(_is_spoken_of(path, manifest) for path in found):
            message = f"{_misread(root, line, manager)}: {_some(found)} shipped"
            hint = 'ignore it in this package\'s own ignore file, or name what is to ship in "files"'
            yield Problem("WANCHORED", f"{root}/{found[0]}", message, hint)


def _misread(root: str, line: _Line, manager: str) -> str:
    return f"{_place(root, line.rule)} is read by {manager} from this package's folder, not from its own"


def _is_spoken_of(path: str, manifest: bytes) -> bool:
    """True if *manifest* names *path*, or something in the folder at its top."""
    top = path.partition("/")[0] + "/" * ("/" in path)
    return any(f'"{dot}{top}'.encode("utf-8", "surrogateescape") in manifest for dot in ("", "./"))


def packers_warnings(
    root: str, outer: OuterIgnores, ours: Iterable[str], theirs: Iterable[str], omitted: Sequence[tuple[str, Rule]]
) -> list[Problem]:
    """Warn that npm packs other files than the workspace's manager, because of ignore files around the member.

    *ours* ship, as from the manager; *theirs* would ship from npm; *omitted* as in `outer_warnings`, from the
    one of both that applies the files.
    """
    more, fewer = sorted(set(ours) - set(theirs)), sorted(set(theirs) - set(ours))
    if not more and not fewer:
        return []
    found = more or fewer
    rules = [rule for path, rule in omitted if f"{found[0]}/".startswith(f"{path.rstrip('/')}/")]
    place = f" ({_place(root, rules[0])})" if rules else ""
    if not more:
        what = f"{outer.manager}, whose workspace this is, leaves out {_some(found, '')}{place}; npm would ship it"
    elif outer.manager == "npm":
        what = f"npm would leave out {_some(found, '')}{place}, beside the package's own .npmignore (npm/cli#6808)"
    else:
        what = f"npm would leave out {_some(found, '')}{place}; {outer.manager}, whose workspace this is, ships it"
    return [Problem("WPACKERS", f"{root}/{found[0]}", what, 'name what is to ship in "files"')]


def _some(paths: Sequence[str], verb: str = "is") -> str:
    """Name the first of *paths*, and count the others."""
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more}{' are' if more and verb else f' {verb}' if verb else ''}"


def _place(root: str, rule: Rule) -> str:
    path, _, line = rule.where.rpartition(":")
    return f"{posixpath.relpath(path, root)}:{line}: {rule.text}"


def _parts(path: str) -> tuple[str, ...]:
    return tuple(fold(path.rstrip("/")).split("/"))
