"""Name the errors that a caller may turn into warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.arguments import check_texts
from linkpack.errors import LinkpackError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from linkpack.archive.findings import Finding

ALLOWABLE = frozenset(
    {
        "EAGAINST",
        "EBUNDLEMISSING",
        "ECASE",
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
    }
)
"""Codes that may be allowed. None of these errors makes a tarball dangerous to read."""


def check_allowable(allow: Collection[str]) -> None:
    """Raise `LinkpackError` (EALLOW) if a code in *allow* cannot be allowed."""
    for code in check_texts(allow, "allow"):
        if code not in ALLOWABLE:
            raise LinkpackError(
                f"{code} cannot be allowed", code="EALLOW", hint=f"only these can: {', '.join(sorted(ALLOWABLE))}"
            )


def allow_codes(findings: Iterable[Finding], codes: Collection[str]) -> tuple[Finding, ...]:
    """Return *findings*, with those of the *codes* as warnings."""
    return tuple(
        finding._replace(severity="warning") if finding.code in codes else finding for finding in findings
    )
