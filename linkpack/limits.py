"""Limit how much linkpack reads, and how long it works.

The limits, and the count of the work on patterns, belong to a scope that `within` opens, since the code that they
bound is spread over many modules. Without a scope the defaults apply.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from linkpack.errors import LinkpackError
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator


class Limits(Record):
    """The most that is read before linkpack refuses."""

    entries: int = 200_000  # files, in a tarball also its folders, with those that only paths name
    file: int = 8 << 30  # bytes
    unpacked: int = 16 << 30  # bytes of all files
    ratio: int = 1000  # unpacked to packed bytes
    path: int = 4096  # bytes of a whole path
    depth: int = 256  # portions of a path
    manifest: int = 16 << 20  # bytes of any JSON
    ignore_file: int = 1 << 20  # bytes
    steps: int = 10_000_000  # of work on patterns: roughly, patterns asked about names


DEFAULTS = Limits()


class _Scope:
    """The limits of a block, and the steps spent in it."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.spent = 0


_OPEN: ContextVar[_Scope | None] = ContextVar("linkpack_limits", default=None)


def current() -> Limits:
    """Return the limits that apply here."""
    scope = _OPEN.get()
    return DEFAULTS if scope is None else scope.limits


@contextmanager
def within(limits: Limits | None = None) -> Iterator[None]:
    """Apply *limits* inside the block, and count steps from 0.

    None opens no scope inside of another one: its limits apply on, and its count goes on.
    """
    if limits is None and _OPEN.get() is not None:
        yield
        return
    token = _OPEN.set(_Scope(limits or DEFAULTS))
    try:
        yield
    finally:
        _OPEN.reset(token)


def spend(steps: int) -> None:
    """Count *steps* of work on patterns in the current scope.

    Raises `LinkpackError` (ELIMIT) when they are too many.
    """
    scope = _OPEN.get()
    if scope is None:
        return
    scope.spent += steps
    if scope.spent > scope.limits.steps:
        raise LinkpackError(
            f"the work on patterns takes more than {scope.limits.steps} steps",
            code="ELIMIT",
            hint="write fewer or simpler patterns, or raise --max-steps",
        )
