"""The options that say what a folder is packed to, for every command that packs one or tells what it would be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from linkpack.errors import LinkpackError
from linkpack.packlist.editions import rules_edition
from linkpack.report.pack import safe

if TYPE_CHECKING:
    from collections.abc import Callable

    from linkpack.packlist.packlist import Edition


def _edition(ctx: click.Context, param: click.Parameter, value: str | None) -> Edition | None:
    if value is None:
        return None
    try:
        return rules_edition(value)
    except LinkpackError as err:
        raise click.BadParameter(f"{safe(err.message)}; {err.hint}", ctx, param) from err


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


def layout_option(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--layout`, with *text* as its help."""
    choice = click.Choice(["bundle", "vendor", "thin"])
    return click.option("--layout", type=choice, default="bundle", show_default=True, help=text)
