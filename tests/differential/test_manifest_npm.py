"""Bundled names, bins and man pages come out as npm reads them."""

from __future__ import annotations

import json
import random
import subprocess

import pytest

from linkpack.npm.manifest import parse_manifest
from tests.support.npm import node, npm_root

NORMALIZE = """
const { normalize } = require(process.argv[1] + '/node_modules/@npmcli/package-json/lib/normalize.js')
const steps = ['bundledDependencies', 'bundleDependencies', 'scripts', 'bin', 'mans']
const answer = async (content) => {
  try { await normalize({ content, path: '/nowhere' }, { steps }) } catch { return null }
  const { bin, man, bundleDependencies, scripts } = content
  return [bundleDependencies ?? [], bin ?? {}, (man ?? []).filter(Boolean), scripts ?? {}]
}
const requests = JSON.parse(require('node:fs').readFileSync(0, 'utf8'))
Promise.all(requests.map(answer)).then((all) => console.log(JSON.stringify(all)))
"""

NAMES = ["a", "b", "@s/c", "JSONStream", "constructor"]
PATHS = [
    "a",
    "b",
    "./a",
    "x/a",
    "../../b",
    "/b",
    "a/",
    "x//./y",
    "x/../a",
    "..",
    ".",
    "",
    "c:d",
    "d\\e",
    " f ",
    "..a",
    "/",
]
ODD: list[object] = [None, True, False, 0, 5, "", {}, [], [7], {"a": 7}]


def manifests() -> list[dict[str, object]]:
    """Manifests in which those fields have every form and many wrong ones; the same in every run."""
    chance = random.Random(11)  # noqa: S311 (test data)
    made: list[dict[str, object]] = []
    for _ in range(1500):
        some = chance.choices(PATHS, k=chance.randrange(4))
        names = chance.choices(NAMES, k=chance.randrange(4))
        choices: dict[str, list[object]] = {
            "name": ["p", "@s/p", ""],
            "bin": [chance.choice(PATHS), some, {path: chance.choice(PATHS) for path in some}, *ODD],
            "man": [chance.choice(PATHS), some, *ODD],
            "scripts": [{"a": "b", "c": 5}, *ODD],
            "dependencies": [dict.fromkeys(NAMES[:3], "1"), {}],
            "bundleDependencies": [True, False, None, names, dict.fromkeys(names, "1"), 5, "a"],
            "bundledDependencies": [True, False, None, names, dict.fromkeys(names, "1"), 5, "a"],
        }
        made.append({key: chance.choice(values) for key, values in choices.items() if chance.random() < 0.7})
    return made


@pytest.mark.differential
def test_normalized_fields_are_npms() -> None:
    """The lenient reading gives npm's normalised fields, wherever npm does not fail; bundled names come once."""
    requests = manifests()
    done = subprocess.run(
        [node(), "-e", NORMALIZE, str(npm_root())],
        input=json.dumps(requests),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = json.loads(done.stdout)
    compared = 0
    for request, answer in zip(requests, answers, strict=True):
        if answer is None:
            continue
        found = parse_manifest(json.dumps(request).encode(), "package.json", "installed")
        bundle, bins, mans, scripts = answer
        want = ([*dict.fromkeys(bundle)], bins, mans, scripts if isinstance(scripts, dict) else {})
        assert ([*found.bundle], found.bins, [*found.mans], found.scripts) == want, request
        compared += 1
    assert compared > len(requests) / 2
