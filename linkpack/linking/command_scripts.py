"""Plan to make the scripts of commands runnable, as npm does.

Their mode is set, and a CR at the end of the first line is removed (bin-links 6.0.2, lib/fix-bin.js).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from linkpack.linking.record import LIMIT
from linkpack.linking.states import Change, File, Mode
from linkpack.system import read as fs

if TYPE_CHECKING:
    from linkpack.linking.builder import PlanBuilder

_HEAD = 2048  # bytes in which npm looks for the end of a shebang line


def read_script_head(path: str) -> bytes:
    """Return the beginning of a script, or b""."""
    try:
        return fs.read_head(path, _HEAD)
    except OSError:
        return b""


def has_crlf_shebang(head: bytes) -> bool:
    r"""Return True if a script's shebang line ends in CRLF.

    The CR becomes a part of the interpreter's name, so that the system does not find it.

    >>> has_crlf_shebang(b"#!/usr/bin/env node\r\nrun()")
    True
    >>> has_crlf_shebang(b"#!/usr/bin/env node\nrun()\r\n")
    False
    """
    return b"\r" in head and re.match(rb"#![^\n]+\r\n", head) is not None


def make_runnable(builder: PlanBuilder, script: str, umask: int) -> None:
    """Plan the mode of a script, and the repair of its shebang line.

    The mode is that of a new executable under *umask*. A script that the user may not change is left alone, with a
    warning if it cannot be run.
    """
    if not fs.is_file(script):
        return
    mode = 0o777 & ~umask
    old_mode = fs.stat(script).st_mode & 0o7777
    is_broken = has_crlf_shebang(read_script_head(script))
    if old_mode == mode and not is_broken:
        return
    if not fs.may_change(script):
        if not fs.is_executable(script):
            message = f"{script} is not executable, and not yours to change"
            builder.warn("WPERM", script, message, "let its owner run chmod +x on it")
    elif is_broken:
        content = fs.read_file(script, LIMIT)
        message = f"the first line of {script} ends in CRLF, which keeps it from running: the CR is taken away"
        builder.warn("WCRLF", script, message, "have it stored with LF, as by *.js text eol=lf in .gitattributes")
        repaired = content.replace(b"\r\n", b"\n", 1)
        # One change for the line and the mode: a path has only one.
        builder.set_mode(script, Change(script, File(content, old_mode), File(repaired, mode)))
    else:
        builder.set_mode(script, Change(script, Mode(old_mode), Mode(mode)))
