from __future__ import annotations

import itertools
import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from linkpack.npm.package_names import MAX_LENGTH, find_name_fault, make_tarball_name
from tests.support.npm import npm, run_node

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.differential

SHORT = "aZ.-_~@/ %:\\\u00e9\0\n"
WHOLE = """
    node_modules NODE_MODULES favicon.ico @s/node_modules @favicon.ico/n http node:fs a~'!()* a$b a.tgz CON
    @s/n @s/.n @.s/n @s/n/n @s//n @@s/n @s@t/n @s/n@1 @s/$n .. ../a a/../b @s/.. constructor __proto__
"""
ODD = [
    "",
    "a" * MAX_LENGTH,
    "\ufeffa",
    "a\u00a0",
    "\U0001f600",
    "a\u202eb",
    "@../a",
    "@./a",
    "@a/..",
]


def test_names() -> None:
    """Names are acceptable as npm has it for packages that exist, but for the scopes "." and ".."."""
    names = [*WHOLE.split(), *ODD, *map("".join, itertools.product(SHORT, repeat=3))]
    names += [f"@{scope}/{folder}" for scope in SHORT for folder in SHORT]
    theirs = run_node("return use('validate-npm-package-name')(request).validForOldPackages", names)
    pairs = zip(names, theirs, strict=True)
    differing = {name for name, answer in pairs if (find_name_fault(name) == "") != answer}
    assert all(name.startswith(("@./", "@../")) for name in differing)
    assert {"@../a", "@./a"} <= differing


def test_length() -> None:
    """The longest acceptable name is the longest without a warning from npm."""
    names = ["a" * MAX_LENGTH, "a" * (MAX_LENGTH + 1)]
    warned = run_node("return 'warnings' in use('validate-npm-package-name')(request)", names)
    assert warned == [bool(find_name_fault(name)) for name in names]


def test_file_names(tmp_path: Path) -> None:
    """Tarballs are named as `npm pack` names them."""
    packages = [("n", "1.2.3"), ("@s/n", "1.2.3-a+b.1"), ("@S/N~'!()*", "0.0.0+01"), ("_.-", "1.0.0--")]
    (tmp_path / "package.json").write_text('{"workspaces": ["w*"]}', encoding="utf-8")
    for number, (name, version) in enumerate(packages):
        (tmp_path / f"w{number}").mkdir()
        manifest = tmp_path / f"w{number}" / "package.json"
        manifest.write_text(json.dumps({"name": name, "version": version}), encoding="utf-8")
    command = [npm(), "pack", "--workspaces", "--dry-run", "--json", "--ignore-scripts"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    answer = json.loads(done.stdout)
    packed = answer.values() if isinstance(answer, dict) else answer  # an object since npm 12
    assert {pack["filename"] for pack in packed} == {make_tarball_name(*package) for package in packages}
