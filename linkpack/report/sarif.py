"""Write the findings of `verify` as SARIF 2.1.0, for code scanning."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from linkpack._version import __version__
from linkpack.codes import code_entry
from linkpack.report.text import clean_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.archive.findings import Finding
    from linkpack.verifying.verdict import Verdict


def sarif_report(verdicts: Sequence[Verdict]) -> str:
    """Return the SARIF log of *verdicts*.

    It has one run, with a rule for each code and a result for each finding. A result is at its tarball, and names
    the path inside of it as a logical location.
    """
    codes = sorted({finding.code for verdict in verdicts for finding in verdict.findings})
    driver = {"name": "linkpack", "version": __version__, "rules": [_rule(code) for code in codes]}
    results = [_result(finding, verdict.path) for verdict in verdicts for finding in verdict.findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps(clean_json({"version": "2.1.0", "runs": [run]}), indent=2)


def _rule(code: str) -> dict[str, object]:
    entry = code_entry(code)
    if entry is None:
        return {"id": code}
    return {"id": code, "shortDescription": {"text": entry.meaning}, "help": {"text": entry.advice}}


def _result(finding: Finding, tarball: str) -> dict[str, object]:
    location: dict[str, object] = {
        "physicalLocation": {"artifactLocation": {"uri": quote(tarball, errors="surrogateescape")}}
    }
    if finding.place and finding.place != tarball:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.place, "kind": "member"}]
    text = f"{finding.message}: {finding.fix}" if finding.fix else finding.message
    return {
        "ruleId": finding.code,
        "level": finding.severity,  # `error` and `warning` are SARIF's words too (3.27.10)
        "message": {"text": text},
        "locations": [location],
    }
