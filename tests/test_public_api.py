"""What users of the library rely on: the names, their types, and an import that costs nothing."""

from __future__ import annotations

import importlib.resources
import inspect
import subprocess
import sys

import pytest

import linkpack
from linkpack.packing.options import PackOptions

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
    "SnapshotError",
    "SourceChanged",
    "StalePlan",
    "Status",
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
    "plan_unlink",
    "relink",
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


@pytest.mark.parametrize("name", ["plan_pack", "pack", "write_pack", "verify", "diff"])
def test_packing_options_have_one_default(name: str) -> None:
    """A keyword that is an option of packing has the default that the option has."""
    own = PackOptions._field_defaults
    keywords = inspect.signature(getattr(linkpack, name)).parameters
    shared = {key for key in own if key in keywords} - {"limits"}
    assert shared
    assert {key: keywords[key].default for key in shared} == {key: own[key] for key in shared}


def test_import_loads_nothing_heavy() -> None:
    """`import linkpack` loads none of its own modules, and neither a dependency nor a slow part of the library."""
    modules = loaded("import linkpack")
    assert not modules & HEAVY
    assert not {name for name in modules if name.startswith("linkpack.")}


def test_planning_a_plain_package_loads_no_dependency() -> None:
    """Importing what packing needs leaves the dependencies to those who use them."""
    assert not loaded("from linkpack import pack") & HEAVY
