"""Tokens by their beginnings: the same are found in short texts and, many at once, in long ones."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkpack.packlist import secrets
from linkpack.packlist.secrets import PRIVATE_KEY, Scanner, find_tokens
from tests.support.resteps import StepCounter, TooManyStepsError, invent

TOKENS = secrets._TOKENS  # noqa: SLF001 - each of them is to be found
FILLER = b"const a = b_c - d.e;\n" * 4096


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token.prefix.decode())
@pytest.mark.parametrize("before", [b"", FILLER], ids=["short", "long"])
def test_each_beginning_is_found(before: bytes, token: secrets.Token) -> None:
    """The beginning of a token is found at the start, in the middle and at the end of a text."""
    for text in (token.prefix + before, before + token.prefix + before, before + token.prefix):
        assert token in find_tokens(text)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    st.lists(st.sampled_from([token.prefix for token in TOKENS] + [b"gh", b"_", b"-", b"sk", b"A"]), max_size=8)
)
def test_long_texts_say_what_short_ones_do(pieces: list[bytes]) -> None:
    """Which tokens a text may hold does not depend on how it was looked for."""
    text = b"".join(pieces)
    assert find_tokens(FILLER + text) == find_tokens(text) == tuple(one for one in TOKENS if one.prefix in text)


def test_a_scanner_finds_only_the_tokens_it_is_given() -> None:
    """A scanner that was told what to look for looks for nothing else."""
    text = b"npm_" + b"Zz8" * 12
    for tokens, found in ((TOKENS, ["an npm token"]), (TOKENS[:1], [])):
        scanner = Scanner("a.js", tokens)
        scanner.feed(text)
        assert list(scanner.labels) == found


# What the pattern for private keys was: its lines could be read in many ways.
BACKTRACKING = (
    rb"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\\r|\\n|[\s\"'+,]){1,40}"
    rb"(?:[A-Za-z-]{4,16}: [^\n\\]{1,80}(?:\\r|\\n|\s){1,4}){0,4}"
    rb"(?:[A-Za-z0-9+/]{40}|[A-Za-z0-9+/]{24,39}={0,2}(?:\\r|\\n|\s){1,4}-----END )"
)
STEPS_A_BYTE = 60
HEADERS = b"-----BEGIN PRIVATE KEY-----\n" + b"aaaa:    " * 40 + b"!\n"


def pumped(shape: bytes, seed: int) -> bytes:
    """Return a text that follows *shape* again and again for a while, and then breaks off."""
    random = Random(seed)  # noqa: S311 - the same texts in every run
    whole = invent(StepCounter(shape, 0).tree, random)
    piece = whole[: random.randint(1, len(whole))] + random.choice([b"!", b"\n", b" ", b"a", b"-", b"+"])
    return piece * max(1, 600 // len(piece))


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token.prefix.decode())
def test_patterns_do_not_backtrack(token: secrets.Token) -> None:
    """The steps of a match grow with the text alone; they are those of Python's own matcher."""
    for text in (HEADERS * 2, *(pumped(token.shape, seed) for seed in range(40))):
        counter = StepCounter(token.shape, STEPS_A_BYTE * len(text))
        assert counter.search_all(text) == [found.end() for found in re.finditer(token.shape, text)]


def test_the_count_of_steps_finds_what_backtracks() -> None:
    """A pattern that hung on 40 kB is found by the same means."""
    counter = StepCounter(BACKTRACKING, STEPS_A_BYTE * len(HEADERS))
    with pytest.raises(TooManyStepsError):
        counter.search_all(HEADERS)


KEY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"


@pytest.mark.parametrize(
    "text",
    [
        f"-----BEGIN PRIVATE KEY-----\n{KEY}\n-----END PRIVATE KEY-----\n",
        f"-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-128-CBC,0\r\n\r\n{KEY}\r\n",
        f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\nComment: a b: c \n\n{KEY}\n",
        f'{{"key": "-----BEGIN EC PRIVATE KEY-----\\n{KEY}\\n-----END EC PRIVATE KEY-----"}}',
        f"key = '-----BEGIN PRIVATE KEY-----' +\n    '{KEY}'",
        f"-----BEGIN ENCRYPTED PRIVATE KEY-----\\r\\nA-name: a value\\r\\n\\r\\n{KEY}",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh\n-----END PRIVATE KEY-----",
    ],
)
def test_private_keys_are_found(text: str) -> None:
    """A key is found as it is, in JSON and in code, with the headers that it may have."""
    scanner = Scanner("a.js")
    scanner.feed(text.encode())
    assert list(scanner.labels) == [PRIVATE_KEY]


@pytest.mark.parametrize(
    "text",
    [
        '"-----BEGIN PRIVATE KEY-----"',
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        f"-----BEGIN CERTIFICATE-----\n{KEY}",
        f"-----BEGIN PRIVATE KEY-----\nsome words about it\n{KEY}",
    ],
)
def test_a_heading_alone_is_no_private_key(text: str) -> None:
    """Neither is one with other text behind it."""
    scanner = Scanner("a.js")
    scanner.feed(text.encode())
    assert not scanner.labels


@pytest.mark.parametrize("cut", [11, 30, 100, 300, 499])
def test_a_key_across_two_pieces_is_found(cut: int) -> None:
    """Where a file is cut into pieces does not matter, however long the headers of a key are."""
    headers = "".join(f"{'Name-of-a-header'[: 4 + each]}: {'v' * 80}\n" for each in range(9, 13))
    text = f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n{headers}\n{KEY}".encode()
    scanner = Scanner("a.js")
    for piece in (b"x" * 5000 + b"\n" + text[:cut], text[cut:]):
        scanner.feed(piece)
    assert list(scanner.labels) == [PRIVATE_KEY]
