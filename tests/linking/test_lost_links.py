"""`pack` warns of recorded links that were replaced or are gone, as it ships what is there now."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import linkpack
from linkpack.errors import LinkpackError
from tests.support.linkbox import LinkBox


class Project:
    """A project `app` that bundles `dep`, to which it is linked; `pack` says what is found."""

    def __init__(self, root: Path, **fields: Any) -> None:  # noqa: ANN401 - of a manifest
        self.box = LinkBox(root)
        wanted = {"dependencies": {"dep": "*"}, "bundleDependencies": ["dep"]}
        self.app = Path(self.box.package("app", "app", **{**wanted, **fields}))
        self.dep = Path(self.box.package("dep", "dep", version="1.5.0"))
        linkpack.link([str(self.dep)], str(self.app), self.box.options())
        self.link = self.app / "node_modules" / "dep"

    def install(self) -> None:
        """Put a package in the link's place, as an install does."""
        self.link.unlink()
        self.link.mkdir()
        (self.link / "package.json").write_text('{"name": "dep", "version": "1.0.0"}', encoding="utf-8")

    def said(self, **options: Any) -> list[str]:  # noqa: ANN401 - plan_pack's own
        """The warnings or errors about the link: code, message and hint, in short paths."""
        state = f"{self.box.env['XDG_STATE_HOME']}/linkpack"
        try:
            found = linkpack.plan_pack(self.app, link_state=state, **options).warnings
        except LinkpackError as err:
            found = err.problems
        texts = (f"{each.code}: {each.message} | {each.hint}" for each in found)
        return [text.replace(f"{self.box.work}/", "") for text in texts]


RELINK = "run linkpack relink dep, or linkpack unlink dep to leave it so"


def test_a_link_in_place_is_no_warning(tmp_path: Path) -> None:
    """Nor is anything without a state folder."""
    project = Project(tmp_path)
    assert project.said() == []
    project.install()
    assert linkpack.plan_pack(project.app).warnings == ()


def test_a_link_replaced_by_an_install_is_a_warning(tmp_path: Path) -> None:
    """It names what ships, and what was linked."""
    project = Project(tmp_path)
    project.install()
    how = "an install has replaced the link: dep@1.0.0 ships, of app/node_modules/dep"
    assert project.said() == [f"WRELINK: dep was linked to dep, and {how} | {RELINK}"]


def test_another_link_in_its_place_is_no_install(tmp_path: Path) -> None:
    project = Project(tmp_path)
    other = project.box.package("other", "dep", version="2.0.0")
    project.link.unlink()
    project.link.symlink_to(other)
    assert project.said() == [
        f"WRELINK: dep was linked to dep, and the link leads elsewhere now: dep@2.0.0 ships, of other | {RELINK}"
    ]


def test_a_link_that_is_gone_is_named_in_the_hint(tmp_path: Path) -> None:
    """The bundled dependency is missing for that reason."""
    project = Project(tmp_path)
    project.link.unlink()
    [error] = project.said()
    assert error.startswith("EBUNDLEMISSING: the project needs dep")
    assert error.endswith("| it was linked to dep: run linkpack relink dep")
    assert [text.split(": ")[0] for text in project.said(allow_missing=True)] == ["WRELINK", "WBUNDLEMISSING"]


def test_a_link_without_its_package_cannot_be_made_again(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.install()
    shutil.rmtree(project.dep)
    [warning] = project.said()
    assert warning.endswith("| dep is gone as well: bring it back, or run linkpack unlink dep")


def test_a_link_for_development_is_a_warning_too(tmp_path: Path) -> None:
    """What was built may hold the wrong code."""
    project = Project(tmp_path, dependencies={}, bundleDependencies=[], devDependencies={"dep": "*"})
    project.install()
    assert project.said() == [f"WRELINK: dep was linked to dep, and an install has replaced the link | {RELINK}"]


def test_a_link_that_the_project_does_not_name_is_no_warning(tmp_path: Path) -> None:
    project = Project(tmp_path, dependencies={}, bundleDependencies=[])
    project.install()
    assert project.said() == []


def test_a_linked_package_is_looked_at_by_its_own_projects_links(tmp_path: Path) -> None:
    project = Project(tmp_path)
    inner = project.box.package("inner", "inner")
    manifest = {"name": "dep", "version": "1.5.0", "dependencies": {"inner": "*"}}
    (project.dep / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    linkpack.link([inner], str(project.dep), project.box.options())
    assert project.said() == []
    link = project.dep / "node_modules" / "inner"
    link.unlink()
    link.mkdir()
    (link / "package.json").write_text('{"name": "inner", "version": "0.1.0"}', encoding="utf-8")
    [warning] = project.said()
    assert "inner was linked to inner, and an install has replaced the link: inner@0.1.0 ships" in warning


def test_a_record_that_cannot_be_read_is_a_warning(tmp_path: Path) -> None:
    """Packing goes on."""
    project = Project(tmp_path)
    for record in (project.box.home / "state" / "linkpack" / "links").iterdir():
        record.write_text("{", encoding="utf-8")
    [warning] = project.said()
    assert warning.startswith("WRELINK: whether links of app were replaced is not known: the record of")


def test_the_command_reads_the_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`linkpack pack` warns by the record of the link commands."""
    from linkpack.cli.main import main  # noqa: PLC0415 - loads click

    project = Project(tmp_path)
    project.install()
    monkeypatch.chdir(project.app)
    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, project.box.env[name])
    with pytest.raises(SystemExit) as ended:
        main(["pack", "--dry-run"])
    assert ended.value.code in {0, None}
    assert "warning WRELINK: dep was linked to" in capfd.readouterr().err


def test_a_link_of_a_member_is_in_the_roots_node_modules(tmp_path: Path) -> None:
    """That is where npm puts it."""
    box = LinkBox(tmp_path)
    mono = Path(box.package("mono", "mono", workspaces=["packages/*"]))
    wanted: dict[str, Any] = {"dependencies": {"dep": "*"}, "bundleDependencies": ["dep"]}
    app = box.package("mono/packages/app", "app", **wanted)
    linkpack.link([box.package("dep", "dep")], app, box.options())
    link = mono / "node_modules" / "dep"
    link.unlink()
    link.mkdir()
    (link / "package.json").write_text('{"name": "dep", "version": "1.0.0"}', encoding="utf-8")
    warnings = linkpack.plan_pack(app, link_state=f"{box.env['XDG_STATE_HOME']}/linkpack").warnings
    assert [(each.code, each.path) for each in warnings] == [("WRELINK", str(link))]
