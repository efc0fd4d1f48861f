"""The vendor and thin layouts: what lies in the folder, what the manifests say, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from linkpack.archive.entry import Entry
from linkpack.bundle.graph import read_bundle
from linkpack.bundle.vendor import join_specs
from linkpack.bundle.vendor_check import check_flat
from linkpack.errors import LinkpackError
from linkpack.packing import plan as api
from linkpack.project.project import find_project
from tests.support.trees import FIXTURES, parse_tree

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.bundle.layouts import LayoutName

Tree = dict[str, dict[str, Any] | str]


def lay(folder: Path, tree: Tree) -> Path:
    """A project `app` and what is around it: a manifest in each folder, or a link; the real folder of `app`."""
    for path, what in tree.items():
        at = folder / path
        if isinstance(what, str):
            at.parent.mkdir(parents=True, exist_ok=True)
            at.symlink_to(folder / what)
        else:
            at.mkdir(parents=True, exist_ok=True)
            fields = {"name": path.rpartition("node_modules/")[2], "version": "1.0.0", **what}
            (at / "package.json").write_text(json.dumps(fields, indent=2), encoding="utf-8")
            (at / "index.js").write_text(f"// {path}\n", encoding="utf-8")
    return (folder / "app").resolve()


def manifests(plan: api.PackPlan) -> dict[str, dict[str, Any]]:
    """The planned manifests by folder."""
    return {
        entry.path.removeprefix("package/").removesuffix("package.json").rstrip("/"): json.loads(entry.source)
        for entry in plan.entries
        if isinstance(entry.source, bytes)
    }


def specs(plan: api.PackPlan, folder: str = "") -> dict[str, dict[str, str]]:
    """The dependency fields of a planned manifest."""
    return {key: value for key, value in manifests(plan)[folder].items() if key.endswith("ependencies")}


def codes(root: Path, layout: LayoutName, **options: Any) -> list[str]:  # noqa: ANN401 - plan_pack's own
    """The codes of the problems that planning finds."""
    with pytest.raises(LinkpackError) as caught:
        api.plan_pack(root, layout=layout, **options)
    return [problem.code for problem in caught.value.problems]


def app(*bundled: str, **fields: object) -> dict[str, Any]:
    """A root that depends on *bundled* and bundles them."""
    return {"dependencies": dict.fromkeys(bundled, "*"), "bundleDependencies": list(bundled), **fields}


@pytest.fixture(name="site")
def make_site(tmp_path: Path) -> Path:
    """The project of the pipeline test."""
    text = (FIXTURES / "trees" / "ship" / "site.txt").read_text(encoding="utf-8")
    return parse_tree(text, "site").write_to(tmp_path / "tree") / "site"


def test_vendor_holds_every_package(site: Path) -> None:
    """Every bundled package is flat in vendor; the root asks for each by its folder, and bundles nothing."""
    plan = api.plan_pack(site, layout="vendor")
    names = ("@site/words", "left", "right", "shout")
    assert [each.slots for each in plan.bundled] == [
        (f"vendor/{each}",) for each in ("left", "shout", "right", "@site/words")
    ]
    assert specs(plan) == {"dependencies": {name: f"file:./vendor/{name}" for name in names}}
    assert specs(plan, "vendor/left") == {"peerDependencies": {"right": "^2.0.0"}}
    assert manifests(plan)[""]["files"] == ["index.js", "vendor"]
    assert (plan.packages, plan.edges) == (5, 8)


def test_thin_holds_linked_packages(site: Path) -> None:
    """Linked packages are in vendor; the root asks a registry for what they need, peers included."""
    plan = api.plan_pack(site, layout="thin")
    assert {each.slots[0] for each in plan.bundled} == {"vendor/shout", "vendor/@site/words"}
    assert specs(plan)["dependencies"] == {
        "@site/words": "file:./vendor/@site/words",
        "left": "^1.1.0",
        "right": "^2.0.0",
        "shout": "file:./vendor/shout",
    }


@pytest.mark.parametrize("layout", ["vendor", "thin"])
def test_a_vendored_manifest_keeps_nothing_that_npm_acts_on(site: Path, layout: LayoutName) -> None:
    """What a consumer's npm would act on is gone: dependencies inside, devDependencies, prepare."""
    found = manifests(api.plan_pack(site, layout=layout))["vendor/shout"]
    assert found["peerDependencies"] == {"@site/words": "^0.2.0", "left": "^1.1.0"}
    assert not {"devDependencies", "dependencies", "scripts"} & found.keys()


def test_what_changes_nothing_stays(tmp_path: Path) -> None:
    """Only the values concerned change: the byte order mark, odd spacing and key order of a manifest stay."""
    root = lay(tmp_path, {"app": {}, "app/node_modules/lib": "lib", "lib": {}})
    raw = b'\xef\xbb\xbf{ "version":"1.0.0",\t"name": "app",\r\n "files": [\n  "a"\n ],'
    raw += b'\n "dependencies": {"lib":  "*"},'
    (root / "package.json").write_bytes(raw + b' "bundledDependencies": ["lib"], "x": 1e3 }')
    (entry,) = [
        each for each in api.plan_pack(root, layout="vendor").entries if each.path == "package/package.json"
    ]
    new = raw.replace(b'"a"\n ]', b'"a",\n  "vendor"\n ]').replace(b'"*"', b'"file:./vendor/lib"')
    assert entry.source == new + b' "x": 1e3 }'


@pytest.mark.parametrize(("files", "new"), [([], ["vendor"]), (["vendor", "a"], ["vendor", "a", "vendor"])])
def test_files_lets_the_folder_in(tmp_path: Path, files: list[str], new: list[str]) -> None:
    """A `files` field gains the folder, so that packing a staged tree again ships it."""
    root = lay(tmp_path, {"app": app("lib", files=files), "app/node_modules/lib": "lib", "lib": {}})
    assert manifests(api.plan_pack(root, layout="vendor"))[""]["files"] == new


def test_nothing_bundled_is_every_layout(tmp_path: Path) -> None:
    """Without a bundle all layouts are the same bytes."""
    root = lay(tmp_path, {"app": {"dependencies": {"left": "^1.0.0"}}})
    plans = [api.plan_pack(root, layout=layout) for layout in ("bundle", "vendor", "thin")]
    assert len({plan.entries for plan in plans}) == 1
    assert {plan.installers for plan in plans} == {("npm 11", "npm 12", "pnpm 12", "yarn 4", "bun 1.4")}


CONFLICT: Tree = {
    "app": app("lib", "left"),
    "app/node_modules/left": {"version": "2.0.0"},
    "app/node_modules/lib": "lib",
    "lib": {"dependencies": {"left": "^1.0.0"}},
    "lib/node_modules/left": {"version": "1.0.0"},
}


@pytest.mark.parametrize("layout", ["vendor", "thin"])
def test_a_conflict_is_named(tmp_path: Path, layout: LayoutName) -> None:
    """Two versions of one name do not fit a flat folder; both askers and both places are named."""
    root = lay(tmp_path, CONFLICT)
    with pytest.raises(LinkpackError) as caught:
        api.plan_pack(root, layout=layout)
    (problem,) = caught.value.problems
    assert problem.code == "EVENDORCONFLICT"
    for text in ("lib@1.0.0 needs left@1.0.0", "the project needs left@2.0.0", str(tmp_path.resolve() / "lib")):
        assert text in problem.message


REFUSED: dict[str, tuple[LayoutName, str, Tree]] = {
    "an unbundled dependency of the project, of another version": (
        "vendor",
        "EVENDORCONFLICT",
        CONFLICT | {"app": app("lib") | {"dependencies": {"lib": "*", "left": "^2.0.0"}}},
    ),
    "an unbundled dependency that is not installed": (
        "vendor",
        "EVENDORCONFLICT",
        {
            **{path: what for path, what in CONFLICT.items() if path != "app/node_modules/left"},
            "app": app("lib") | {"dependencies": {"lib": "*", "left": "^2.0.0"}},
        },
    ),
    "a peer of the host, of another version": (
        "vendor",
        "EVENDORCONFLICT",
        CONFLICT | {"app": app("lib", peerDependencies={"left": "*"})},
    ),
    "a linked package that an installed one needs": (
        "thin",
        "EVENDORLINKED",
        {
            "app": app("plugin"),
            "app/node_modules/plugin": {"dependencies": {"lib": "*"}},
            "app/node_modules/lib": "lib",
            "lib": {},
        },
    ),
    "a package that was installed from a path": (
        "thin",
        "EVENDORLOCAL",
        {"app": app("left", dependencies={"left": "file:left.tgz"}), "app/node_modules/left": {}},
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_layout_cannot_hold_is_refused(tmp_path: Path, case: str) -> None:
    layout, code, tree = REFUSED[case]
    assert set(codes(lay(tmp_path, tree), layout)) == {code}


def test_a_package_takes_another_folder_beside_one_of_the_project(tmp_path: Path) -> None:
    """A package takes another folder where the project has its own of that name, which ships as it is."""
    tree: Tree = {
        "app": app("lib", "lib-2"),
        "app/vendor/lib": {"version": "9.0.0"},
        "app/node_modules/lib": "lib",
        "lib": {},
        "app/node_modules/lib-2": {},
    }
    plan = api.plan_pack(lay(tmp_path, tree), layout="vendor")
    assert specs(plan) == {"dependencies": {"lib": "file:./vendor/lib-2", "lib-2": "file:./vendor/lib-2-2"}}
    assert [each.slots for each in plan.bundled] == [("vendor/lib-2",), ("vendor/lib-2-2",)]
    assert json.loads((tmp_path / "app/vendor/lib/package.json").read_text(encoding="utf-8"))["version"] == "9.0.0"
    paths = [entry.path for entry in plan.entries]
    assert len(paths) == len(set(paths))
    assert "package/vendor/lib/index.js" in paths


def test_a_package_in_the_vendor_folder_stays_there(tmp_path: Path) -> None:
    """What the project links to in its own vendor folder stays there, and each of its files is there once."""
    fields = {"name": "lib", "devDependencies": {"x": "1"}}
    tree: Tree = {"app": app("lib"), "app/vendor/lib": fields, "app/node_modules": {}}
    root = lay(tmp_path, tree)
    (root / "node_modules" / "lib").symlink_to("../vendor/lib")
    plan = api.plan_pack(root, layout="vendor")
    assert specs(plan) == {"dependencies": {"lib": "file:./vendor/lib"}}
    assert sorted(entry.path for entry in plan.entries) == [
        "package/index.js",
        "package/package.json",
        "package/vendor/lib/index.js",
        "package/vendor/lib/package.json",
    ]
    assert specs(plan, "vendor/lib") == {}


def test_paths_into_a_vendored_package_are_rewritten(tmp_path: Path) -> None:
    """Paths of the project in node_modules are written as those where the package lies, and are there once."""
    tree: Tree = {
        "app": app("lib", main="./node_modules/lib/index.js", bin={"a": "node_modules/lib/index.js", "b": "b.js"}),
        "app/node_modules/lib": {},
    }
    plan = api.plan_pack(lay(tmp_path, tree), layout="vendor")
    manifest = manifests(plan)[""]
    assert manifest["main"] == "./vendor/lib/index.js"
    assert manifest["bin"] == {"a": "./vendor/lib/index.js", "b": "b.js"}
    modes = {entry.path: entry.mode for entry in plan.entries}
    assert modes["package/vendor/lib/index.js"] == 0o755
    assert "package/node_modules/lib/index.js" not in modes


def test_equal_copies_become_one(tmp_path: Path) -> None:
    """Two installed copies of one version are one package in a flat folder, with a warning."""
    root = lay(
        tmp_path,
        CONFLICT | {"lib/node_modules/left": {"version": "2.0.0"}, "lib": {"dependencies": {"left": "*"}}},
    )
    plan = api.plan_pack(root, layout="vendor")
    assert [each.slots for each in plan.bundled] == [("vendor/left",), ("vendor/lib",)]
    assert [problem.code for problem in plan.warnings] == ["WVENDORTWICE"]


def test_the_thin_layout_takes_an_equal_copy_of_a_dependency(tmp_path: Path) -> None:
    """The thin layout takes the project's own dependency for the linked package's, when the versions are equal."""
    tree = CONFLICT | {
        "app": app("lib") | {"dependencies": {"lib": "*", "left": "^1.0.0"}},
        "app/node_modules/left": {},
    }
    plan = api.plan_pack(lay(tmp_path, tree), layout="thin")
    assert specs(plan)["dependencies"] == {"lib": "file:./vendor/lib", "left": "^1.0.0"}


def test_hosted_peers_stay_with_the_host(tmp_path: Path) -> None:
    """What only the project's peerDependencies name is not vendored: linked packages ask for it as a peer."""
    tree: Tree = {
        "app": app("lib", peerDependencies={"react": "^18.0.0"}),
        "app/node_modules/react": {"version": "18.2.0"},
        "app/node_modules/lib": "lib",
        "lib": {"dependencies": {"react": "^18.1.0"}, "peerDependencies": {"typescript": "*"}},
        "lib/node_modules/react": "app/node_modules/react",
    }
    plan = api.plan_pack(lay(tmp_path, tree), layout="vendor")
    assert set(manifests(plan)) == {"", "vendor/lib"}
    assert specs(plan, "vendor/lib") == {"peerDependencies": {"react": "^18.1.0", "typescript": "*"}}


def test_the_project_itself_is_a_peer(tmp_path: Path) -> None:
    """A linked package that needs the project asks for it as a peer."""
    tree: Tree = {
        "app": app("lib"),
        "app/node_modules/lib": "lib",
        "lib": {"dependencies": {"app": "^1.0.0"}},
        "lib/node_modules/app": "app",
    }
    plan = api.plan_pack(lay(tmp_path, tree), layout="vendor")
    assert specs(plan, "vendor/lib") == {"peerDependencies": {"app": "^1.0.0"}}


def test_optional_dependencies_stay_optional(tmp_path: Path) -> None:
    """What nothing requires is an optional dependency of the root and an optional peer of its user."""
    tree: Tree = {
        "app": app("lib"),
        "app/node_modules/lib": "lib",
        "lib": {"optionalDependencies": {"fast": "^1.0.0"}},
        "lib/node_modules/fast": {},
    }
    plan = api.plan_pack(lay(tmp_path, tree), layout="thin")
    assert specs(plan)["optionalDependencies"] == {"fast": "^1.0.0"}
    assert manifests(plan)["vendor/lib"]["peerDependenciesMeta"] == {"fast": {"optional": True}}


def test_an_alias_is_in_the_folder_of_its_name(tmp_path: Path) -> None:
    """A package under another name is in the folder of that name; one package under two names is there once."""
    tree: Tree = {
        "app": app("a", "b"),
        "app/node_modules/a": "real",
        "app/node_modules/b": "real",
        "real": {"dependencies": {"c": "npm:left@^1.0.0", "d": "npm:left"}},
        "real/node_modules/c": {"name": "left"},
        "real/node_modules/d": {"name": "left"},
    }
    root = lay(tmp_path, tree)
    plan = api.plan_pack(root, layout="vendor")
    assert specs(plan)["dependencies"]["b"] == specs(plan)["dependencies"]["a"] == "file:./vendor/a"
    assert specs(plan, "vendor/a") == {"peerDependencies": {"c": "^1.0.0", "d": "*"}}
    assert specs(api.plan_pack(root, layout="thin"))["dependencies"]["c"] == "npm:left@^1.0.0"


def test_the_thin_layout_leaves_a_git_dependency_where_it_is(tmp_path: Path) -> None:
    """The thin layout leaves a git dependency where it comes from; the vendor layout has the copy."""
    tree: Tree = {
        "app": app("lib"),
        "app/node_modules/lib": "lib",
        "lib": {"dependencies": {"left": "github:a/left#v1"}},
        "lib/node_modules/left": {},
    }
    root = lay(tmp_path, tree)
    assert specs(api.plan_pack(root, layout="thin"))["dependencies"]["left"] == "github:a/left#v1"
    assert specs(api.plan_pack(root, layout="vendor"))["dependencies"]["left"] == "file:./vendor/left"


@pytest.mark.parametrize("asked", ["^2.0.0", "latest"])
def test_a_range_of_the_root_that_the_copy_does_not_satisfy(asked: str, tmp_path: Path) -> None:
    """The thin layout asks for the version that is installed, though the root does not bundle the package."""
    tree: Tree = {
        "app": {"dependencies": {"lib": "*", "left": asked}, "bundleDependencies": ["lib"]},
        "app/node_modules/lib": "lib",
        "app/node_modules/left": {"version": "1.2.3"},
        "lib": {"dependencies": {"left": asked}},
        "lib/node_modules/left": "app/node_modules/left",
    }
    plan = api.plan_pack(lay(tmp_path, tree), layout="thin")
    assert specs(plan)["dependencies"]["left"] == "1.2.3"


@pytest.mark.parametrize(
    ("asked", "one"),
    [
        (["^1.0.0", "^1.0.0"], "^1.0.0"),
        (["^1.0.0", " ^1.2.0"], "^1.2.0"),
        ([">=1.0.0", "<2"], ">=1.0.0 <2"),
        (["*", "^1.2.0"], "^1.2.0"),
        (["*", ""], "*"),
        (["^1 || ^2", "^1.2.0"], "^1.2.0"),
        (["1 || 3", "2 || >=1.2"], "1.2.3"),
        (["1.0.0 - 1.5.0", "^1.2.0"], "1.2.3"),
        (["npm:real@^1.0.0", "npm:real@^1.2.0"], "npm:real@^1.2.0"),
        (["npm:real@^1.0.0", "npm:other@^1.2.0"], "npm:real@1.2.3"),
        (["npm:real@1 || 3", "npm:real@*", "npm:real@2 || >=1.2"], "npm:real@1.2.3"),
        (["^1.0.0", "git+https://x.org/y.git"], "git+https://x.org/y.git"),
    ],
)
def test_specs_are_joined(asked: list[str], one: str) -> None:
    """Several requests become one that grants them all, or the version that is installed."""
    assert join_specs(asked, "1.2.3") == one


FAULTS: dict[str, tuple[str, dict[str, Any] | None, str]] = {
    "no manifest": ("vendor/lib", None, "has no package.json"),
    "not declared": ("", {}, "not declared"),
    "another folder": (
        "",
        {"dependencies": {"lib": "file:./lib", "left": "file:./vendor/left"}},
        "where nothing is",
    ),
    "another package": (
        "",
        {"dependencies": {"lib": "file:./vendor/left", "left": "file:./vendor/left"}},
        "would be",
    ),
    "a registry": (
        "",
        {"dependencies": {"lib": "1.0.0", "left": "file:./vendor/left"}},
        "would come from a registry",
    ),
    "a range": ("", {"dependencies": {"lib": "file:./vendor/lib", "left": "^2.0.0"}}, "is left@1.0.0, not ^2.0.0"),
    "a dependency": ("vendor/lib", {"dependencies": {"left": "*"}}, "not a peer"),
    "an optional one": ("vendor/lib", {"optionalDependencies": {"left": "*"}}, "not a peer"),
    "no peer": ("vendor/lib", {"peerDependencies": []}, "is no peer there"),
    "another peer": ("vendor/lib", {"peerDependencies": {"left": "^2.0.0"}}, "not ^2.0.0"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_check_finds(tmp_path: Path, fault: str) -> None:
    """The check sees each fault that a plan could have."""
    slot, manifest, message = FAULTS[fault]
    tree: Tree = {
        "app": app("lib"),
        "app/node_modules/lib": "lib",
        "lib": {"dependencies": {"left": "^1.0.0"}},
        "lib/node_modules/left": {},
    }
    root = lay(tmp_path, tree)
    plan = api.plan_pack(root, layout="vendor")
    graph = read_bundle(find_project(str(root)))
    slots = {
        "": graph.root,
        "vendor/lib": str(root.parent / "lib"),
        "vendor/left": f"{root.parent}/lib/node_modules/left",
    }
    assert check_flat(graph, slots, plan.entries).problems == ()
    path = f"package/{slot}/package.json".replace("//", "/")
    entries = [each for each in plan.entries if each.path != path]
    if manifest is not None:
        entries.append(Entry(path, json.dumps(manifest).encode(), 0, 0o644))
    problems = check_flat(graph, slots, entries).problems
    assert any(message in problem.message for problem in problems)
