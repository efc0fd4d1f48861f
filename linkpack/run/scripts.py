"""Starts a package's lifecycle scripts; nothing else of `pack` starts a process of the project's.

A script runs in a session of its own, so that it can be ended with everything it started. Its standard output
goes to standard error: ours carries data only.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import ScriptFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

_GRACE = 2.0  # seconds that an interrupted script has to clean up before it is killed
_STDERR = 2
_SIGNALLED = 128  # a shell's exit status for a command ended by a signal is this and its number
_ASK = "process.stdout.write([process.version, process.platform, process.arch].join(' '))"


class Script(NamedTuple):
    """A script to run: its *event* (`prepack`), the *command*, the package's *label* and real directory."""

    event: str
    command: str
    label: str
    folder: str


def run_script(script: Script, env: Mapping[str, str], shell: str) -> None:
    """Run *script* by `shell -c` with exactly the environment *env*, and wait for its end.

    `ScriptFailed` with its exit status when that is not 0 (128 and the signal's number when a signal ended it), or
    when it cannot be started. When the wait is interrupted, by any exception, the script's whole process group
    is ended first.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the project's own script, which its author wants run
            [shell, "-c", script.command], cwd=script.folder, env=env, stdout=_STDERR, start_new_session=True
        )
    except (OSError, ValueError) as err:
        reason = getattr(err, "strerror", None) or str(err)
        raise ScriptFailed(
            f"the {script.event} script of {script.label} cannot be started with {shell}: {reason}",
            event=script.event,
            path=script.folder,
            hint="set script-shell to a shell that exists, or pass --ignore-scripts",
        ) from err
    try:
        status = process.wait()
    except BaseException as stop:
        _end(process, signal.SIGINT if isinstance(stop, KeyboardInterrupt) else signal.SIGTERM)
        raise
    if status:
        status = _SIGNALLED - status if status < 0 else status
        raise ScriptFailed(
            f"the {script.event} script of {script.label} failed with status {status}",
            event=script.event,
            status=status,
            path=script.folder,
            hint=f"it is: {script.command}",
        )


def _end(process: subprocess.Popen[bytes], number: int) -> None:
    """Pass the signal *number* on to the script's process group, and kill what of it outlives the grace."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
    finally:  # a second interrupt ends the wait
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def node_facts(node: str, env: Mapping[str, str]) -> str:
    """Node's version, platform and architecture (`v20.1.0 linux x64`), asked of *node*; empty when it fails."""
    asked = {key: value for key, value in env.items() if key != "NODE_OPTIONS"}
    try:
        done = subprocess.run(  # noqa: S603 - node as found on PATH
            [node, "-e", _ASK], env=asked, capture_output=True, stdin=subprocess.DEVNULL, check=False
        )
    except OSError:
        return ""
    return "" if done.returncode else done.stdout.decode("utf-8", "replace")
