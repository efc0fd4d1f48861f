"""Whatever is linked into a node_modules, and unlinked: it ends as the package manager had installed it."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linkpack
from linkpack.errors import LinkConflict
from tests.support.installed import NAMES, Tree, fill, install, links, package
from tests.support.linkbox import LinkBox
from tests.support.registry import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.registry import Registry

pytestmark = [pytest.mark.installs, pytest.mark.differential, pytest.mark.property]


class Case(NamedTuple):
    """A fresh copy of an installed workspace on a machine of its own, with what can be linked into it, by name."""

    box: LinkBox
    tree: Tree
    sources: dict[str, str]


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    """A registry with the packages that the workspaces depend on."""
    with serving() as found:
        fill(found)
        yield found


@pytest.fixture(scope="module", params=NAMES)
def installed(
    request: pytest.FixtureRequest, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Tree:
    """The workspace as one package manager installs it."""
    return install(request.param, registry, tmp_path_factory.mktemp("installed").resolve() / "x")


def fresh(installed: Tree, root: Path) -> Case:
    """A copy of *installed* in *root*: links to packages in it, beside it, and checkouts of what it depends on."""
    box = LinkBox(root)
    tree = installed.copy_to(box.work / "x")
    sources = {}
    for name, version in (("mid", "1.1.0"), ("leaf", "2.0.0"), ("wb", "9.0.0"), ("lib", "9.0.0")):
        sources[f"a checkout of {name}"] = str(package(box.work / f"dev/{name}", name, version))
    sources["the folder that is asked for"] = str(tree.around / "lib")
    sources["the member"] = str(tree.root.parent / "wb" if tree.root.name == "wa" else tree.root / "packages/wb")
    return Case(box, tree, sources)


SOURCES = (
    "a checkout of mid",
    "a checkout of leaf",
    "a checkout of wb",
    "a checkout of lib",
    "the folder that is asked for",
    "the member",
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["link", "save", "unlink", "relink", "drop"]), st.sampled_from(SOURCES), st.booleans()
    ),
    min_size=1,
    max_size=6,
)


@settings(derandomize=True, deadline=None, max_examples=10)
@given(steps=STEPS)
def test_any_commands_then_unlink_leaves_what_was_installed(
    installed: Tree, steps: list[tuple[str, str, bool]]
) -> None:
    """Links, files, modes and manifests are as the package manager left them, in the root and in each member."""
    folder = Path(tempfile.mkdtemp(prefix="link-layouts-")).resolve()
    try:
        case = fresh(installed, folder)
        before = case.box.tree(case.tree.around)
        for step, source, in_member in steps:
            _step(case, step, case.sources[source], in_member=in_member)
        linkpack.unlink((), str(case.tree.root), case.box.options(), every=True)
        assert case.box.tree(case.tree.around) == before
    finally:
        shutil.rmtree(folder)


def _step(case: Case, step: str, source: str, *, in_member: bool) -> None:
    member = case.tree.root / "packages/wa"
    where = str(member if in_member and member.is_dir() else case.tree.root)
    options = case.box.options(save=step == "save")
    if step in {"link", "save"}:
        linkpack.link([source], where, options)
    elif step == "relink":
        linkpack.relink((), where, options)
    elif step == "drop":
        for link in linkpack.links(where, options):
            Path(link.path).unlink(missing_ok=True)
    else:
        found = linkpack.links(where, options)
        linkpack.unlink([link.name for link in found if link.target == source], where, options, every=not found)


def test_what_is_installed_is_not_a_link_of_anybodys(installed: Tree, tmp_path: Path) -> None:
    """`ls` shows none of it, `unlink` refuses each by name, and `unlink --all` takes none away."""
    case = fresh(installed, tmp_path)
    box, tree = case.box, case.tree
    before = box.tree(tree.around)
    found = links(tree)
    for folder in {str(tree.root / path.rpartition("node_modules/")[0]) for path in found} | {str(tree.root)}:
        assert linkpack.links(folder, box.options()) == ()
        assert linkpack.unlink((), folder, box.options(), every=True).run == ""
    for path in found:
        owner, _, name = path.rpartition("node_modules/")
        with pytest.raises(LinkConflict) as caught:
            linkpack.unlink([name], str(tree.root / owner), box.options())
        assert caught.value.code == "ENOTLINK", path
        assert f"{name} is installed in" in caught.value.message
    assert box.tree(tree.around) == before


def test_what_is_installed_is_installed_still_without_a_record(installed: Tree, tmp_path: Path) -> None:
    """When the record is lost, `unlink` says what it could not put back."""
    case = fresh(installed, tmp_path)
    box, root = case.box, str(case.tree.root)
    name = "leaf" if case.tree.root.name == "wa" else "mid"
    was_folder = not Path(root, "node_modules", name).is_symlink()
    before = box.tree(case.tree.around)
    linkpack.link([case.sources[f"a checkout of {name}"]], root, box.options())
    shutil.rmtree(box.home / "state")
    journal = linkpack.unlink([name], root, box.options())
    if was_folder:
        assert box.tree(case.tree.around) == before
        assert journal.plan.warnings == ()
    else:
        assert [problem.code for problem in journal.plan.warnings] == ["WDISPLACED"]
        wanted = json.loads(Path(root, "package.json").read_text())["dependencies"][name]
        assert f"wants {name} {wanted}" in journal.plan.warnings[0].message
