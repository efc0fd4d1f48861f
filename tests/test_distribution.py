"""What the wheel and the sdist hold, and that they are reproducible as the tarballs are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KEPT = shutil.ignore_patterns(".*", "build", "dist", "__pycache__")
BUILD = "import sys, hatchling.build as backend; print(getattr(backend, 'build_' + sys.argv[1])(sys.argv[2]))"


def build(source: Path, kind: str, target: Path) -> Path:
    """Build the wheel or sdist of *source* into the folder *target*, and return its path."""
    target.mkdir(parents=True)
    env = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    command = [sys.executable, "-c", BUILD, kind, str(target)]
    ran = subprocess.run(command, cwd=source, env=env, check=True, capture_output=True, text=True)
    return target / ran.stdout.split()[-1]


def checkout(target: Path, mtime: int) -> Path:
    """Copy the project to *target*, with every file last changed at *mtime*, in seconds."""
    shutil.copytree(ROOT, target, ignore=KEPT, symlinks=True)
    for path in [*target.rglob("*"), target]:
        os.utime(path, (mtime, mtime), follow_symlinks=False)
    return target


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_file_times_do_not_change_the_archive(kind: str, tmp_path: Path) -> None:
    first = build(checkout(tmp_path / "a", 1_000_000_000), kind, tmp_path / "1")
    second = build(checkout(tmp_path / "b", 1_100_000_000), kind, tmp_path / "2")
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_the_wheel_holds_the_package_and_its_data(tmp_path: Path) -> None:
    wheel = build(checkout(tmp_path / "a", 1_000_000_000), "wheel", tmp_path / "1")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if not name.startswith("linkpack-")}
    package = [path for path in (ROOT / "linkpack").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert names == {path.relative_to(ROOT).as_posix() for path in package}


def test_the_sdist_holds_what_the_tests_need(tmp_path: Path) -> None:
    sdist = build(checkout(tmp_path / "a", 1_000_000_000), "sdist", tmp_path / "1")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for folder in ("linkpack", "tests", "fixtures", "docs"):
        files = [path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix != ".pyc"]
        assert names >= {path.relative_to(ROOT).as_posix() for path in files}, folder
    assert names >= {"README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "pyproject.toml"}
