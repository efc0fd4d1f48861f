"""What Node takes from `exports`, asked of Node: every file that it resolves to is an entry point by Node."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linkpack.npm.entry_points import find_entry_points
from linkpack.npm.manifest import parse_manifest
from tests.support.npm import run_node

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.differential

_TARGETS = st.sampled_from([f"./{name}.{ending}" for name in "abcd" for ending in ("js", "cjs", "mjs")])
_CONDITIONS = ("import", "require", "node", "default", "module-sync", "types", "browser", "development", "mine")


def _tables(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from(_CONDITIONS), inner, min_size=1, max_size=4)


_VALUES = st.recursive(_TARGETS, _tables, max_leaves=6)
_EXPORTS = st.one_of(_VALUES, st.dictionaries(st.sampled_from([".", "./x", "./y"]), _VALUES, min_size=1))

# Both ways of loading, from a file beside the package's node_modules.
_ASK = """
const { createRequire } = require('node:module');
const found = [];
for (const name of ['p', 'p/x', 'p/y']) {
  try { found.push(createRequire(request + '/noop.js').resolve(name)); } catch {}
}
return found;
"""


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(exports=st.lists(_EXPORTS, min_size=40, max_size=40))
def test_what_node_resolves_is_an_entry_point(
    exports: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """For each random `exports`, what `require` finds is among the entry points that Node takes."""
    base = tmp_path_factory.mktemp("exports").resolve()
    homes = [_lay(base / str(number), each) for number, each in enumerate(exports)]
    answers = run_node(_ASK, [str(home) for home in homes])
    for home, found in zip(homes, answers, strict=True):
        raw = (home / "node_modules" / "p" / "package.json").read_bytes()
        entries = find_entry_points(parse_manifest(raw, "package.json", "installed"))
        ours = {str(home / "node_modules" / "p" / each.path) for each in entries if each.by_node}
        assert isinstance(found, list)
        assert set(found) <= ours, raw


def _lay(home: Path, exports: object) -> Path:
    package = home / "node_modules" / "p"
    package.mkdir(parents=True)
    for name in "abcd":
        for ending in ("js", "cjs", "mjs"):
            (package / f"{name}.{ending}").touch()
    text = json.dumps({"name": "p", "version": "1.0.0", "exports": exports})
    (package / "package.json").write_text(text, encoding="utf-8")
    return home
