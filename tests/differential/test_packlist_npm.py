"""The files that ship are those that npm 11 and npm 12 pack, but for the rows of docs/differences-from-npm.md."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from linkpack.npm.manifest import parse_manifest
from linkpack.packlist.editions import NPM_RULES
from linkpack.packlist.packlist import PackageFolder, read_packlist
from tests.support.naivepack import Package, naive_list
from tests.support.npm import npm_of, packlists, searches_the_disk
from tests.support.packcases import pack_cases
from tests.support.packtrees import random_tree

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.npm.manifest import Manifest
    from linkpack.packlist.npm_rules import Edition, Kind

pytestmark = pytest.mark.differential


def read_manifest(root: Path, kind: Kind) -> Manifest:
    """The manifest of the package in *root*."""
    return parse_manifest((root / "package.json").read_bytes(), "package.json", kind)


def our_list(root: Path, edition: Edition, kind: Kind = "root") -> list[str]:
    """What linkpack packs."""
    packlist = read_packlist(PackageFolder(str(root), read_manifest(root, kind), kind, edition))
    assert not packlist.problems
    return [file.path for file in packlist.files]


@pytest.mark.parametrize("edition", NPM_RULES)
def test_the_fixtures_say_what_npm_does(edition: Edition, tmp_path: Path) -> None:
    """Each listing that a fixture ascribes to npm is that npm's."""
    cases = [case for case in pack_cases() if case.npm(edition) != ("fails",)]
    found = packlists(npm_of(edition), [{"path": str(case.build(tmp_path / case.name))} for case in cases])
    assert found == [sorted(case.npm(edition)) for case in cases]


@pytest.mark.parametrize("edition", NPM_RULES)
def test_npm_fails_where_the_fixtures_say(edition: Edition, tmp_path: Path) -> None:
    """Where a fixture says so, npm packs nothing."""
    cases = [case for case in pack_cases() if case.npm(edition) == ("fails",)]
    found = packlists(npm_of(edition), [{"path": str(case.build(tmp_path / case.name))} for case in cases])
    assert all(isinstance(one, str) for one in found)


@pytest.mark.parametrize("edition", NPM_RULES)
@pytest.mark.parametrize("seed", range(4))
def test_random_trees(seed: int, edition: Edition, tmp_path: Path) -> None:
    """Random trees with random rules give npm's list, but where npm 12 reads what it found as patterns (F10)."""
    source = random.Random(seed)  # noqa: S311 - a test's data
    roots = []
    for index in range(150):
        root = tmp_path / str(index)
        random_tree(source).build(root)
        if edition == "11" or not searches_the_disk(read_manifest(root, "root").files):
            roots.append(root)
    assert len(roots) > 100
    other = 0
    for root, found in zip(
        roots, packlists(npm_of(edition), [{"path": str(root)} for root in roots]), strict=True
    ):
        package = Package(root, read_manifest(root, "root"), "root", edition)
        wanted = naive_list(package)
        assert found == naive_list(package._replace(rereads=True)), root
        assert our_list(root, edition) == wanted, root
        other += found != wanted
    assert other <= (0 if edition == "11" else len(roots) // 10)


def test_installed_packages() -> None:
    """Each package that npm itself bundles gives the files that npm packs of it."""
    edition: Edition = "11"
    root = npm_of(edition)
    (found,) = packlists(root, [{"path": str(root), "bundle": True}])
    by_package: dict[str, list[str]] = {}
    for path in found:
        before, mark, rest = path.rpartition("node_modules/")
        names = rest.split("/", 2 if rest.startswith("@") else 1)
        package = before + mark + "/".join(names[:-1]) if mark else ""
        by_package.setdefault(package, []).append(names[-1] if mark else path)
    assert len(by_package) > 100
    for package, files in by_package.items():
        assert our_list(root / package, edition, "installed" if package else "root") == sorted(files), package
