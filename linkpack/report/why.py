"""Write answers of `why` as text and as JSON."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING

from linkpack.report.text import JSON_SCHEMA, clean_json, count, escape, them

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.explaining.chains import Edge
    from linkpack.explaining.rule import Ruling
    from linkpack.explaining.why import Answer

_MOST = 20  # omitted paths, and chains, that the text lists
_KINDS = {"linked": "a snapshot of", "installed": "installed in"}


def answer_text(answer: Answer) -> str:
    """Return the answer for a person."""
    return "\n".join(escape(line) for line in _lines(answer))


def _lines(answer: Answer) -> Iterator[str]:
    yield _verdict(answer)
    # A rule that was overruled, by another one or by npm itself, would contradict the first line.
    if answer.ruling is not None and (answer.ruling.keeps == answer.ships):
        yield f"  {_ruling_line(answer.ruling, answer)}"
    if answer.reason:
        yield f"  {answer.reason}"
    for path in answer.tarball:
        yield f"  in the tarball: {path}"
    for omission in answer.left_out[:_MOST]:
        yield f"  left out: {omission.path} ({omission.reason})"
    yield from _more(len(answer.left_out), "path left out", "paths left out")
    if answer.kind in _KINDS:
        yield f"{answer.label} is {_KINDS[answer.kind]} {answer.folder}"
        if answer.slots and not answer.tarball:
            yield f"  in the tarball: {', '.join(f'package/{slot}' for slot in answer.slots)}"
        for chain in answer.chains[:_MOST]:
            yield f"  pulled in: {_chain_text(chain, answer.label)}"
        yield from _more(len(answer.chains), "chain", "chains")


def _verdict(answer: Answer) -> str:
    subject = answer.path or answer.label
    if answer.path and answer.kind != "root":
        subject = f"{answer.path} of {answer.label}"
    if not answer.ships:
        return f"{subject} does not ship"
    is_folder = answer.path and not answer.tarball
    if answer.path and not is_folder:
        return f"{subject} ships"
    return f"{subject} ships, with {count(answer.files, 'file')}"


def _ruling_line(ruling: Ruling, answer: Answer) -> str:
    """Return the rule, with the file and line that it is in."""
    text = f"{ruling.why}: {ruling.text}" if ruling.text else ruling.why
    verb = "is" if ruling.keeps else "does not ship:"
    around = "" if ruling.about.rstrip("/") == answer.path else f"its folder {ruling.about} {verb} "
    source = _source(ruling, answer)
    return f"{around}{text} ({source}:{ruling.line})" if source else f"{around}{text}"


def _source(ruling: Ruling, answer: Answer) -> str:
    """Return the rule's file relative to the project, if it is not absolute."""
    return posixpath.normpath(posixpath.join(answer.folder, ruling.source)) if ruling.source else ""


def _chain_text(chain: tuple[Edge, ...], label: str) -> str:
    return " -> ".join([*(edge.label for edge in chain), label])


def _more(number: int, singular: str, plural: str) -> Iterator[str]:
    more = number - _MOST
    if more > 0:
        yield f"  and {more} more {singular if more == 1 else plural} (--json lists {them(more)})"


def answer_json(answer: Answer) -> str:
    """Return the answer as JSON."""
    ruling = answer.ruling
    fields = answer._asdict()
    del fields["left_out"]  # keys are written as in npm's JSON: leftOut
    value = {
        "schema": JSON_SCHEMA,
        **fields,
        "ruling": None if ruling is None else {**ruling._asdict(), "source": _source(ruling, answer)},
        "leftOut": [omission._asdict() for omission in answer.left_out],
        "chains": [[edge._asdict() for edge in chain] for chain in answer.chains],
    }
    return json.dumps(clean_json(value), indent=2)
