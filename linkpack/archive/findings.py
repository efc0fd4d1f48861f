"""What the gate has to say of a tarball, and the limits within which it reads one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from linkpack.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

_EACH = 50  # findings of one code that are kept: a hostile archive can have one for each of its entries


class Finding(NamedTuple):
    """One thing found: a stable *code*, the *place* in the tarball, what it is, what to do.

    Texts may hold hostile names; whoever prints them escapes them (`report.safe`).
    """

    code: str
    place: str
    message: str
    fix: str = ""
    severity: Literal["error", "warning"] = "error"


class Refused(Exception):
    """Reading cannot go on; *finding* says why."""

    def __init__(self, code: str, place: str, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.finding = Finding(code, place, message, fix or "fetch or pack it again; do not use this file")


class Findings:
    """A list of findings with a bounded number of each code."""

    def __init__(self) -> None:
        self._found: list[Finding] = []
        self._counts: Counter[str] = Counter()

    def error(self, code: str, place: str, message: str, fix: str = "") -> None:
        """Note an error."""
        self.add(Finding(code, place, message, fix))

    def warning(self, code: str, place: str, message: str, fix: str = "") -> None:
        """Note a warning."""
        self.add(Finding(code, place, message, fix, "warning"))

    def add(self, finding: Finding) -> None:
        """Note *finding*, unless there are enough of its code."""
        self._counts[finding.code] += 1
        if self._counts[finding.code] <= _EACH:
            self._found.append(finding)

    def extend(self, found: Iterable[Finding]) -> None:
        """Note every one of *found*."""
        for finding in found:
            self.add(finding)

    def all(self) -> tuple[Finding, ...]:
        """The findings in order, and for each code that has more how many there are."""
        more = (
            Finding(code, "", f"{count - _EACH} more findings with the code {code}", "", self._severity(code))
            for code, count in self._counts.items()
            if count > _EACH
        )
        return (*self._found, *more)

    def _severity(self, code: str) -> Literal["error", "warning"]:
        return next(found.severity for found in self._found if found.code == code)


def errors(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """The errors among *found*."""
    return tuple(each for each in found if each.severity == "error")


def as_problems(found: Iterable[Finding]) -> tuple[Problem, ...]:
    """*found* as the problems that an error carries."""
    return tuple(Problem(each.code, each.place, each.message, each.fix) for each in found)
