"""The committed tree of a git repository, laid out in a temporary folder; the gate starts processes only here."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from typing import TYPE_CHECKING

from linkpack.errors import LinkpackError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def committed(folder: str) -> Iterator[str]:
    """The folder that holds what HEAD has of *folder*, for as long as the block lasts.

    The project's node_modules, which nobody commits, is there as a link. The repository, its index and its work
    tree are only read. `LinkpackError` (EGIT) when git is missing or says no.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    prefix = _git(folder, "rev-parse", "--show-prefix")
    with tempfile.TemporaryDirectory(prefix="linkpack-git-") as temporary:
        tree = f"{temporary}/tree"
        os.mkdir(tree)
        # An index of our own: `git archive` would leave out what is marked export-ignore.
        index = {"GIT_INDEX_FILE": f"{temporary}/index"}
        _git(top, "read-tree", "HEAD", env=index)
        _git(top, "checkout-index", "--all", f"--prefix={tree}/", env=index)
        here = f"{tree}/{prefix}".rstrip("/")
        modules = os.path.join(os.path.realpath(folder), "node_modules")
        if os.path.isdir(modules) and os.path.isdir(here) and not os.path.lexists(f"{here}/node_modules"):
            os.symlink(modules, f"{here}/node_modules")
        yield here


def _git(folder: str, *arguments: str, env: dict[str, str] | None = None) -> str:
    """What git prints; its messages go into the error."""
    command = ["git", "-C", folder, *arguments]
    around = {**os.environ, **(env or {})}
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            command, env=around, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as err:
        raise _failed(folder, f"git cannot be started: {err.strerror}") from err
    if done.returncode:
        raise _failed(folder, done.stderr.decode("utf-8", "surrogateescape").strip() or "git failed")
    return os.fsdecode(done.stdout.removesuffix(b"\n"))


def _failed(folder: str, why: str) -> LinkpackError:
    return LinkpackError(
        f"the committed tree of {folder} cannot be had: {why}",
        code="EGIT",
        path=folder,
        hint="run it inside a repository that has a commit",
    )
