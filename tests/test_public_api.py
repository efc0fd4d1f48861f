"""What users of the library rely on: the names, their types, and an import that costs nothing."""

from __future__ import annotations

import importlib.resources
import inspect
import re
import subprocess
import sys
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import linkpack
from linkpack.packing.options import PackOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[1] / "docs" / "api.md").read_text(encoding="utf-8")
EXPECTED = {
    "BundleError",
    "Bundled",
    "Change",
    "ConfigError",
    "Difference",
    "Entry",
    "Finding",
    "Journal",
    "LinkConflict",
    "LinkError",
    "LinkMissing",
    "LinkOptions",
    "Limits",
    "LinkPlan",
    "LinkpackError",
    "ManifestInvalid",
    "PackPlan",
    "PlanRejected",
    "Problem",
    "ProjectError",
    "ProjectNotFound",
    "ScriptFailed",
    "SnapshotError",
    "SourceChanged",
    "StalePlan",
    "Status",
    "Synced",
    "Tarball",
    "TarballFile",
    "UnplaceableGraph",
    "Unpacked",
    "Verdict",
    "VerifyFailed",
    "__version__",
    "diff",
    "link",
    "links",
    "pack",
    "plan_link",
    "plan_pack",
    "plan_relink",
    "plan_sync",
    "plan_unlink",
    "relink",
    "sync",
    "undo",
    "unlink",
    "unpack",
    "verify",
    "write_pack",
}
HEAVY = {"click", "dataclasses", "pathspec", "packaging", "tarsafe", "tarfile", "yaml", "logging", "subprocess"}


def test_names() -> None:
    """Exactly these names are public."""
    assert set(linkpack.__all__) == EXPECTED


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_name_loads(name: str) -> None:
    """Each public name can be had from the package, and is listed."""
    assert getattr(linkpack, name) is not None
    assert name in dir(linkpack)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name fails as it does for any module."""
    with pytest.raises(AttributeError, match="has no attribute 'pakc'"):
        linkpack.pakc  # noqa: B018 - the access is the test


def test_marked_as_typed() -> None:
    """Type checkers are told that the package has types."""
    assert importlib.resources.files("linkpack").joinpath("py.typed").is_file()


def loaded(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after *code*."""
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def reached(thing: Any, seen: set[Any]) -> Iterator[Any]:  # noqa: ANN401 - whatever a type hint may be
    """The functions and classes of linkpack that *thing* is, or that its type hints name, and theirs in turn."""
    for part in typing.get_args(thing):
        yield from reached(part, seen)
    if thing in seen or not getattr(thing, "__module__", "").startswith("linkpack."):
        return
    if inspect.isclass(thing) or inspect.isfunction(thing):
        seen.add(thing)
        yield thing
        own = list(vars(thing).values()) if inspect.isclass(thing) else []
        members = [member.fget if isinstance(member, property) else member for member in own]
        for each in (thing, *filter(inspect.isfunction, members)):
            for hint in typing.get_type_hints(each).values():
                yield from reached(hint, seen)


def test_type_hints_resolve() -> None:
    """The hints of every public name resolve at run time, and those of the values that they name."""
    seen: set[Any] = set()
    found = [each.__name__ for name in sorted(EXPECTED) for each in reached(getattr(linkpack, name), seen)]
    assert {"pack", "PackPlan", "Manifest", "Omission", "SideFile", "LinkPlan"} <= set(found)


def public_parts() -> Iterator[tuple[str, str]]:
    """Each public name with its arguments or fields."""
    for name in sorted(EXPECTED - {"__version__"}):
        thing = getattr(linkpack, name)
        for part in (
            inspect.signature(thing).parameters if inspect.isfunction(thing) else getattr(thing, "_fields", ())
        ):
            yield name, part


def test_the_page_has_every_name() -> None:
    """docs/api.md names each public function with all its arguments, and each value with all its fields."""
    missing = []
    for name, part in public_parts():
        call = re.search(rf"`{name}\(([^)]*)\)`", PAGE)
        row = re.search(rf"^\| `{name}` \| (.*)", PAGE, re.MULTILINE)
        told = re.findall(r"\w+", call[1]) if call else re.findall(r"`(\w+)`", row[1]) if row else []
        if part not in told:
            missing.append(f"{name}.{part}")
    assert missing == []
    assert [name for name in sorted(EXPECTED - {"__version__"}) if f"`{name}" not in PAGE] == []


def test_the_page_names_nothing_else() -> None:
    """Each class and function that docs/api.md names in a table is a public name."""
    named = re.findall(r"^\| `(\w+)[`(]", PAGE, re.MULTILINE)
    assert set(named) - EXPECTED - {"EOPTION"} == set()


LISTS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("link", ("../lib",), {}),
    ("plan_link", ("lib",), {}),
    ("unlink", ("lib",), {}),
    ("plan_unlink", ("lib",), {}),
    ("relink", ("lib",), {}),
    ("plan_relink", ("lib",), {}),
    ("sync", ("lib",), {}),
    ("plan_pack", (), {"outputs": "out.tgz"}),
    ("verify", ("x.tgz",), {"allow": "ESIZE"}),
    ("unpack", ("x.tgz",), {"allow": "ESIZE"}),
]


@pytest.mark.parametrize(("name", "args", "keywords"), LISTS, ids=[each[0] for each in LISTS])
def test_a_text_is_no_list_of_texts(
    name: str, args: tuple[Any, ...], keywords: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where several names may be given, one text is refused, not taken letter by letter."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "package.json").write_text('{"name": "p", "version": "1.0.0"}', encoding="utf-8")
    with pytest.raises(TypeError, match="takes a list of texts"):
        getattr(linkpack, name)(*args, **keywords)


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("plan_pack", {"specs": "foo"}, "EOPTION"),
    ("plan_pack", {"layout": "flat"}, "EOPTION"),
    ("plan_pack", {"publish_config": "no"}, "EOPTION"),
    ("plan_pack", {"npm_rules": "10"}, "ERULES"),
    ("pack", {"specs": "Resolve"}, "EOPTION"),
    ("pack", {"gzip_level": 9}, "EOPTION"),
    ("pack", {"threads": -1}, "EOPTION"),
    ("pack", {"threads": "two"}, "EOPTION"),
    ("verify", {"specs": "foo"}, "EOPTION"),
    ("verify", {"npm_rules": "latest"}, "ERULES"),
    ("diff", {"layout": "flat", "new": "."}, "EOPTION"),
]


@pytest.mark.parametrize(("name", "keywords", "code"), WRONG)
def test_values_that_no_option_takes(
    name: str, keywords: dict[str, Any], code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An option with a value that it does not take is an error that names it, before anything is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "package.json").write_text('{"name": "p", "version": "1.0.0"}', encoding="utf-8")
    with pytest.raises(linkpack.LinkpackError) as raised:
        getattr(linkpack, name)(".", **keywords)
    assert raised.value.code == code
    assert [path.name for path in tmp_path.iterdir()] == ["package.json"]


def test_paths_are_text_or_path_objects(tmp_path: Path) -> None:
    """Bytes are no path here: names are text."""
    (tmp_path / "package.json").write_text('{"name": "p", "version": "1.0.0"}', encoding="utf-8")
    assert linkpack.plan_pack(str(tmp_path)) == linkpack.plan_pack(tmp_path)
    path: Any = bytes(tmp_path)
    with pytest.raises(TypeError, match="text or a path object, not bytes"):
        linkpack.plan_pack(path)


@pytest.mark.parametrize("name", ["plan_pack", "pack", "write_pack", "verify", "diff"])
def test_packing_options_have_one_default(name: str) -> None:
    """A keyword that is an option of packing has the default that the option has."""
    own = PackOptions._field_defaults
    keywords = inspect.signature(getattr(linkpack, name)).parameters
    shared = {key for key in own if key in keywords} - {"limits"}
    assert shared
    assert {key: keywords[key].default for key in shared} == {key: own[key] for key in shared}


@pytest.mark.bare
def test_import_loads_nothing_heavy() -> None:
    """`import linkpack` loads its version, no dependency, and no slow part of the library."""
    modules = loaded("import linkpack")
    assert not modules & HEAVY
    assert {name for name in modules if name.startswith("linkpack.")} == {"linkpack._version"}


@pytest.mark.bare
def test_planning_a_plain_package_loads_no_dependency() -> None:
    """Importing what packing needs leaves the dependencies to those who use them."""
    assert not loaded("from linkpack import pack") & HEAVY
