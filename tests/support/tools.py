"""The release tools that fixtures/tools names, as .ci/test installs them into build/tools.

`npm ci` with a cache of its own leaves there both the tools and the tarballs that a registry gave for them: some
three hundred packages as they were published, each known by the digest in the lockfile.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
TOOLS = Path(os.environ.get("LINKPACK_TOOLS") or ROOT / "build" / "tools")


class Published(NamedTuple):
    """A package as it was published: *path* is its tarball."""

    name: str
    version: str
    path: Path

    @property
    def label(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"


def tools() -> Path:
    """The node_modules of the tools; without them the test is skipped, in CI failed."""
    path = TOOLS / "node_modules"
    if not path.is_dir():
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        missing("the release tools are not in build/tools")
    return path


def published() -> Iterator[Published]:
    """The tarballs of all packages that the lockfile asks for."""
    lock = json.loads((ROOT / "fixtures" / "tools" / "package-lock.json").read_text(encoding="utf-8"))
    cache = tools().parent / "cache" / "_cacache" / "content-v2"
    for place, entry in lock["packages"].items():
        if "integrity" not in entry or entry.get("inBundle"):
            continue
        name = entry.get("name") or place.rpartition("node_modules/")[2]
        kind, _, digest = entry["integrity"].partition("-")
        number = base64.b64decode(digest).hex()
        yield Published(name, entry["version"], cache / kind / number[:2] / number[2:4] / number[4:])
