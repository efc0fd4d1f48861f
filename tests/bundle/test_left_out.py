"""Why a file does not ship, and the hint that fits the reason."""

from __future__ import annotations

import pytest

from linkpack.bundle.left_out import LeftOut, is_made_later, suggest_remedy
from linkpack.npm.manifest import parse_manifest
from linkpack.packlist.packlist import Omission

LEFT_OUT = LeftOut([Omission("dist/", ".npmignore:1: dist"), Omission("a.js", 'not in "files"')])


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("a.js", 'not in "files"'),
        ("dist/deep/b.js", ".npmignore:1: dist"),
        ("../b.js", "it lies outside of the package"),
        ("node_modules/@s/b/c.js", "@s/b is another package"),
        ("b.js", ""),
    ],
)
def test_a_file_has_the_reason_of_the_nearest_folder_left_out(path: str, reason: str) -> None:
    assert LEFT_OUT.reason(path) == reason


@pytest.mark.parametrize(
    ("path", "reason", "hint"),
    [
        ("../b.js", "it lies outside of the package", "name a file of the package"),
        ("node_modules/b/c.js", "", "add b to bundleDependencies, or name a file of the package itself"),
        ("lib/b.js", 'not in "files"', 'add lib to "files" in package.json'),
        ("dist/b.js", ".npmignore:1: dist", 'add dist to "files" in package.json'),
        ("lib/b.js", "lib/.gitignore:1: *", "take the rule out, or write an .npmignore beside lib/.gitignore"),
        ("b.orig", "npm always leaves it out", ""),
    ],
)
def test_the_hint_fits_the_reason(path: str, reason: str, hint: str) -> None:
    assert suggest_remedy([path], reason, "package.json") == hint


@pytest.mark.parametrize(
    ("scripts", "files", "is_later"),
    [('{"install": "make"}', [], True), ("{}", ["binding.gyp"], True), ('{"build": "make"}', ["a.js"], False)],
)
def test_only_an_install_script_or_a_binding_makes_files_later(
    scripts: str,
    files: list[str],
    is_later: bool,  # noqa: FBT001 - from the table
) -> None:
    raw = f'{{"name": "a", "version": "1.0.0", "scripts": {scripts}}}'.encode()
    assert is_made_later(parse_manifest(raw, "package.json", "root"), files) is is_later
