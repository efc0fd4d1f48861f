"""Declare options that several commands have: on packing, and limits."""

from __future__ import annotations

import re
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from linkpack.errors import LinkpackError
from linkpack.limits import DEFAULTS, Limits
from linkpack.packlist.editions import find_edition
from linkpack.report.text import escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from linkpack.packlist.packlist import Edition

ClickCommand: TypeAlias = Any
"""A command's function, before or after click has made a command of it."""
OptionValue: TypeAlias = Any
"""The value of an option; click has checked its type."""


def _edition(ctx: click.Context, param: click.Parameter, value: str | None) -> Edition | None:
    if value is None:
        return None
    try:
        return find_edition(value)
    except LinkpackError as err:
        raise click.BadParameter(f"{escape(err.message)}; {err.hint}", ctx, param) from err


npm_rules_option = click.option(
    "--npm-rules",
    metavar="VERSION",
    callback=_edition,
    help="Select files as this version of npm does: 11 or 12.  [default: what the project names, else 12]",
)
"""`--npm-rules`, which the command gets as one of `NPM_RULES`, or as None when it was not given."""

publish_config_option = click.option(
    "--publish-config/--no-publish-config",
    default=None,
    help="Apply publishConfig as pnpm does.  [default: when the project is pnpm's or yarn's]",
)
"""`--publish-config`: True, False, or None when it was not given."""


def _selectors(_ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...] | None:
    return value or None  # None leaves it to the selectors of package.json, where there are any


bundle_option = click.option(
    "--bundle",
    metavar="SELECTOR",
    multiple=True,
    callback=_selectors,
    help="Bundle linked, workspace, private or all dependencies, a name, or @scope/*; !name takes one away.",
)
"""`--bundle`, which the command gets as a tuple, or as None when it was not given."""


def layout_option(text: str) -> Callable[[ClickCommand], ClickCommand]:
    """Return the option `--layout`, with *text* as its help.

    The command gets None when it was not given.
    """
    choice = click.Choice(["bundle", "vendor", "thin"])
    return click.option(
        "--layout", type=choice, default=None, help=f"{text}  [default: bundle, or what --bundle asks for]"
    )


_DIGITS = 15  # in the longest number
_SIZE = r"(?i)([0-9]{1,15})\s*([kmg]i?|)b?"
_UNITS = {"": 1, "k": 10**3, "ki": 1 << 10, "m": 10**6, "mi": 1 << 20, "g": 10**9, "gi": 1 << 30}


def parse_size(value: str) -> int:
    """Return the number of bytes that *value* means.

    >>> parse_size("5000"), parse_size("20kB"), parse_size("2 GiB")
    (5000, 20000, 2147483648)
    """
    # Nearly all values are defaults, written as digits: they need no regular expression, which would be compiled.
    if value.isascii() and value.isdigit() and len(value) <= _DIGITS:
        return int(value)
    match = re.fullmatch(_SIZE, value.strip())
    if match is None:
        raise click.BadParameter(f"{value!a} is no size; try 5000, 20kB, 10MB or 2GiB")
    return int(match[1]) * _UNITS[match[2].lower()]


_COUNT = click.IntRange(1)
_TREE_LIMITS: dict[str, tuple[click.ParamType[int] | Callable[[str], int], str]] = {
    "entries": (_COUNT, "Refuse more files."),
    "file": (parse_size, "Refuse a larger file."),
    "unpacked": (parse_size, "Refuse more bytes in all files together."),
    "path": (_COUNT, "Refuse a path of more bytes."),
    "manifest": (parse_size, "Refuse a larger package.json."),
    "ignore_file": (parse_size, "Refuse a larger ignore file."),
    "steps": (_COUNT, "Refuse more work on patterns: so many of them asked about a name."),
}
_TARBALL_LIMITS = {
    "ratio": (_COUNT, "Refuse a tarball that unpacks to more times its size."),
    "depth": (_COUNT, "Refuse a path of more portions."),
}


def limit_options(*, tarballs: bool) -> Callable[[ClickCommand], ClickCommand]:
    """Return a decorator that adds the options on limits.

    The command gets `Limits` as the argument `limits`. With *tarballs* there are also the options that only bound
    the reading of tarballs.
    """
    options = {**_TREE_LIMITS, **_TARBALL_LIMITS} if tarballs else _TREE_LIMITS

    def add_options(command: ClickCommand) -> ClickCommand:
        @wraps(command)
        def call(*args: object, **given: OptionValue) -> object:
            limits = Limits(**{name: given.pop(f"max_{name}") for name in options})
            return command(*args, **given, limits=limits)

        # The last option that is added comes first in the help.
        for name, (kind, text) in reversed(options.items()):
            default = str(getattr(DEFAULTS, name))
            flag = f"--max-{name.replace('_', '-')}"
            add = click.option(flag, type=kind, default=default, metavar="N", show_default=True, help=text)
            call = add(call)
        return call

    return add_options
