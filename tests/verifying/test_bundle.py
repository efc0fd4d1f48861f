"""The runtime graph of a bundle, looked up inside the tarball."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linkpack.verifying import verdict as api
from tests.support.badtar import manifest, member, write

if TYPE_CHECKING:
    from pathlib import Path


def package(slot: str, version: str = "1.0.0", **fields: object) -> bytes:
    """The manifest of a bundled package in *slot*, `a/node_modules/b` below node_modules."""
    name = slot.rpartition("node_modules/")[2]
    return manifest(f"package/node_modules/{slot}/package.json", name=name, version=version, **fields)


def bundle(*names: str, **fields: object) -> bytes:
    """The root's manifest, which bundles *names*."""
    own = {"dependencies": dict.fromkeys(names, "^1.0.0"), "bundleDependencies": list(names), **fields}
    return manifest("package/package.json", **own)


CASES = [
    ("whole", bundle("a") + package("a", dependencies={"b": "1"}) + package("b"), []),
    ("scoped", bundle("@s/a") + package("@s/a", dependencies={"b": "1"}) + package("@s/a/node_modules/b"), []),
    ("nested", bundle("a", "b") + package("a", dependencies={"b": "^2"}) + package("a/node_modules/b", "2.0.0")
     + package("b"), []),
    ("ring", bundle("a") + package("a", dependencies={"b": "1"}) + package("b", dependencies={"a": "1"}), []),
    ("of-the-root", bundle("a", peerDependencies={"p": "1"}) + package("a", dependencies={"p": "1"}), []),
    ("missing", bundle("a") + package("a", dependencies={"b": "1"}), ["EBUNDLEMISSING"]),
    ("missing-deep", bundle("a") + package("a", dependencies={"b": "1"}) + package("b", dependencies={"c": "1"}),
     ["EBUNDLEMISSING"]),
    ("missing-root", bundle("a", "b") + package("a"), ["EBUNDLEMISSING"]),
    ("no-manifest", bundle("a") + member("package/node_modules/a/index.js"), ["EBUNDLEMISSING"]),
    ("beside-not-above", bundle("a", "b") + package("a", dependencies={"c": "1"}) + package("b")
     + package("b/node_modules/c"), ["EBUNDLEMISSING", "WEXTRANEOUS"]),
    ("optional", bundle("a") + package("a", optionalDependencies={"b": "1"}), ["WSPEC"]),
    ("optional-of-the-root", manifest(optionalDependencies={"a": "1"}, bundleDependencies=["a"]), []),
    ("peer", bundle("a") + package("a", peerDependencies={"p": "1"}), ["WPEER"]),
    ("peer-supplied", bundle("a", peerDependencies={"p": "1"}) + package("a", peerDependencies={"p": "1"}), []),
    ("peer-optional", bundle("a") + package("a", peerDependencies={"p": "1"},
     peerDependenciesMeta={"p": {"optional": True}}), []),
    ("peer-inside", bundle("a", "p") + package("a", peerDependencies={"p": "1"}) + package("p"), []),
    ("extraneous", bundle("a") + package("a") + package("z"), ["WEXTRANEOUS"]),
    ("extraneous-all", manifest() + package("z"), ["WEXTRANEOUS"]),
    ("range", bundle("a") + package("a", dependencies={"b": "^2"}) + package("b"), ["ESPEC"]),
    ("range-of-the-root", bundle("a") + package("a", "3.0.0"), ["ESPEC"]),
    ("spec-inside", bundle("a") + package("a", dependencies={"b": "workspace:*"}) + package("b"), ["ESPEC"]),
    ("spec-local", bundle("a") + package("a", dependencies={"b": "file:../b"}) + package("b"), ["ESPEC"]),
    ("not-json", bundle("a") + member("package/node_modules/a/package.json", "{"), ["EBUNDLEMISSING", "EJSON"]),
    ("tests-of-others", manifest() + manifest("package/test/node_modules/x/package.json"), []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "stream", "codes"), CASES, ids=[each[0] for each in CASES])
def test_bundles(name: str, stream: bytes, codes: list[str], tmp_path: Path) -> None:
    """Each dependency of each bundled package is inside or declared by the root, and fits; else it is said."""
    found = api.verify(write(tmp_path, stream)).findings
    assert sorted(each.code for each in found) == codes, name


def test_what_it_serves(tmp_path: Path) -> None:
    """A bundle is for npm and pnpm; without one every installer will do. Packages and edges are counted."""
    path = write(tmp_path, bundle("a") + package("a", dependencies={"b": "1"}) + package("b"))
    verdict = api.verify(path)
    assert (verdict.packages, verdict.edges, verdict.serves) == (3, 2, ("npm", "pnpm"))
    verdict = api.verify(write(tmp_path, manifest()))
    assert (verdict.packages, verdict.edges, verdict.serves) == (1, 0, ("npm", "pnpm", "yarn", "bun"))
    assert api.verify(write(tmp_path, manifest(dependencies={"a": "npm:^1"}))).serves == ()


def test_places_are_named(tmp_path: Path) -> None:
    """A finding names the manifest that it is about, and what would mend it."""
    path = write(tmp_path, bundle("a") + package("a", dependencies={"b": "1"}))
    found = api.verify(path).findings[0]
    assert found.place == "node_modules/a/package.json"
    assert found.message == (
        "a@1.0.0 in node_modules/a needs b, which is neither in the tarball nor declared by the root"
    )
    assert found.fix


def vendored(name: str, **fields: object) -> bytes:
    """The manifest of a package in the folder `vendor`."""
    return manifest(f"package/vendor/{name}/package.json", name=name, **fields)


FLAT = {"a": "file:./vendor/a", "@s/b": "file:./vendor/@s/b"}
VENDORED = [
    ("whole", manifest(dependencies=FLAT) + vendored("a", peerDependencies={"@s/b": "1"}) + vendored("@s/b"), []),
    ("fetched", manifest(dependencies=FLAT) + vendored("a", dependencies={"c": "1"}) + vendored("@s/b"), []),
    ("peer-of-nobody", manifest(dependencies=FLAT) + vendored("a", peerDependencies={"c": "1"}) + vendored("@s/b"),
     ["WPEER"]),
    ("peer-optional", manifest(dependencies=FLAT) + vendored("@s/b")
     + vendored("a", peerDependencies={"c": "1"}, peerDependenciesMeta={"c": {"optional": True}}), []),
    ("workspace", manifest(dependencies=FLAT) + vendored("a", dependencies={"@s/b": "workspace:*"})
     + vendored("@s/b"), ["ESPECLOCAL"]),
    ("link", manifest(dependencies=FLAT) + vendored("a", optionalDependencies={"c": "link:../c"})
     + vendored("@s/b"), ["ESPECLOCAL"]),
    ("gone", manifest(dependencies=FLAT) + vendored("a"), ["ESPECLOCAL"]),
    ("not-json", manifest(dependencies=FLAT) + vendored("@s/b")
     + member("package/vendor/a/package.json", "{"), []),
    ("not-asked-for", manifest() + vendored("a", dependencies={"c": "link:../c"}), []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "stream", "codes"), VENDORED, ids=[each[0] for each in VENDORED])
def test_vendored(name: str, stream: bytes, codes: list[str], tmp_path: Path) -> None:
    """What packages in the folder of a flat layout ask for must be had by the consumer."""
    verdict = api.verify(write(tmp_path, stream))
    assert [each.code for each in verdict.findings] == codes, name
    assert (verdict.packages > 1) == (name != "not-asked-for")
