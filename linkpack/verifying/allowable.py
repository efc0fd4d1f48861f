"""Errors that whoever checks a tarball may turn into warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from linkpack.archive.findings import Finding

ALLOWABLE = frozenset(
    {
        "EAGAINST",
        "EBUNDLEMISSING",
        "EENTRYPOINT",
        "EFILENAME",
        "ELICENSE",
        "EPRIVATE",
        "ESECRET",
        "ESECRETFILE",
        "ESHEBANG",
        "ESIZE",
        "ESPEC",
        "ESPECINVALID",
        "ESPECLOCAL",
        "ESPECPATCH",
        "ETYPES",
        "EWINDOWS",
        "ECASE",
    }
)
"""Codes of errors that a caller may turn into warnings; none of them makes a tarball dangerous to read."""


def allowed(found: Iterable[Finding], codes: Collection[str]) -> tuple[Finding, ...]:
    """*found*, those with one of *codes* as warnings."""
    return tuple(each._replace(severity="warning") if each.code in codes else each for each in found)
