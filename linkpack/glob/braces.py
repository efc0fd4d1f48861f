"""Expand braces as npm does: `{a,b}`, `{1..3}`, `{a..e..2}`, nested.

What expands and what stays plain text was measured on npm 11.19.1 (minimatch 10.2.5, brace-expansion 5.0.9).
npm cuts an expansion off after 100,000 results. linkpack refuses one of more than `MAX_RESULTS`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from linkpack import limits
from linkpack.errors import LinkpackError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_RESULTS = 10_000  # alternatives of one pattern
MAX_CHARS = 1_000_000  # … and their characters, together
MAX_BRACES = 2_000  # braces in one pattern that expands
MAX_DEPTH = 50  # braces inside braces

_CHARACTER = 4  # steps for reading a character of a pattern: 5 us for a star between letters
_RESULT = 300  # steps for each result, which is compiled as a pattern by itself

_ESCAPES = "\\{},."  # a backslash before one of these makes it plain, and is gone after expansion
_SEQUENCE = r"(-?[0-9]{1,15})\.\.(-?[0-9]{1,15})(?:\.\.(-?[0-9]{1,15}))?"
_LONG_SEQUENCE = r"-?[0-9]+\.\.-?[0-9]+(?:\.\.-?[0-9]+)?"
_LETTERS = r"([a-zA-Z])\.\.([a-zA-Z])(?:\.\.(-?[0-9]{1,15}))?"
_PADDED = "-?0[0-9]"  # brace-expansion 5.0.9, `isPadded`


def expand_braces(pattern: str) -> list[str]:
    r"""Return what *pattern* expands to, in order, without repeats.

    >>> expand_braces("{lib,src}/*.{js,ts}")
    ['lib/*.js', 'lib/*.ts', 'src/*.js', 'src/*.ts']
    >>> expand_braces("a{08..10}"), expand_braces("{a..e..2}"), expand_braces("x{,y}")
    (['a08', 'a09', 'a10'], ['a', 'c', 'e'], ['x', 'xy'])

    Braces that hold no choice stay as they are, and so do those behind a `$` or a backslash:

    >>> expand_braces("{a}"), expand_braces("${a,b}"), expand_braces(r"\{a,b}")
    (['{a}'], ['${a,b}'], ['{a,b}'])

    Raises `LinkpackError` (EPATTERN) when the results or the braces exceed the limits above.
    """
    limits.spend(_CHARACTER * len(pattern))
    start = pattern.find("{")
    if start < 0 or pattern.rfind("}") < start:
        return [pattern]
    if pattern.count("{") + pattern.count("}") > MAX_BRACES:
        raise _refuse(f"it has more than {MAX_BRACES} braces")
    # What a backslash makes plain is replaced by characters that mean nothing, and put back at the end.
    stand_ins = _find_unused(pattern, len(_ESCAPES))
    # A leading {} is plain text, as in bash.
    text = "\\{\\}" + pattern[2:] if pattern.startswith("{}") else pattern
    for plain, stand_in in zip(_ESCAPES, stand_ins, strict=True):
        text = text.replace("\\" + plain, stand_in)
    back = str.maketrans(dict(zip(stand_ins, _ESCAPES, strict=True)))
    # An empty alternative matches nothing, so it need not be kept.
    results = [result.translate(back) for result in dict.fromkeys(_expand(text, stand_ins[2], 0)) if result]
    limits.spend(_RESULT * len(results))
    return results


def _find_unused(pattern: str, count: int) -> list[str]:
    """Return *count* private-use characters that *pattern* does not have."""
    seen = set(pattern)
    free = (char for char in map(chr, range(0xE000, 0x110000)) if char not in seen)
    return [next(free) for _ in range(count)]


def _expand(text: str, plain_close: str, depth: int) -> list[str]:
    """Return every expansion of *text*.

    *plain_close* is the character that replaces a closing brace that is plain text.
    """
    if depth > MAX_DEPTH:
        raise _refuse(f"its braces nest deeper than {MAX_DEPTH}")
    done = [""]
    while group := _find_group(text):
        start, end = group
        before, body, after = text[:start], text[start + 1 : end], text[end + 1 :]
        if before.endswith("$"):  # ${…} does not expand, as in bash
            done = _combine(done, [f"{before}{{{body}}}"])
        elif (sequence := _expand_sequence(body)) is not None:
            done = _combine(done, [before + item for item in sequence])
        elif "," in body:
            done = _combine(done, [before + item for item in _expand_members(body, plain_close, depth)])
        elif "," in after[: after.rfind("}") + 1]:
            # {a},b}: the first closing brace is text, so that the later one can close.
            text = f"{before}{{{body}{plain_close}{after}"
            continue
        else:
            break  # from here on nothing expands
        text = after
    return _combine(done, [text])


def _find_group(text: str) -> tuple[int, int] | None:
    """Return where the leftmost closed brace opens and closes.

    >>> _find_group("{a{b,c}"), _find_group("a}")
    ((2, 6), None)
    """
    opened: list[int] = []
    best: tuple[int, int] | None = None
    for brace in re.finditer(r"[{}]", text):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened:
            start = opened.pop()
            if best is None or start < best[0]:
                best = (start, brace.start())
            if not opened:
                break
    return best


def _expand_sequence(body: str) -> list[str] | None:
    """Return the items of `1..3` or `a..e..2`, or None when *body* is neither."""
    if letters := re.fullmatch(_LETTERS, body):
        first, last = ord(letters[1]), ord(letters[2])
        # From A to z the code points pass a backslash, which would quote what follows: it becomes nothing.
        return [chr(code).replace("\\", "") for code in _count_steps(first, last, letters[3])]
    if numbers := re.fullmatch(_SEQUENCE, body):
        width = max(len(numbers[1]), len(numbers[2])) if any(map(_is_padded, numbers.groups(""))) else 0
        steps = _count_steps(int(numbers[1]), int(numbers[2]), numbers[3])
        return [f"{number:0{width}d}" for number in steps]
    if re.fullmatch(_LONG_SEQUENCE, body):
        raise _refuse("it counts with numbers of more than 15 digits")
    return None


def _is_padded(number: str) -> bool:
    return re.match(_PADDED, number) is not None


def _count_steps(first: int, last: int, step: str | None) -> range:
    by = max(abs(int(step or 1)), 1)
    steps = range(first, last + 1, by) if first <= last else range(first, last - 1, -by)
    # Not len(): it fails on a range that no list could hold.
    if (abs(last - first)) // by >= MAX_RESULTS:
        raise _refuse(f"it stands for more than {MAX_RESULTS} patterns")
    return steps


def _expand_members(body: str, plain_close: str, depth: int) -> Iterator[str]:
    """Yield the expansions of the members of a group, in order."""
    members = _split_members(body)
    if len(members) == 1:  # {{a,b}}: each result keeps the outer braces
        yield from (f"{{{result}}}" for result in _expand(body, plain_close, depth + 1))
        return
    for member in members:
        yield from _expand(member, plain_close, depth + 1)


def _split_members(body: str) -> list[str]:
    """Split *body* at the commas that are in no closed group of their own.

    >>> _split_members("a,b{c,d},e")
    ['a', 'b{c,d}', 'e']
    """
    members = [""]
    while group := _find_group(body):
        start, end = group
        first, *rest = body[:start].split(",")
        members[-1] += first
        members += rest
        members[-1] += body[start : end + 1]
        body = body[end + 1 :]
    first, *rest = body.split(",")
    members[-1] += first
    return members + rest


def _combine(heads: list[str], tails: Iterable[str]) -> list[str]:
    """Return every head with every tail behind it, in order."""
    ends: list[str] = []
    for tail in tails:
        ends.append(tail)
        if len(ends) * len(heads) > MAX_RESULTS:
            raise _refuse(f"it stands for more than {MAX_RESULTS} patterns")
    characters = len(ends) * sum(map(len, heads)) + len(heads) * sum(map(len, ends))
    if characters > MAX_CHARS:
        raise _refuse(f"it stands for more than {MAX_CHARS} characters of patterns")
    return [head + end for head in heads for end in ends]


def _refuse(why: str) -> LinkpackError:
    return LinkpackError(f"the pattern cannot be used: {why}", code="EPATTERN", hint="write a simpler pattern")
