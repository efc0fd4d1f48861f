"""`unlink` that has nothing to do says so: "up to date" would hide a wrong name, folder or prefix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import linkpack

if TYPE_CHECKING:
    from linkpack.errors import Problem
    from tests.support.linkbox import LinkBox


def unlink(box: LinkBox, folder: str, *names: str, shared: bool = False, every: bool = False) -> list[Problem]:
    """The warnings of `unlink`; a plan tells the same."""
    plan = linkpack.plan_unlink(names, folder, box.options(), shared=shared, every=every)
    done = linkpack.unlink(names, folder, box.options(), shared=shared, every=every).plan
    assert [problem.code for problem in plan.warnings] == [problem.code for problem in done.warnings]
    return list(done.warnings)


def test_without_a_global_link_the_projects_links_are_named(box: LinkBox) -> None:
    """The user may have meant those. The command for them is in the hint."""
    app = box.package("app", "app")
    linkpack.link([box.package("lib", "lib")], app, box.options())
    (problem,) = unlink(box, app)
    assert problem.message.startswith("app is not linked in ")
    assert "(lib)" in problem.hint
    assert "--all" in problem.hint
    assert box.leads(app, "lib")


def test_a_global_link_that_goes_is_no_warning(box: LinkBox) -> None:
    lib = box.package("lib", "lib")
    linkpack.link((), lib, box.options())
    assert unlink(box, lib) == []


def test_a_name_that_is_not_linked_is_a_warning(box: LinkBox) -> None:
    """It says where the name is linked instead, if it is."""
    lib, app, other = box.package("lib", "lib"), box.package("app", "app"), box.package("other", "other")
    (problem,) = unlink(box, app, "lib")
    assert (problem.code, problem.hint) == ("WNOTLINKED", "linkpack ls lists what is linked")
    linkpack.link([lib], other, box.options(link_global=False))
    (problem,) = unlink(box, app, "lib")
    assert problem.hint == f"it is linked at {other}/node_modules/lib"
    linkpack.link((), lib, box.options())
    (problem,) = unlink(box, app, "lib")
    assert "linkpack unlink -g lib" in problem.hint
    (problem,) = unlink(box, other, "lib", "nosuch")
    assert problem.message.startswith("nosuch ")


def test_a_global_link_in_another_prefix_is_named_by_its_path(box: LinkBox) -> None:
    lib = box.package("lib", "lib")
    linkpack.link((), lib, box.options(prefix=str(box.root / "elsewhere")))
    (problem,) = unlink(box, lib, "lib", shared=True)
    assert problem.hint == f"it is linked at {box.root}/elsewhere/lib/node_modules/lib"


def test_a_dropped_link_leaves_the_record_without_a_warning(box: LinkBox) -> None:
    app = box.package("app", "app")
    linkpack.link([box.package("lib", "lib")], app, box.options())
    Path(app, "node_modules/lib").unlink()
    assert unlink(box, app, "lib") == []


@pytest.mark.parametrize("shared", [False, True])
def test_all_of_nothing_is_a_warning(box: LinkBox, *, shared: bool) -> None:
    app = box.package("app", "app")
    (problem,) = unlink(box, app, every=True, shared=shared)
    assert problem.code == "WNOLINKS"
    linkpack.link([box.package("lib", "lib")], app, box.options())
    assert unlink(box, app, every=True, shared=shared) == []


def test_relink_without_a_record_is_a_warning(box: LinkBox) -> None:
    """The record may be lost, or the folder wrong."""
    app = box.package("app", "app")
    assert [problem.code for problem in linkpack.relink((), app, box.options()).plan.warnings] == ["WNOLINKS"]
    assert [problem.code for problem in linkpack.relink(["x"], app, box.options()).plan.warnings] == ["WNOTLINKED"]
