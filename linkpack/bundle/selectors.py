"""Choose which dependencies are bundled, by the selectors of --bundle.

A selector is a word (`linked`, `workspace`, `private`, `all`), a name or `@scope/*`, and `!` before one takes away
what it names. Which selector comes first does not matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from linkpack.errors import LinkpackError
from linkpack.npm.package_names import find_dependency_name_fault
from linkpack.project.monorepo import find_enclosing_monorepos, list_all_members
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from linkpack.npm.manifest import Manifest

_WORDS = ("linked", "workspace", "private", "all")
_MEMBERS = frozenset({"workspace", "private"})  # the words about members of the workspace
_HINT = "select linked, workspace, private, all, a name or @scope/*, or take one away with ! in front of it"
_SETTING = "linkpack.bundle"


class Selectors(Record):
    """What is to be bundled.

    A dependency is bundled if *wanted* selects it and *unwanted* does not. *source* is where the selectors are
    written: `--bundle`, or the key in package.json. *members* are the real directories of the workspace's members.
    """

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]
    source: str
    members: frozenset[str] = frozenset()

    @property
    def members_wanted(self) -> Literal["none", "some", "only"]:
        """Say if `workspace` and `private` are none, some or all of *wanted*."""
        if not _MEMBERS.intersection(self.wanted):
            return "none"
        return "only" if _MEMBERS.issuperset(self.wanted) else "some"


class Dependency(Record):
    """A dependency: its *name*, and the real directory of the package.

    *folder* is "", and *manifest* None, when it is not installed. A *linked* package is a source directory.
    """

    name: str
    folder: str
    linked: bool
    manifest: Manifest | None


class SelectorMatch(Record):
    """The first selector for a dependency, and the first against it, if any."""

    wanted: str = ""
    unwanted: str = ""

    @property
    def is_selected(self) -> bool:
        """Return True if the dependency is bundled."""
        return bool(self.wanted) and not self.unwanted


def parse_selectors(texts: Iterable[str], source: str) -> Selectors:
    """Parse selectors, several of which may be in one text.

    Raises `LinkpackError` (EBUNDLESELECTOR) for one that is unknown.

    >>> parse_selectors(["private,@s/*", "!@s/secret"], "--bundle")[:2]
    (('private', '@s/*'), ('@s/secret',))
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    for text in texts:
        for selector in map(str.strip, text.split(",")):
            name = selector.removeprefix("!")
            if not _is_known(name):
                raise LinkpackError(
                    f'{source} cannot select "{selector}"', code="EBUNDLESELECTOR", path=selector, hint=_HINT
                )
            (unwanted if selector.startswith("!") else wanted).append(name)
    return Selectors(tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(unwanted)), source)


def _is_known(name: str) -> bool:
    if name in _WORDS:
        return True
    # `@scope/*` is checked as the name of a package in that scope.
    plain = f"{name[:-1]}x" if name.startswith("@") and name.endswith("/*") else name
    return not find_dependency_name_fault(plain) and not {"*", "!"}.intersection(plain)


def read_selectors(texts: tuple[str, ...] | None, folder: str, manifest: Manifest) -> Selectors | None:
    """Return the selectors for the project in *folder*, None without any.

    They are *texts*, or what the *manifest* has if these are None. The members of the workspace are read when a
    selector asks for them. Raises what `parse_selectors` raises.
    """
    if texts is None and manifest.selectors is None:
        return None
    source = "--bundle" if texts is not None else _SETTING
    selectors = parse_selectors(manifest.selectors or () if texts is None else texts, source)
    if not selectors.wanted:  # nothing is added to bundleDependencies, from which no selector takes away
        return None
    members: frozenset[str] = frozenset()
    if _MEMBERS & {*selectors.wanted, *selectors.unwanted}:
        # There may be several: the project can be the root of one workspace and a member of another.
        monorepos = find_enclosing_monorepos(folder)
        members = frozenset(member for monorepo in monorepos for member in list_all_members(monorepo))
    return selectors._replace(members=members)


def match_selectors(selectors: Selectors, dependency: Dependency) -> SelectorMatch:
    """Find the selectors for and against *dependency*."""
    return SelectorMatch(
        wanted=_find_match(selectors.wanted, selectors.members, dependency),
        unwanted=_find_match(selectors.unwanted, selectors.members, dependency),
    )


def _find_match(names: tuple[str, ...], members: frozenset[str], dependency: Dependency) -> str:
    return next((name for name in names if _matches(name, members, dependency)), "")


def _matches(selector: str, members: frozenset[str], dependency: Dependency) -> bool:
    """Return True if *selector*, without its `!`, names *dependency*."""
    folder = dependency.folder
    if selector == "all":
        return True
    if selector == "linked":
        return dependency.linked
    if selector in _MEMBERS:
        is_private = dependency.manifest is not None and dependency.manifest.private
        return folder in members and (selector == "workspace" or is_private)
    if selector.endswith("/*"):
        return dependency.name.startswith(selector[:-1])
    return dependency.name == selector
