"""SPDX license expressions: which texts are some, and how much of a text is read."""

from __future__ import annotations

import pytest

from linkpack.npm.license_expression import read_license_expression


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("MIT", "MIT"),
        ("mit OR apache-2.0", "MIT OR Apache-2.0"),
        ("(" * 20 + "MIT" + ")" * 20, "(" * 20 + "MIT" + ")" * 20),
        ("(" * 21 + "MIT" + ")" * 21, ""),
        (" OR ".join(["MIT"] * 200), ""),
        ("UNLICENSED", ""),
        ("my own", ""),
        ("", ""),
    ],
    ids=["id", "usual-form", "nested", "nested-too-deep", "too-long", "unlicensed", "words", "empty"],
)
def test_an_expression_is_read_within_bounds(text: str, expression: str) -> None:
    """An SPDX expression comes back in its usual form, all else as nothing."""
    assert read_license_expression(text) == expression
