"""Runs Python in a mount namespace of its own, where it may mount what it likes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@cache
def namespace() -> tuple[str, ...]:
    """The command that starts another in a namespace of its own; empty where the system does not allow that."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return ()
    flags = "-m" if os.geteuid() == 0 else "-rm"
    command = (unshare, flags)
    done = subprocess.run([*command, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    return command if done.returncode == 0 else ()


def in_namespace(script: str, *arguments: str) -> str:
    """What the Python text *script* prints there; it must end with status 0."""
    command = namespace()
    if not command:
        pytest.skip("no mount namespaces here")
    done = subprocess.run(
        [*command, sys.executable, "-c", textwrap.dedent(script), *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
