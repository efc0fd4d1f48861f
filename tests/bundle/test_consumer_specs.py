from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest

from linkpack.bundle.consumer_specs import (
    AuthorDisk,
    Mode,
    SpecChange,
    SpecPlan,
    Supplied,
    plan_specs,
    rewrite_specs,
)
from linkpack.npm.manifest import Manifest, parse_manifest
from linkpack.npm.specs import parse_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

SECTIONS = ("dependencies", "optionalDependencies", "peerDependencies", "devDependencies")
WORKSPACES = {
    "lib": Supplied("lib", "1.4.2", "/w/packages/lib"),
    "@s/lib": Supplied("@s/lib", "1.4.2", "/w/packages/slib"),
    "bare": Supplied("bare", "", "/w/packages/bare"),
}
CATALOGS = {
    "default": {"lib": "^1.4.0", "odd": "workspace:*", "ring": "catalog:", "bare": "jsr:@a/b@2"}
    | {"yarn": "npm:^18.0.0", "bad": "no spec!!"},
    "old": {"lib": "^0.9", "odd": "file:../odd"},
}


class Package(NamedTuple):
    """A package as the graph gives it."""

    manifest: Manifest
    needs: Mapping[str, str | None] = {}
    peers: Mapping[str, str | None] = {}

    @property
    def label(self) -> str:
        """`name@version`."""
        return f"{self.manifest.name}@{self.manifest.version}"


def manifest(**fields: object) -> Manifest:
    """The manifest of an installed package with *fields*."""
    return parse_manifest(json.dumps(fields).encode(), "package.json", "installed")


def plan(packages: Mapping[str, Package], mode: Mode = "resolve") -> SpecPlan:
    """The plan for *packages*, the first of which is the root."""
    return plan_specs(packages, next(iter(packages)), mode=mode, disk=AuthorDisk(CATALOGS, WORKSPACES))


def outcome(found: SpecPlan, spec: str) -> str:
    """The one replacement in a plan, the spec itself when there is none, or the code of the one problem."""
    assert len(found.changes) + len(found.problems) <= 1
    for problem in found.problems:
        assert problem.message
        assert problem.hint
        assert problem.path.endswith("/package.json")
        return problem.code
    return found.changes[0].new if found.changes else spec


def over_copy(spec: str, section: str, *, nested: bool, key: str = "lib", copy: Mapping[str, object]) -> str:
    """What becomes of *spec* when *key* resolves to a bundled *copy*."""
    app = {"name": "app", "version": "1.0.0"}
    user = {"name": "user", "version": "1.0.0", section: {key: spec}}
    there = {"needs": {key: "/lib"}} if section != "peerDependencies" or not nested else {"peers": {key: "/lib"}}
    packages = {"/lib": Package(manifest(**copy))}
    if nested:
        packages = {"/app": Package(manifest(**app)), "/user": Package(manifest(**user), **there), **packages}
    else:
        packages = {"/app": Package(manifest(**app, **{section: {key: spec}}), {key: "/lib"}), **packages}
    return outcome(plan(packages), spec)


LIB = {"name": "lib", "version": "1.4.2"}
TAKEN = [
    "^1.4.0",
    "*",
    "",
    " ",
    " ^1 ",
    "1.x || 2",
    "1.4.2",
    "v1.4.2",
    "npm:lib@^1",
    "npm:real@1",
    "npm:real",
    "npm:real@",
    "NPM:@s/x@*",
]
REPLACED = [
    *[
        "^2",
        "latest",
        "next",
        "git+https://example.com/lib.git",
        "a/lib",
        "a/lib#semver:^1",
        "https://example.com/lib.tgz",
    ],
    *["npm:lib@^2", "npm:lib@latest", "<0.0.0-0"],
]
UNPARSED = ["not a spec!!", "npm:", "npm:../x@1", "npm:^2 beta!", "foo:bar"]
RANGES = {"npm:^1.4.0": "^1.4.0", "npm:1": "1", " npm:* ": "*", "NPM:>=1 <2": ">=1 <2", " npm:lib@1 ": "npm:lib@1"}
LOCAL = [
    *[
        "file:../lib",
        "FILE:x",
        "link:../lib",
        "portal:../lib",
        "patch:lib@npm%3A1#x",
        "exec:./x",
        "../lib",
        "./lib",
        "/lib",
    ],
    *["~/lib", "C:\\lib", "lib.tgz", "a/b/c", "x.tar.gz"],
]
PROTOCOLS = [
    "catalog:",
    "catalog:none",
    "jsr:@a/b@1",
    "jsr:",
    "workspace:",
    "workspace:*",
    "workspace:../lib",
    "workspace:packages/lib",
]


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("section", SECTIONS[:2])
@pytest.mark.parametrize(("specs", "want"), [(TAKEN, ""), (REPLACED + UNPARSED + LOCAL + PROTOCOLS, "1.4.2")])
def test_specs_over_a_bundled_copy(specs: list[str], want: str, section: str, *, nested: bool) -> None:
    """A spec that the copy satisfies stays byte for byte; any other becomes the copy's exact version."""
    found = {spec: over_copy(spec, section, nested=nested, copy=LIB) for spec in specs}
    assert found == {spec: want or spec for spec in specs}


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("section", SECTIONS[:3])
def test_ranges_behind_npm_lose_it(section: str, *, nested: bool) -> None:
    """What yarn writes for a range of the package itself becomes the range, bundled or not."""
    assert {spec: over_copy(spec, section, nested=nested, copy=LIB) for spec in RANGES} == RANGES


@pytest.mark.parametrize(
    ("section", "nested", "kept"),
    [
        ("peerDependencies", True, [*TAKEN]),
        ("peerDependencies", False, [*TAKEN, *REPLACED]),
        ("devDependencies", False, [*TAKEN, *REPLACED, *UNPARSED, *LOCAL]),
        ("devDependencies", True, [*TAKEN, *REPLACED, *UNPARSED, *LOCAL, *PROTOCOLS]),
    ],
)
def test_only_what_npm_reads_has_to_fit_the_copy(section: str, kept: list[str], *, nested: bool) -> None:
    """Root peers and devDependencies may miss the copy; what only this disk knows is replaced all the same."""
    specs = [*TAKEN, *REPLACED, *UNPARSED, *LOCAL, *PROTOCOLS]
    found = {spec: over_copy(spec, section, nested=nested, copy=LIB) for spec in specs}
    assert found == {spec: spec if spec in kept else "1.4.2" for spec in specs}


@pytest.mark.parametrize(
    ("spec", "key", "copy", "want"),
    [
        ("workspace:^", "lib", LIB, "^1.4.2"),
        ("workspace:~", "lib", LIB, "~1.4.2"),
        ("workspace:^1.2", "lib", LIB, "^1.2"),
        ("workspace:^2", "lib", LIB, "1.4.2"),
        ("workspace:>=1 <2 || ^7", "lib", LIB, ">=1 <2 || ^7"),
        ("^1 || workspace:^", "lib", LIB, "^1 || ^1.4.2"),
        ("workspace:* ||  workspace:~|| 3", "lib", LIB, "1.4.2 ||  ~1.4.2|| 3"),
        ("workspace:@s/lib@^", "lib", {"name": "@s/lib", "version": "1.4.2"}, "npm:@s/lib@^1.4.2"),
        ("workspace:@s/lib@", "lib", {"name": "@s/lib", "version": "1.4.2"}, "npm:@s/lib@1.4.2"),
        ("workspace:@s/lib@1.x", "lib", {"name": "@s/lib", "version": "1.4.2"}, "npm:@s/lib@1.x"),
        ("workspace:lib@*", "lib", LIB, "1.4.2"),
        ("workspace:*", "lib", {"name": "real", "version": "2.0.0-rc.1+b"}, "npm:real@2.0.0-rc.1+b"),
        ("file:../x", "lib", {"name": "real", "version": "2.0.0"}, "npm:real@2.0.0"),
        ("file:../x", "lib", {"name": "Not A Name", "version": "2.0.0"}, "2.0.0"),
        ("^1", "lib", {"name": "real", "version": "1.0.0"}, "^1"),
        (">=1", "lib", {"version": "2.0.0-rc.1"}, "2.0.0-rc.1"),
        ("*", "lib", {"version": "2.0.0-rc.1"}, "*"),
        ("^1", "lib", {"version": "=1.2.3"}, "^1"),
        ("^2", "lib", {"version": "=1.2.3"}, "1.2.3"),
        ("^2", "lib", {"version": "1.x"}, "*"),
        ("*", "lib", {"version": "1.x"}, "*"),
        ("workspace:*", "lib", {"version": "1.x"}, "ENOVERSION"),
        ("workspace:^2", "lib", {"version": "1.x"}, "*"),
    ],
)
def test_forms_of_bundled_copies(spec: str, key: str, copy: dict[str, object], want: str) -> None:
    """The table of `workspace:` forms; other names behind `npm:`; versions that npm cannot compare."""
    assert over_copy(spec, "dependencies", nested=False, key=key, copy=copy) == want
    assert over_copy(spec, "dependencies", nested=True, key=key, copy=copy) == want
    assert over_copy(spec, "peerDependencies", nested=True, key=key, copy=copy) == want


@pytest.mark.parametrize(
    ("spec", "section", "nested", "want"),
    [
        ("file:../lib", "dependencies", False, "*"),
        ("^1", "dependencies", False, "*"),
        ("*", "dependencies", False, "*"),
        ("workspace:*", "dependencies", False, "ENOVERSION"),
        ("*", "dependencies", True, "ENOVERSION"),
        ("^1", "optionalDependencies", True, "*"),
        ("*", "peerDependencies", True, "ENOVERSION"),
    ],
)
def test_copies_without_a_version(spec: str, section: str, want: str, *, nested: bool) -> None:
    """Without a version only "*" passes, and in bundled packages that only when it is optional."""
    assert over_copy(spec, section, nested=nested, copy={"name": "lib"}) == want


ELSEWHERE = [
    ("^1", "^1"),
    ("latest", "latest"),
    ("git+https://example.com/lib.git", "git+https://example.com/lib.git"),
    ("workspace:", "1.4.2"),
    ("workspace:*", "1.4.2"),
    ("workspace:^", "^1.4.2"),
    ("workspace:~", "~1.4.2"),
    ("workspace:^9", "^9"),
    ("workspace:../packages/lib", "1.4.2"),
    ("workspace:packages/lib", "1.4.2"),
    ("workspace:packages/none", "1.4.2"),
    ("workspace:packages/slib", "npm:@s/lib@1.4.2"),
    ("workspace:@s/lib@^", "npm:@s/lib@^1.4.2"),
    ("workspace:none@^", "EWORKSPACESPEC"),
    ("workspace:bare@*", "ENOVERSION"),
    ("workspace:bare@^1", "npm:bare@^1"),
    ("^1 || workspace:^", "^1 || ^1.4.2"),
    ("catalog:", "^1.4.0"),
    ("catalog:default", "^1.4.0"),
    (" catalog: old ", "^0.9"),
    ("catalog:none", "ECATALOG"),
    ("jsr:@a/b@1", "npm:@jsr/a__b@1"),
    ("jsr:@a/b", "npm:@jsr/a__b"),
    ("jsr:^1", "EJSR"),
    ("jsr:@a", "EJSR"),
    ("jsr:@a/../b@1", "EJSR"),
    ("jsr:@a/b@no tag", "ESPECINVALID"),
    ("npm:^1.4.0", "^1.4.0"),
    ("npm:1.4.0", "1.4.0"),
    ("npm: 1 || 2", "1 || 2"),
    ("npm:real", "npm:real"),
    ("npm:real@^1", "npm:real@^1"),
    (" npm:real@^1 ", "npm:real@^1"),
    ("npm:", "ESPECINVALID"),
    ("npm:../x", "ESPECINVALID"),
    ("npm:a@npm:b@1", "ESPECINVALID"),
    ("npm:a@file:x", "ESPECINVALID"),
    ("not a spec!!", "ESPECINVALID"),
    ("foo:bar", "ESPECINVALID"),
    ("https://", "ESPECINVALID"),
    ("a/b#x::y", "ESPECINVALID"),
    ("patch:lib@npm%3A1.3.0#~/.yarn/patches/lib.patch", "ESPECPATCH"),
    ("patch:@s/lib@1.3.0#./lib.patch", "ESPECPATCH"),
    ("patch:lib", "ESPECLOCAL"),
    ("git@host:a/b", "ESPECLOCAL"),
    ("link:../lib", "ESPECLOCAL"),
    ("portal:./lib", "ESPECLOCAL"),
    ("file:../lib", "ESPECLOCAL"),
    ("file:/lib", "ESPECLOCAL"),
    ("file:.", "ESPECLOCAL"),
    ("../lib", "ESPECLOCAL"),
]


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize(
    ("spec", "want"), [*ELSEWHERE, ("file:./vendor/lib", "file:./vendor/lib"), ("./lib.tgz", "./lib.tgz")]
)
def test_specs_of_the_root_that_are_not_bundled(spec: str, want: str, section: str) -> None:
    """What only this disk resolves becomes what a registry knows, or is a problem (never for development)."""
    found = outcome(
        plan({"/w/app": Package(manifest(name="app", version="1.0.0", **{section: {"lib": spec}}))}), spec
    )
    assert found == (spec if want.startswith("E") and section == "devDependencies" else want)


@pytest.mark.parametrize("section", ["dependencies", "peerDependencies"])
@pytest.mark.parametrize(("spec", "want"), [*ELSEWHERE, ("file:./vendor/lib", "ESPECLOCAL")])
def test_specs_of_bundled_packages_that_are_absent(spec: str, want: str, section: str) -> None:
    """A missing dependency, and a peer from outside of the bundle, needs a spec that a registry knows."""
    user = manifest(name="user", version="1.0.0", **{section: {"lib": spec}})
    found = plan(
        {"/w/app": Package(manifest(name="app")), "/w/user": Package(user, {"lib": None}, {"lib": "/else/lib"})}
    )
    assert outcome(found, spec) == want


@pytest.mark.parametrize(
    ("spec", "key", "want"),
    [
        ("catalog:", "odd", "1.0.0"),
        ("catalog:old", "odd", "ESPECLOCAL"),
        ("catalog:", "ring", "ECATALOG"),
        ("catalog:", "bare", "npm:@jsr/a__b@2"),
        ("catalog:", "yarn", "^18.0.0"),
        ("catalog:", "bad", "ESPECINVALID"),
        ("jsr:^1", "@a/b", "npm:@jsr/a__b@^1"),
        ("workspace:*", "none", "EWORKSPACESPEC"),
    ],
)
def test_specs_by_key(spec: str, key: str, want: str) -> None:
    """The key says which catalog entry, JSR package or workspace is meant; a catalog's entry is resolved again."""
    app = Package(manifest(name="app", version="1.0.0", dependencies={key: spec}))
    around = AuthorDisk(CATALOGS, {"odd": Supplied("odd", "1.0.0")})
    found = plan_specs({"/app": app}, "/app", mode="resolve", disk=around)
    assert outcome(found, spec) == want


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("section", SECTIONS[:3])
def test_every_spec_that_ships_is_one_that_npm_can_parse(section: str, *, nested: bool) -> None:
    """Whatever was written, and whether it is bundled or not, the manifest holds no spec that ends an install."""
    written = [*TAKEN, *REPLACED, *UNPARSED, *LOCAL, *PROTOCOLS, *RANGES, *(spec for spec, _ in ELSEWHERE)]
    for spec in {*written, *(f"{each} " for each in written), *(f" {each}" for each in written)}:
        shipped = [over_copy(spec, section, nested=nested, copy=LIB)]
        user = manifest(name="user", version="1.0.0", **{section: {"lib": spec}})
        app = {"/app": Package(manifest(name="app"))} if nested else {}
        found = plan({**app, "/user": Package(user, {"lib": None})})
        shipped += [] if found.problems else [outcome(found, spec)]
        assert [each for each in shipped if parse_spec(each).fault] == [], spec


THERE = {"lib": Supplied("lib", "2.1.0", "/w/libs/lib"), "alias": Supplied("real", "3.0.0", "/w/libs/real")}


@pytest.mark.parametrize(
    ("spec", "key", "tags", "want"),
    [
        ("workspace:*", "lib", False, "2.1.0"),
        ("workspace:^", "lib", False, "^2.1.0"),
        ("workspace:^2.0.0", "lib", False, "^2.0.0"),
        ("workspace:../lib", "lib", False, "2.1.0"),
        ("workspace:*", "alias", False, "npm:real@3.0.0"),
        ("workspace:real@^", "alias", False, "npm:real@^3.0.0"),
        ("workspace:other@^", "alias", False, "EWORKSPACESPEC"),
        ("workspace:*", "gone", False, "EWORKSPACESPEC"),
        ("npm:latest", "lib", False, "latest"),
        ("npm:latest", "lib", True, "latest"),
        ("npm:real", "alias", True, "npm:real"),
        ("npm:latest", "gone", True, "latest"),
        ("npm:latest", "gone", False, "npm:latest"),
        ("npm:x", "gone", False, "npm:x"),
        ("npm:x", "gone", True, "x"),
    ],
)
def test_what_is_installed_decides_where_nothing_else_does(spec: str, key: str, want: str, *, tags: bool) -> None:
    """Without workspaces `workspace:` means what Node finds; a word behind `npm:` is the package that is there."""
    app = Package(manifest(name="app", version="1.0.0", dependencies={key: spec}))
    around = AuthorDisk({}, {}, lambda _folder, name: THERE.get(name), tags)
    assert outcome(plan_specs({"/app": app}, "/app", mode="resolve", disk=around), spec) == want


@pytest.mark.parametrize(
    ("spec", "section", "bundled", "told"),
    [
        ("workspace:^", "dependencies", False, True),
        ("^1 || workspace:^", "optionalDependencies", False, True),
        ("workspace:hidden@*", "peerDependencies", False, True),
        ("workspace:^", "devDependencies", False, False),
        ("workspace:^", "dependencies", True, False),
        ("^1.0.0", "dependencies", False, False),
    ],
)
def test_a_private_workspace_is_no_dependency_of_a_consumer(
    spec: str, section: str, *, bundled: bool, told: bool
) -> None:
    """What is private is never published, so that its version is of no use, unless it is bundled."""
    app = Package(manifest(name="app", **{section: {"hidden": spec}}), {"hidden": "/h"} if bundled else {})
    packages = {"/app": app, **({"/h": Package(manifest(name="hidden", version="1.0.0"))} if bundled else {})}
    around = AuthorDisk({}, {"hidden": Supplied("hidden", "1.0.0", "/h", private=True)})
    found = plan_specs(packages, "/app", mode="resolve", disk=around)
    assert ([each.code for each in found.warnings], found.problems) == (["WPRIVATE"] if told else [], ())


def test_a_workspace_counts_before_what_is_installed() -> None:
    """An old copy from the registry in node_modules is not what `workspace:` asks for."""
    app = Package(manifest(name="app", dependencies={"lib": "workspace:^"}))
    around = AuthorDisk({}, WORKSPACES, lambda _folder, name: THERE.get(name))
    assert outcome(plan_specs({"/app": app}, "/app", mode="resolve", disk=around), "") == "^1.4.2"


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        ("file:../lib", "file:../lib"),
        ("link:../lib", "ESPECLOCAL"),
        ("workspace:*", "EWORKSPACESPEC"),
        ("no tag", "ESPECINVALID"),
    ],
)
def test_an_optional_peer_must_be_readable_but_need_not_be_there(spec: str, want: str) -> None:
    """At npm 11 the install ends at the spec of an optional peer that it cannot parse; a path it passes over."""
    app = manifest(name="app", peerDependencies={"x": spec}, peerDependenciesMeta={"x": {"optional": True}})
    assert outcome(plan({"/w/app": Package(app)}), spec) == want


def test_an_optional_peer_from_outside_may_keep_its_spec() -> None:
    """An optional peer that is not there is never looked up, so its spec is no problem."""
    user = manifest(
        name="user", peerDependencies={"lib": "file:../lib"}, peerDependenciesMeta={"lib": {"optional": True}}
    )
    assert plan({"/app": Package(manifest(name="app")), "/user": Package(user)}) == SpecPlan((), ())


def test_absent_optional_dependencies_leave_bundled_manifests_only() -> None:
    """An absent optional dependency makes npm ci fail in a bundled package; in the root it can be installed."""
    fields: dict[str, object] = {
        "dependencies": {"a": "1", "b": "2"},
        "optionalDependencies": {"a": "1", "c": "3", "d": "^1"},
    }
    user = Package(manifest(name="user", version="2.0.0", **fields), {"a": None, "b": None, "d": "/d"})
    found = plan(
        {"/app": Package(manifest(name="app", **fields)), "/user": user, "/d": Package(manifest(version="1.0.0"))}
    )
    assert [
        (change.package, change.label, change.section, change.key, change.old, change.new)
        for change in found.changes
    ] == [
        ("/user", "user@2.0.0", "dependencies", "a", "1", ""),
        ("/user", "user@2.0.0", "optionalDependencies", "a", "1", ""),
        ("/user", "user@2.0.0", "optionalDependencies", "c", "3", ""),
    ]
    assert rewrite_specs(user.manifest.raw, found.changes) == (
        b'{"name": "user", "version": "2.0.0", "dependencies": {"b": "2"}, "optionalDependencies": {"d": "^1"}}'
    )


def test_a_shadowed_spec_need_not_fit() -> None:
    """Of one name in several fields npm reads optional, dependency, peer, in this order, and only the first."""
    fields: dict[str, object] = {
        "peerDependencies": {"lib": "^8", "b": "^8"},
        "dependencies": {"lib": "^9", "b": "^1"},
        "optionalDependencies": {"lib": "^1"},
    }
    packages = {
        "/app": Package(manifest(name="app")),
        "/user": Package(manifest(name="user", **fields), {"lib": "/lib", "b": "/lib"}),
        "/lib": Package(manifest(**LIB)),
    }
    assert plan(packages) == SpecPlan((), ())


def test_the_package_itself_counts_as_supplied() -> None:
    """A bundled package that needs the packing package gets its version, as the consumer will have it."""
    user = Package(manifest(name="user", dependencies={"app": "workspace:^"}), {"app": "/app"})
    found = plan({"/app": Package(manifest(name="app", version="3.1.0")), "/user": user})
    assert outcome(found, "") == "^3.1.0"


def test_changes_say_why() -> None:
    """A change names package, field, old and new spec and the reason, and becomes a problem when asked for."""
    app = manifest(name="app", version="1.0.0", dependencies={"redis": "^3.0.1", "ms": "^2"})
    packages = {
        "/app": Package(app, {"redis": "/redis"}),
        "/redis": Package(manifest(name="redis", version="4.0.0-dev")),
    }
    change = SpecChange(
        "/app",
        "app@1.0.0",
        "dependencies",
        "redis",
        "^3.0.1",
        "4.0.0-dev",
        "redis 4.0.0-dev is bundled but package.json asks for ^3.0.1",
    )
    assert plan(packages) == SpecPlan((change,), ())
    assert plan(packages, "keep") == SpecPlan((), ())
    assert rewrite_specs(app.raw, (change,)) == app.raw.replace(b"^3.0.1", b"4.0.0-dev")
    assert rewrite_specs(app.raw, ()) is app.raw
    (problem,) = plan(packages, "error").problems
    assert (problem.code, problem.path) == ("ESPEC", "/app/package.json")
    assert (
        problem.message
        == f'app@1.0.0: dependencies.redis "^3.0.1" has to be written as "4.0.0-dev": {change.reason}'
    )


def test_a_dropped_entry_is_a_problem_when_asked_for() -> None:
    """With errors for changes, an entry that has to go is named as such."""
    packages = {
        "/app": Package(manifest(name="app")),
        "/user": Package(manifest(name="user", optionalDependencies={"a": "1"}), {"a": None}),
    }
    (problem,) = plan(packages, "error").problems
    assert 'optionalDependencies.a "1" has to go: ' in problem.message
