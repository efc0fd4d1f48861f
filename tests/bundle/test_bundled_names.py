"""What becomes of the lists of bundled names in the manifests that ship."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import linkpack
from linkpack.bundle.bundled_names import rewrite_bundled_names
from linkpack.bundle.consumer_specs import SpecChange
from linkpack.errors import LinkpackError
from tests.support.linked import lay

if TYPE_CHECKING:
    from pathlib import Path


def dropping(*names: str) -> list[SpecChange]:
    """The changes that take *names* out of a list."""
    return [SpecChange("/p", "p", "bundleDependencies", name, name, "", "") for name in names]


@pytest.mark.parametrize(
    ("raw", "names", "want"),
    [
        ('{"bundleDependencies": ["a", "b", "c"]}', ["b"], '{"bundleDependencies": ["a", "c"]}'),
        ('{"bundleDependencies": ["a"]}', ["a"], '{"bundleDependencies": []}'),
        ('{\n "bundledDependencies" : [ "a","b" ] }', ["a"], '{\n "bundledDependencies" : [ "b" ] }'),
        ('{"bundleDependencies": {"a": "x", "b": "a"}}', ["a"], '{"bundleDependencies": {"b": "a"}}'),
        (
            '{"dependencies": {"a": "1", "b": "2"}, "bundleDependencies": true}',
            ["a"],
            '{"dependencies": {"a": "1", "b": "2"}, "bundleDependencies": ["b"]}',
        ),
        ('\ufeff{"bundleDependencies": ["a", "a"]}', ["a"], '\ufeff{"bundleDependencies": []}'),
    ],
)
def test_names_leave_the_list(raw: str, names: list[str], want: str) -> None:
    """Only the names go, in whatever form the list has; every other byte stays."""
    assert rewrite_bundled_names(raw.encode(), dropping(*names)).decode() == want


def test_nothing_to_do_changes_nothing() -> None:
    """A manifest without changes is the bytes that were read."""
    raw = b'{ "bundleDependencies":[ "a" ] }\r\n'
    assert rewrite_bundled_names(raw, []) is raw


OPTIONAL = {"optionalDependencies": {"gone": "^1.0.0"}, "dependencies": {"a": "*"}}


def tree(**fields: Any) -> dict[str, str]:  # noqa: ANN401 - of a manifest
    """A project with *fields* that has the package `a` installed."""
    manifest = json.dumps({"name": "app", **OPTIONAL, **fields})
    return {"app/package.json": manifest, "app/node_modules/a/package.json": '{"name": "a"}'}


@pytest.mark.parametrize("key", ["bundleDependencies", "bundledDependencies"])
def test_an_optional_name_that_is_not_installed_leaves_the_list(key: str, tmp_path: Path) -> None:
    """It leaves the project's list, so that installers fetch it; its range stays."""
    plan = linkpack.plan_pack(lay(tmp_path, tree(**{key: ["a", "gone"]})))
    [change] = plan.changes
    assert (change.section, change.key, change.new) == (key, "gone", "")
    shipped = next(each.source for each in plan.entries if each.path == "package/package.json")
    assert isinstance(shipped, bytes)
    assert json.loads(shipped) | {"name": "", "version": ""} == {**OPTIONAL, "name": "", "version": "", key: ["a"]}


def test_the_list_stays_with_keep_and_is_refused_with_error(tmp_path: Path) -> None:
    app = lay(tmp_path, tree(bundleDependencies=["a", "gone"]))
    assert linkpack.plan_pack(app, specs="keep").changes == ()
    with pytest.raises(LinkpackError) as caught:
        linkpack.plan_pack(app, specs="error")
    assert caught.value.code == "ESPEC"
    assert "bundleDependencies.gone" in caught.value.message


def test_required_names_stay(tmp_path: Path) -> None:
    """What --allow-missing leaves out is still asked for: the warning says so."""
    app = lay(tmp_path, tree(bundleDependencies=["a", "b"], dependencies={"a": "*", "b": "*"}))
    plan = linkpack.plan_pack(app, allow_missing=True)
    assert plan.changes == ()
    assert [each.code for each in plan.warnings] == ["WBUNDLEMISSING"]


def linked(**fields: Any) -> dict[str, str]:  # noqa: ANN401 - of a manifest
    """A project that bundles the linked package `lib`, which has *fields* and finds x."""
    return {
        "app/package.json": '{"name": "app", "dependencies": {"lib": "*"}, "bundleDependencies": ["lib"]}',
        "app/node_modules/lib -> ../../lib": "",
        "lib/package.json": json.dumps({"name": "lib", **fields}),
        "node_modules/x/package.json": '{"name": "x", "version": "1.2.3"}',
    }


@pytest.mark.parametrize("declared", ["devDependencies", "peerDependencies", ""])
def test_what_a_linked_package_bundles_ships_and_is_declared(declared: str, tmp_path: Path) -> None:
    """A source directory's bundle ships with it, as when it is packed by itself, and is declared to installers."""
    fields = {"bundleDependencies": ["x"], **({declared: {"x": "*"}} if declared else {})}
    plan = linkpack.plan_pack(lay(tmp_path, linked(**fields)))
    assert [each.name for each in plan.bundled] == ["lib", "x"]
    assert [(each.section, each.key, each.new) for each in plan.changes] == [("dependencies", "x", "1.2.3")]
    assert plan.edges == 2


def test_what_a_linked_package_bundles_and_lacks_is_missing(tmp_path: Path) -> None:
    """It is missing as any dependency is."""
    with pytest.raises(LinkpackError) as caught:
        linkpack.plan_pack(lay(tmp_path, linked(bundleDependencies=["y"])))
    assert caught.value.code == "EBUNDLEMISSING"
    assert "lib needs y" in caught.value.message


def test_what_an_installed_package_lists_and_did_not_bring_is_not_needed(tmp_path: Path) -> None:
    """A name that was left out when it was published pulls nothing in, whoever else has a package of that name."""
    files = tree(dependencies={"a": "*"}, optionalDependencies={}, bundleDependencies=["a"])
    files["app/node_modules/a/package.json"] = '{"name": "a", "bundleDependencies": ["dev", "x"]}'
    files["app/node_modules/dev/package.json"] = '{"name": "dev"}'
    files["app/node_modules/a/node_modules/x/package.json"] = '{"name": "x"}'
    plan = linkpack.plan_pack(lay(tmp_path, files))
    assert [each.slots for each in plan.bundled] == [
        ("node_modules/a",),
        ("node_modules/a/node_modules/x",),
    ]
    assert plan.changes == ()
