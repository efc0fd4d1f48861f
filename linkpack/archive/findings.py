"""Collect what is wrong with a tarball."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

from linkpack.errors import Problem
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_OF_A_CODE = 50  # findings that are kept: a hostile archive can have one for each of its entries


class Finding(Record):
    """One thing that is wrong with a tarball.

    *code* is stable. *place* is the path in the tarball, *fix* the advice. The texts may hold hostile names, which
    `report.text.escape` escapes where they are printed.
    """

    code: str
    place: str
    message: str
    fix: str = ""
    severity: Literal["error", "warning"] = "error"


class Refused(Exception):
    """The reason why reading cannot go on, as a *finding*."""

    def __init__(self, code: str, place: str, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.finding = Finding(code, place, message, fix or "fetch or pack it again; do not use this file")


class Findings:
    """A list of findings with a bounded number of each code."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._counts: Counter[str] = Counter()

    def error(self, code: str, place: str, message: str, fix: str = "") -> None:
        """Add an error."""
        self.add(Finding(code, place, message, fix))

    def warning(self, code: str, place: str, message: str, fix: str = "") -> None:
        """Add a warning."""
        self.add(Finding(code, place, message, fix, "warning"))

    def add(self, finding: Finding) -> None:
        """Add *finding*, unless there are enough of its code."""
        self._counts[finding.code] += 1
        if self._counts[finding.code] <= _MOST_OF_A_CODE:
            self._findings.append(finding)

    def extend(self, findings: Iterable[Finding]) -> None:
        """Add all *findings*."""
        for finding in findings:
            self.add(finding)

    def all(self) -> tuple[Finding, ...]:
        """Return the findings in order.

        For each code with too many of them, one more says how many are left out.
        """
        more = (
            Finding(
                code=code,
                place="",
                message=f"{count - _MOST_OF_A_CODE} more findings with the code {code}",
                severity=self._severity(code),
            )
            for code, count in self._counts.items()
            if count > _MOST_OF_A_CODE
        )
        return (*self._findings, *more)

    def _severity(self, code: str) -> Literal["error", "warning"]:
        return next(finding.severity for finding in self._findings if finding.code == code)


def only_errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the errors among *findings*."""
    return tuple(finding for finding in findings if finding.severity == "error")


def as_problems(findings: Iterable[Finding]) -> tuple[Problem, ...]:
    """Return *findings* as the problems that an error carries."""
    return tuple(Problem(finding.code, finding.place, finding.message, finding.fix) for finding in findings)
