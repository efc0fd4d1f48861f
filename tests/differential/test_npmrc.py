"""Our npmrc reader beside npm's own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkpack.npm.npmrc_text import expand, parse_npmrc
from tests.support.npm import run_node

PIECES = [
    "a",
    "b ",
    "=",
    '"',
    "'",
    ";",
    "#",
    "\\",
    "[",
    "]",
    "[]",
    "true",
    "null",
    "1",
    "\r",
    " ",
    "\ufeff",
    "${A}",
    "é",
]
LINES = st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), max_size=5)

INI = """
const found = use('ini').parse(request);
const plain = (v) => v === null || typeof v !== 'object';
const flat = (v) => plain(v) || Array.isArray(v) && v.every(plain);
return Object.entries(found).filter(([, v]) => flat(v));
"""
REPLACE = """
return use('@npmcli/config/lib/env-replace.js')(request, {A: '1', B: ''});
"""


@pytest.mark.differential
@settings(derandomize=True, deadline=None, max_examples=5)
@given(texts=st.lists(LINES.map("\n".join), min_size=200, max_size=300))
def test_like_npm(texts: list[str]) -> None:
    """The keys before any section, and their values, are those that npm's parser finds."""
    plain = [text for text in texts if "[" not in "".join(line.lstrip()[:1] for line in text.splitlines())]
    theirs = run_node(INI, plain)
    for text, pairs in zip(plain, theirs, strict=True):
        assert isinstance(pairs, list)
        ours = parse_npmrc(text)
        wanted = dict(pairs)
        assert {key: ours.get(key, "(none)") for key in wanted} == wanted, repr(text)


@pytest.mark.differential
@settings(derandomize=True, deadline=None, max_examples=3)
@given(
    st.lists(
        st.lists(
            st.sampled_from(["${A}", "${B}", "${C}", "${C?}", "\\", "$", "{", "}", "?", "x"]), max_size=7
        ).map("".join),
        min_size=200,
        max_size=300,
    )
)
def test_variables_like_npm(texts: list[str]) -> None:
    """Variables are replaced as npm replaces them."""
    assert [expand(text, {"A": "1", "B": ""}) for text in texts] == run_node(REPLACE, texts)
