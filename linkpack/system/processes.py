"""Starts a package's lifecycle scripts; nothing else of `pack` starts a process of the project's.

A script runs in a session of its own, so that it can be ended with everything it started. Its standard output
goes to standard error: ours carries data only.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import ScriptFailed
from linkpack.read_cache import forget

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_GRACE = 2.0  # seconds that an interrupted script has to clean up before it is killed
_STDERR = 2
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SIGNALLED = 128  # a shell's exit status for a command ended by a signal is this and its number


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
    process = None
    forget()  # the script may change any file that was read
    try:
        with _signals_later():  # a script must not start without our knowing it
            process = subprocess.Popen(  # noqa: S603 - the project's own script, which its author wants run
                [shell, "-c", script.command], cwd=script.folder, env=env, stdout=_STDERR, start_new_session=True
            )
        status = process.wait()
    except BaseException as stop:
        if process is not None:
            _end(process, signal.SIGINT if isinstance(stop, KeyboardInterrupt) else signal.SIGTERM)
        elif isinstance(stop, (OSError, ValueError)):
            raise _unstartable(script, shell, stop) from stop
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


def _unstartable(script: Script, shell: str, err: OSError | ValueError) -> ScriptFailed:
    reason = getattr(err, "strerror", None) or str(err)
    return ScriptFailed(
        f"the {script.event} script of {script.label} cannot be started with {shell}: {reason}",
        event=script.event,
        path=script.folder,
        hint="set script-shell to a shell that exists, or pass --ignore-scripts",
    )


@contextlib.contextmanager
def _signals_later() -> Iterator[None]:
    """Hold back the signals that end us until the block is done; only the main thread is interrupted by them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    heeded = [number for number in _ENDING if signal.getsignal(number) not in {signal.SIG_IGN, None}]
    before = {number: signal.signal(number, lambda which, _: came.append(which)) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for late in came:
        signal.raise_signal(late)


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
