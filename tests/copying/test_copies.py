"""`link --copy`: what a copy holds, and how it goes away again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.errors import LinkError, StalePlan
from linkpack.linking.command import LinkOptions
from linkpack.system.temporary import is_draft
from tests.support.linkbox import LinkBox, codes, invoke, warned
from tests.support.packed import folder, options
from tests.support.trees import Tree, trees

if TYPE_CHECKING:
    from linkpack.linking.journal import Journal

PACKABLE = [tree for tree in trees("pack") if not any(line.startswith("error:") for line in tree.want)]
# Fixtures that ask for another way of packing than a copy has.
DEFAULT = [tree for tree in PACKABLE if not tree.settings("with")]


@pytest.fixture
def box(tmp_path: Path) -> LinkBox:
    """A private machine."""
    return LinkBox(tmp_path)


def copying(box: LinkBox) -> LinkOptions:
    """The options of `link --copy`."""
    return box.options()._replace(copy=True)


def copy(box: LinkBox, source: str, app: str) -> Journal:
    """Copy the package in *source* into the project *app*."""
    return linkpack.link([source], app, copying(box))


def files(root: Path, *, nested: bool = True) -> dict[str, tuple[bytes, int]]:
    """Bytes and modes of the files below *root*, with or without its node_modules."""
    found = {}
    for at, folders, names in os.walk(root):
        if Path(at) == root and not nested:
            folders[:] = [name for name in folders if name != "node_modules"]
        for name in names:
            path = Path(at, name)
            assert not path.is_symlink()
            found[str(path.relative_to(root))] = (path.read_bytes(), path.stat().st_mode & 0o777)
    return found


def unpacked(source: Path, where: Path) -> Path:
    """The package of the tarball that `pack` makes of *source*."""
    tarball = linkpack.pack(source, destination=where / "tarballs")
    linkpack.unpack(tarball.path, where / "unpacked")
    return where / "unpacked" / "package"


def load(app: str, name: str, script: str = "") -> str:
    """What node prints for the exports of the package *name* of *app*."""
    code = script or f"console.log(JSON.stringify(require({name!r})))"
    return subprocess.run(["node", "-e", code], cwd=app, capture_output=True, text=True, check=True).stdout.strip()


# --- what it holds


@pytest.mark.parametrize("tree", DEFAULT, ids=lambda tree: tree.name)
def test_a_copy_is_the_unpacked_tarball(tree: Tree, box: LinkBox, tmp_path: Path) -> None:
    """Paths, bytes and modes are those of the tarball; unlink and undo leave the project as it was."""
    source = folder(tree, tree.write_to(box.work / "tree"))
    assert not options(tree)
    expected = files(unpacked(source, tmp_path), nested=False)
    app = box.package("app", "an-app")
    before = box.tree(app)
    journal = copy(box, str(source), app)
    (item,) = journal.plan.copies
    assert files(Path(item.path), nested=False) == expected
    linkpack.undo(None, app, box.options())
    assert box.tree(app) == before
    copy(box, str(source), app)
    linkpack.unlink([item.name], app, box.options())
    assert box.tree(app) == before
    assert list((box.home / "state/linkpack/copies").iterdir()) == []


def test_a_copy_displaces_what_is_installed_until_it_is_unlinked(box: LinkBox) -> None:
    """Commands included."""
    app, lib = box.package("app", "app"), box.command("lib", "alpha")
    box.installed(app, "alpha")
    before = box.tree(app)
    journal = copy(box, lib, app)
    assert [new.name for _, new in journal.plan.changed] == ["alpha"]
    assert Path(app, "node_modules/.bin/alpha").resolve() == Path(app, "node_modules/alpha/cli.js")
    assert not Path(app, "node_modules/alpha").is_symlink()
    linkpack.unlink(["alpha"], app, box.options())
    assert box.tree(app) == before


def test_undo_brings_back_what_a_copy_displaced(box: LinkBox) -> None:
    """A link of another package as well."""
    app, lib = box.package("app", "app"), box.command("lib", "alpha")
    box.installed(app, "alpha")
    before = box.tree(app)
    copy(box, lib, app)
    linkpack.undo(None, app, box.options())
    assert box.tree(app) == before
    linkpack.link([lib], app, box.options(link_global=False))
    linked = box.tree(app)
    copy(box, lib, app)
    linkpack.undo(None, app, box.options())
    assert box.tree(app) == linked


def test_nothing_outside_of_the_project_changes(box: LinkBox) -> None:
    """Neither the global folder nor the modes of the package's scripts."""
    app, lib = box.package("app", "app"), box.command("lib", "alpha")
    Path(lib, "cli.js").chmod(0o644)
    before = box.tree(lib)
    copy(box, lib, app)
    assert box.tree(lib) == before
    assert not box.prefix.exists()
    assert os.access(f"{app}/node_modules/.bin/alpha", os.X_OK)


def test_a_dry_run_writes_nothing(box: LinkBox) -> None:
    """It reads what the copy would hold all the same."""
    app, lib = box.package("app", "app"), box.package("lib", "alpha", {"index.js": "1"})
    before = box.tree()
    plan = linkpack.plan_link([lib], app, copying(box))
    assert [(item.name, item.files) for item in plan.copies] == [("alpha", 2)]
    assert box.tree() == before


def test_a_copy_becomes_a_link_and_a_copy_again(box: LinkBox) -> None:
    """Each takes the place of the other, and what was installed comes back at the end."""
    app, lib = box.package("app", "app"), box.package("lib", "alpha", {"index.js": "1"})
    box.installed(app, "alpha")
    before = box.tree(app)
    copy(box, lib, app)
    linkpack.link([lib], app, box.options(link_global=False))
    assert box.leads(app, "alpha") == lib
    copy(box, lib, app)
    copy(box, lib, app)
    assert not box.leads(app, "alpha")
    linkpack.unlink(["alpha"], app, box.options())
    assert box.tree(app) == before


def test_relink_copies_again_what_an_install_took_away(box: LinkBox) -> None:
    """A copy that is in place stays as it is."""
    app, lib = (
        box.package("app", "app", dependencies={"alpha": "1"}),
        box.package("lib", "alpha", {"index.js": "1"}),
    )
    copy(box, lib, app)
    assert linkpack.relink(project=app, options=box.options()).run == ""
    (Path(app) / "node_modules/alpha/index.js").unlink()
    (Path(app) / "node_modules/alpha/package.json").unlink()
    (Path(app) / "node_modules/alpha").rmdir()
    assert [link.state for link in linkpack.links(app, box.options())] == ["dropped"]
    linkpack.relink(project=app, options=box.options())
    (link,) = linkpack.links(app, box.options())
    assert (link.state, link.copy, link.target) == ("linked", True, lib)
    assert Path(app, "node_modules/alpha/index.js").read_text() == "1"


def test_what_an_install_put_in_the_place_of_a_copy_stays(box: LinkBox) -> None:
    """Unlinking forgets the copy only."""
    app, lib = box.package("app", "app"), box.package("lib", "alpha", {"index.js": "1"})
    copy(box, lib, app)
    Path(app, "node_modules/alpha").rename(f"{app}/old")
    box.installed(app, "alpha", "7.0.0")
    linkpack.unlink(["alpha"], app, box.options())
    assert json.loads(Path(app, "node_modules/alpha/package.json").read_text())["version"] == "7.0.0"


def test_an_unlinked_copy_is_not_brought_back_by_undo(box: LinkBox) -> None:
    """It was removed, and undo says so before it changes anything."""
    app, lib = box.package("app", "app"), box.package("lib", "alpha")
    copy(box, lib, app)
    linkpack.unlink(["alpha"], app, box.options())
    before = box.tree(app)
    with pytest.raises(StalePlan, match="the copy that was at"):
        linkpack.undo(None, app, box.options())
    assert box.tree(app) == before


@pytest.mark.parametrize("flags", [{"save": True}, {"save-dev": True}])
def test_a_copy_cannot_be_saved(box: LinkBox, flags: dict[str, bool]) -> None:
    """Nothing is changed then."""
    app, lib = box.package("app", "app"), box.package("lib", "alpha")
    with pytest.raises(LinkError) as failure:
        linkpack.link([lib], app, LinkOptions(flags=flags, env=box.env, copy=True))
    assert failure.value.code == "ECOPY"
    assert not Path(app, "node_modules").exists()


def test_a_copy_cannot_be_global(box: LinkBox) -> None:
    """Without a SPEC there is nothing to copy."""
    with pytest.raises(LinkError) as failure:
        linkpack.link([], box.package("lib", "alpha"), copying(box))
    assert failure.value.code == "ECOPY"


def test_the_command_says_where_the_copy_is_and_which_peers_it_shares(
    box: LinkBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--install-links is npm's name for --copy."""
    app = box.package("app", "app")
    box.installed(app, "react", "18.2.0")
    lib = box.package("lib", "alpha", peerDependencies={"react": "18"})
    for key, value in box.env.items():
        monkeypatch.setenv(key, value)
    printed = invoke("link", "-C", app, "--install-links", lib).stdout
    assert printed.splitlines() == [
        "added 1 package",
        f"  {app}/node_modules/alpha <- {lib} (1 file)",
        "    react: one copy",
    ]
    assert "copied    alpha 1.0.0 <- " in invoke("ls", "-C", app).stdout


# --- its dependencies


def module(root: str, name: str, version: str = "1.0.0", **members: object) -> Path:
    """An installed package that exports its path; its folder."""
    path = Path(root, "node_modules", name)
    path.mkdir(parents=True)
    (path / "package.json").write_text(json.dumps({"name": name, "version": version, **members}))
    (path / "index.js").write_text("module.exports = __dirname")
    return path


def exporting(*names: str) -> dict[str, str]:
    """The files of a package that exports what it finds for *names*."""
    return {"index.js": f"module.exports = {json.dumps(names)}.map((name) => require(name))"}


def test_a_dependency_is_the_projects_where_that_satisfies_the_range(box: LinkBox) -> None:
    """A snapshot of what the source has is for the rest."""
    app = box.package("app", "app")
    lib = box.package("lib", "alpha", exporting("ms", "ansi"), dependencies={"ms": "^2.0.0", "ansi": "^3.0.0"})
    for root, ms, ansi in ((app, "2.1.0", "2.0.0"), (lib, "2.0.9", "3.1.0")):
        module(root, "ms", ms)
        module(root, "ansi", ansi)
    (item,) = copy(box, lib, app).plan.copies
    assert item.nested == ("ansi@3.1.0",)
    assert json.loads(load(app, "alpha")) == [
        f"{app}/node_modules/ms",
        f"{app}/node_modules/alpha/node_modules/ansi",
    ]


def test_what_nested_packages_need_is_nested_or_the_projects(box: LinkBox) -> None:
    """A linked dependency of the source is copied as it would ship."""
    app, other = box.package("app", "app"), box.package("other", "beta", exporting("gamma", "delta"))
    Path(other, "package.json").write_text(
        '{"name": "beta", "version": "1.0.0", "dependencies": {"gamma": "1", "delta": "1"}}'
    )
    lib = box.package("lib", "alpha", exporting("beta"), dependencies={"beta": "^1.0.0"})
    Path(lib, "node_modules").mkdir()
    Path(lib, "node_modules/beta").symlink_to(other)
    Path(other, ".npmrc").write_text("tag=x")
    module(other, "gamma")
    module(other, "delta")
    module(app, "gamma")
    (item,) = copy(box, lib, app).plan.copies
    assert item.nested == ("beta@1.0.0", "delta@1.0.0")
    inside = f"{app}/node_modules/alpha/node_modules"
    assert json.loads(load(app, "alpha")) == [[f"{app}/node_modules/gamma", f"{inside}/beta/node_modules/delta"]]
    assert not Path(inside, "beta/.npmrc").exists()


def test_a_peer_is_always_the_projects(box: LinkBox) -> None:
    """That holds for a wrong version too, with a warning."""
    app = box.package("app", "app")
    lib = box.package("lib", "alpha", exporting("react"), peerDependencies={"react": "^18.0.0"})
    module(lib, "react", "18.0.0")
    module(app, "react", "17.0.0")
    journal = copy(box, lib, app)
    assert journal.plan.copies[0].peers == ("react",)
    assert json.loads(load(app, "alpha")) == [f"{app}/node_modules/react"]
    assert "react ^18.0.0 is needed by alpha" in warned(journal, "WPEER")


def test_two_copies_of_one_command_find_each_other(box: LinkBox) -> None:
    """What is copied with it is the project's as well."""
    app = box.package("app", "app")
    beta = box.package("beta", "beta", {"index.js": "module.exports = __dirname"})
    alpha = box.package("alpha", "alpha", exporting("beta"), dependencies={"beta": "^1.0.0"})
    journal = linkpack.link([alpha, beta], app, copying(box))
    assert [item.nested for item in journal.plan.copies] == [(), ()]
    assert json.loads(load(app, "alpha")) == [f"{app}/node_modules/beta"]


def test_a_dependency_that_nobody_has_is_a_warning(box: LinkBox) -> None:
    """An optional one is none."""
    app = box.package("app", "app")
    lib = box.package("lib", "alpha", dependencies={"ms": "^2.0.0"}, optionalDependencies={"fsevents": "2"})
    journal = copy(box, lib, app)
    assert codes(journal) == {"WDEPENDENCIES"}
    assert "needs ms ^2.0.0" in warned(journal, "WDEPENDENCIES")


def test_drafts_of_killed_runs_go_with_the_next_copy(box: LinkBox) -> None:
    """A draft is beside its place, so that moving it there is a rename."""
    app, lib = box.package("app", "app"), box.package("lib", "alpha")
    code = (
        "import os, sys, linkpack\n"
        "from linkpack.linking.command import LinkOptions\n"
        "from linkpack.system.new_folder import NewFolder\n"
        "NewFolder.write = lambda *given: os._exit(9)\n"
        "linkpack.link([sys.argv[1]], sys.argv[2], LinkOptions(copy=True))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, lib, app], env={**os.environ, **box.env}, check=False)
    assert ended.returncode == 9
    assert [entry.name for entry in Path(app).iterdir() if is_draft(entry.name)]
    copy(box, lib, app)
    assert sorted(entry.name for entry in Path(app).iterdir()) == ["node_modules", "package.json"]
