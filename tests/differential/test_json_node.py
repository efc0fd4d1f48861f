"""What JSON.parse reads and linkpack reads is the same."""

from __future__ import annotations

import json
import random

import pytest

from linkpack.errors import ManifestInvalid
from linkpack.npm.json_text import parse
from tests.support.npm import run_node

PIECES = '{ } [ ] " , : "a" "b" "" 1 -0 01 1.5 1. .5 1e5 1E+400 -1e-2 true null NaN Infinity nul \t \n'
PIECES += " \u00a0 \ufeff \u2028 "
PIECES += '"\\u00e9" "\\ud83d\\ude00" "\\x" "\\/\\b" "\x7f" "\u2028" "\x01" // \''


def documents() -> list[str]:
    """Texts that are JSON objects, nearly so, or not at all; the same ones in every run."""
    chance = random.Random(7)  # noqa: S311 (test data)
    pieces = [*PIECES.split(" "), " "]
    values = [*pieces, '{"a":1}', "[1,2]", '{"a":{"b":[]},"a":{"c":"x"}}', "[[],{}]"]
    loose = ["".join(chance.choices(pieces, k=chance.randrange(1, 8))) for _ in range(300)]
    near = ['{"a":' + "".join(chance.choices(values, k=chance.choice([1, 1, 2, 3]))) + "}" for _ in range(1500)]
    return [*loose, *near]


@pytest.mark.differential
def test_parse_agrees_with_node() -> None:
    """The lenient reading accepts the objects that JSON.parse accepts, with the same values."""
    texts = documents()
    script = "try { return JSON.stringify(JSON.parse(request)) } catch { return 'refused' }"
    for text, answer in zip(texts, run_node(script, list(texts)), strict=True):
        want = json.loads(str(answer)) if answer != "refused" else None
        try:
            value = json.loads(json.dumps(parse(text.encode(), "package.json")).replace("Infinity", "null"))
        except ManifestInvalid:
            value = None
        # A byte order mark is cut off by npm before JSON.parse sees it.
        assert value == (want if isinstance(want, dict) else None) or text.startswith("\ufeff"), text
