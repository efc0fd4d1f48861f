"""npm's flags, read beside npm's own parser with its own definitions: npm 11 on PATH, npm 12 in build/peers."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from linkpack.npm.flags import SWITCHES, TEXTS, VALUES, take_flags
from tests.support.installers import program
from tests.support.npm import npm_root, run_node

pytestmark = pytest.mark.differential

NOPT = """
const root = request.root;
const { definitions, shorthands } = require(root + '/node_modules/@npmcli/config/lib/definitions');
const typeDefs = require(root + '/node_modules/@npmcli/config/lib/type-defs');
const { lib } = require(root + '/node_modules/nopt');
const types = Object.fromEntries(Object.entries(definitions).map(([key, each]) => [key, each.type]));
if (!request.words) return { keys: Object.keys(types), short: Object.keys(shorthands) };
const data = {};
const remain = [];
lib.parse([...request.words], data, remain, { types, typeDefs, shorthands: { ...shorthands } });
return { data, remain };
"""
SWITCH = sorted({*SWITCHES, "color"} - {"shrinkwrap"})  # which npm 12 has no more
VALUED = sorted(TEXTS | VALUES)
FOLLOWING = ("x", "lib/a.js", "true", "false", "always", "7", ".", "-")


def root(edition: str) -> str:
    """The folder of the npm of that *edition*."""
    return str(npm_root()) if edition == "11" else program("npm12")[-1].removesuffix("/bin/npm-cli.js")


def ask(edition: str, words: list[list[str] | None]) -> list[Any]:
    """What that npm makes of each command line in *words*; None asks for the names of its flags."""
    return run_node(NOPT, [{"root": root(edition), "words": each} for each in words])


@pytest.mark.parametrize("edition", ["11", "12"])
def test_every_flag_of_npm_is_taken(edition: str) -> None:
    """Each flag that this npm defines is taken as npm takes it: alone, with a value behind it, and with a `=`."""
    [known] = ask(edition, [None])
    assert len(known["keys"]) > 150
    lines: list[list[str] | None] = []
    for key in known["keys"]:
        lines += [[f"--{key}"], [f"--{key}", "true", "z"], [f"--{key}=false"], [f"--{key}", "y", "z"]]
        lines += [[f"--{key}", "--", "z"], [f"--{key}", "--dry-run", "z"], ["z", f"--{key}"]]
    lines += [[f"{'-' if len(key) == 1 else '--'}{key}", "y"] for key in known["short"]]
    lines += [[f"--no-{key}", "z"] for key in known["keys"] if key in SWITCHES]
    answers = ask(edition, lines)
    wrong = [words for words, answer in zip(lines, answers, strict=True) if read(words or []) != told(answer)]
    assert wrong == []


def read(words: list[str]) -> tuple[object, list[str]]:
    """The flags in *words*, and what is left, by our reader."""
    found = take_flags(words, {})
    rest = list(found.rest)
    if "--" in rest:
        rest.remove("--")
    return {key: plain(key, value) for key, value in found.flags.items()}, rest


def told(answer: Any) -> tuple[object, list[str]]:  # noqa: ANN401 - JSON
    """The same by npm's."""
    return {key: plain(key, value) for key, value in answer["data"].items()}, answer["remain"]


def plain(key: str, value: Any) -> object:  # noqa: ANN401 - JSON
    """A value as text, true and false too, as npm's types are applied later; a missing one is none."""
    if isinstance(value, list):
        return [plain(key, each) for each in value if each is not True]
    return "" if key in TEXTS and value is True else str(value).lower() if isinstance(value, bool) else value


def random_word(random: Random) -> str:
    """A word of a command line."""
    switch, valued = random.choice(SWITCH), random.choice(VALUED)
    made = (
        f"--{switch}",
        f"--no-{switch}",
        f"--{switch}={random.choice(('true', 'false'))}",
        f"--{valued}",
        f"--{valued}={random.choice(('x', 'a=b', ''))}",
        f"-{''.join(random.choices('afglpSBDEOPyndqsv', k=random.randint(1, 4)))}{random.choice(('', 'w'))}",
        random.choice(("-ws", "-iwr", "-dd", "-ddd", "--", "---", "--silent", "--reg", "-json", "-tag", "--no")),
        random.choice(FOLLOWING),
    )
    return random.choice((*made, *made[-1:] * 3))


def test_random_command_lines() -> None:
    """Whatever stands beside whatever, flags and arguments are told apart as npm does."""
    random = Random(7)  # noqa: S311 - any lines will do
    lines: list[list[str] | None] = [
        [random_word(random) for _ in range(random.randrange(8))] for _ in range(3000)
    ]
    answers = ask("12", lines)
    wrong = [words for words, answer in zip(lines, answers, strict=True) if read(words or []) != told(answer)]
    assert wrong == []
