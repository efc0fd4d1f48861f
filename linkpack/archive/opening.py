"""Opens a tarball for the gate, with an error that names it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from linkpack.errors import Problem, SnapshotError, SourceChanged
from linkpack.system import folder as disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.system.folder import Opened


@contextmanager
def open_tarball(path: str) -> Iterator[Opened]:
    """The tarball at *path*, open.

    Raises `SnapshotError` (EREAD) when it cannot be read, `SourceChanged` when it was written to meanwhile.
    """
    try:
        with disk.opened(path) as file:
            yield file
            if not disk.is_unchanged(file):
                raise SourceChanged(changed(path).message, path=path, hint=changed(path).hint)
    except OSError as err:
        raise SnapshotError(
            f"{path} cannot be read: {err.strerror or err}", code="EREAD", path=path, hint="name a tarball"
        ) from err


def changed(path: str) -> Problem:
    """The problem that the tarball at *path* is no longer the one that was checked."""
    return Problem(
        "ECHANGED", path, f"{path} was written to while it was read", "try again when nothing writes to it"
    )
