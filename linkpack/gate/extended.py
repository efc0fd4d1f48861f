"""Extended headers (pax), which say more of the next entry than its own header can hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from linkpack.gate.findings import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 1 << 20
"""Bytes of one extended header; the longest path that is taken needs a two-hundredth of it."""

_RECORD = re.compile(rb"([1-9][0-9]{0,9}) ")
_BINDING = {b"path", b"linkpath", b"size"}
# bun says BINARY of names that are UTF-8; that they are is asked of all.
_CHARSETS = {b"ISO-IR 10646 2000 UTF-8", b"BINARY"}


def parse_records(body: bytes, place: str) -> Mapping[bytes, bytes]:
    """The records of a pax header, keys to values; *place* is its name, for messages.

    Raises `Refused` (EPAX) for lengths that do not fit, keys that stand twice and matter, NULs in what matters,
    and names that are not UTF-8; ESPARSE for GNU's sparse files.
    """
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(body):
        length = _RECORD.match(body, at)
        end = at + int(length[1]) if length else 0
        if length is None or end > len(body) or end <= length.end() or body[end - 1 : end] != b"\n":
            _refuse(place, "has a record whose length is wrong")
        key, equals, value = body[length.end() : end - 1].partition(b"=")
        if not key or not equals:
            _refuse(place, "has a record that is not key=value")
        if key in records and key in _BINDING:
            _refuse(place, f"has {key.decode()} twice")
        if key.startswith(b"GNU.sparse"):
            raise Refused("ESPARSE", place, f"the extended header {place} makes the next entry a sparse file")
        records[key] = value
        at = end
    _check(records, place)
    return records


def check_global(records: Mapping[bytes, bytes], place: str) -> None:
    """Refuse a global header that changes what its entries are: only comments and times may stand in one."""
    bad = sorted(key for key in records if key in _BINDING or key == b"hdrcharset")
    if bad:
        _refuse(place, f"is global and sets {bad[0].decode()} for every entry")


def _check(records: Mapping[bytes, bytes], place: str) -> None:
    if records.get(b"hdrcharset", b"BINARY") not in _CHARSETS:
        _refuse(place, "names an encoding other than UTF-8")
    for key in _BINDING & records.keys():
        value = records[key]
        if not value or b"\0" in value:
            _refuse(place, f"has an empty {key.decode()}, or one with a NUL in it")
    try:
        records.get(b"path", b"").decode()
    except UnicodeDecodeError:
        _refuse(place, "has a path that is not UTF-8")
    if not re.fullmatch(rb"[0-9]{1,20}", records.get(b"size", b"0")):
        _refuse(place, "has a size that is no number")


def _refuse(place: str, what: str) -> NoReturn:
    raise Refused("EPAX", place, f"the extended (pax) header {place} {what}")
