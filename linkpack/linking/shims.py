"""Write and read shims, the three files of one command on Windows.

One is for `sh` (no ending), one for cmd.exe (`.cmd`) and one for PowerShell (`.ps1`). npm's reader, read-cmd-shim
6.0.0, must find the target in each. npm's writer is cmd-shim 8.0.0, lib/index.js.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

# As cmd-shim 8.0.0, lib/index.js (shebangExpr): an optional env with variables, the program, its arguments.
# As text: they are compiled when a shim is read or written, and hardly any command does either.
_SHEBANG = r"(?s)#!\s*(?:/usr/bin/env\s+(?:-S\s+)?((?:[^ \t=]+=[^ \t=]+\s+)*))?([^ \t]+)(.*)"
_VARIABLE = r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))"
_PLAIN = r"[A-Za-z0-9_./:=,+@-]+"
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
# The patterns of read-cmd-shim 6.0.0, lib/index.js.
_READERS = {
    "": r'"\$basedir/([^"]+?)"\s+"\$@"',
    ".cmd": r'"%(?:~dp0|dp0%)\\([^"]+?)"\s+%\*',
    ".ps1": r'"\$basedir/([^"]+?)"\s+\$args',
}


class Interpreter(Record):
    """The program that runs a script, with its variables and arguments.

    Without a *program* the script runs by itself.
    """

    variables: tuple[tuple[str, str], ...]
    program: str
    arguments: tuple[str, ...]


def parse_shebang(head: bytes) -> Interpreter:
    r"""Return the interpreter that the first line of a script names.

    *head* is at least that line. `env`, `env -S` and `VAR=value` before the program are understood.

    >>> parse_shebang(b"#!/usr/bin/env -S NODE_ENV=test node --no-warnings\n")
    Interpreter(variables=(('NODE_ENV', 'test'),), program='node', arguments=('--no-warnings',))
    >>> parse_shebang(b"run()").program
    ''
    """
    lines = re.split("\r*\n", head.decode("utf-8", "replace").strip(), maxsplit=1)
    match = re.fullmatch(_SHEBANG, lines[0].rstrip("\r"))
    if match is None:
        return Interpreter((), "", ())
    pairs = [word.partition("=") for word in (match[1] or "").split()]
    variables = tuple((name, value) for name, _, value in pairs if re.fullmatch(_NAME, name))
    return Interpreter(variables, match[2].replace("\\", "/"), tuple(match[3].split()))


def make_shims(target: str, interpreter: Interpreter) -> dict[str, bytes]:
    """Return the three files by the ending of their name.

    *target* is the script's path from the folder of the files, with slashes.

    >>> for ending, text in make_shims("../lib/run.js", parse_shebang(b"#!/usr/bin/env node")).items():
    ...     print(f"{ending:4}", read_shim(ending, text))
         ../lib/run.js
    .cmd ../lib/run.js
    .ps1 ../lib/run.js
    """
    return {
        "": _make_sh(target, interpreter).encode("utf-8", "surrogateescape"),
        ".cmd": _make_cmd(target, interpreter).replace("\n", "\r\n").encode("utf-8", "surrogateescape"),
        ".ps1": _make_ps1(target, interpreter).encode("utf-8", "surrogateescape"),
    }


def read_shim(ending: str, text: bytes) -> str | None:
    """Return the script of a shim, or None for no shim.

    Its path is relative to the folder of the shim, with slashes.
    """
    match = re.search(_READERS[ending], text.decode("utf-8", "surrogateescape"))
    return match[1].replace("\\", "/") if match else None


def _replace_variables(value: str, escape: Callable[[str], str], form: str) -> str:
    """Write a variable's value for a shell to expand.

    *escape* is applied to the text between variables, *form* is how the shell writes a variable.

    >>> _replace_variables("$HOME/a%b", _escape_cmd, "%{}%")
    '%HOME%/a%%b'
    """
    pieces, done = [], 0
    for match in re.finditer(_VARIABLE, value):
        pieces += [escape(value[done : match.start()]), form.format(match[1] or match[2])]
        done = match.end()
    return "".join([*pieces, escape(value[done:])])


# --- for sh


def _escape_sh(text: str) -> str:
    """Escape *text* for double quotes."""
    return re.sub(r'([\\$`"])', r"\\\1", text)


def _quote_sh(word: str) -> str:
    return word if re.fullmatch(_PLAIN, word) else "'" + word.replace("'", "'\\''") + "'"


def _expand_sh(value: str) -> str:
    return '"' + _replace_variables(value, _escape_sh, "${{{}}}") + '"'


def _make_sh(target: str, interpreter: Interpreter) -> str:
    script = f'"$basedir/{_escape_sh(target)}" "$@"'
    # Cygwin, MinGW and MSYS start Windows programs, which do not understand their paths.
    lines = [
        "#!/bin/sh",
        """basedir=$(dirname "$(printf '%s\\n' "$0" | sed -e 's,\\\\,/,g')")""",
        "",
        "case $(uname) in",
        "  *CYGWIN* | *MINGW* | *MSYS*)",
        "    if command -v cygpath >/dev/null 2>&1; then",
        '      basedir=$(cygpath -w "$basedir")',
        "    fi",
        "    ;;",
        "esac",
        "",
    ]
    for name, value in interpreter.variables:
        lines += [f"{name}={_expand_sh(value)}", f"export {name}"]
    if interpreter.program:
        words = "".join(f" {_quote_sh(word)}" for word in interpreter.arguments)
        # A program beside the shim wins: a prefix may have a node of its own.
        own = f'"$basedir/{_escape_sh(interpreter.program)}"'
        lines += [f"if [ -x {own} ]; then", f"  exec {own}{words} {script}", "fi"]
        lines.append(f"exec {_quote_sh(interpreter.program)}{words} {script}")
    else:
        lines.append(f"exec {script}")
    return "\n".join(lines) + "\n"


# --- for cmd.exe


def _escape_cmd(text: str) -> str:
    return text.replace("%", "%%").replace('"', "")


def _quote_cmd(word: str) -> str:
    return word if re.fullmatch(_PLAIN, word) else f'"{_escape_cmd(word)}"'


def _expand_cmd(value: str) -> str:
    return _replace_variables(value, _escape_cmd, "%{}%")


def _make_cmd(target: str, interpreter: Interpreter) -> str:
    script = '"%dp0%\\' + _escape_cmd(target.replace("/", "\\")) + '" %*'
    # A subroutine finds the folder: %~dp0 of the main part is wrong when the shim is called in quotes.
    lines = ["@ECHO off", "GOTO main", ":folder", "SET dp0=%~dp0", "EXIT /b", ":main", "SETLOCAL", "CALL :folder"]
    lines += [f'SET "{name}={_expand_cmd(value)}"' for name, value in interpreter.variables]
    if interpreter.program:
        program = _escape_cmd(interpreter.program)
        words = "".join(f" {_quote_cmd(word)}" for word in interpreter.arguments)
        lines += [
            f'IF EXIST "%dp0%\\{program}.exe" (',
            f'  SET "_prog=%dp0%\\{program}.exe"',
            ") ELSE (",
            f'  SET "_prog={program}"',
            # Else a bare name could find a script of that name instead of the program.
            "  SET PATHEXT=%PATHEXT:;.JS;=;%",
            ")",
            f'"%_prog%"{words} {script}',
        ]
    else:
        lines.append(script)
    return "\n".join(lines) + "\n"


# --- for PowerShell


def _escape_ps(text: str) -> str:
    return re.sub(r'([`$"])', r"`\1", text)


def _quote_ps(word: str) -> str:
    return word if re.fullmatch(_PLAIN, word) and word[0] not in "@," else "'" + word.replace("'", "''") + "'"


def _expand_ps(value: str) -> str:
    return '"' + _replace_variables(value, _escape_ps, "${{env:{}}}") + '"'


def _call_ps(command: str, indent: str) -> list[str]:
    return [
        f"{indent}if ($MyInvocation.ExpectingInput) {{",
        f"{indent}  $input | & {command}",
        f"{indent}}} else {{",
        f"{indent}  & {command}",
        f"{indent}}}",
    ]


def _make_ps1(target: str, interpreter: Interpreter) -> str:
    script = f'"$basedir/{_escape_ps(target)}" $args'
    lines = [
        "#!/usr/bin/env pwsh",
        "$basedir = Split-Path $MyInvocation.MyCommand.Definition -Parent",
        '$exe = ""',
        'if ($PSVersionTable.PSVersion -lt "6.0" -or $IsWindows) {',
        '  $exe = ".exe"',
        "}",
    ]
    lines += [f"$env:{name} = {_expand_ps(value)}" for name, value in interpreter.variables]
    if interpreter.program:
        words = "".join(f" {_quote_ps(word)}" for word in interpreter.arguments)
        program = _escape_ps(interpreter.program)
        own, other = f'"$basedir/{program}$exe"', f'"{program}$exe"'
        lines += [f"if (Test-Path {own}) {{", *_call_ps(f"{own}{words} {script}", "  ")]
        lines += ["} else {", *_call_ps(f"{other}{words} {script}", "  "), "}"]
    else:
        lines += _call_ps(script, "")
    return "\n".join([*lines, "exit $LASTEXITCODE"]) + "\n"
