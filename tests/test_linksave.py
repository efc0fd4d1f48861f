"""Saving links: which section, which bytes, and the way back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from linkpack.errors import LinkError, ManifestInvalid
from linkpack.linking import linkapi
from tests.support.linkbox import LinkBox

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
]
FORMS = ["save", "save_prod", "save_dev", "save_optional", "save_peer"]
LOCK = {"name": "a", "lockfileVersion": 3, "requires": True, "packages": {"": {"name": "a"}}}


@pytest.fixture
def box(tmp_path: Path) -> LinkBox:
    """A private machine."""
    return LinkBox(tmp_path)


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
def test_saved_and_taken_back(box: LinkBox, form: str, manifest: bytes | None, order: str) -> None:
    """Two links saved one after the other are taken back in either order, and every byte is as it was."""
    app = project(box, manifest)
    before = box.tree(app)
    for name in ("alpha", "gamma"):
        box.package(name, name)
        linkapi.link([f"../{name}"], str(app), box.options(**{form: True}))
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
        linkapi.unlink([name], str(app), box.options())
    assert box.tree(app) == before


@pytest.mark.parametrize("form", FORMS)
def test_undo_of_a_saved_link(box: LinkBox, form: str) -> None:
    """Undo gives manifest and lockfile back too."""
    app = project(box, MANIFESTS[4])
    (app / "package-lock.json").write_text(json.dumps(LOCK, indent=4))
    before = box.tree(app)
    linkapi.link([box.package("lib", "alpha")], str(app), box.options(**{form: True}))
    assert box.tree(app) != before
    linkapi.undo(None, str(app), box.options())
    assert box.tree(app) == before


def test_other_bytes_stay(box: LinkBox) -> None:
    """Only the new entry is written; escapes, number forms, line ends and the byte order mark stay."""
    app = project(box, MANIFESTS[4])
    linkapi.link([box.package("lib", "alpha")], str(app), box.options(save_dev=True, package_lock=False))
    text = (app / "package.json").read_bytes().decode()
    assert text == (
        '\ufeff{\r\n\t"name": "a",\r\n\t"n": 1.50,\r\n'
        '\t"dependencies": {\r\n\t\t"b": "\\u0031",\r\n\t\t"zeta": "1"\r\n\t}'
        ',\r\n\t"devDependencies": {\r\n\t\t"alpha": "file:../lib"\r\n\t}\r\n}\r\n'
    )
    assert not (app / "package-lock.json").exists()


@pytest.mark.parametrize("form", ["save", "save_dev", "save_optional"])
def test_bundle(box: LinkBox, form: str) -> None:
    """With save-bundle the name is in the bundle, sorted, once."""
    app = project(box, MANIFESTS[7])
    linkapi.link([box.package("lib", "alpha")], str(app), box.options(**{form: True, "save_bundle": True}))
    assert json.loads((app / "package.json").read_text())["bundleDependencies"] == ["alpha", "z"]
    linkapi.unlink(["alpha"], str(app), box.options())
    assert (app / "package.json").read_bytes() == MANIFESTS[7]


def test_others_may_edit_in_between(box: LinkBox) -> None:
    """A manifest and a lockfile that were edited since lose only what is still ours; the old range comes back."""
    app = project(box, b'{"name":"a","dependencies":{"alpha":"^1.0.0"}}')
    packages = {"": {"name": "a", "dependencies": {"alpha": "^1.0.0"}}, "node_modules/alpha": {"version": "1.0.0"}}
    (app / "package-lock.json").write_text(json.dumps({**LOCK, "packages": packages}))
    linkapi.link([box.package("lib", "alpha")], str(app), box.options(save=True))
    for name in ("package.json", "package-lock.json"):
        value = json.loads((app / name).read_text())
        dependent = value if name == "package.json" else value["packages"][""]
        dependent["dependencies"]["other"] = "1"
        (app / name).write_text(json.dumps(value))
    linkapi.unlink(["alpha"], str(app), box.options())
    wanted = {"alpha": "^1.0.0", "other": "1"}
    assert json.loads((app / "package.json").read_text())["dependencies"] == wanted
    lock = json.loads((app / "package-lock.json").read_text())["packages"]
    assert lock == {**packages, "": {"name": "a", "dependencies": wanted}}


def test_saved_twice(box: LinkBox) -> None:
    """A link saved again in another section goes back to what was there before the first time."""
    app = project(box, MANIFESTS[3])
    before = box.tree(app)
    lib = box.package("lib", "alpha")
    for form in FORMS:
        linkapi.link([lib], str(app), box.options(**{form: True}))
    linkapi.unlink(["alpha"], str(app), box.options())
    assert box.tree(app) == before


def test_two_kinds_are_refused(box: LinkBox) -> None:
    """A link is saved in one way only."""
    app = project(box, MANIFESTS[0])
    with pytest.raises(LinkError) as caught:
        linkapi.link([box.package("lib", "alpha")], str(app), box.options(save_dev=True, save_peer=True))
    assert caught.value.code == "ESAVE"


@pytest.mark.parametrize("text", ["{bad", "[]", '{"packages": []}'])
def test_broken_lockfile(box: LinkBox, text: str) -> None:
    """A lockfile that cannot be updated is refused before anything is written."""
    app = project(box, MANIFESTS[0])
    (app / "package-lock.json").write_text(text)
    lib = box.package("lib", "alpha")
    before = box.tree()
    with pytest.raises(ManifestInvalid) as caught:
        linkapi.link([lib], str(app), box.options(save=True))
    assert caught.value.code == "ELOCK"
    assert box.tree() == before


@pytest.mark.parametrize("text", ["{bad", "[]"])
def test_broken_manifest_since(box: LinkBox, text: str) -> None:
    """A manifest that somebody broke since is left alone, with a warning; the link goes."""
    app = project(box, MANIFESTS[0])
    linkapi.link([box.package("lib", "alpha")], str(app), box.options(save=True, package_lock=False))
    (app / "package.json").write_text(text)
    journal = linkapi.unlink(["alpha"], str(app), box.options())
    assert [problem.code for problem in journal.plan.warnings] == ["WUNSAVED"]
    assert (app / "package.json").read_text() == text


@pytest.mark.parametrize("other", ["yarn.lock", "pnpm-lock.yaml"])
def test_no_lockfile_beside_others(box: LinkBox, other: str) -> None:
    """No package-lock.json appears in a project of another package manager, or when the tree is not known."""
    app = project(box, MANIFESTS[0])
    (app / other).write_text("")
    lib = box.package("lib", "alpha")
    journal = linkapi.link([lib], str(app), box.options(save=True))
    assert [problem.code for problem in journal.plan.warnings] == ["WLOCK"]
    assert not (app / "package-lock.json").exists()


def test_lockfile_keeps_what_others_need(box: LinkBox) -> None:
    """What the link replaces in the lockfile moves to the packages that the link is no good for."""
    app = project(box, b'{"name":"a","dependencies":{"beta":"1"}}')
    old = {"version": "1.1.0", "integrity": "x"}
    packages = {
        "": {"name": "a", "dependencies": {"beta": "1"}},
        "node_modules/alpha": old,
        "node_modules/alpha/node_modules/inner": {"version": "1.0.0"},
        "node_modules/beta": {"version": "1.0.0", "dependencies": {"alpha": "^1.0.0"}},
        "node_modules/delta": {"version": "1.0.0", "dependencies": {"alpha": "*"}},
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
    linkapi.link([lib], str(app), box.options(save_dev=True))
    after = json.loads((app / "package-lock.json").read_text())
    assert after["packages"]["node_modules/alpha"] == {"resolved": "../lib", "link": True}
    assert after["packages"]["node_modules/beta/node_modules/alpha"] == old
    assert "node_modules/beta/node_modules/alpha/node_modules/inner" in after["packages"]
    assert "node_modules/delta/node_modules/alpha" not in after["packages"]
    assert after["packages"]["../lib"] == {
        "version": "9.0.0",
        "dev": True,
        "hasInstallScript": True,
        "license": "MIT",
        "dependencies": {"x": "1"},
        "name": "alpha",
    }
    assert after["dependencies"]["alpha"]["version"] == "file:../lib"
    linkapi.unlink(["alpha"], str(app), box.options())
    assert json.loads((app / "package-lock.json").read_text()) == lock


def test_package_inside_of_the_project(box: LinkBox) -> None:
    """A package in the project needs its dependencies in the lockfile; that one is missing is told."""
    app = project(box, MANIFESTS[0])
    inner = box.package("app/libs/inner", "inner", dependencies={"x": "1"})
    journal = linkapi.link([inner], str(app), box.options(save=True))
    assert [problem.code for problem in journal.plan.warnings] == ["WDEPENDENCIES", "WLOCK"]
    assert json.loads((app / "package.json").read_text())["dependencies"] == {"inner": "file:libs/inner"}


@pytest.mark.parametrize("name", ["package.json", "package-lock.json"])
def test_files_that_are_links(box: LinkBox, name: str) -> None:
    """A manifest or lockfile that is a link is not written through, and the error says so; nothing is changed."""
    app = project(box, MANIFESTS[0])
    (app / "package-lock.json").write_text(json.dumps(LOCK), encoding="utf-8")
    (app / name).rename(box.work / "elsewhere")
    (app / name).symlink_to("../elsewhere")
    box.package("alpha", "alpha")
    before = box.tree(box.work)
    with pytest.raises(LinkError, match=f"{name} is a link") as caught:
        linkapi.link(["../alpha"], str(app), box.options(save=True))
    assert [problem.code for problem in caught.value.problems] == ["ELINKOUT"]
    assert box.tree(box.work) == before
    linkapi.link(["../alpha"], str(app), box.options())
    assert (app / "node_modules/alpha").is_symlink()


@pytest.mark.parametrize("taken_out", [False, True], ids=["still saved", "taken out"])
def test_unlinked_from_a_file_that_is_a_link(box: LinkBox, *, taken_out: bool) -> None:
    """A saved link whose manifest has become a link goes; what stays saved there is said, and is not touched."""
    app = project(box, MANIFESTS[0])
    box.package("alpha", "alpha")
    linkapi.link(["../alpha"], str(app), box.options(save=True))
    (app / "package.json").rename(box.work / "elsewhere")
    (app / "package.json").symlink_to("../elsewhere")
    if taken_out:
        (box.work / "elsewhere").write_bytes(MANIFESTS[0])
    before = (box.work / "elsewhere").read_bytes()
    journal = linkapi.unlink(["alpha"], str(app), box.options())
    assert not (app / "node_modules/alpha").is_symlink()
    assert (box.work / "elsewhere").read_bytes() == before
    assert [each.code for each in journal.plan.warnings] == ([] if taken_out else ["WUNSAVED"])


def test_already_saved_in_a_file_that_is_a_link(box: LinkBox) -> None:
    """Where the entry is there already nothing has to be written, and a link is no hindrance."""
    app = project(box, b'{\n  "name": "a",\n  "dependencies": {\n    "alpha": "file:../alpha"\n  }\n}\n')
    (app / "package.json").rename(box.work / "elsewhere")
    (app / "package.json").symlink_to("../elsewhere")
    box.package("alpha", "alpha")
    before = (box.work / "elsewhere").read_bytes()
    linkapi.link(["../alpha"], str(app), box.options(save=True))
    assert (app / "node_modules/alpha").is_symlink()
    assert (box.work / "elsewhere").read_bytes() == before
