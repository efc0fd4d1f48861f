"""The files that are a command on Windows."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from linkpack.linking.shims import Interpreter, make_shims, parse_shebang, read_shim

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS = ("", ".cmd", ".ps1")


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"#!/usr/bin/env node\nx", Interpreter((), "node", ())),
        (b"#!/usr/bin/env node --expose_gc\r\n", Interpreter((), "node", ("--expose_gc",))),
        (b"#! /bin/sh -e", Interpreter((), "/bin/sh", ("-e",))),
        (b"#!/usr/bin/env -S A=1 B=$C node -x y", Interpreter((("A", "1"), ("B", "$C")), "node", ("-x", "y"))),
        (b"#!/usr/bin/env A=1 node", Interpreter((("A", "1"),), "node", ())),
        (b"#!/usr/bin/env -S A=1 B;=2 node", Interpreter((("A", "1"),), "node", ())),
        (b"#!C:\\bin\\x", Interpreter((), "C:/bin/x", ())),
        (b"console.log(1)", Interpreter((), "", ())),
        (b"", Interpreter((), "", ())),
        (b"#!", Interpreter((), "", ())),
        (b"\xff#!x", Interpreter((), "", ())),
    ],
)
def test_the_first_line_names_the_interpreter(head: bytes, found: Interpreter) -> None:
    """Its variables and arguments are read too."""
    assert parse_shebang(head) == found


@pytest.mark.parametrize("runs", [parse_shebang(b"#!/usr/bin/env -S A=$B;x node -q"), Interpreter((), "", ())])
def test_shims_lead_back_to_the_script(runs: Interpreter) -> None:
    """Line ends are those that the file's reader wants."""
    texts = make_shims("../lib/cli x.js", runs)
    assert list(texts) == list(ENDINGS)
    for ending, text in texts.items():
        assert read_shim(ending, text) == "../lib/cli x.js"
        assert (b"\r" in text) == (ending == ".cmd")
        assert text.count(b"\r\n") == text.count(b"\r")
        assert read_shim(ending, b"something else") is None


def test_nothing_runs_that_was_not_named() -> None:
    """A shebang line or a path is quoted, so that nothing in it becomes a command."""
    runs = parse_shebang(b"#!/usr/bin/env -S A=$(x)`y`\"$B${C} no;de a'b&c %d% -e")
    texts = make_shims('a$(x)`y`"%z%.js', runs)
    shell = texts[""].decode()
    assert 'A="\\$(x)\\`y\\`\\"${B}${C}"' in shell
    assert "exec 'no;de' 'a'\\''b&c' '%d%' -e \"$basedir/a\\$(x)\\`y\\`\\\"%z%.js\"" in shell
    assert '"%_prog%" "a\'b&c" "%%d%%" -e "%dp0%\\a$(x)`y`%%z%%.js" %*' in texts[".cmd"].decode()
    assert "'a''b&c' '%d%' -e \"$basedir/a`$(x)``y```\"%z%.js\" $args" in texts[".ps1"].decode()


def test_the_shell_file_runs(tmp_path: Path) -> None:
    """It sets the variables, passes arguments as they are, and prefers a program beside it."""
    (tmp_path / "bin").mkdir()
    script = tmp_path / "my lib" / "run.sh"
    script.parent.mkdir()
    script.write_text('echo "$A|$B|$1|$2"\nexit 3\n')
    shim = tmp_path / "bin" / "tool"
    runs = parse_shebang(b"#!/usr/bin/env -S A=1 B=$HOME sh")
    shim.write_bytes(make_shims("../my lib/run.sh", runs)[""])
    shim.chmod(0o755)
    done = subprocess.run(
        [shim, "x", "y z"],
        env={"HOME": "/h", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("1|/h|x|y z\n", 3)
    own = tmp_path / "bin" / "sh"
    own.write_text("#!/bin/sh\necho own\n")
    own.chmod(0o755)
    assert subprocess.run([shim], capture_output=True, text=True, check=True).stdout == "own\n"
