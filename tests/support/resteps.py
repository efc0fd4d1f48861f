"""A slow matcher for regular expressions that counts its steps, backtracking as Python's `re` does.

It knows what the patterns of `linkpack.packlist.secrets` are made of. A step is one item of the pattern tried at
one place of the text, once for each time it is tried there.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    Then = Callable[[int], int]

if sys.version_info >= (3, 11):
    from re import _constants as sre  # type: ignore[attr-defined]
    from re import _parser as sre_parse  # type: ignore[attr-defined]
else:
    import sre_constants as sre
    import sre_parse

# The parser's trees have no types.
Items = Any


class TooManyStepsError(Exception):
    """The steps went past what was allowed."""


class StepCounter:
    """Matches the bytes pattern *pattern*, as `re.finditer` does, and counts in *steps*; *most* are allowed."""

    def __init__(self, pattern: bytes, most: int) -> None:
        self.tree: Items = sre_parse.parse(pattern)
        self.steps = 0
        self._most = most
        self._sets: dict[int, frozenset[int]] = {}

    def search_all(self, text: bytes) -> list[int]:
        """Return the end of every match in *text*, each looked for behind the one before."""
        ends = []
        at = 0
        usual = sys.getrecursionlimit()
        sys.setrecursionlimit(20_000)  # some calls for each item of a match
        try:
            while at <= len(text):
                end = self._sequence(self.tree, 0, text, at, lambda end: end)
                ends += [end] if end >= 0 else []
                at = max(end, at + 1)
        finally:
            sys.setrecursionlimit(usual)
        return ends

    def _sequence(self, items: Items, index: int, text: bytes, at: int, then: Then) -> int:
        """Return what *then* says of the place behind *items* from *index* on; -1 when they do not match."""
        if index == len(items):
            return then(at)
        self._step()
        return self._item(items[index], text, at, lambda end: self._sequence(items, index + 1, text, end, then))

    def _item(self, item: Items, text: bytes, at: int, then: Then) -> int:
        operation, value = item
        if operation is sre.MAX_REPEAT:
            return self._repeat(value, text, at, then)
        if operation is sre.SUBPATTERN:
            return self._sequence(value[-1], 0, text, at, then)
        if operation is sre.BRANCH:
            ends = (self._sequence(branch, 0, text, at, then) for branch in value[1])
            return next((end for end in ends if end >= 0), -1)
        if operation in {sre.ASSERT, sre.ASSERT_NOT}:
            direction, inner = value
            start = at - (inner.getwidth()[0] if direction < 0 else 0)
            held = start >= 0 and self._sequence(inner, 0, text, start, lambda end: end) >= 0
            return then(at) if held == (operation is sre.ASSERT) else -1
        if operation is sre.AT:
            assert value is sre.AT_END_STRING
            return then(at) if at == len(text) else -1
        return then(at + 1) if self._fits(item, text, at) else -1

    def _repeat(self, value: Items, text: bytes, at: int, then: Then) -> int:
        least, most, inner = value
        if len(inner) == 1 and inner[0][0] in {sre.LITERAL, sre.IN}:
            count = 0
            while count < most and self._fits(inner[0], text, at + count):
                count += 1
                self._step()
            ends = (then(at + each) for each in range(count, least - 1, -1))
            return next((end for end in ends if end >= 0), -1)

        def more(count: int, at: int) -> int:
            end = -1
            if count < most:
                end = self._sequence(inner, 0, text, at, lambda end: more(count + 1, end))
            return end if end >= 0 or count < least else then(at)

        return more(0, at)

    def _step(self) -> None:
        self.steps += 1
        if self.steps > self._most:
            raise TooManyStepsError

    def _fits(self, item: Items, text: bytes, at: int) -> bool:
        if at >= len(text):
            return False
        if id(item) not in self._sets:
            self._sets[id(item)] = frozenset(fitting(item))
        return text[at] in self._sets[id(item)]


def fitting(item: Items) -> list[int]:
    """Return the characters that fit *item*, a literal or a set."""
    operation, value = item
    if operation is sre.LITERAL:
        return [value]
    assert operation is sre.IN
    negated = value[0][0] is sre.NEGATE
    return [char for char in range(256) if any(_is_in(member, char) for member in value) != negated]


def _is_in(member: Items, char: int) -> bool:
    operation, value = member
    if operation is sre.LITERAL:
        return bool(char == value)
    if operation is sre.RANGE:
        return bool(value[0] <= char <= value[1])
    if operation is sre.CATEGORY:
        known = {sre.CATEGORY_SPACE: rb"\s", sre.CATEGORY_WORD: rb"\w"}
        return re.match(known[value], bytes([char])) is not None
    return False


def invent(items: Items, random: Random) -> bytes:
    """Return a text that matches *items* as far as assertions allow: few or many of each repeat, by *random*."""
    text = b""
    for item in items:
        operation, value = item
        if operation is sre.MAX_REPEAT:
            least, most, inner = value
            count = random.choice((least, most, random.randint(least, most)))
            same = invent(inner, random) if random.random() < 0.5 else b""
            text += b"".join([same or invent(inner, random) for _ in range(count)])
        elif operation is sre.SUBPATTERN:
            text += invent(value[-1], random)
        elif operation is sre.BRANCH:
            text += invent(random.choice(value[1]), random)
        elif operation in {sre.LITERAL, sre.IN}:
            chars = fitting(item)
            liked = [char for char in chars if chr(char) in "aA0+- :\n\t="]  # that fit several sets
            text += bytes([random.choice(liked or chars)])
    return text
