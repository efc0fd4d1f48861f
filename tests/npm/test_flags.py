"""npm's flags beside a command's own options."""

from __future__ import annotations

import pytest

from linkpack.npm.flags import LISTS, SWITCHES, TEXTS, VALUES, take_flags

OWN = {
    **dict.fromkeys(("--json", "--no-json", "--verbose", "-v", "--quiet", "-q", "-ws", "--fail-fast"), False),
    **dict.fromkeys(("--out", "--workspace", "-w", "--jobs", "-j", "--loglevel"), True),
}


@pytest.mark.parametrize(
    ("words", "rest", "flags"),
    [
        ("--tag next --json=false --out x .", "--no-json --out x .", {"tag": "next"}),
        ("--json --json=true --json true", "--json --json --json", {}),
        ("--no-json --no-json=false --json false", "--no-json --json --no-json", {}),
        ("--json=1", "--json=1", {}),  # for the command to refuse
        ("--fail-fast=false", "--fail-fast=false", {}),  # a switch that npm does not have
        ("--out --json", "--out --json", {}),  # a value, whatever it looks like
        ("--out=--json -w a -wb -j4", "--out=--json -w a -wb -j4", {}),
        ("-wapp", "-wapp", {}),  # not -w -a -p -p, as npm has it
        ("-qf -fq", "-q -q", {"force": True}),
        ("-ws -v", "-ws -v", {}),
        ("-d x", "--loglevel=info x", {}),  # what a short flag means is an option of the command
        ("--no-color --color=always", "", {"color": "always"}),
        ("--color always --browser firefox --browser", "", {"color": "always", "browser": True}),
        ("--no-progress --progress false --no-progress false", "", {"progress": True}),
        ("--tag --json", "--json", {"tag": ""}),
        ("--cache --json", "", {"cache": "--json"}),
        ("--omit dev --omit=peer", "", {"omit": ["dev", "peer"]}),
        ("--registry http://127.0.0.1:9/ x", "x", {"registry": "http://127.0.0.1:9/"}),
        ("--@s:registry=http://x/ --//x/:_authToken=t", "", {"@s:registry": "http://x/", "//x/:_authToken": "t"}),
        ("--@s:registry", "--@s:registry", {}),
        ("--unknown x --pack-dest=y", "--unknown x --pack-dest=y", {}),
        ("-- --tag next", "-- --tag next", {}),
        ("- a", "- a", {}),
    ],
)
def test_flags_are_taken_and_options_stay(words: str, rest: str, flags: dict[str, object]) -> None:
    """Each word goes to the command or is a flag of npm, with its value."""
    found = take_flags(words.split(), OWN)
    assert (" ".join(found.rest), found.flags) == (rest, flags)


def test_each_flag_is_of_one_kind() -> None:
    """No flag is in two of the tables, and lists are flags with values."""
    assert len(SWITCHES | TEXTS | VALUES) == len(SWITCHES) + len(TEXTS) + len(VALUES)
    assert LISTS <= VALUES
