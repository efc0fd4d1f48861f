"""What npm-package-arg takes for a spec, and as what, is what `parse_spec` says."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import linkpack
from linkpack.errors import LinkpackError
from linkpack.npm.json_text import BOM
from linkpack.npm.specs import Spec, parse_spec
from tests.support.npm import npm_root, run_node
from tests.support.packed import folder, options
from tests.support.tools import tools
from tests.support.trees import FIXTURES, trees

pytestmark = pytest.mark.differential

RANGES = [
    "",
    "*",
    "x",
    "1",
    "1.x",
    "1.2.3",
    "v1.2.3",
    "=1.2.3",
    "^1.2.3-rc.1",
    "~1",
    ">=1 <2",
    "1 - 2",
    "1 || ^2",
    "< 2",
]
LOOSE = ["^1.2.3beta", ">=0.10.0rc1", "01.2.3", "~ 1.02", "1.2.3+b.1", ">=1 latest", "^1 !!", "latest || ^1"]
TAGS = [
    "latest",
    "next-12",
    "beta~1",
    "a.b",
    "x*",
    "(a)",
    "not a tag",
    "a!",
    "a b",
    "a,b",
    "é",
    "a@b",
    "[a]",
    "^latest",
    "a=b",
]
PATHS = [
    "../a",
    "./a",
    ".",
    "/a",
    "~/a",
    "C:\\a",
    "file:a",
    "FILE:../a",
    "file:",
    "a.tgz",
    "a.tar.gz",
    "a.TAR",
    "a/b/c",
    "a/",
    "/",
]
PATHS += ["file:///a b", "file:a%20b%", "a.tgz#x", "x/y.tgz"]
GIT = ["a/b", "a/b.git", "a-b/c.d", "github:a/b", "gitlab:a/b", "gist:a", "bitbucket:a/b", "sourcehut:~a/b"]
GIT += [
    "git@github.com:a/b",
    "git@github.com:a/b.git",
    "git://h/a",
    "git+https://h/a.git",
    "git+ssh://git@h/a.git",
]
GIT += [
    "git+ssh://git@h:a/b.git",
    "git+ssh://git@h:22/a",
    "git+file:///a",
    "ssh://git@github.com/a/b",
    "https://github.com/a/b",
]
COMMITS = [
    "",
    "#main",
    "#semver:^1",
    "#a::path:b",
    "#semver:^1::path:x",
    "#a::b",
    "#semver:1::a",
    "#path:a::path:b",
    "#k:v",
]
URLS = [
    "https://h/a.tgz",
    "http://h:80/a",
    "HTTPS://H",
    "https://u:p@h/a?b#c",
    "https://[::1]/a",
    "https:///a",
    "https://",
    "http:",
]
URLS += ["https://h h/", "https://h:x/", "https:h", "ssh://git@h/a", "git@h:a/b", "git@h:a"]
PROTOCOLS = [
    "workspace:*",
    "workspace:^",
    "workspace:../a",
    "catalog:",
    "catalog:a",
    "jsr:@a/b@1",
    "link:../a",
    "portal:a",
]
PROTOCOLS += [
    "patch:a@npm%3A1#b",
    "exec:./a",
    "foo:bar",
    "npm:",
    "npm",
    "git:",
    "git+x:y",
    "^1 || workspace:^",
    "data:,x",
]
NAMES = [
    "a",
    "@s/a",
    "A",
    "a.b",
    "_a",
    "-a",
    ".a",
    "node_modules",
    "a b",
    "@s",
    "@/a",
    "@s/",
    "é",
    "a.tgz",
    "1",
    "^1",
    "a/b",
    "~a",
]


def specs() -> list[str]:
    """Specs of every form, and forms that are nearly one."""
    plain = [*RANGES, *LOOSE, *TAGS, *PATHS, *URLS, *PROTOCOLS]
    git = ["".join(pair) for pair in product(GIT, COMMITS)]
    versions = ["", "@", *(f"@{each}" for each in [*plain, *GIT[:4], "npm:a@1"])]
    aliases = [f"npm:{name}{version}" for name, version in product(NAMES, versions)]
    found = [*plain, *git, *aliases, "NPM:a@1", "Npm:@s/a"]
    return list(dict.fromkeys([*found, *(f" {each} " for each in [*RANGES, *LOOSE, *TAGS, *PATHS[5:]])]))


def disagreements(requests: list[str]) -> list[tuple[str, object, Spec]]:
    """The specs that npm-package-arg takes for something else, with its answer and ours."""
    script = """
    const types = { version: 'registry', range: 'registry', tag: 'registry', directory: 'file' }
    try {
      const spec = use('npm-package-arg').resolve('key', request, '/w')
      return [types[spec.type] ?? spec.type, spec.subSpec ? spec.subSpec.name : '']
    } catch { return ['', ''] }
    """
    wrong: list[tuple[str, object, Spec]] = []
    for text, answer in zip(requests, run_node(script, list(requests)), strict=True):
        spec = parse_spec(text)
        if [spec.kind, spec.name] != answer or bool(spec.fault) != (spec.kind == ""):
            wrong.append((text, answer, spec))
    return wrong


def test_specs_are_what_npm_takes_them_for() -> None:
    """Kind, and the package behind an alias, are npm's; what npm throws at has no kind, and a fault."""
    requests = specs()
    assert disagreements(requests) == []
    assert len(requests) > 1500


def read_specs(manifest: dict[str, object], *more: str) -> set[str]:
    """The specs of a manifest in the fields that an installer reads, and in *more*."""
    tables = [manifest.get(field) for field in ("dependencies", "optionalDependencies", "peerDependencies", *more)]
    return {
        spec for table in tables if isinstance(table, dict) for spec in table.values() if isinstance(spec, str)
    }


def test_specs_of_real_packages_are_what_npm_takes_them_for() -> None:
    """The specs in every package.json of npm, of the release tools and of the fixtures."""
    found = set()
    for path in (*npm_root().rglob("package.json"), *tools().rglob("package.json")):
        try:
            manifest = json.loads(path.read_bytes())
        except ValueError:
            continue  # a test's data
        for section in ("dependencies", "optionalDependencies", "peerDependencies", "devDependencies"):
            table = manifest.get(section) if isinstance(manifest, dict) else None
            found |= (
                {spec for spec in table.values() if isinstance(spec, str)} if isinstance(table, dict) else set()
            )
    for tree in sorted((FIXTURES / "trees").rglob("*.txt")):
        found |= set(re.findall(r'": "([^"\\]*)"', tree.read_text(encoding="utf-8")))
    assert disagreements(sorted(found)) == []
    assert len(found) > 500


def test_npm_can_parse_every_spec_that_a_fixture_ships() -> None:
    """The root's and every bundled manifest of every tree that is packed, in the fields that npm reads."""
    found = set()
    with TemporaryDirectory() as temporary:
        for tree in (*trees("pack"), *trees("layouts"), *trees("ship")):
            root = tree.write_to(Path(temporary).resolve() / tree.name)
            with suppress(LinkpackError):  # what is refused ships nothing
                plan = linkpack.plan_pack(folder(tree, root), **{**options(tree), "specs": "resolve"})
                for entry in plan.entries:
                    if isinstance(entry.source, bytes) and entry.path.endswith("/package.json"):
                        found |= read_specs(json.loads(entry.source.removeprefix(BOM)))
    script = "try { return use('npm-package-arg').resolve('key', request, '/w').type } catch { return '' }"
    answers = zip(sorted(found), run_node(script, sorted(found)), strict=True)
    assert [spec for spec, answer in answers if not answer] == []
    assert len(found) > 15
