"""Who needs whom: every way of laying packages out on disk is read by Node's one rule."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from linkpack.bundle.graph import BundleGraph, is_linked, read_bundle
from linkpack.project.project import find_project
from tests.support.trees import parse_tree

if TYPE_CHECKING:
    from pathlib import Path


def tree(text: str, at: Path, project: str = "app", *, allow_missing: bool = False) -> BundleGraph:
    """The graph of *project* in the tree that *text* says, a line a package, link or file.

        app b! c?           a package and its needs: `?` optional, `^` a peer, `~` an optional peer, `!` bundled
        app/node_modules/b -> ../../lib

    A bundled name is needed as well; `name*` is bundled only.
    """
    markers = []
    for line in filter(None, map(str.strip, text.splitlines())):
        path, *words = line.split()
        if words[:1] == ["->"]:
            markers.append(f"-- {path} -> {words[1]} --\n")
        elif words[:1] == ["="]:
            markers.append(f"-- {path} --\n{' '.join(words[1:])}\n")
        else:
            markers.append(f"-- {path}/package.json --\n{manifest(path, words)}\n")
    parse_tree("".join(markers)).write_to(at)
    return read_bundle(find_project(str(at / project)), allow_missing=allow_missing)


def manifest(path: str, words: list[str]) -> str:
    """A package.json called as its folder is."""
    fields: dict[str, object] = {
        "name": path.rpartition("node_modules/")[2].rpartition("/")[2],
        "version": "1.0.0",
    }
    kinds = {"?": "optionalDependencies", "^": "peerDependencies", "~": "peerDependencies"}
    for word in words:
        name = word.rstrip("?^~!*")
        end = word[len(name) :]
        table = fields.setdefault(kinds.get(end[:1], "dependencies"), {})
        if isinstance(table, dict) and "*" not in end:
            table[name] = "*"
    fields["bundleDependencies"] = [word.rstrip("?!*") for word in words if word.endswith(("!", "*"))]
    fields["peerDependenciesMeta"] = {word[:-1]: {"optional": True} for word in words if word.endswith("~")}
    return json.dumps(fields)


def edges(graph: BundleGraph, at: Path) -> list[str]:
    """Every edge as `from name to`, relative to *at*, in the graph's order; `-` where there is nothing."""
    found = []
    for package in graph.packages.values():
        for kind, table in ("", package.needs), ("^", package.peers):
            for name, to in table.items():
                target = os.path.relpath(to, at.resolve()) if to else "-"
                found.append(f"{os.path.relpath(package.id, at.resolve())} {name}{kind} {target}")
    return found


def messages(graph: BundleGraph, at: Path) -> list[str]:
    """Problems and warnings as `code message`, the tree's folder cut out."""
    return [
        f"{one.code} {one.message}".replace(f"{at.resolve()}/", "") for one in (*graph.problems, *graph.warnings)
    ]


# name: tree, edges
TREES = {
    "npm, hoisted": (
        """app a!
        app/node_modules/a b
        app/node_modules/b""",
        ["app a app/node_modules/a", "app/node_modules/a b app/node_modules/b"],
    ),
    "npm, nested": (
        """app a! b
        app/node_modules/a b
        app/node_modules/a/node_modules/b
        app/node_modules/b""",
        ["app a app/node_modules/a", "app/node_modules/a b app/node_modules/a/node_modules/b"],
    ),
    "a link": (
        """app a!
        app/node_modules/a -> ../../lib
        lib b
        lib/node_modules/b""",
        ["app a lib", "lib b lib/node_modules/b"],
    ),
    "a chain of links, as npm link makes it": (
        """app a!
        app/node_modules/a -> ../../global/lib/node_modules/a
        global/lib/node_modules/a -> ../../../lib
        lib""",
        ["app a lib"],
    ),
    "two links to one directory": (
        """app a! b!
        app/node_modules/a -> ../../lib
        app/node_modules/b -> ../../lib
        lib""",
        ["app a lib", "app b lib"],
    ),
    "pnpm's store": (
        """app a!
        app/node_modules/a -> .pnpm/a@1.0.0/node_modules/a
        app/node_modules/.pnpm/a@1.0.0/node_modules/a b @s/c
        app/node_modules/.pnpm/a@1.0.0/node_modules/b -> ../../b@1.0.0/node_modules/b
        app/node_modules/.pnpm/a@1.0.0/node_modules/@s/c -> ../../../c@1.0.0/node_modules/@s/c
        app/node_modules/.pnpm/b@1.0.0/node_modules/b
        app/node_modules/.pnpm/c@1.0.0/node_modules/@s/c""",
        [
            "app a app/node_modules/.pnpm/a@1.0.0/node_modules/a",
            "app/node_modules/.pnpm/a@1.0.0/node_modules/a @s/c app/node_modules/.pnpm/c@1.0.0/node_modules/@s/c",
            "app/node_modules/.pnpm/a@1.0.0/node_modules/a b app/node_modules/.pnpm/b@1.0.0/node_modules/b",
        ],
    ),
    "workspaces": (
        """root
        root/packages/app lib!
        root/packages/lib x
        root/node_modules/lib -> ../packages/lib
        root/node_modules/x""",
        ["root/packages/app lib root/packages/lib", "root/packages/lib x root/node_modules/x"],
    ),
    "a scope that is a link": (
        """app @s/a!
        app/node_modules/@s -> ../../scope
        scope/a""",
        ["app @s/a scope/a"],
    ),
    "node_modules that is a link": (
        """app a!
        app/node_modules -> ../elsewhere
        elsewhere/a b
        b""",
        ["app a elsewhere/a", "elsewhere/a b -"],
    ),
    "a ring, and a package that needs itself": (
        """app a!
        app/node_modules/a b a
        app/node_modules/b a""",
        [
            "app a app/node_modules/a",
            "app/node_modules/a a app/node_modules/a",
            "app/node_modules/a b app/node_modules/b",
            "app/node_modules/b a app/node_modules/a",
        ],
    ),
    "the project itself, needed by a part of it": (
        """app a!
        app/node_modules/a app
        app/node_modules/app -> ..""",
        ["app a app/node_modules/a", "app/node_modules/a app app"],
    ),
    "an absent optional": (
        """app a!
        app/node_modules/a x?""",
        ["app a app/node_modules/a", "app/node_modules/a x -"],
    ),
    "a folder without package.json is passed over": (
        """root/app a!
        root/app/node_modules/a/index.js = 1
        root/node_modules/a""",
        ["root/app a root/node_modules/a"],
    ),
    "peers": (
        """app a! p
        app/node_modules/a p^ q^ b
        app/node_modules/b p
        app/node_modules/p""",
        [
            "app a app/node_modules/a",
            "app/node_modules/a b app/node_modules/b",
            "app/node_modules/a p^ app/node_modules/p",
            "app/node_modules/a q^ -",
            "app/node_modules/b p app/node_modules/p",
        ],
    ),
}


@pytest.mark.parametrize("case", TREES)
def test_each_layout_gives_the_edges_that_node_sees(case: str, tmp_path: Path) -> None:
    """Each layout gives the edges that Node sees in it, breadth first."""
    text, wanted = TREES[case]
    root = text.split()[0]
    project = next(line.split()[0] for line in text.splitlines() if "!" in line)
    assert root in project
    assert edges(tree(text, tmp_path, project), tmp_path) == wanted


# name: tree, problems
FAULTS = {
    "missing": (
        "app a!",
        "EBUNDLEMISSING the project needs a, which is not installed (looked in app/node_modules, ",
    ),
    "missing below": (
        "app a!\napp/node_modules/a b",
        "EBUNDLEMISSING a needs b, which is not installed (looked in app/node_modules/a/node_modules, app",
    ),
    "found only from the project": (
        "app a! b\napp/node_modules/a -> ../../lib\nlib b\napp/node_modules/b",
        "EBUNDLEMISSING lib needs b, which is not installed (looked in lib/node_modules, ",
    ),
    "a dangling link": (
        "app a!\napp/node_modules/a -> ../../gone",
        "EBUNDLELINK the project needs a, and the link app/node_modules/a -> ../../gone leads nowhere",
    ),
    "a dangling link that hides a package": (
        "root/app a!\nroot/app/node_modules/a -> ../../gone\nroot/node_modules/a",
        "EBUNDLELINK the project needs a, and the link root/app/node_modules/a -> ../../gone leads nowhere",
    ),
    "a link to itself": (
        "app a!\napp/node_modules/a -> a",
        "EBUNDLELINK the project needs a, and the link app/node_modules/a -> a leads nowhere",
    ),
    "a link to a file": (
        "app a!\napp/node_modules/a -> ../package.json",
        "EBUNDLELINK the project needs a, and the link app/node_modules/a -> ../package.json is not a directory",
    ),
    "a file": (
        "app a!\napp/node_modules/a = text",
        "EBUNDLELINK the project needs a, and app/node_modules/a is not a directory",
    ),
    "a link to a folder that is no package": (
        "app a!\napp/node_modules/a -> ../../lib\nlib/index.js = 1",
        "EBUNDLELINK the project needs a, and the link app/node_modules/a -> ../../lib leads to a folder without",
    ),
    "a broken manifest": (
        "app a!\napp/node_modules/a -> ../../lib\nlib/package.json = {",
        "EJSON lib/package.json:",
    ),
    "a dangling manifest": (
        "app a!\napp/node_modules/a/package.json -> gone",
        "EMANIFEST app/node_modules/a/package.json cannot be read: No such file",
    ),
    "the project itself": (
        "app a!\napp/node_modules/a -> ..",
        "EBUNDLESELF a is bundled but leads to the project itself",
    ),
    "a folder around the project": (
        "root\nroot/app a!\nroot/app/node_modules/a -> ../..",
        "EBUNDLEANCESTOR the project needs a, which leads to ",
    ),
    "optional, but around the project": (
        "root\nroot/app b!\nroot/app/node_modules/b a?\nroot/app/node_modules/a -> ../..",
        "EBUNDLEANCESTOR b needs a, which leads to ",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_names_who_needs_what(case: str, tmp_path: Path) -> None:
    """What is wrong with a bundle is a problem that names who needs what, the link and its target."""
    text, wanted = FAULTS[case]
    project = next(line.split()[0] for line in text.splitlines() if "!" in line)
    graph = tree(text, tmp_path, project)
    assert [one.startswith(wanted) for one in messages(graph, tmp_path)] == [True], messages(graph, tmp_path)
    assert graph.problems[0].path


def test_every_fault_is_found(tmp_path: Path) -> None:
    """One reading tells of all faults, and of a broken manifest once however many need it."""
    graph = tree(
        """app a! b! c! d!
        app/node_modules/a x
        app/node_modules/b x
        app/node_modules/x/package.json = {
        app/node_modules/d -> gone""",
        tmp_path,
    )
    assert [one.code for one in graph.problems] == ["EBUNDLEMISSING", "EBUNDLELINK", "EJSON"]


def test_what_is_not_installed_can_be_made_a_warning(tmp_path: Path) -> None:
    """What is not installed can be made a warning; a broken link stays a problem."""
    graph = tree("app a! b!\napp/node_modules/b -> gone", tmp_path, allow_missing=True)
    assert [one.code for one in graph.problems] == ["EBUNDLELINK"]
    assert [one.code for one in graph.warnings] == ["WBUNDLEMISSING"]
    assert graph.bundled == {}


@pytest.mark.parametrize("target", ["gone", "file", "folder"])
def test_an_optional_package_behind_a_broken_link_is_absent(tmp_path: Path, target: str) -> None:
    """An optional package whose link leads to nothing usable is absent, as it is for Node."""
    graph = tree(
        f"app a!\napp/node_modules/a x?\napp/node_modules/x -> {target}\napp/node_modules/file = 1", tmp_path
    )
    (tmp_path / "app/node_modules/folder").mkdir()
    assert edges(graph, tmp_path)[-1] == "app/node_modules/a x -"
    assert messages(graph, tmp_path) == []


def test_a_manifest_that_is_no_file_is_a_fault(tmp_path: Path) -> None:
    """A pipe or a folder called package.json is a fault that is named, and nothing is waited for."""
    tree("app a! b!\napp/node_modules/a/x = 1\napp/node_modules/b/package.json/x = 1", tmp_path)
    os.mkfifo(tmp_path / "app/node_modules/a/package.json")
    found = messages(read_bundle(find_project(str(tmp_path / "app"))), tmp_path)
    assert [one.partition(" (reached")[0] for one in found] == [
        "EMANIFEST app/node_modules/a/package.json cannot be read: not a regular file",
        "EMANIFEST app/node_modules/b/package.json cannot be read: Is a directory",
    ]


def test_an_undeclared_bundled_name_is_a_warning(tmp_path: Path) -> None:
    """A bundled name in no dependency field is bundled, with a warning."""
    graph = tree("app a*\napp/node_modules/a", tmp_path)
    assert graph.bundled == {"a": str(tmp_path.resolve() / "app/node_modules/a")}
    assert [one.code for one in graph.warnings] == ["WUNDECLARED"]


def test_a_peer_that_nobody_supplies_is_a_warning(tmp_path: Path) -> None:
    """A peer is warned of unless the project declares it, it is in the bundle, or it is optional."""
    graph = tree(
        """app a! b! declared peer^
        app/node_modules/a declared^ peer^ b^ maybe~ nobody^
        app/node_modules/b""",
        tmp_path,
    )
    assert messages(graph, tmp_path) == [
        "WPEER a@1.0.0 has the peer dependency nobody, which the project does not declare"
    ]
    assert dict(graph.reserved) == {"declared": None, "peer": None}


def test_a_package_knows_the_link_it_was_reached_by(tmp_path: Path) -> None:
    """A package knows the link it was reached by, and whether it is somebody's source."""
    graph = tree("app a! b!\napp/node_modules/a -> ../../lib\nlib\napp/node_modules/b", tmp_path)
    root = str(tmp_path.resolve())
    about = [(p.via.removeprefix(root), p.linked, p.label) for p in graph.packages.values()]
    assert about == [
        ("/app", True, "app@1.0.0"),
        ("/app/node_modules/a", True, "lib@1.0.0"),
        ("/app/node_modules/b", False, "b@1.0.0"),
    ]


def test_a_package_without_a_name_is_called_like_its_folder(tmp_path: Path) -> None:
    """A package without name and version is called as its folder is."""
    graph = tree("app a!\napp/node_modules/a/package.json = {}", tmp_path)
    assert [package.label for package in graph.packages.values()] == ["app@1.0.0", "a"]


@pytest.mark.parametrize(
    ("path", "linked"), [("/a/b", True), ("/a/node_modules/b", False), ("/my_node_modules/b", True)]
)
def test_only_paths_without_node_modules_are_sources(path: str, linked: bool) -> None:  # noqa: FBT001 - pytest passes it
    """Only a real path with no part called node_modules is somebody's source."""
    assert is_linked(path) == linked


def test_a_deep_chain_of_packages_is_read(tmp_path: Path) -> None:
    """A chain of 1,500 packages is read without recursion."""
    lines = [f"app/node_modules/p{n} p{n + 1}" for n in range(1500)]
    graph = tree("\n".join(["app p0!", *lines, "app/node_modules/p1500"]), tmp_path)
    assert len(graph.packages) == 1502


@pytest.mark.parametrize("name", [".pnp.cjs", ".pnp.js"])
@pytest.mark.parametrize("allow_missing", [False, True])
def test_plug_n_play_is_named_once(tmp_path: Path, name: str, *, allow_missing: bool) -> None:
    """With yarn's Plug'n'Play nothing is installed: one message names its file and the setting that would help."""
    names = [f"d{i}" for i in range(8)]
    root = tmp_path / "packages" / "app"
    root.mkdir(parents=True)
    manifest = {
        "name": "app",
        "version": "1.0.0",
        "dependencies": dict.fromkeys(names, "1"),
        "bundleDependencies": True,
    }
    (root / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    (tmp_path / name).touch()
    graph = read_bundle(find_project(str(root)), allow_missing=allow_missing)
    (found,) = graph.warnings if allow_missing else graph.problems
    assert (found.code, found.path) == (f"{'W' if allow_missing else 'E'}BUNDLEMISSING", str(tmp_path / name))
    assert found.message.startswith("d0, d1, d2, d3, d4 and 3 more cannot be bundled: ")
    assert f"Plug'n'Play ({tmp_path / name})" in found.message
    assert "nodeLinker: node-modules" in found.hint


def test_plug_n_play_does_not_hide_other_faults(tmp_path: Path) -> None:
    """A broken link, or a bundle that is complete, has nothing to do with it."""
    manifest = {
        "name": "app",
        "version": "1.0.0",
        "dependencies": {"a": "1", "b": "1"},
        "bundleDependencies": True,
    }
    (tmp_path / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    (tmp_path / ".pnp.cjs").touch()
    (tmp_path / "node_modules" / "a").mkdir(parents=True)
    (tmp_path / "node_modules" / "a" / "package.json").write_text("{}", encoding="utf-8")
    (tmp_path / "node_modules" / "b").symlink_to("gone")
    assert [each.code for each in read_bundle(find_project(str(tmp_path))).problems] == ["EBUNDLELINK"]
