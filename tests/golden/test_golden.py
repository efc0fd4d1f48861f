"""The bytes of a tarball are a promise: what an earlier release made of these trees, this one makes again."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import TYPE_CHECKING

import pytest

from tests.tools.remake_golden import TARBALLS, described, goldens, pack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.trees import Tree

KEPT = sorted(TARBALLS.glob("*.tgz"))


@pytest.mark.parametrize("tree", goldens(), ids=attrgetter("name"))
def test_the_same_bytes_as_ever(tree: Tree, tmp_path: Path) -> None:
    """Entries, tar stream and gzip file are those of the golden tarball."""
    golden = json.loads((TARBALLS / f"{tree.name}.json").read_text(encoding="utf-8"))
    made = described(pack(tree, tmp_path))
    assert made["entries"] == golden["entries"]
    assert made == golden


@pytest.mark.parametrize("path", KEPT, ids=attrgetter("stem"))
def test_the_golden_files_are_whole(path: Path) -> None:
    """Each tarball that is kept is the one that its description is of."""
    assert described(path) == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
