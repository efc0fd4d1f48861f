"""The files that ship are those that the installed npm packs, but for the rows of docs/differences-from-npm.md."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from linkpack.npm.manifest import parse_manifest
from linkpack.select.packlist import read_packlist
from tests.support.npm import npm_root, packlists
from tests.support.packcases import pack_cases
from tests.support.packtrees import random_tree

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.select.selection import Edition, Kind

pytestmark = pytest.mark.differential


def npm_lists(requests: list[dict[str, object]]) -> list[list[str] | str]:
    """What the installed npm packs for each request, or its error."""
    return packlists(npm_root(), requests)


def edition() -> Edition:
    """The rules of the installed npm."""
    version = json.loads((npm_root() / "package.json").read_text(encoding="utf-8"))["version"]
    return "11" if int(version.partition(".")[0]) < 12 else "12"


def our_list(root: Path, kind: Kind = "root") -> list[str]:
    """What linkpack packs."""
    manifest = parse_manifest((root / "package.json").read_bytes(), "package.json", kind)
    packlist = read_packlist(str(root), manifest, kind, edition=edition())
    assert not packlist.problems
    return [file.path for file in packlist.files]


def test_the_fixtures_say_what_npm_does(tmp_path: Path) -> None:
    """Each listing that a fixture ascribes to npm is the installed npm's."""
    cases = [case for case in pack_cases() if case.npm(edition()) != ("fails",)]
    found = npm_lists([{"path": str(case.build(tmp_path / case.name))} for case in cases])
    assert found == [sorted(case.npm(edition())) for case in cases]


def test_npm_fails_where_the_fixtures_say(tmp_path: Path) -> None:
    """Where a fixture says so, npm packs nothing."""
    cases = [case for case in pack_cases() if case.npm(edition()) == ("fails",)]
    found = npm_lists([{"path": str(case.build(tmp_path / case.name))} for case in cases])
    assert all(isinstance(one, str) for one in found)


@pytest.mark.parametrize("seed", range(4))
def test_random_trees(seed: int, tmp_path: Path) -> None:
    """Random trees with random rules give npm's list."""
    source = random.Random(seed)  # noqa: S311 - a test's data
    roots = []
    for index in range(150):
        root = tmp_path / str(index)
        random_tree(source).build(root)
        roots.append(root)
    for root, found in zip(roots, npm_lists([{"path": str(root)} for root in roots]), strict=True):
        assert our_list(root) == found, root


def test_installed_packages() -> None:
    """Each package that npm itself bundles gives the files that npm packs of it."""
    root = npm_root()
    (found,) = npm_lists([{"path": str(root), "bundle": True}])
    by_package: dict[str, list[str]] = {}
    for path in found:
        before, mark, rest = path.rpartition("node_modules/")
        names = rest.split("/", 2 if rest.startswith("@") else 1)
        package = before + mark + "/".join(names[:-1]) if mark else ""
        by_package.setdefault(package, []).append(names[-1] if mark else path)
    assert len(by_package) > 100
    for package, files in by_package.items():
        assert our_list(root / package, "installed" if package else "root") == sorted(files), package
