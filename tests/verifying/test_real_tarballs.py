"""Packages as they were published, by the packers of ten years: the gate has nothing to say of good ones."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from linkpack.verifying import verdict as api
from linkpack.verifying.unpack import unpack
from tests.support.tools import published

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.installs

# Faults that the packages really have, each looked at: no tool that reads them can do better.
FAULTY = {
    "@babel/helper-validator-identifier": {"WTYPES"},  # lib/index.d.ts was left out
    "@octokit/plugin-paginate-rest": {"ETYPES"},  # "./types" asks for dist-types/.d.ts
    "bottleneck": {"ESECRETFILE"},  # .env, with a host and a port in it
    "nerf-dart": {"WNPMRCSHIPS"},
    "config-chain": {"WLICENSE"},  # licenses, as of old
    "yargs": {"WTYPES"},  # browser.d.ts was left out
}


def test_published_packages(tmp_path: Path) -> None:
    """Of three hundred real tarballs those without a fault have no finding, neither error nor warning."""
    good = 0
    for each in published():
        path = tmp_path / f"{each.name.replace('/', '-').lstrip('@')}-{each.version}.tgz"
        shutil.copyfile(each.path, path)
        verdict = api.verify(path)
        found = {finding.code for finding in verdict.findings}
        assert found <= FAULTY.get(each.name, set()), (each.label, verdict.findings)
        assert (verdict.name, verdict.version) == (each.name, each.version)
        good += not found
        path.unlink()
    assert good >= 300


def test_published_packages_unpack(tmp_path: Path) -> None:
    """They unpack, too, and Python's tarfile reads the entries in them that were checked."""
    for number, each in enumerate(published()):
        if number % 5 == 0:
            done = unpack(each.path, tmp_path / str(number))
            assert done.files == sum(path.is_file() for path in (tmp_path / str(number)).rglob("*"))
