"""Plan what npm does to the scripts behind commands: their mode, and a line end that keeps them from running."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from linkpack.linking.record import LIMIT
from linkpack.linking.states import Change, File, Mode
from linkpack.system import read as fs

if TYPE_CHECKING:
    from linkpack.linking.builder import PlanBuilder

_HEAD = 2048  # bytes in which npm looks for the end of a shebang line
CRLF_SHEBANG = rb"#![^\n]+\r\n"


def head_of(path: str) -> bytes:
    """Return the beginning of the script at *path*, empty if it cannot be read."""
    try:
        return fs.read_head(path, _HEAD)
    except OSError:
        return b""


def make_runnable(builder: PlanBuilder, script: str, umask: int) -> None:
    """Plan the mode of a command's script, and the repair of a line end that keeps it from running."""
    if not fs.is_file(script):
        return
    mode = 0o777 & ~umask
    found = fs.stat(script).st_mode & 0o7777
    head = head_of(script)
    broken = b"\r" in head and re.match(CRLF_SHEBANG, head)
    if found == mode and not broken:
        return
    if not fs.may_change(script):
        if not fs.executable(script):
            message = f"{script} is not executable, and not yours to change"
            builder.warn("WPERM", script, message, "let its owner run chmod +x on it")
    elif broken:
        content = fs.read_file(script, LIMIT)
        message = f"the first line of {script} ends in CRLF, which keeps it from running: the CR is taken away"
        builder.warn("WCRLF", script, message, "have it stored with LF, as by *.js text eol=lf in .gitattributes")
        whole = content.replace(b"\r\n", b"\n", 1)
        builder.set_mode(script, Change(script, File(content, found), File(whole, mode)))
    else:
        builder.set_mode(script, Change(script, Mode(found), Mode(mode)))
