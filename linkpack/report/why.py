"""Answers of `linkpack why` as text and as JSON; nothing here prints."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING

from linkpack.report.pack import cleaned, safe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.explaining.chains import Edge
    from linkpack.explaining.rule import Ruling
    from linkpack.explaining.why import Answer

_SHOWN = 20  # paths left out, and chains, that the text lists
_KINDS = {"linked": "a snapshot of", "installed": "installed in"}


def answered(answer: Answer) -> str:
    """What `why` prints for a person."""
    return "\n".join(safe(line) for line in _lines(answer))


def _lines(answer: Answer) -> Iterator[str]:
    yield _verdict(answer)
    if answer.ruling is not None and (answer.ruling.keeps == answer.ships):
        yield f"  {_ruled(answer.ruling, answer)}"
    if answer.reason:
        yield f"  {answer.reason}"
    for path in answer.tarball:
        yield f"  in the tarball: {path}"
    for each in answer.left_out[:_SHOWN]:
        yield f"  left out: {each.path} ({each.reason})"
    yield from _more(len(answer.left_out), "paths left out")
    if answer.kind in _KINDS:
        yield f"{answer.label} is {_KINDS[answer.kind]} {answer.folder}"
        if answer.slots and not answer.tarball:
            yield f"  in the tarball: {', '.join(f'package/{slot}' for slot in answer.slots)}"
        for chain in answer.chains[:_SHOWN]:
            yield f"  pulled in: {_chained(chain, answer.label)}"
        yield from _more(len(answer.chains), "chains")


def _more(count: int, what: str) -> Iterator[str]:
    if count > _SHOWN:
        yield f"  and {count - _SHOWN} more {what} (--json lists them)"


def _verdict(answer: Answer) -> str:
    what = answer.path or answer.label
    if answer.path and answer.kind != "root":
        what = f"{answer.path} of {answer.label}"
    if not answer.ships:
        return f"{what} does not ship"
    folder = answer.path and not answer.tarball
    if answer.path and not folder:
        return f"{what} ships"
    return f"{what} ships, with {answer.files} file{'s' if answer.files != 1 else ''}"


def _ruled(ruling: Ruling, answer: Answer) -> str:
    """The rule, and where it stands."""
    text = f"{ruling.why}: {ruling.text}" if ruling.text else ruling.why
    about = "is" if ruling.keeps else "does not ship:"
    around = "" if ruling.about.rstrip("/") == answer.path else f"its folder {ruling.about} {about} "
    where = _source(ruling, answer)
    return f"{around}{text} ({where}:{ruling.line})" if where else f"{around}{text}"


def _source(ruling: Ruling, answer: Answer) -> str:
    """The rule's file relative to the project; an absolute one stays."""
    return posixpath.normpath(posixpath.join(answer.folder, ruling.source)) if ruling.source else ""


def _chained(chain: tuple[Edge, ...], label: str) -> str:
    return " -> ".join([*(edge.label for edge in chain), label])


def answered_json(answer: Answer) -> str:
    """What `why --json` prints."""
    ruling = answer.ruling
    document = {
        **answer._asdict(),
        "ruling": None if ruling is None else {**ruling._asdict(), "source": _source(ruling, answer)},
        "left_out": [each._asdict() for each in answer.left_out],
        "chains": [[edge._asdict() for edge in chain] for chain in answer.chains],
    }
    return json.dumps(cleaned(document), indent=2)
