"""Warn where ignore files between a workspace's root and a member mislead.

npm reads each line as if it were in the member's own folder (npm-packlist 10.0.4 and 11.3.0, lib/index.js,
`readOutOfTreeIgnoreFiles`). pnpm does the same, and yarn and bun do not read these files. Git reads a line from
the folder of its file. Measured on npm 11.19.1 and 12.2.0, pnpm 12.21.0, yarn 4.18.1, bun 1.4.5.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.glob.pattern import may_hold
from linkpack.glob.portion_matcher import fold
from linkpack.packlist.ignore import make_encoding_warning, parse_rules
from linkpack.packlist.rule_index import applies
from linkpack.packlist.warnings import name_first
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from linkpack.packlist.rule_index import Rule


class IgnoreFile(Record):
    """An ignore file.

    *path* is absolute, *encoding* "" for UTF-8.
    """

    path: str
    text: str
    encoding: str = ""


class OuterIgnores(Record):
    """The ignore files around a workspace member, outermost first.

    *applied*: the workspace's own *manager* applies them to the member, and so does linkpack. *by_npm*: npm does.
    """

    files: tuple[IgnoreFile, ...] = ()
    applied: bool = False
    by_npm: bool = False
    manager: str = "npm"

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Return the (path, text) of the files that apply."""
        return tuple([(file.path, file.text) for file in self.files]) if self.applied else ()

    def other_packer(self) -> OuterIgnores:
        """Return the same files, applied if npm applies them."""
        return self._replace(applied=self.by_npm)


class _Line(Record):
    """A rule of an ignore file around a member.

    *prefix* are the folded parts of the member's folder, relative to the folder of the file.
    """

    rule: Rule
    prefix: tuple[str, ...]

    def ignores(self, parts: tuple[str, ...]) -> bool:
        """Return True if git applies the line to the file at *parts*.

        It then ignores the file, or takes it back.
        """
        path = (*self.prefix, *parts)
        return applies(self.rule, path, "file") or self._names_folder(path[:-1])

    def reaches_in(self) -> bool:
        """Return True if git could apply the line to a part of the member."""
        # A line without a slash is about names, and means the same in every folder.
        is_path = not any(alternative.base for alternative in self.rule.glob.alternatives)
        return is_path and may_hold(self.rule.glob, self.prefix) and not self._names_folder(self.prefix)

    def _names_folder(self, folder: tuple[str, ...]) -> bool:
        """Return True if the line matches *folder* or one above it."""
        depths = range(1, len(folder) + 1)
        return any(applies(self.rule, folder[:depth], "folder") for depth in depths)


def find_encoding_warnings(root: str, outer: OuterIgnores) -> Iterator[Problem]:
    """Warn of each ignore file that is not in UTF-8."""
    for file in outer.files:
        if file.encoding:
            yield make_encoding_warning(file.path, posixpath.relpath(file.path, root), file.encoding)


def find_anchored_warnings(
    root: str, outer: OuterIgnores, omitted: Sequence[tuple[str, Rule]], shipped: Sequence[str], manifest: bytes
) -> Iterator[Problem]:
    """Warn of lines that act otherwise than in git.

    *omitted* are the paths that a rule of these files leaves out, a folder with a slash behind it, and *shipped*
    the files that ship. Paths in *manifest*, the text of the member's package.json, are meant to ship.
    """
    if outer.applied:
        lines = [line for file in outer.files for line in _parse_lines(root, file)]
        yield from _warn_of_omitted(root, outer.manager, lines, omitted)
        yield from _warn_of_shipped(root, outer.manager, lines, shipped, manifest)


def _parse_lines(root: str, file: IgnoreFile) -> list[_Line]:
    prefix = tuple(fold(part) for part in posixpath.relpath(root, posixpath.dirname(file.path)).split("/"))
    return [_Line(rule, prefix) for rule in parse_rules(file.text, file.path)]


def _warn_of_omitted(
    root: str, manager: str, lines: list[_Line], omitted: Sequence[tuple[str, Rule]]
) -> Iterator[Problem]:
    """Warn of each line that leaves out paths only by being misread."""
    for line in lines:
        by_line = [path for path, rule in omitted if rule.where == line.rule.where]
        paths = [path for path in by_line if not line.ignores(_split(path))]
        if paths:
            message = f"{_describe_misreading(root, line, manager)}: {name_first(paths)} {_are(paths)} left out"
            yield Problem("WANCHORED", f"{root}/{paths[0]}", message, 'name what is to ship in "files"')


def _warn_of_shipped(
    root: str, manager: str, lines: list[_Line], shipped: Sequence[str], manifest: bytes
) -> Iterator[Problem]:
    """Warn of each line that leaves out nothing only by being misread."""
    for number, line in enumerate(lines):
        # An exception leaves nothing out, in whatever folder it is read.
        if line.rule.negated or not line.reaches_in():
            continue
        # A later line may take back what this one ignores.
        exceptions = [other for other in lines[number + 1 :] if other.rule.negated]
        paths = [
            path
            for path in sorted(shipped)
            if line.ignores(parts := _split(path)) and not any(other.ignores(parts) for other in exceptions)
        ]
        if paths and not any(_is_named_in(manifest, path) for path in paths):
            message = f"{_describe_misreading(root, line, manager)}: {name_first(paths)} {_are(paths)} shipped"
            hint = 'ignore it in this package\'s own ignore file, or name what is to ship in "files"'
            yield Problem("WANCHORED", f"{root}/{paths[0]}", message, hint)


def _describe_misreading(root: str, line: _Line, manager: str) -> str:
    return f"{_show_rule(root, line.rule)} is read by {manager} from this package's folder, not from its own"


def _is_named_in(manifest: bytes, path: str) -> bool:
    """Return True if *manifest* names *path*, or something in its top folder."""
    # A path in JSON begins behind a quotation mark, with or without `./`. A closer look is not worth its time: the
    # result only spares a warning.
    top = path.partition("/")[0] + "/" * ("/" in path)
    return any(f'"{dot}{top}'.encode("utf-8", "surrogateescape") in manifest for dot in ("", "./"))


def find_packer_warnings(
    root: str, outer: OuterIgnores, ours: Iterable[str], theirs: Iterable[str], omitted: Sequence[tuple[str, Rule]]
) -> list[Problem]:
    """Warn if npm packs other files than the workspace's manager.

    *ours* ship, as from the manager, and *theirs* would ship from npm. *omitted* is as in
    `find_anchored_warnings`, of the one that applies the ignore files around the member.
    """
    more, fewer = sorted(set(ours) - set(theirs)), sorted(set(theirs) - set(ours))
    if not more and not fewer:
        return []
    paths = more or fewer
    rules = [rule for path, rule in omitted if f"{paths[0]}/".startswith(f"{path.rstrip('/')}/")]
    named = f"{name_first(paths)}{f' ({_show_rule(root, rules[0])})' if rules else ''}"
    if not more:
        message = f"{outer.manager}, the manager of this workspace, leaves out {named}; npm would ship it"
    elif outer.manager == "npm":
        message = f"npm would leave out {named}, beside the package's own .npmignore (npm/cli#6808)"
    else:
        message = f"npm would leave out {named}; {outer.manager}, the manager of this workspace, ships it"
    return [Problem("WPACKERS", f"{root}/{paths[0]}", message, 'name what is to ship in "files"')]


def _show_rule(root: str, rule: Rule) -> str:
    path, _, line = rule.where.rpartition(":")
    return f"{posixpath.relpath(path, root)}:{line}: {rule.text}"


def _are(paths: Sequence[str]) -> str:
    return "are" if len(paths) > 1 else "is"


def _split(path: str) -> tuple[str, ...]:
    return tuple(fold(path.rstrip("/")).split("/"))
