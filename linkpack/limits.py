"""How much linkpack reads before it refuses: one value, for trees and for tarballs.

The limits that hold, and how much of the work on patterns is done, belong to a scope, as what they bound is spread
over many modules; without one the defaults hold.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import LinkpackError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Limits(NamedTuple):
    """How much is read before it is refused.

    *entries* counts files, in a tarball its folders too, implied ones included; *file*, *unpacked*, *manifest*
    (any JSON) and *ignore_file* are bytes; *ratio* is unpacked to packed; *path* is bytes of a whole name, *depth*
    its portions; *steps* count patterns asked about names.
    """

    entries: int = 200_000
    file: int = 8 << 30
    unpacked: int = 16 << 30
    ratio: int = 1000
    path: int = 4096
    depth: int = 256
    manifest: int = 16 << 20
    ignore_file: int = 1 << 20
    steps: int = 10_000_000


DEFAULTS = Limits()


class _Scope:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.spent = 0


_OPEN: ContextVar[_Scope | None] = ContextVar("linkpack_limits", default=None)


def current() -> Limits:
    """The limits that hold here."""
    scope = _OPEN.get()
    return DEFAULTS if scope is None else scope.limits


@contextmanager
def within(limits: Limits | None = None) -> Iterator[None]:
    """Have *limits* hold in the block, its steps counted from 0; None: those that hold, their count going on."""
    if limits is None and _OPEN.get() is not None:
        yield
        return
    token = _OPEN.set(_Scope(limits or DEFAULTS))
    try:
        yield
    finally:
        _OPEN.reset(token)


def spend(steps: int) -> None:
    """Count *steps* of work on patterns, where there is a scope; `LinkpackError` (ELIMIT) when too many."""
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
