"""npm's ignore rules as patterns of the pathspec library.

pathspec is imported with this module, and takes tens of milliseconds: import it only where a spec is wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pathspec import PathSpec
from pathspec.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class NpmPattern(Pattern):
    """One rule, as pathspec sees it: *include* means that what matches is ignored."""

    __slots__ = ("_matches",)

    def __init__(self, matches: Callable[[str], bool], *, include: bool) -> None:
        super().__init__(include)
        self._matches = matches

    def match_file(self, file: str) -> bool | None:
        """True when the rule matches *file*, a path that ends with a slash when it is a directory; else None."""
        return self._matches(file) or None


def path_spec(patterns: Iterable[NpmPattern]) -> PathSpec[NpmPattern]:
    """The spec that applies *patterns* in order, so that the last one that matches decides."""
    # The other backends want regular expressions, which these patterns are not.
    return PathSpec(list(patterns), backend="simple")
