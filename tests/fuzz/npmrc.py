"""Any bytes as an npmrc file, its values expanded with an environment that names itself."""

from __future__ import annotations

from linkpack.npm.npmrc_text import expand, parse_npmrc

ENV = {"A": "${B}", "B": "${A}${A}", "HOME": "/home/u", "LONG": "x" * 64, "": "nothing"}
LONGEST = 64  # characters of a value in ENV


def one_input(data: bytes) -> None:
    """Settings; nothing raises, each is of a type that npm has, and no expansion is expanded again."""
    text = data.decode("utf-8", "replace")
    found = parse_npmrc(text)
    assert "__proto__" not in found
    for key, value in found.items():
        assert isinstance(key, str)
        for each in value if isinstance(value, list) else (value,):
            assert each is None or isinstance(each, (str, bool, int, float)), each
            if isinstance(each, str):
                assert len(expand(each, ENV)) <= len(each) * LONGEST, each
    assert parse_npmrc("") == {}
    # A section hides what stands behind it, and nothing else.
    assert parse_npmrc(f"{text}\n[section]\nlast=1") == found
