"""The text of the three files that stand for one command on Windows, and which script such a file leads to.

What the files have to do is described in docs/link.md; npm's reader (read-cmd-shim 6) must find the target again.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_SHEBANG = re.compile(r"#!\s*(?:/usr/bin/env\s+(?:-S\s+)?((?:[^ \t=]+=[^ \t=]+\s+)*))?([^ \t]+)(.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_PLAIN = re.compile(r"[A-Za-z0-9_./:=,+@-]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_READERS = {
    "": re.compile(r'"\$basedir/([^"]+?)"\s+"\$@"'),
    ".cmd": re.compile(r'"%(?:~dp0|dp0%)\\([^"]+?)"\s+%\*'),
    ".ps1": re.compile(r'"\$basedir/([^"]+?)"\s+\$args'),
}


class Interpreter(NamedTuple):
    """What runs a script: variables to set, the program (empty: the script runs by itself), its arguments."""

    variables: tuple[tuple[str, str], ...]
    program: str
    arguments: tuple[str, ...]


def parse_shebang(head: bytes) -> Interpreter:
    """The interpreter that the first line of a script names; *head* is at least that line.

    `env`, `env -S` and `VAR=value` before the program are understood; a script without the line names none.
    """
    lines = re.split("\r*\n", head.decode("utf-8", "replace").strip(), maxsplit=1)
    match = _SHEBANG.fullmatch(lines[0].rstrip("\r"))
    if match is None:
        return Interpreter((), "", ())
    pairs = [word.partition("=") for word in (match[1] or "").split()]
    variables = tuple((name, value) for name, _, value in pairs if _NAME.fullmatch(name))
    return Interpreter(variables, match[2].replace("\\", "/"), tuple(match[3].split()))


def shim_texts(target: str, runs: Interpreter) -> dict[str, bytes]:
    """The three files by the ending of their name ("", ".cmd", ".ps1").

    *target* is the script's path relative to their folder, "/"-separated.
    """
    return {
        "": _sh(target, runs).encode("utf-8", "surrogateescape"),
        ".cmd": _cmd(target, runs).replace("\n", "\r\n").encode("utf-8", "surrogateescape"),
        ".ps1": _ps1(target, runs).encode("utf-8", "surrogateescape"),
    }


def read_shim(ending: str, text: bytes) -> str | None:
    """The script that a shim leads to, relative to its folder and "/"-separated; None when it is no shim."""
    match = _READERS[ending].search(text.decode("utf-8", "surrogateescape"))
    return match[1].replace("\\", "/") if match else None


# --- for sh


def _sh_inner(text: str) -> str:
    """*text* inside double quotes."""
    return re.sub(r'([\\$`"])', r"\\\1", text)


def _sh_word(word: str) -> str:
    return word if _PLAIN.fullmatch(word) else "'" + word.replace("'", "'\\''") + "'"


def _sh_value(value: str) -> str:
    pieces, at = [], 0
    for match in _VARIABLE.finditer(value):
        pieces += [_sh_inner(value[at : match.start()]), f"${{{match[1] or match[2]}}}"]
        at = match.end()
    return '"' + "".join([*pieces, _sh_inner(value[at:])]) + '"'


def _sh(target: str, runs: Interpreter) -> str:
    script = f'"$basedir/{_sh_inner(target)}" "$@"'
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
    for name, value in runs.variables:
        lines += [f"{name}={_sh_value(value)}", f"export {name}"]
    if runs.program:
        words = "".join(f" {_sh_word(word)}" for word in runs.arguments)
        own = f'"$basedir/{_sh_inner(runs.program)}"'
        lines += [f"if [ -x {own} ]; then", f"  exec {own}{words} {script}", "fi"]
        lines.append(f"exec {_sh_word(runs.program)}{words} {script}")
    else:
        lines.append(f"exec {script}")
    return "\n".join(lines) + "\n"


# --- for cmd.exe


def _cmd_inner(text: str) -> str:
    return text.replace("%", "%%").replace('"', "")


def _cmd_word(word: str) -> str:
    return word if _PLAIN.fullmatch(word) else f'"{_cmd_inner(word)}"'


def _cmd_value(value: str) -> str:
    pieces, at = [], 0
    for match in _VARIABLE.finditer(value):
        pieces += [_cmd_inner(value[at : match.start()]), f"%{match[1] or match[2]}%"]
        at = match.end()
    return "".join([*pieces, _cmd_inner(value[at:])])


def _cmd(target: str, runs: Interpreter) -> str:
    script = '"%dp0%\\' + _cmd_inner(target.replace("/", "\\")) + '" %*'
    # A subroutine finds the folder: %~dp0 of the main part is wrong when the shim is called in quotes.
    lines = ["@ECHO off", "GOTO main", ":folder", "SET dp0=%~dp0", "EXIT /b", ":main", "SETLOCAL", "CALL :folder"]
    lines += [f'SET "{name}={_cmd_value(value)}"' for name, value in runs.variables]
    if runs.program:
        program = _cmd_inner(runs.program)
        words = "".join(f" {_cmd_word(word)}" for word in runs.arguments)
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


def _ps_inner(text: str) -> str:
    return re.sub(r'([`$"])', r"`\1", text)


def _ps_word(word: str) -> str:
    return word if _PLAIN.fullmatch(word) and word[0] not in "@," else "'" + word.replace("'", "''") + "'"


def _ps_value(value: str) -> str:
    pieces, at = [], 0
    for match in _VARIABLE.finditer(value):
        pieces += [_ps_inner(value[at : match.start()]), f"${{env:{match[1] or match[2]}}}"]
        at = match.end()
    return '"' + "".join([*pieces, _ps_inner(value[at:])]) + '"'


def _ps_run(command: str, indent: str) -> list[str]:
    return [
        f"{indent}if ($MyInvocation.ExpectingInput) {{",
        f"{indent}  $input | & {command}",
        f"{indent}}} else {{",
        f"{indent}  & {command}",
        f"{indent}}}",
    ]


def _ps1(target: str, runs: Interpreter) -> str:
    script = f'"$basedir/{_ps_inner(target)}" $args'
    lines = [
        "#!/usr/bin/env pwsh",
        "$basedir = Split-Path $MyInvocation.MyCommand.Definition -Parent",
        '$exe = ""',
        'if ($PSVersionTable.PSVersion -lt "6.0" -or $IsWindows) {',
        '  $exe = ".exe"',
        "}",
    ]
    lines += [f"$env:{name} = {_ps_value(value)}" for name, value in runs.variables]
    if runs.program:
        words = "".join(f" {_ps_word(word)}" for word in runs.arguments)
        own, other = f'"$basedir/{_ps_inner(runs.program)}$exe"', f'"{_ps_inner(runs.program)}$exe"'
        lines += [f"if (Test-Path {own}) {{", *_ps_run(f"{own}{words} {script}", "  ")]
        lines += ["} else {", *_ps_run(f"{other}{words} {script}", "  "), "}"]
    else:
        lines += _ps_run(script, "")
    return "\n".join([*lines, "exit $LASTEXITCODE"]) + "\n"
