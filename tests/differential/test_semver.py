from __future__ import annotations

import json
from pathlib import Path

import pytest

from linkpack.npm.ranges import parse_range, satisfies
from linkpack.npm.semver import clean_version, compare, compare_build, parse_version
from tests.support.npm import npm_root, run_node

pytestmark = pytest.mark.differential

RANGES = Path(__file__).parents[2] / "fixtures" / "semver" / "ranges.txt"
SECTIONS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "engines")
ASK_RANGE = """
const semver = use('semver');
const [version, range] = request;
return [false, true].map((includePrerelease) => [
    semver.validRange(range, { includePrerelease }),
    semver.satisfies(version, range, { includePrerelease }),
]);
"""
ASK_VERSIONS = """
const semver = use('semver');
const [a, b] = request.map((text) => semver.parse(text));
const loose = semver.valid(request[0], true) && semver.clean(request[0], true);
return [
    a && [a.major, a.minor, a.patch, a.prerelease, a.build, a.version],
    a && b && [semver.compare(a, b), semver.compareBuild(a, b)],
    loose && semver.clean(loose),
];
"""


class Dice:
    """Choices that are the same in every run."""

    def __init__(self) -> None:
        self.state = 1

    def below(self, bound: int) -> int:
        """A number from 0 up to, not including, *bound*."""
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % bound

    def pick(self, choices: str, *, sep: str = " ") -> str:
        """One of *choices*; "_" in it is a space, and a choice may be empty."""
        parts = choices.split(sep)
        return parts[self.below(len(parts))].replace("_", " ")

    def version(self) -> str:
        """A version, more often than not."""
        numbers = ".".join(self.pick("0 0 0 1 1 2 3 10 9007199254740991") for _ in range(3))
        return self.pick("       v = _") + numbers + self.tail()

    def tail(self) -> str:
        """A pre-release, build metadata, both, or most often nothing."""
        words = "0 1 a beta rc 01 - 0a x v 9007199254740991 9007199254740993 9007199254740992"
        tails = (f"-{self.pick(words)}", f"-{self.pick(words)}.{self.pick(words)}", f"+{self.pick(words)}")
        return "".join(tail for tail in tails if self.below(5) == 0)

    def partial(self) -> str:
        """A version that may be incomplete or have wildcards."""
        if self.below(3) == 0:
            return self.version()
        parts = [self.pick("0 1 2 3 x *") for _ in range(1 + self.below(3))]
        return ".".join(parts) + self.tail()

    def comparator(self) -> str:
        """An operator and a version."""
        operators = " ^ ~ ~> > >= < <= = v  ^ ~ >= < ~= == => ^v ~>= >=_ <__ ^_ ~_ ~>_ =_ v_ =_= >_= <_v"
        return self.pick(operators) + self.partial()

    def alternative(self) -> str:
        """A hyphen range, characters at random, or comparators."""
        kind = self.below(8)
        if kind == 0:
            return self.partial() + self.pick("_-_ _-_ _-_ _- -_ __-_ +b_-_ _-_= _-_v") + self.partial()
        if kind == 1:
            return "".join(self.pick("0 1 2 . . - x * v = < > ~ ^ _ | + a") for _ in range(self.below(12)))
        joints = "_ _ _ _ __ , ,_ _&&_"
        return self.pick(joints).join(self.comparator() for _ in range(1 + self.below(3)))

    def range(self) -> str:
        """A range, about every fourth time a valid one."""
        return self.pick("|| _||_ ||_").join(self.alternative() for _ in range(1 + self.below(2)))


def fixture_ranges() -> list[str]:
    """The ranges of the fixture file."""
    lines = RANGES.read_text(encoding="utf-8").splitlines()[1:]
    return [line.replace("\\s", " ").replace("\\t", "\t").replace("\\n", "\n") for line in lines]


def npm_ranges() -> list[str]:
    """Every range in the manifests of npm's own dependencies."""
    found: set[str] = set()
    for path in npm_root().rglob("package.json"):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        for section in SECTIONS:
            specs = manifest.get(section)
            found.update(specs.values() if isinstance(specs, dict) else ())
    return sorted(found)


def our_ranges(version: str, wanted: str) -> list[list[str | bool | None]]:
    """What `ASK_RANGE` asks of node."""
    answers: list[list[str | bool | None]] = []
    for include in (False, True):
        parsed = parse_range(wanted, include_prerelease=include)
        text = None if parsed is None else str(parsed) or "*"
        answers.append([text, satisfies(version, wanted, include_prerelease=include)])
    return answers


def our_versions(left: str, right: str) -> list[object]:
    """What `ASK_VERSIONS` asks of node."""
    a, b = parse_version(left), parse_version(right)
    parts = None if a is None else [*a[:3], list(a.prerelease), list(a.build), a.public]
    order = None if a is None or b is None else [compare(a, b), compare_build(a, b)]
    return [parts, order, clean_version(left)]


def wrong_ranges(pairs: list[tuple[str, str]]) -> list[tuple[object, object, object]]:
    """Of *pairs* of version and range, those on which node answers otherwise, with both answers."""
    theirs = run_node(ASK_RANGE, pairs)
    asked = ((pair, our_ranges(*pair), answer) for pair, answer in zip(pairs, theirs, strict=True))
    return [case for case in asked if case[1] != case[2]]


def test_random_ranges() -> None:
    """On random pairs npm's semver gives the same canonical ranges and the same verdicts."""
    dice = Dice()
    pairs = [(dice.version(), dice.range()) for _ in range(6000)]
    assert wrong_ranges(pairs) == []
    assert sum(parse_range(wanted) is not None for _, wanted in pairs) > 1000
    assert sum(satisfies(*pair) for pair in pairs) > 200


def test_real_ranges() -> None:
    """On every range of npm's own dependencies and of the fixtures npm's semver agrees."""
    dice = Dice()
    versions = ["0.0.0", "1.2.3", "2.3.4", "18.2.0", "0.0.1-beta", "1.2.3-beta.3", "2.0.0-0", "16.0.0-rc.1"]
    found = [*fixture_ranges(), *npm_ranges()]
    assert len(found) > 500
    pairs = [(version, wanted) for wanted in found for version in [*versions, dice.version()]]
    assert wrong_ranges(pairs) == []


def test_versions() -> None:
    """Random versions are read, ordered, and cleaned for publishing as npm's semver does it."""
    dice = Dice()
    pairs = [[dice.version(), dice.version()] for _ in range(4000)]
    pairs += [[text + dice.pick("- a beta + _ . 1 -01"), text] for text, _ in pairs[:1000]]
    lengths = (15, 16, 17, 249, 250, 251)
    pairs += [[f"1.2.3{mark}{'9' * length}", "1.2.3-9"] for mark in "-+" for length in lengths]
    pairs += [[" " * length + "v1.2.3", "1.2.3"] for length in (249, 250, 251)]
    theirs = run_node(ASK_VERSIONS, pairs)
    answers = [[pair, our_versions(*pair), answer] for pair, answer in zip(pairs, theirs, strict=True)]
    assert [case for case in answers if case[1] != case[2]] == []
