"""What sources load, compared with acorn, the parser that Node itself carries."""

from __future__ import annotations

import json
import posixpath
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkpack.npm.import_mentions import find_mentions
from linkpack.npm.imports import find_imports
from tests.support.npm import node, npm_root

pytestmark = pytest.mark.differential

ORACLE = Path(__file__).parents[1] / "support" / "imports.cjs"
_LARGEST = 60_000  # bytes of a file that is compared

# Pieces of scripts, one a line, between which anything may stand.
_PIECES = """
require("a");
require('b/c');
require(`d`);
import("e");
import "f";
import x, {y} from "g";
export * from "h";
export {z} from "i";
/* c */
// c
let a = b / c / d;
a = /x[/]y/g;
b = "require('no')";
c = `no ${require('j')} no`;
if (q) {
}
try {
} catch {}
f(function () {
});
g(() => {
h({k:
(require, x) => {
x = y ? /a/ : b;
for (;;) {
do {} while (x)
class A { m() {
}}
a.require('no');
const k = require("k")
const {l} = q ? m : require("l"), n = require("n")
module.exports = require("m")
exports.o = q || require("o")
if (q) module.exports = require("p")
else
throw q
return
q &&
[1, 2]
label: {
x++
/ 2;
;
...q
=>
case 1:
""".strip().split("\n")


def oracle(paths: list[str]) -> list[list[list[object]] | None]:
    """Return what each of *paths* loads by acorn, None where it is no script.

    That is specifier, line, kind, guarded, lazy, certain.
    """
    done = subprocess.run(
        [node(), "--expose-internals", str(ORACLE)],
        input=json.dumps(paths),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[list[list[object]] | None] = json.loads(done.stdout)
    return found


def agree(source: str, extension: str, wanted: list[list[object]]) -> None:
    """Check that the loads of *source* are *wanted*, and none is taken for lazy or certain that is not."""
    found = [list(each) for each in find_imports(source, extension) or ()]
    wanted = [each for each in wanted if "\\" not in str(each[0])]  # an escape in a specifier is not read
    assert [each[:4] for each in found] == [each[:4] for each in wanted]
    assert [each for each, want in zip(found, wanted, strict=True) if each[4] and not want[4]] == []
    assert [each for each, want in zip(found, wanted, strict=True) if each[5] and not want[5]] == []
    assert {str(each[0]) for each in found} <= find_mentions(source)


def test_the_sources_of_npm() -> None:
    """In every script of npm's own folder the same loads are found, on the same lines."""
    files = sorted(
        str(path)
        for path in npm_root().rglob("*")
        if path.suffix in {".js", ".mjs", ".cjs"} and path.is_file() and path.stat().st_size < _LARGEST
    )
    assert len(files) > 500
    for path, wanted in zip(files, oracle(files), strict=True):
        if wanted is not None:
            agree(
                Path(path).read_text(encoding="utf-8").removeprefix("\ufeff"), posixpath.splitext(path)[1], wanted
            )


@settings(max_examples=8, deadline=None)
@given(
    sources=st.lists(st.lists(st.sampled_from(_PIECES), max_size=12).map("\n".join), min_size=150, max_size=150)
)
def test_random_scripts(sources: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever acorn takes for a script gives the same loads here."""
    folder = tmp_path_factory.mktemp("scripts")
    paths = [folder / f"{number}.js" for number in range(len(sources))]
    for path, source in zip(paths, sources, strict=True):
        path.write_text(source, encoding="utf-8")
    for source, wanted in zip(sources, oracle([str(path) for path in paths]), strict=True):
        if wanted is not None:
            agree(source, ".js", wanted)
