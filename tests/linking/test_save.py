"""Saving links: which section, which bytes, and the way back."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

import linkpack
from linkpack.errors import LinkConflict, LinkError, ManifestInvalid
from tests.support.linkbox import LinkBox, codes

if TYPE_CHECKING:
    from pathlib import Path

TABS = (
    b'\xef\xbb\xbf{\r\n\t"name": "a",\r\n\t"n": 1.50,\r\n\t"dependencies": {\r\n\t\t"zeta": "1",\r\n\t\t'
    b'"b": "\\u0031"\r\n\t}\r\n}\r\n'
)
MANIFESTS = [
    b'{"name":"a"}',
    b"{}",
    b'{\n  "name": "a"\n}\n',
    b'{\n  "name": "a",\n  "dependencies": {"alpha": "^1.0.0"}\n}\n',
    TABS,
    b'{"name":"a","devDependencies":{"alpha":"1","beta":"1"},"peerDependencies":{"alpha":"*"}}',
    b'{ "name" : "a" , "optionalDependencies" : { "beta" : "1" } , "x" : [ ] }',
    b'{"name":"a","dependencies":{},"bundleDependencies":["z"]}',
    b'{"name":"a","peerDependencies":{"alpha":"*"},"peerDependenciesMeta":{"alpha":{"optional":true}}}',
    b'{"name":"a","dependencies":{"alpha":"1"},"peerDependencies":{"alpha":"1"}}',
]
FORMS = ["save", "save_prod", "save_dev", "save_optional", "save_peer"]
LOCK = {"name": "a", "lockfileVersion": 3, "requires": True, "packages": {"": {"name": "a"}}}


def project(box: LinkBox, manifest: bytes | None) -> Path:
    """A project with that manifest, which no package manager has touched."""
    path = box.work / "app"
    path.mkdir()
    if manifest is not None:
        (path / "package.json").write_bytes(manifest)
    return path


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("manifest", [None, *MANIFESTS])
@pytest.mark.parametrize("order", ["alpha gamma", "gamma alpha"])
def test_two_saved_links_are_taken_out_in_any_order(
    box: LinkBox, form: str, manifest: bytes | None, order: str
) -> None:
    """Every byte is then as it was."""
    app = project(box, manifest)
    before = box.tree(app)
    for name in ("alpha", "gamma"):
        box.package(name, name)
        linkpack.link([f"../{name}"], str(app), box.options(**{form: True}))
    saved = json.loads((app / "package.json").read_bytes().removeprefix(b"\xef\xbb\xbf"))
    entries = [
        section
        for key, section in saved.items()
        if key.lower().endswith("dependencies") and isinstance(section, dict)
    ]
    for name in ("alpha", "gamma"):
        assert any(section.get(name) == f"file:../{name}" for section in entries)
    for section in entries:
        assert list(section) == sorted(section)
    for name in order.split():
        linkpack.unlink([name], str(app), box.options())
    assert box.tree(app) == before


@pytest.mark.parametrize("form", FORMS)
def test_undo_restores_manifest_and_lockfile(box: LinkBox, form: str) -> None:
    app = project(box, MANIFESTS[4])
    (app / "package-lock.json").write_text(json.dumps(LOCK, indent=4))
    before = box.tree(app)
    linkpack.link([box.package("lib", "alpha")], str(app), box.options(**{form: True}))
    assert box.tree(app) != before
    linkpack.undo(None, str(app), box.options())
    assert box.tree(app) == before


def test_only_the_new_entry_is_written(box: LinkBox) -> None:
    """Escapes, forms of numbers, line ends and the byte order mark stay."""
    app = project(box, MANIFESTS[4])
    linkpack.link([box.package("lib", "alpha")], str(app), box.options(save_dev=True, package_lock=False))
    text = (app / "package.json").read_bytes().decode()
    assert text == (
        '\ufeff{\r\n\t"name": "a",\r\n\t"n": 1.50,\r\n'
        '\t"dependencies": {\r\n\t\t"b": "\\u0031",\r\n\t\t"zeta": "1"\r\n\t}'
        ',\r\n\t"devDependencies": {\r\n\t\t"alpha": "file:../lib"\r\n\t}\r\n}\r\n'
    )
    assert not (app / "package-lock.json").exists()


@pytest.mark.parametrize("form", ["save", "save_dev", "save_optional"])
def test_save_bundle_adds_the_name_once_and_sorted(box: LinkBox, form: str) -> None:
    app = project(box, MANIFESTS[7])
    linkpack.link([box.package("lib", "alpha")], str(app), box.options(**{form: True, "save_bundle": True}))
    assert json.loads((app / "package.json").read_text())["bundleDependencies"] == ["alpha", "z"]
    linkpack.unlink(["alpha"], str(app), box.options())
    assert (app / "package.json").read_bytes() == MANIFESTS[7]


@pytest.mark.parametrize("edited", ["", "bundle", "license"])
@pytest.mark.parametrize(("manifest", "others"), [(MANIFESTS[0], []), (MANIFESTS[7], ["z"])])
@pytest.mark.parametrize("order", ["alpha gamma", "gamma alpha"])
def test_a_bundle_keeps_the_other_link(
    box: LinkBox, manifest: bytes, others: list[str], order: str, edited: str
) -> None:
    """Names that others put there stay too."""
    app = project(box, manifest)
    for name in ("alpha", "gamma"):
        linkpack.link([box.package(name, name)], str(app), box.options(save=True, save_bundle=True))
    value = json.loads((app / "package.json").read_text())
    ahead = ["zz"] if edited == "bundle" else []
    if edited:
        value |= {"license": "MIT", "bundleDependencies": [*ahead, *value["bundleDependencies"]]}
        (app / "package.json").write_text(json.dumps(value))
    for number, name in enumerate(order.split()):
        linkpack.unlink([name], str(app), box.options())
        left = [*ahead, *order.split()[number + 1 :], *others]
        value = json.loads((app / "package.json").read_text())
        assert value.get("bundleDependencies") == (left or None)
    assert edited or (app / "package.json").read_bytes() == manifest


@pytest.mark.parametrize("value", [True, {"gamma": 1}])
def test_a_bundle_in_another_form_is_left_alone(box: LinkBox, value: object) -> None:
    app = project(box, MANIFESTS[0])
    linkpack.link([box.package("lib", "alpha")], str(app), box.options(save=True, save_bundle=True))
    (app / "package.json").write_text(json.dumps({"name": "a", "bundleDependencies": value}))
    linkpack.unlink(["alpha"], str(app), box.options())
    assert json.loads((app / "package.json").read_text()) == {"name": "a", "bundleDependencies": value}


@pytest.mark.parametrize("form", ["save_peer", "save"])
def test_an_optional_peer_saved_as_a_peer_is_required(box: LinkBox, form: str) -> None:
    """The lockfile says so too. Saved in any other way it stays optional."""
    app = project(box, MANIFESTS[8])
    linkpack.link([box.package("lib", "alpha")], str(app), box.options(**{form: True}))
    manifest = json.loads((app / "package.json").read_text())
    assert manifest["peerDependencies"] == {"alpha": "file:../lib"}
    assert manifest["peerDependenciesMeta"] == {"alpha": {"optional": form == "save"}}
    lock = json.loads((app / "package-lock.json").read_text())["packages"][""]
    assert lock["peerDependenciesMeta"] == manifest["peerDependenciesMeta"]


IN_BETWEEN: dict[str, tuple[dict[str, str], dict[str, object], dict[str, str], dict[str, object]]] = {
    # what it is: the dependencies, packages of the lockfile then; both after the link is gone
    "another dependency": (
        {"alpha": "file:../lib", "other": "1"}, {}, {"alpha": "^1.0.0", "other": "1"}, {},
    ),
    "another version": (
        {"alpha": "file:../lib"}, {"../lib": {"version": "2.0.0"}},
        {"alpha": "^1.0.0"}, {"../lib": {"version": "2.0.0"}},
    ),
    "a copy inside": (
        {"alpha": "file:../lib"}, {"node_modules/alpha/node_modules/inner": {"version": "2.0.0"}},
        {"alpha": "^1.0.0"}, {"node_modules/alpha/node_modules/inner": {"version": "2.0.0"}},
    ),
    "uninstalled": (
        {"other": "1"}, {"../lib": None, "node_modules/alpha": None},
        {"other": "1"}, {"node_modules/alpha": None},
    ),
    "no dependencies": ({}, {}, {}, {}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("case", "form"), [*((case, "save") for case in IN_BETWEEN), ("another dependency", "save_dev")]
)
def test_files_edited_since_lose_only_what_is_ours(box: LinkBox, case: str, form: str) -> None:
    """The old range comes back."""
    app = project(box, b'{"name":"a","dependencies":{"alpha":"^1.0.0"}}')
    packages: dict[str, object] = {
        "": {"name": "a", "dependencies": {"alpha": "^1.0.0"}},
        "node_modules/alpha": {"version": "1.0.0"},
        "node_modules/alpha/node_modules/inner": {"version": "1.0.0"},
    }
    (app / "package-lock.json").write_text(json.dumps({**LOCK, "packages": packages}))
    linkpack.link([box.package("lib", "alpha")], str(app), box.options(**{form: True}))
    dependencies, edited, left, kept = IN_BETWEEN[case]

    def dependent(wanted: dict[str, str]) -> dict[str, object]:
        ours = {name: spec for name, spec in wanted.items() if form == "save_dev" and spec.startswith("file:")}
        theirs = {name: spec for name, spec in wanted.items() if name not in ours}
        sections = {"dependencies": theirs, "devDependencies": ours}
        return {"name": "a", **{section: entries for section, entries in sections.items() if entries}}

    def present(table: dict[str, object]) -> dict[str, object]:
        return {key: value for key, value in table.items() if value is not None}

    (app / "package.json").write_text(json.dumps(dependent(dependencies)))
    lock = json.loads((app / "package-lock.json").read_text())
    lock["packages"] = present({**lock["packages"], "": dependent(dependencies), **edited})
    (app / "package-lock.json").write_text(json.dumps(lock))
    linkpack.unlink(["alpha"], str(app), box.options())
    assert json.loads((app / "package.json").read_text()) == dependent(left)
    now = json.loads((app / "package-lock.json").read_text())["packages"]
    assert now == present({**packages, "": dependent(left), **kept})


@pytest.mark.parametrize("name", ["package.json", "package-lock.json"])
def test_a_removed_file_does_not_come_back(box: LinkBox, name: str) -> None:
    """The other file is as it was."""
    app = project(box, MANIFESTS[3])
    linkpack.link([box.package("lib", "alpha")], str(app), box.options(save=True))
    (app / name).unlink()
    journal = linkpack.unlink(["alpha"], str(app), box.options())
    assert journal.plan.warnings == ()
    assert list(box.tree(app)) == ["package.json"] * (name != "package.json")
    assert name == "package.json" or (app / "package.json").read_bytes() == MANIFESTS[3]


def test_a_link_saved_twice_goes_back_to_before_the_first_time(box: LinkBox) -> None:
    app = project(box, MANIFESTS[3])
    before = box.tree(app)
    lib = box.package("lib", "alpha")
    for form in FORMS:
        linkpack.link([lib], str(app), box.options(**{form: True}))
    linkpack.unlink(["alpha"], str(app), box.options())
    assert box.tree(app) == before


@pytest.mark.parametrize("manifest", [None, MANIFESTS[3]])
@pytest.mark.parametrize("again", ["save", "save_dev"])
@pytest.mark.parametrize("order", ["alpha gamma", "gamma alpha"])
def test_a_link_saved_again_after_another_leaves_nothing(
    box: LinkBox, manifest: bytes | None, again: str, order: str
) -> None:
    """Nor does the other one."""
    app = project(box, manifest)
    before = box.tree(app)
    linkpack.link([box.package(name, name) for name in ("alpha", "gamma")], str(app), box.options(save=True))
    linkpack.link(["../alpha"], str(app), box.options(**{again: True}))
    for name in order.split():
        linkpack.unlink([name], str(app), box.options())
        assert not (app / "package.json").exists() or f'../{name}"' not in (app / "package.json").read_text()
    assert box.tree(app) == before


def test_a_link_is_saved_in_one_way_only(box: LinkBox) -> None:
    app = project(box, MANIFESTS[0])
    with pytest.raises(LinkError) as caught:
        linkpack.link([box.package("lib", "alpha")], str(app), box.options(save_dev=True, save_peer=True))
    assert caught.value.code == "ESAVE"


BROKEN = {"no JSON": "{bad", "no object": "[]", "deep": '{"a": ' * 100_000}
BROKEN_LOCKS = {
    **BROKEN,
    "no packages": '{"packages": []}',
    "no package": '{"packages": {"": 5}}',
    "no dependency": '{"dependencies": {"x": "1"}}',
    "rather deep": '{"packages": {"": ' + '{"a": ' * 300 + "{}" + "}" * 302,
}


@pytest.mark.parametrize("place", ["package-lock.json", "node_modules/.package-lock.json"])
@pytest.mark.parametrize("text", BROKEN_LOCKS.values(), ids=BROKEN_LOCKS)
def test_a_lockfile_that_cannot_be_updated_is_refused(box: LinkBox, text: str, place: str) -> None:
    """So is npm's own in node_modules, from which one is made. Nothing is written."""
    app = project(box, MANIFESTS[0])
    (app / "node_modules").mkdir()
    (app / place).write_text(text)
    lib = box.package("lib", "alpha")
    before = box.tree()
    with pytest.raises(ManifestInvalid) as caught:
        linkpack.link([lib], str(app), box.options(save=True))
    assert caught.value.code == "ELOCK"
    assert caught.value.path == str(app / place)
    assert box.tree() == before


@pytest.mark.parametrize(
    ("name", "how"),
    [*(("package.json", how) for how in BROKEN), *(("package-lock.json", how) for how in BROKEN_LOCKS)],
)
def test_a_file_broken_since_is_left_alone(box: LinkBox, name: str, how: str) -> None:
    """That is a warning, and the link goes."""
    app = project(box, MANIFESTS[0])
    linkpack.link([box.package("lib", "alpha")], str(app), box.options(save=True))
    (app / name).write_text(text := BROKEN_LOCKS[how])
    journal = linkpack.unlink(["alpha"], str(app), box.options())
    assert [(problem.code, problem.path) for problem in journal.plan.warnings] == [("WUNSAVED", str(app / name))]
    assert (app / name).read_text() == text
    assert not (app / "node_modules").exists()


@pytest.mark.parametrize("name", ["package.json", "package-lock.json"])
def test_a_folder_in_the_place_of_a_file_is_an_error(box: LinkBox, name: str) -> None:
    """Nothing can be saved in it, nor taken out of it."""
    app = project(box, None)
    (app / name).mkdir()
    lib = box.package("lib", "alpha")
    before = box.tree()
    with pytest.raises(ManifestInvalid) as caught:
        linkpack.link([lib], str(app), box.options(save=True))
    assert (caught.value.code, caught.value.path) == ("EUNREADABLE", str(app / name))
    assert box.tree() == before
    (app / name).rmdir()
    linkpack.link([lib], str(app), box.options(save=True))
    (app / name).unlink()
    (app / name).mkdir()
    before = box.tree()
    with pytest.raises(ManifestInvalid) as caught:
        linkpack.unlink(["alpha"], str(app), box.options())
    assert (caught.value.code, caught.value.path) == ("EUNREADABLE", str(app / name))
    assert box.tree() == before


@pytest.mark.parametrize("how", ["fine", *BROKEN])
def test_a_new_lockfile_needs_every_workspace(box: LinkBox, how: str) -> None:
    """None is made when one of them cannot be read."""
    app = project(box, b'{"name":"a","workspaces":["m"]}')
    (app / "m").mkdir()
    (app / "m/package.json").write_text(BROKEN.get(how, '{"name": "m", "version": "1.0.0"}'))
    journal = linkpack.link([box.package("lib", "alpha")], str(app), box.options(save=True))
    assert [problem.code for problem in journal.plan.warnings] == ([] if how == "fine" else ["WLOCK"])
    assert (app / "package-lock.json").exists() == (how == "fine")
    if how == "fine":
        packages = json.loads((app / "package-lock.json").read_text())["packages"]
        assert packages["m"] == {"version": "1.0.0"}
        assert packages["node_modules/m"] == {"resolved": "m", "link": True}


def test_a_lockfile_is_made_from_what_npm_installed(box: LinkBox) -> None:
    """That is listed in node_modules/.package-lock.json."""
    app = project(box, b'{"name":"a","dependencies":{"beta":"1"}}')
    installed = {"node_modules/beta": {"version": "1.2.0", "dependencies": {"delta": "1"}}}
    installed["node_modules/delta"] = {"version": "1.0.0"}
    (app / "node_modules").mkdir()
    (app / "node_modules/.package-lock.json").write_text(json.dumps({**LOCK, "packages": installed}))
    linkpack.link([box.package("lib", "alpha")], str(app), box.options(save=True))
    packages = json.loads((app / "package-lock.json").read_text())["packages"]
    assert packages == {
        "": {"name": "a", "dependencies": {"alpha": "file:../lib", "beta": "1"}},
        "../lib": {"name": "alpha", "version": "1.0.0"},
        "node_modules/alpha": {"resolved": "../lib", "link": True},
        **installed,
    }


@pytest.mark.parametrize("converted", [False, True])
@pytest.mark.parametrize("legacy", [{}, {"dependencies": {"beta": {"version": "1.2.0"}}}])
def test_a_lockfile_of_npm_6_gets_npm_6s_entry(
    box: LinkBox, legacy: dict[str, dict[str, object]], *, converted: bool
) -> None:
    """It loses the entry again, also when it was converted since."""
    app = project(box, MANIFESTS[0])
    old = json.dumps({"name": "a", "lockfileVersion": 1, **legacy})
    (app / "package-lock.json").write_text(old)
    linkpack.link([box.package("lib", "alpha", dependencies={"x": "1"})], str(app), box.options(save=True))
    lock = json.loads((app / "package-lock.json").read_text())
    assert lock["dependencies"] == {**legacy.get("dependencies", {}), "alpha": {"version": "file:../lib"}}
    assert "packages" not in lock
    if converted:
        (app / "package-lock.json").write_text(old := json.dumps(LOCK))
    linkpack.unlink(["alpha"], str(app), box.options())
    assert (app / "package-lock.json").read_text() == old


@pytest.mark.parametrize("other", ["yarn.lock", "pnpm-lock.yaml"])
def test_no_lockfile_is_made_beside_another_managers(box: LinkBox, other: str) -> None:
    """Nor is one when the tree is not known."""
    app = project(box, MANIFESTS[0])
    (app / other).write_text("")
    lib = box.package("lib", "alpha")
    journal = linkpack.link([lib], str(app), box.options(save=True))
    assert [problem.code for problem in journal.plan.warnings] == ["WLOCK"]
    assert not (app / "package-lock.json").exists()


def test_a_lockfile_keeps_what_others_need(box: LinkBox) -> None:
    """What the link replaces moves to the packages that cannot use the link."""
    app = project(box, b'{"name":"a","dependencies":{"beta":"1"}}')
    old = {"version": "1.1.0", "integrity": "x"}
    packages = {
        "": {"name": "a", "dependencies": {"beta": "1"}},
        "node_modules/alpha": old,
        "node_modules/alpha/node_modules/inner": {"version": "1.0.0"},
        "node_modules/beta": {"version": "1.0.0", "dependencies": {"alpha": "^1.0.0"}},
        "node_modules/delta": {"version": "1.0.0", "dependencies": {"alpha": "*"}},
        "node_modules/epsilon": {"version": "1.0.0", "dependencies": {"alpha": "^0.9.0"}},
        "node_modules/epsilon/node_modules/alpha": {"version": "0.9.0"},
        "node_modules/zeta": {"version": "1.0.0"},
    }
    lock = {**LOCK, "lockfileVersion": 2, "packages": packages, "dependencies": {"alpha": {"version": "1.1.0"}}}
    (app / "package-lock.json").write_text(json.dumps(lock))
    lib = box.package(
        "lib",
        "alpha",
        version="9.0.0",
        dependencies={"x": "1"},
        scripts={"install": "true"},
        license={"type": "MIT"},
    )
    linkpack.link([lib], str(app), box.options(save_dev=True))
    after = json.loads((app / "package-lock.json").read_text())
    assert after["packages"]["node_modules/alpha"] == {"resolved": "../lib", "link": True}
    assert after["packages"]["node_modules/beta/node_modules/alpha"] == old
    assert "node_modules/beta/node_modules/alpha/node_modules/inner" in after["packages"]
    copies = {key for key in after["packages"] if key.endswith("/node_modules/alpha")}
    assert copies == {"node_modules/beta/node_modules/alpha", "node_modules/epsilon/node_modules/alpha"}
    assert after["packages"]["node_modules/epsilon/node_modules/alpha"] == {"version": "0.9.0"}
    assert after["packages"]["../lib"] == {
        "version": "9.0.0",
        "dev": True,
        "hasInstallScript": True,
        "license": "MIT",
        "dependencies": {"x": "1"},
        "name": "alpha",
    }
    assert after["dependencies"]["alpha"]["version"] == "file:../lib"
    linkpack.unlink(["alpha"], str(app), box.options())
    assert json.loads((app / "package-lock.json").read_text()) == lock


def test_a_package_inside_needs_its_dependencies_in_the_lockfile(box: LinkBox) -> None:
    """One that is missing is a warning."""
    app = project(box, MANIFESTS[0])
    packages = {"node_modules/known": {"version": "1.0.0"}}
    (app / "package-lock.json").write_text(json.dumps({**LOCK, "packages": packages}))
    inner = box.package("app/libs/inner", "inner", dependencies={"known": "1", "x": "1"})
    journal = linkpack.link([inner], str(app), box.options(save=True))
    assert [problem.code for problem in journal.plan.warnings] == ["WLOCK", "WDEPENDENCIES"]
    assert journal.plan.warnings[0].message.startswith("inner needs x, ")
    assert json.loads((app / "package.json").read_text())["dependencies"] == {"inner": "file:libs/inner"}


@pytest.mark.parametrize("name", ["package.json", "package-lock.json"])
def test_a_manifest_that_is_a_link_is_not_written_through(box: LinkBox, name: str) -> None:
    """The error says so, for a lockfile too. Nothing is changed."""
    app = project(box, MANIFESTS[0])
    (app / "package-lock.json").write_text(json.dumps(LOCK), encoding="utf-8")
    (app / name).rename(box.work / "elsewhere")
    (app / name).symlink_to("../elsewhere")
    box.package("alpha", "alpha")
    before = box.tree(box.work)
    with pytest.raises(LinkError, match=f"{name} is a link") as caught:
        linkpack.link(["../alpha"], str(app), box.options(save=True))
    assert [problem.code for problem in caught.value.problems] == ["ELINKOUT"]
    assert box.tree(box.work) == before
    linkpack.link(["../alpha"], str(app), box.options())
    assert (app / "node_modules/alpha").is_symlink()


@pytest.mark.parametrize("taken_out", [False, True], ids=["still saved", "taken out"])
def test_unlink_leaves_a_manifest_that_became_a_link(box: LinkBox, *, taken_out: bool) -> None:
    """The link goes, and a warning says what stays saved."""
    app = project(box, MANIFESTS[0])
    box.package("alpha", "alpha")
    linkpack.link(["../alpha"], str(app), box.options(save=True))
    (app / "package.json").rename(box.work / "elsewhere")
    (app / "package.json").symlink_to("../elsewhere")
    if taken_out:
        (box.work / "elsewhere").write_bytes(MANIFESTS[0])
    before = (box.work / "elsewhere").read_bytes()
    journal = linkpack.unlink(["alpha"], str(app), box.options())
    assert not (app / "node_modules/alpha").is_symlink()
    assert (box.work / "elsewhere").read_bytes() == before
    assert [each.code for each in journal.plan.warnings] == ([] if taken_out else ["WUNSAVED"])


def test_nothing_is_refused_where_nothing_has_to_be_written(box: LinkBox) -> None:
    """The entry is there already, so that a manifest that is a link does not matter."""
    app = project(box, b'{\n  "name": "a",\n  "dependencies": {\n    "alpha": "file:../alpha"\n  }\n}\n')
    (app / "package.json").rename(box.work / "elsewhere")
    (app / "package.json").symlink_to("../elsewhere")
    box.package("alpha", "alpha")
    before = (box.work / "elsewhere").read_bytes()
    linkpack.link(["../alpha"], str(app), box.options(save=True))
    assert (app / "node_modules/alpha").is_symlink()
    assert (box.work / "elsewhere").read_bytes() == before


# --- what contradicts it


OVERRIDES: list[tuple[str, dict[str, Any], str]] = [
    ("package.json", {"overrides": {"alpha": "1.0.0"}}, "EOVERRIDE"),
    ("package.json", {"overrides": {"alpha": {".": "1.0.0"}}}, "EOVERRIDE"),
    ("package.json", {"overrides": {"alpha@^1": {"beta": "1"}}}, "EOVERRIDE"),
    ("package.json", {"overrides": {"alpha@^9": "1.0.0"}}, "EOVERRIDE"),
    ("package.json", {"overrides": {"alpha": "file:../alpha/"}}, "EOVERRIDE"),
    ("package.json", {"overrides": {"alpha": "file:../alpha"}}, ""),
    ("package.json", {"overrides": {"alpha": "$alpha"}}, ""),
    ("package.json", {"overrides": {"alpha": {"beta": "1"}}}, ""),
    ("package.json", {"overrides": {"alpha": "*"}}, ""),
    ("package.json", {"overrides": {"alpha": ""}}, ""),
    ("package.json", {"overrides": {"beta": {"alpha": "1.0.0"}}}, ""),
    ("package.json", {"overrides": {"@s/alpha": "1.0.0", "alphabet": "1"}}, ""),
    ("package.json", {"resolutions": {"alpha": "1.0.0"}}, ""),
    ("yarn.lock", {"resolutions": {"alpha": "1.0.0"}}, "EOVERRIDE"),
    ("yarn.lock", {"resolutions": {"**/alpha": "1.0.0"}}, "EOVERRIDE"),
    ("yarn.lock", {"resolutions": {"alpha@npm:^1": "portal:../alpha"}}, ""),
    ("yarn.lock", {"resolutions": {"beta/alpha": "1.0.0"}}, ""),
    ("yarn.lock", {"overrides": {"alpha": "1.0.0"}}, ""),
    ("bun.lock", {"overrides": {"alpha": "1.0.0"}}, "EOVERRIDE"),
    ("pnpm-lock.yaml", {"pnpm": {"overrides": {"alpha": "1.0.0"}}}, "EOVERRIDE"),
    ("pnpm-lock.yaml", {"pnpm": {"overrides": {"beta>alpha": "1.0.0"}}}, ""),
    ("pnpm-lock.yaml", {"pnpm-workspace.yaml": "overrides:\n  alpha: 1.0.0\n"}, "EOVERRIDE"),
    ("pnpm-lock.yaml", {"pnpm-workspace.yaml": "overrides:\n  alpha: link:../alpha\n"}, ""),
]


@pytest.mark.parametrize(("lockfile", "members", "code"), OVERRIDES)
def test_overrides_that_contradict_are_refused(
    box: LinkBox, lockfile: str, members: dict[str, Any], code: str
) -> None:
    """The error names what would be installed in the link's place. Nothing is changed."""
    text = members.get("pnpm-workspace.yaml")
    app = project(box, json.dumps({"name": "a", "dependencies": {"alpha": "1.0.0"}, **members}).encode())
    if isinstance(text, str):
        (app / "pnpm-workspace.yaml").write_text(text)
    if lockfile != "package.json":
        (app / lockfile).write_text("")
    box.package("alpha", "alpha")
    before = box.tree()
    if not code:
        linkpack.link(["../alpha"], str(app), box.options(save=True))
        return
    with pytest.raises(
        LinkConflict, match=r"wants alpha .*, which conflicts with saving it as file:\.\./alpha"
    ) as caught:
        linkpack.link(["../alpha"], str(app), box.options(save=True))
    assert (caught.value.code, "$alpha" in caught.value.hint) == (code, True)
    assert box.tree() == before
    linkpack.link(["../alpha"], str(app), box.options())


def test_overrides_of_the_root_apply_to_its_workspaces(box: LinkBox) -> None:
    mono = box.package("mono", "mono", workspaces=["packages/*"], overrides={"alpha": "1.0.0"})
    member = box.package("mono/packages/a", "a")
    box.package("alpha", "alpha")
    with pytest.raises(LinkConflict, match=r"mono/package\.json \(overrides\) wants alpha 1\.0\.0"):
        linkpack.link(["../../../alpha"], member, box.options(save=True))
    assert mono


NO_SAVE = [
    ({"save": False}, {"save-dev": "true"}, None),
    ({"save": False}, {"save": "true"}, None),
    ({}, {"save": "false", "save-dev": "true"}, None),
    ({}, {"save-dev": "true"}, "devDependencies"),
    ({}, {"save": "true"}, "dependencies"),
    ({"save_dev": True}, {"save": "false"}, "devDependencies"),
    ({"save_dev": True}, {"save-prod": "true"}, "devDependencies"),
    ({"save": True}, {"save-dev": "true"}, "devDependencies"),
]


@pytest.mark.parametrize(("flags", "npmrc", "section"), NO_SAVE)
@pytest.mark.parametrize("where", ["project", "user", "environment"])
def test_the_stronger_setting_wins(
    box: LinkBox, flags: dict[str, bool], npmrc: dict[str, str], section: str | None, where: str
) -> None:
    """`--no-save` wins over what settings say, and a flag for one section over another's."""
    app = project(box, b"{}")
    box.package("alpha", "alpha")
    text = "".join(f"{key}={value}\n" for key, value in npmrc.items())
    if where == "environment":
        box.env.update({f"npm_config_{key.replace('-', '_')}": value for key, value in npmrc.items()})
    else:
        (app if where == "project" else box.home).joinpath(".npmrc").write_text(text)
    linkpack.link(["../alpha"], str(app), box.options(**flags))
    saved = json.loads((app / "package.json").read_text())
    assert saved == ({} if section is None else {section: {"alpha": "file:../alpha"}})


def test_saving_and_not_saving_at_once_is_refused(box: LinkBox) -> None:
    app = project(box, b"{}")
    box.package("alpha", "alpha")
    with pytest.raises(LinkError) as caught:
        linkpack.link(["../alpha"], str(app), box.options(save=False, save_dev=True))
    assert caught.value.code == "ESAVE"


# --- what JSON cannot say


def test_a_folder_with_a_name_that_is_not_utf_8_is_not_saved(box: LinkBox) -> None:
    """It can be linked without saving."""
    app = project(box, b"{}")
    folder = os.fsdecode(b"l\xe9b")
    box.package(folder, "alpha")
    before = box.tree()
    with pytest.raises(LinkConflict, match="a manifest is UTF-8") as caught:
        linkpack.link([f"../{folder}"], str(app), box.options(save=True))
    assert (caught.value.code, caught.value.path) == ("ESAVENAME", str(box.work / folder))
    assert box.tree() == before
    linkpack.link([f"../{folder}"], str(app), box.options())
    linkpack.unlink(["alpha"], str(app), box.options())
    linkpack.unlink(["alpha"], str(app), box.options(), shared=True)
    assert box.tree() == before


NUMBERS = {
    "1e400": "null",
    "-1e400": "null",
    "1.0": "1",
    "1e3": "1000",
    "-0": "0",
    "0.5": "0.5",
    "12345678901234567890": "12345678901234567000",
    "1e20": "100000000000000000000",
    "123456789012345680000": "123456789012345680000",
    "1" * 5000: "null",
}


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("place", ["package", "lockfile"])
def test_numbers_in_a_lockfile_are_those_that_npm_writes(box: LinkBox, number: str, place: str) -> None:
    """Every number of a manifest or lockfile becomes what JSON.stringify makes of it."""
    app = project(box, b'{"name":"a"}')
    lib = box.package("alpha", "alpha")
    text = json.dumps(LOCK)
    if place == "package":
        (box.work / "alpha/package.json").write_text(f'{{"name":"alpha","version":"1.0.0","os":[{number}]}}')
    else:
        text = f'{text[:-1]}, "x": [{number}]}}'
    (app / "package-lock.json").write_text(text)
    linkpack.link([lib], str(app), box.options(save=True))
    lock = json.loads(
        (app / "package-lock.json").read_text(), parse_constant=pytest.fail, parse_int=str, parse_float=str
    )
    found = lock["packages"]["../alpha"]["os"] if place == "package" else lock["x"]
    assert found == [None if NUMBERS[number] == "null" else NUMBERS[number]]


def test_numbers_in_a_note_on_a_peer_are_those_that_npm_writes(box: LinkBox) -> None:
    """They are written into package.json."""
    meta = '"peerDependenciesMeta": {"alpha": {"optional": true, "a": 1e400, "b": [1, "Infinity"]}}'
    app = project(box, f'{{"name": "a", "peerDependencies": {{"alpha": "1"}}, {meta}}}'.encode())
    before = box.tree(app)
    box.package("alpha", "alpha")
    linkpack.link(["../alpha"], str(app), box.options(save_peer=True))
    saved = json.loads((app / "package.json").read_text(), parse_constant=pytest.fail, parse_int=str)
    wanted = {"optional": False, "a": None, "b": ["1", "Infinity"]}
    assert saved["peerDependenciesMeta"] == {"alpha": wanted}
    linkpack.unlink(["alpha"], str(app), box.options())
    assert box.tree(app) == before


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": -Infinity}', "{}\x00", "\ufeff\ufeff{}"])
def test_a_lockfile_that_is_no_json_for_npm_is_refused(box: LinkBox, text: str) -> None:
    """Python's reader takes it, and JavaScript's does not."""
    app = project(box, b'{"name":"a"}')
    box.package("alpha", "alpha")
    (app / "package-lock.json").write_text(text)
    with pytest.raises(ManifestInvalid) as caught:
        linkpack.link(["../alpha"], str(app), box.options(save=True))
    assert caught.value.code == "ELOCK"


def test_a_lockfile_in_utf_16_is_refused(box: LinkBox) -> None:
    """Lockfiles are UTF-8 for npm."""
    app = project(box, b'{"name":"a"}')
    box.package("alpha", "alpha")
    (app / "package-lock.json").write_bytes(json.dumps(LOCK).encode("utf-16"))
    with pytest.raises(ManifestInvalid) as caught:
        linkpack.link(["../alpha"], str(app), box.options(save=True))
    assert caught.value.code == "ELOCK"


INNER = [
    ("dependencies", {}, True),
    ("devDependencies", {}, True),
    ("optionalDependencies", {}, True),
    ("peerDependencies", {}, True),
    ("peerDependencies", {"peerDependenciesMeta": {"dep": {"optional": True}}}, False),
]


@pytest.mark.parametrize(("section", "more", "needed"), INNER)
@pytest.mark.parametrize("has", [None, "1.0.0", "2.0.0"])
def test_what_a_package_inside_needs_and_the_lockfile_lacks_is_a_warning(
    box: LinkBox, section: str, more: dict[str, Any], has: str | None, *, needed: bool
) -> None:
    """Without it `npm ci` would fail, as tests/differential/test_link_inner.py has it from npm."""
    app = project(box, b'{"name":"a"}')
    box.package("app/inner", "alpha", **{section: {"dep": "^1.0.0"}, **more})
    packages: dict[str, object] = {"": {"name": "a"}}
    if has:
        packages["node_modules/dep"] = {"version": has}
    (app / "package-lock.json").write_text(json.dumps({**LOCK, "packages": packages}))
    journal = linkpack.link(["./inner"], str(app), box.options(save=True))
    lacks = needed and (has is None or (has == "2.0.0" and section != "peerDependencies"))
    assert ("WLOCK" in codes(journal)) == lacks
    if section == "peerDependencies":
        journal = linkpack.link(["./inner"], str(app), box.options(save=True, legacy_peer_deps=True))
        assert "WLOCK" not in codes(journal)
