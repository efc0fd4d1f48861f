"""`--format`: what the command line prints for programs that watch a build."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.program import Done, forget_npm, run_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Done]:
    """Run linkpack in a checkout with one package, which ships a secret."""
    forget_npm(monkeypatch, tmp_path / "home")
    folder = tmp_path / "checkout" / "packages" / "p"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"name": "p", "version": "1.0.0", "license": "MIT"}')
    (folder / ".env").write_text("A=1")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "checkout"))
    monkeypatch.chdir(folder)

    def run_here(*args: str) -> Done:
        return run_program(capsys, *args)

    return run_here


def test_warnings_of_pack_are_annotations(run: Callable[..., Done]) -> None:
    done = run("pack", "--format", "github", "-q")
    assert (done.status, done.out) == (0, "p-1.0.0.tgz\n")
    assert done.err.startswith("::warning file=packages/p/.env,title=WSECRET::.env is ")
    assert "linkpack: " not in done.err


def test_warnings_of_workspaces_are_at_their_files(run: Callable[..., Done], tmp_path: Path) -> None:
    root = tmp_path / "checkout"
    (root / "package.json").write_text('{"name": "r", "version": "1.0.0", "workspaces": ["packages/*"]}')
    (root / "packages" / "q").mkdir()
    (root / "packages" / "q" / "package.json").write_text("{")
    done = run("pack", "--format", "github", "-C", str(root), "--workspace", "p", "--dry-run")
    assert "::warning file=packages/p/.env,title=WSECRET::" in done.err
    assert run("pack", "../q", "--format", "github").err.startswith(
        "::error file=packages/q/package.json,line=1,col=2,title=EJSON::"
    )


def test_the_form_of_the_record_stays_its_own(run: Callable[..., Done], tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    run("pack", "--snapshot-manifest", str(record), "--format", "intoto", "--format", "github", "-q")
    assert json.loads(record.read_text())["_type"].startswith("https://in-toto.io/")
    run("pack", "--snapshot-manifest", str(record), "--format", "github", "-q")
    assert json.loads(record.read_text())["schema"] == 1


def test_findings_of_verify_are_annotations_of_the_tarball(run: Callable[..., Done]) -> None:
    run("pack", "-q")
    done = run("verify", "p-1.0.0.tgz", "--format", "github")
    assert done.status == 1
    assert done.err.startswith("::error file=packages/p/p-1.0.0.tgz,title=ESECRETFILE::.env is ")
    assert done.out.splitlines()[-1].startswith("p-1.0.0.tgz: refused")
    assert run("verify", "no.tgz", "--format", "github").err.startswith(
        "::error file=packages/p/no.tgz,title=EREAD::"
    )


def test_verify_prints_sarif(run: Callable[..., Done]) -> None:
    run("pack", "-q")
    done = run("verify", "p-1.0.0.tgz", "no tarball.tgz", "--format", "sarif")
    log = done.json
    assert (done.status, done.err, log["version"]) == (1, "", "2.1.0")
    [sarif_run] = log["runs"]
    driver = sarif_run["tool"]["driver"]
    assert driver["name"] == "linkpack"
    assert [rule["id"] for rule in driver["rules"]] == ["EREAD", "ESECRETFILE"]
    secret, unread = sarif_run["results"]
    assert (secret["ruleId"], secret["level"]) == ("ESECRETFILE", "error")
    assert secret["locations"] == [
        {
            "physicalLocation": {"artifactLocation": {"uri": "p-1.0.0.tgz"}},
            "logicalLocations": [{"fullyQualifiedName": ".env", "kind": "member"}],
        }
    ]
    assert unread["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "no%20tarball.tgz"}}}]
    assert run("verify", "no.tgz", "--format", "sarif").json["runs"][0]["results"][0]["ruleId"] == "EREAD"


def test_json_is_a_format_of_verify_and_no_other_goes_with_it(run: Callable[..., Done]) -> None:
    run("pack", "-q")
    assert run("verify", "p-1.0.0.tgz", "--format", "json").json == run("verify", "p-1.0.0.tgz", "--json").json
    assert run("verify", "p-1.0.0.tgz", "--format", "sarif", "--json").status == 2
