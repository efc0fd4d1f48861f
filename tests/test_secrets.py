"""Tokens by their beginnings: the same are found in short texts and, many at once, in long ones."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkpack.select import secrets
from linkpack.select.secrets import Scanner, tokens_in

TOKENS = secrets._TOKENS  # noqa: SLF001 - each of them is to be found
FILLER = b"const a = b_c - d.e;\n" * 4096


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token.prefix.decode())
@pytest.mark.parametrize("before", [b"", FILLER], ids=["short", "long"])
def test_each_beginning_is_found(before: bytes, token: secrets.Token) -> None:
    """The beginning of a token is found at the start, in the middle and at the end of a text."""
    for text in (token.prefix + before, before + token.prefix + before, before + token.prefix):
        assert token in tokens_in(text)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    st.lists(st.sampled_from([token.prefix for token in TOKENS] + [b"gh", b"_", b"-", b"sk", b"A"]), max_size=8)
)
def test_long_texts_say_what_short_ones_do(pieces: list[bytes]) -> None:
    """Which tokens a text may hold does not depend on how it was looked for."""
    text = b"".join(pieces)
    assert tokens_in(FILLER + text) == tokens_in(text) == tuple(one for one in TOKENS if one.prefix in text)


def test_only_the_tokens_asked_for() -> None:
    """A scanner that was told what to look for looks for nothing else."""
    text = b"npm_" + b"Zz8" * 12
    for tokens, found in ((TOKENS, ["an npm token"]), (TOKENS[:1], [])):
        scanner = Scanner("a.js", tokens)
        scanner.feed(text)
        assert list(scanner.labels) == found
