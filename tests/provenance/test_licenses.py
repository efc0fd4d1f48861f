"""Licenses as package.json has them."""

from __future__ import annotations

import pytest

from linkpack.provenance.licenses import License, read_license


@pytest.mark.parametrize(
    ("members", "expression", "words"),
    [
        ({"license": "MIT"}, "MIT", ""),
        ({"license": " mit "}, "MIT", ""),
        ({"license": "(MIT OR Apache-2.0)"}, "(MIT OR Apache-2.0)", ""),
        ({"license": {"type": "ISC", "url": "x"}}, "ISC", ""),
        ({"licenses": [{"type": "MIT"}, "ISC"]}, "(MIT OR ISC)", ""),
        ({"licenses": [{"type": "MIT"}, 5]}, "MIT", ""),
        ({"licenses": [{"type": "MIT"}, {"type": "my own"}]}, "", "(MIT OR my own)"),
        ({"license": "UNLICENSED"}, "", "UNLICENSED"),
        ({"license": "SEE LICENSE IN LICENSE.md"}, "", "SEE LICENSE IN LICENSE.md"),
        ({"license": "LicenseRef-Ours"}, "LicenseRef-Ours", ""),
        ({"license": "(" * 600 + "MIT" + ")" * 600}, "", "(" * 600 + "MIT" + ")" * 600),
        ({"license": 5, "licenses": {}}, "", ""),
        ({}, "", ""),
    ],
)
def test_anything_but_an_spdx_expression_stays_as_words(
    members: dict[str, object], expression: str, words: str
) -> None:
    """An SPDX expression is put in its usual form, everything else stays as words."""
    assert read_license(members) == License(expression, words)
