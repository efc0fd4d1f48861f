"""Small projects that bundle a linked package, and what planning says of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import linkpack
from linkpack.errors import LinkpackError
from tests.support.trees import parse_tree

if TYPE_CHECKING:
    from pathlib import Path


def lay(folder: Path, files: dict[str, str]) -> Path:
    """The project `app` of a tree with these files; ` -> ` in a name makes a link, a manifest needs no version."""
    named = {
        path: text if not path.endswith("package.json") else json.dumps({"version": "1.0.0", **json.loads(text)})
        for path, text in files.items()
    }
    return parse_tree("".join(f"-- {path} --\n{text}\n" for path, text in named.items())).write_to(folder) / "app"


def linking(**fields: object) -> dict[str, str]:
    """A project that bundles the linked package `lib`, which has *fields*."""
    return {
        "app/package.json": '{"name": "app", "dependencies": {"lib": "*"}, "bundleDependencies": ["lib"]}',
        "app/node_modules/lib -> ../../lib": "",
        "lib/package.json": json.dumps({"name": "lib", **fields}),
    }


def said(folder: Path, **options: Any) -> list[str]:  # noqa: ANN401 - plan_pack's own
    """What planning refuses or warns of, as `code message`, without the tree's own folder."""
    try:
        found = linkpack.plan_pack(folder, **options).warnings
    except LinkpackError as err:
        found = err.problems
    root = f"{folder.resolve().parent}/"
    return [f"{each.code} {each.message}".replace(root, "") for each in found]


def hints(folder: Path) -> list[str]:
    """The hints of what planning refuses or warns of."""
    try:
        found = linkpack.plan_pack(folder).warnings
    except LinkpackError as err:
        found = err.problems
    return [each.hint.replace(f"{folder.resolve().parent}/", "") for each in found]
