"""Run a package's lifecycle scripts.

A script runs in a session of its own, so that it can be ended with everything it started. Its standard output goes
to our standard error, as our standard output carries data only.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING

from linkpack.errors import ScriptFailed
from linkpack.read_cache import forget
from linkpack.record import Record
from linkpack.system.signals import delay_signals

if TYPE_CHECKING:
    from collections.abc import Mapping

_GRACE = 2.0  # seconds that an interrupted script has to clean up before it is killed
_STDERR = 2
_SIGNALLED = 128  # a shell's exit status for a command ended by a signal is this and its number


class Script(Record):
    """A script to run.

    *event* is npm's name for it (`prepack`), *command* the text for the shell, *label* the package as messages
    name it, and *folder* the package's real directory.
    """

    event: str
    command: str
    label: str
    folder: str


def run_script(script: Script, env: Mapping[str, str], shell: str) -> None:
    """Run *script* by `shell -c`, and wait for its end.

    *env* is its whole environment. Raises `ScriptFailed` when it cannot be started, or ends with a status other
    than 0: 128 and the signal's number when a signal ended it. Any exception that interrupts the wait,
    KeyboardInterrupt included, ends the script's whole process group first.
    """
    process = None
    forget()  # the script may change any file that was read
    try:
        with delay_signals():  # a signal must not come between the start and the name that `_end_group` needs
            process = subprocess.Popen(  # the project's own script, which its author wants run
                [shell, "-c", script.command], cwd=script.folder, env=env, stdout=_STDERR, start_new_session=True
            )
        status = process.wait()
    except BaseException as stop:
        if process is not None:
            _end_group(process, signal.SIGINT if isinstance(stop, KeyboardInterrupt) else signal.SIGTERM)
        elif isinstance(stop, (OSError, ValueError)):
            raise _report_unstartable(script, shell, stop) from stop
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


def _report_unstartable(script: Script, shell: str, err: OSError | ValueError) -> ScriptFailed:
    reason = getattr(err, "strerror", None) or str(err)
    return ScriptFailed(
        f"the {script.event} script of {script.label} cannot be started with {shell}: {reason}",
        event=script.event,
        path=script.folder,
        hint="set script-shell to a shell that exists, or pass --ignore-scripts",
    )


def _end_group(process: subprocess.Popen[bytes], number: int) -> None:
    """Send the signal *number* to the script's process group.

    What is left of the group after `_GRACE` is killed.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
    finally:  # a second interrupt ends the wait
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
