"""The options that raise or lower the limits of `linkpack.limits`, for the commands that read what others made."""

from __future__ import annotations

import re
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from linkpack.limits import DEFAULTS, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

_DIGITS = 15  # in the longest number
_SIZE = r"(?i)([0-9]{1,15})\s*([kmg]i?|)b?"
_UNITS = {"": 1, "k": 10**3, "ki": 1 << 10, "m": 10**6, "mi": 1 << 20, "g": 10**9, "gi": 1 << 30}


def size_in_bytes(value: str) -> int:
    """The bytes that *value* means: 5000, 20kB, 10MB, 2GiB."""
    if value.isascii() and value.isdigit() and len(value) <= _DIGITS:
        return int(value)
    match = re.fullmatch(_SIZE, value.strip())
    if match is None:
        raise click.BadParameter(f"{value!a} is no size; try 5000, 20kB, 10MB or 2GiB")
    return int(match[1]) * _UNITS[match[2].lower()]


_COUNT = click.IntRange(1)
_TREES: dict[str, tuple[Any, str]] = {
    "entries": (_COUNT, "Refuse more files."),
    "file": (size_in_bytes, "Refuse a larger file."),
    "unpacked": (size_in_bytes, "Refuse more bytes in all files together."),
    "path": (_COUNT, "Refuse a path of more bytes."),
    "manifest": (size_in_bytes, "Refuse a larger package.json."),
    "ignore_file": (size_in_bytes, "Refuse a larger ignore file."),
    "steps": (_COUNT, "Refuse more work on patterns: so many of them asked about a name."),
}
_TARBALLS = {
    "ratio": (_COUNT, "Refuse a tarball that unpacks to more times its size."),
    "depth": (_COUNT, "Refuse a path of more portions."),
}


def limit_options(*, tarballs: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that adds the options; the command gets `Limits` in one keyword argument, `limits`.

    Those that only bound tarballs come when *tarballs* are what the command reads.
    """
    chosen = {**_TREES, **_TARBALLS} if tarballs else _TREES

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def call(*args: object, **given: Any) -> Any:  # noqa: ANN401 - as the command is
            own = {name: given.pop(f"max_{name}") for name in chosen}
            return command(*args, **given, limits=Limits(**own))

        for name, (kind, text) in reversed(chosen.items()):
            default = str(getattr(DEFAULTS, name))
            option = f"--max-{name.replace('_', '-')}"
            call = click.option(option, type=kind, default=default, metavar="N", show_default=True, help=text)(
                call
            )
        return call

    return add
