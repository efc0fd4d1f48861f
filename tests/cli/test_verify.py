"""`linkpack verify`, `linkpack diff` and `linkpack unpack` as users call them."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from linkpack.cli import verify as cli
from linkpack.cli.main import main
from tests.support.badtar import BODY, END, gz, manifest, member, write, write_raw
from tests.support.trees import parse_tree

if TYPE_CHECKING:
    from pathlib import Path


def run(capfd: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of the program."""
    with pytest.raises(SystemExit) as done:
        main([str(word) for word in words])
    out, err = capfd.readouterr()
    status = done.value.code
    assert isinstance(status, int)
    return status, out, err


def test_verify(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A good tarball is described on stdout with status 0."""
    path = write(tmp_path, BODY)
    status, out, err = run(capfd, "verify", path)
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == "evil@1.0.0"
    assert "installs with: npm, pnpm, yarn, bun" in out
    assert out.endswith("ok (0 errors, 0 warnings)\n")
    assert run(capfd, "verify", path, "-q") == (0, "", "")


def test_verify_refuses(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Errors are said on stderr with code, place and remedy, escaped, and the status is 1."""
    path = write(tmp_path, BODY + member("package/\x1b[2J/.env"))
    status, out, err = run(capfd, "verify", path)
    assert status == 1
    assert err.startswith("linkpack: error EBADNAME: package/\\x1b[2J/.env has control")
    assert "refused (1 error, 0 warnings)" in out
    path.write_bytes(b"")
    status, out, err = run(capfd, "verify", path)
    assert (status, out.splitlines()[0]) == (1, "  0 B packed, 0 B unpacked, 0 files")


def test_verify_json(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """JSON is the only thing on stdout: an object, of several tarballs a list, and an error's own."""
    path = write(tmp_path, BODY + member("package/.env"))
    status, out, err = run(capfd, "verify", "--json", path)
    document = json.loads(out)
    assert (status, err) == (1, "")
    assert (document["ok"], document["entryCount"], document["name"]) == (False, 3, "evil")
    assert document["findings"][0]["code"] == "ESECRETFILE"
    status, out, _ = run(capfd, "verify", "--json", path, path)
    assert [each["ok"] for each in json.loads(out)] == [False, False]
    status, out, err = run(capfd, "verify", "--json", tmp_path / "none.tgz")
    assert (status, json.loads(out)["error"]["code"]) == (1, "EREAD")
    assert "error EREAD" in err


def test_findings_name_the_tarball_of_several(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Of several tarballs each finding begins with its own; one that cannot be read is one of them."""
    good = write(tmp_path, BODY)
    bad = write(tmp_path, manifest(license=None), "evil-1.0.0.tar.gz")
    none = tmp_path / "none.tgz"
    status, out, err = run(capfd, "verify", good, none, bad)
    assert status == 1
    assert [
        line.partition(" W")[0].partition(" E")[0] for line in err.splitlines() if line.startswith("linkpack")
    ] == [
        f"linkpack: {none}: error",
        f"linkpack: {bad}: warning",
    ]
    assert [line.rpartition(": ")[0] for line in out.splitlines() if line.startswith("/")] == [
        str(good),
        str(none),
        str(bad),
    ]
    found = json.loads(run(capfd, "verify", "--json", good, none, bad)[1])
    assert [(each["path"], each["ok"]) for each in found] == [
        (str(good), True),
        (str(none), False),
        (str(bad), True),
    ]
    assert run(capfd, "verify", bad)[2].startswith("linkpack: warning WLICENSE")


def test_strict_is_one_verdict(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Where a warning is enough to fail, text, JSON and status say so."""
    path = write(tmp_path, manifest(license=None))
    status, out, _ = run(capfd, "verify", "--strict", path)
    assert (status, out.splitlines()[-1]) == (
        1,
        f"{path}: refused (0 errors, 1 warning: --strict allows no warning)",
    )
    assert json.loads(run(capfd, "verify", "--strict", "--json", path)[1])["ok"] is False
    assert json.loads(run(capfd, "verify", "--json", path)[1])["ok"] is True
    assert run(capfd, "verify", "--strict", write(tmp_path, BODY))[0] == 0


def test_diff_answers_by_content(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The same files in another gzip stream, or in another order, are no difference; a mode is one."""
    files = manifest() + member("package/a.js"), member("package/b.js")
    old = write_raw(tmp_path, gz(files[0] + files[1] + END), "old.tgz")
    other = write_raw(tmp_path, gzip.compress(files[1] + files[0] + END, 1), "other.tgz")
    assert old.read_bytes() != other.read_bytes()
    status, out, _ = run(capfd, "diff", "--exit-code", old, other)
    assert (status, out.splitlines()[0]) == (0, "all files are the same; the bytes of the tarballs are not")
    assert run(capfd, "diff", "--exit-code", "--name-only", old, other)[:2] == (0, "")
    found = json.loads(run(capfd, "diff", "--json", old, other)[1])
    assert (found["same"], found["sameFile"]) == (True, False)
    new = write(tmp_path, manifest() + member("package/a.js", mode=0o755) + files[1], "new.tgz")
    assert run(capfd, "diff", "--exit-code", "--name-only", old, new)[:2] == (1, "T a.js\n")


def test_verify_options(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Codes are allowed, warnings made to count, sizes limited."""
    path = write(tmp_path, BODY + member("package/.env"))
    assert run(capfd, "verify", path, "--allow", "ESECRETFILE")[0] == 0
    assert run(capfd, "verify", path, "--allow", "ESECRETFILE", "--strict")[0] == 1
    assert run(capfd, "verify", path, "--allow", "ELINK")[0] == 2
    path = write(tmp_path, BODY)
    assert run(capfd, "verify", path, "--strict", "--max-size", "1kB")[0] == 0
    assert "error ESIZE" in run(capfd, "verify", path, "--max-size", "10")[2]
    assert "error ELIMIT" in run(capfd, "verify", path, "--max-entries", "2")[2]
    assert "error ELIMIT" in run(capfd, "verify", path, "--max-file", "5")[2]
    assert "error ELIMIT" in run(capfd, "verify", path, "--max-unpacked", "1 KiB")[2]
    assert "error EPATHLONG" in run(capfd, "verify", path, "--max-path", "12")[2]
    assert run(capfd, "verify", path, "--max-size", "ten")[0] == 2


def test_diff(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Text, names, sizes or JSON; the status tells of differences only when asked to."""
    old = write(tmp_path, BODY, "old.tgz")
    new = write(tmp_path, manifest() + member("package/index.js", "module.exports = 2\n"), "new.tgz")
    status, out, err = run(capfd, "diff", old, new)
    assert (status, err) == (0, "")
    assert "+module.exports = 2" in out
    assert run(capfd, "diff", "--name-only", "--exit-code", old, new)[:2] == (1, "M index.js\n")
    assert run(capfd, "diff", "--name-only", "--exit-code", old, old)[:2] == (0, "")
    assert "@@" not in run(capfd, "diff", "--stat", old, new)[1]
    assert json.loads(run(capfd, "diff", "--json", old, new)[1])["files"][0]["change"] == "changed"
    assert run(capfd, "diff", "--json", old, tmp_path / "none")[0] == 1
    assert run(capfd, "diff", old, tmp_path / "none")[:2] == (1, "")


TOLD = """\
-- app/package.json --
{
  "name": "app", "version": "1.0.0", "main": "a.js", "publishConfig": {"main": "b.js"},
  "dependencies": {"a": "2"}, "bundleDependencies": ["a"]
}
-- app/a.js --
-- app/b.js --
-- app/bun.lock --
-- app/node_modules/a/package.json --
{"name": "a", "version": "1.0.0"}
"""


@pytest.mark.parametrize(
    "told", ["--npm-rules 11", "--npm-rules 11.19.1", "--specs keep", "--publish-config", "--layout vendor"]
)
def test_diff_with_a_folder_as_pack_was_told(told: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A folder does not differ from what pack made of it when diff is told the same, and otherwise does."""
    app = parse_tree(TOLD).write_to(tmp_path) / "app"
    assert run(capfd, "pack", app, "--pack-destination", tmp_path, *told.split())[0] == 0
    words = ["diff", "--name-only", "--exit-code", tmp_path / "app-1.0.0.tgz", app]
    status, out, _ = run(capfd, *words)
    assert (status, bool(out)) == (1, True)
    assert run(capfd, *words, *told.split())[:2] == (0, "")
    if "--layout" not in told:  # which verify is told by the tarball
        verify = ["verify", "--allow", "ESPEC", "--against", app, tmp_path / "app-1.0.0.tgz"]
        assert run(capfd, *verify)[0] == 1
        assert run(capfd, *verify, *told.split())[0] == 0


@pytest.mark.parametrize("words", ["diff old new", "verify new"])
def test_rules_that_there_are_not(words: str, capfd: pytest.CaptureFixture[str]) -> None:
    """An edition of npm's rules that is not known is a usage error, as for pack."""
    status, out, err = run(capfd, *words.split(), "--npm-rules", "9")
    assert (status, out) == (2, "")
    assert "'--npm-rules': no selection rules are known for npm 9" in err


def test_unpack(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The files are in DIR/package; warnings are on stderr."""
    path = write(tmp_path, manifest("x/package.json"))
    status, out, err = run(capfd, "unpack", path, "-C", tmp_path / "to")
    assert (status, out) == (0, f"1 file, 54 B, in {tmp_path}/to/package\n")
    assert "warning WROOT" in err
    assert (tmp_path / "to" / "package" / "package.json").is_file()
    assert run(capfd, "unpack", path, "-C", tmp_path / "two", "-q")[1] == ""
    assert run(capfd, "unpack", write(tmp_path, BODY), "-C", tmp_path / "three")[::2] == (0, "")
    assert "error EEXIST" in run(capfd, "unpack", path, "-C", tmp_path / "to")[2]


def test_unpack_json(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """JSON is the only thing on stdout, with the warnings in it, or the error; then stderr has the error, too."""
    path = write(tmp_path, manifest("x/package.json"))
    status, out, err = run(capfd, "unpack", path, "-C", tmp_path / "to", "--json")
    document = json.loads(out)
    assert (status, err) == (0, "")
    assert (document["folder"], document["fileCount"], document["unpackedSize"]) == (
        f"{tmp_path}/to/package",
        1,
        54,
    )
    assert [each["code"] for each in document["findings"]] == ["WROOT"]
    status, out, err = run(capfd, "unpack", path, "-C", tmp_path / "to", "--json")
    assert (status, json.loads(out)["error"]["code"]) == (1, "EEXIST")
    assert "error EEXIST" in err


@pytest.mark.parametrize("name", ["verify", "diff", "unpack"])
def test_help(name: str) -> None:
    """Each command explains itself and shows its defaults."""
    result = CliRunner().invoke(getattr(cli, name), ["--help"])
    assert result.exit_code == 0
    assert re.search(r"--max-entries N.*default:\s+200000", result.output, re.DOTALL)
