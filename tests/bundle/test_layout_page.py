"""The tree that docs/layout.md draws is what packing the example from a store gives."""

from __future__ import annotations

import json
from pathlib import Path

import linkpack

PAGE = Path(__file__).parents[2] / "docs" / "layout.md"
NEEDS = {
    "foo@1.0.0": ("blerg@1.2.5", "bar@1.2.3", "baz@1.2.3"),
    "bar@1.2.3": ("blerg@1.2.5", "baz@2.0.2", "asdf@2.3.4"),
    "baz@1.2.3": ("quux@3.2.0",),
    "baz@2.0.2": ("quux@3.2.0",),
    "quux@3.2.0": ("bar@1.2.3",),
    "blerg@1.2.5": (),
    "asdf@2.3.4": (),
}
Tree = dict[str, "Tree"]


def write_store(root: Path) -> Path:
    """Write the example as pnpm installs it, and return the project's folder."""
    project = root / "foo"
    for package, needs in NEEDS.items():
        name, _, version = package.partition("@")
        modules = project / "node_modules" / ".pnpm" / package / "node_modules"
        folder = project if name == "foo" else modules / name
        folder.mkdir(parents=True)
        dependencies = {need.partition("@")[0]: need.partition("@")[2] for need in needs}
        manifest: dict[str, object] = {"name": name, "version": version, "dependencies": dependencies}
        if name == "foo":
            manifest["bundleDependencies"] = True
            modules = project / "node_modules"
            modules.mkdir()
        (folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
        (folder / "index.js").touch()
        for need in needs:
            other = need.partition("@")[0]
            (modules / other).symlink_to(project / "node_modules" / ".pnpm" / need / "node_modules" / other)
    return project


def draw(tree: Tree, indent: str = "") -> list[str]:
    """Draw *tree* as the page does."""
    lines = []
    for label in sorted(tree):
        last = label == max(tree)
        lines.append(f"{indent}{'└── ' if last else '├── '}{label}")
        lines += draw(tree[label], indent + ("    " if last else "│   "))
    return lines


def test_the_example_is_placed_as_the_page_draws_it(tmp_path: Path) -> None:
    plan = linkpack.plan_pack(write_store(tmp_path))
    versions = {slot: package.version for package in plan.bundled for slot in package.slots}
    tree: Tree = {}
    for slot in sorted(versions):
        here, at = tree, ""
        for portion in slot.split("/"):
            at = f"{at}/{portion}".lstrip("/")
            here = here.setdefault(f"{portion} {versions[at]}" if at in versions else portion, {})
    assert "\n".join(["package", *draw(tree)]) in PAGE.read_text(encoding="utf-8")
