"""docs/coming-from.md says truly what the link commands of package managers do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.installers import program
from tests.support.npm import npm

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.differential


class Desk:
    """The packages `a` and `b`, and the project `app` that links them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.app = root / "app"
        for folder in ("a", "b", "app", "home"):
            (root / folder).mkdir()
            (root / folder / "package.json").write_text(json.dumps({"name": folder, "version": "1.0.0"}))

    def run(self, *words: str, where: str = "app") -> subprocess.CompletedProcess[str]:
        """Run a command in the folder *where*, offline and in a home of its own."""
        env = {
            "HOME": str(self.root / "home"),
            "PATH": os.environ["PATH"],
            "npm_config_prefix": str(self.root / "prefix"),
            "npm_config_offline": "true",
            "npm_config_update_notifier": "false",
            "YARN_ENABLE_TELEMETRY": "0",
            "COREPACK_ENABLE_STRICT": "0",
        }
        return subprocess.run(
            words, cwd=self.root / where, env=env, capture_output=True, text=True, timeout=120, check=False
        )

    def linkpack(self, *words: str, where: str = "app") -> subprocess.CompletedProcess[str]:
        """Run a linkpack command, which has to succeed."""
        done = self.run(sys.executable, "-m", "linkpack", *words, where=where)
        assert done.returncode == 0, done.stderr
        return done

    def manifest(self) -> dict[str, Any]:
        """Return the project's package.json."""
        found: dict[str, Any] = json.loads((self.app / "package.json").read_text(encoding="utf-8"))
        return found

    def linked(self) -> set[str]:
        """The names that are linked into the project."""
        modules = self.app / "node_modules"
        return {path.name for path in modules.iterdir() if path.is_symlink()} if modules.is_dir() else set()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_npm_needs_the_prefix_to_exist_and_linkpack_makes_it(desk: Desk) -> None:
    assert desk.run(npm(), "link", "../a").returncode != 0
    desk.linkpack("link", "../a")
    assert desk.linked() == {"a"}


def test_npm_unlink_removes_other_links_and_linkpack_does_not(desk: Desk) -> None:
    (desk.root / "prefix" / "lib").mkdir(parents=True)
    for command in ([npm()], [sys.executable, "-m", "linkpack"]):
        assert desk.run(*command, "link", "../a", "../b").returncode == 0
        assert desk.linked() == {"a", "b"}
        assert desk.run(*command, "unlink", "b").returncode == 0
        assert desk.linked() == (set() if command == [npm()] else {"a"})


def test_npm_unlinks_a_package_globally_only_with_a_flag(desk: Desk) -> None:
    (desk.root / "prefix" / "lib").mkdir(parents=True)
    assert desk.run(npm(), "link", where="a").returncode == 0
    assert desk.run(npm(), "unlink", where="a").returncode != 0
    desk.linkpack("unlink", where="a")
    assert not (desk.root / "prefix/lib/node_modules/a").is_symlink()


def test_pnpm_writes_its_links_into_the_project_and_linkpack_does_not(desk: Desk) -> None:
    before = desk.manifest()
    desk.linkpack("link", "../a")
    assert desk.manifest() == before
    desk.linkpack("unlink", "a")
    assert desk.run(*program("pnpm"), "link", "../a").returncode == 0
    assert desk.manifest()["dependencies"] == {"a": "link:../a"}
    assert "a: link:../a" in (desk.app / "pnpm-workspace.yaml").read_text(encoding="utf-8")


def test_yarn_writes_a_portal_into_resolutions(desk: Desk) -> None:
    (desk.app / ".yarnrc.yml").write_text("nodeLinker: node-modules\n", encoding="utf-8")
    (desk.app / "yarn.lock").touch()
    assert desk.run(*program("yarn"), "link", "../a").returncode == 0
    assert desk.manifest()["resolutions"] == {"a": f"portal:{desk.root}/a"}


def test_bun_has_no_unlink_by_name_and_linkpack_removes_its_link(desk: Desk) -> None:
    assert desk.run(*program("bun"), "link", where="a").returncode == 0
    assert desk.run(*program("bun"), "link", "a").returncode == 0
    assert "not implemented" in desk.run(*program("bun"), "unlink", "a").stdout
    desk.linkpack("unlink", "a")
    assert desk.linked() == set()
