"""Commands that take npm's flags beside their own options.

A script that was made for npm passes flags that mean nothing here. They are taken, so that it works, and npm's
ways to say yes and no (`--save=false`, `--fund false`) apply to our own options as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from linkpack._version import __version__
from linkpack.cli.terminal import apply_flags, print_result
from linkpack.npm.flags import take_flags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.npm.flags import FlagValue

_FLAGS = "linkpack.npm_flags"  # where in click's context npm's flags are
# Flags that have an effect, though they are no options of ours.
_USED = frozenset({"userconfig", "globalconfig", "prefix", "node-options", "color", "progress"})
# Flags that say what an option of ours says: (npm's flag, its value) -> our option, without dashes.
_SYNONYMS = {
    ("shrinkwrap", True): ("package-lock", True),
    ("shrinkwrap", False): ("package-lock", False),
    ("location", "global"): ("global", True),
    ("loglevel", "silent"): ("silent", True),
    # npm's name for copies (docs/copies.md). npm link itself sets it to false (npm 12.2, lib/commands/link.js).
    ("install-links", True): ("copy", True),
}


class NpmCommand(click.Command):
    """A command that takes npm's flags beside its own options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse *args* without npm's flags, which `npm_flags` returns."""
        options = {
            name: option
            for option in self.get_params(ctx)
            if isinstance(option, click.Option)
            for name in (*option.opts, *option.secondary_opts)
        }
        takes_value = {name: not (option.is_flag or option.count) for name, option in options.items()}
        # click compares `-q` with every long option through difflib, which takes 1.5 ms, before it looks for it.
        long = {
            name: option.opts[0]
            for name, option in options.items()
            if name in option.opts and not name.startswith("--")
        }
        taken = take_flags(args, takes_value, long)
        # As npm does, whatever the command is.
        if taken.flags.get("version") is True:
            print_result(__version__)
            ctx.exit()
        flags = dict(taken.flags)
        switched = _take_switches(flags, options)
        ctx.meta[_FLAGS] = flags
        apply_flags(flags)
        # npm's -h, -? and --help are all --usage (npm 12.2, @npmcli/config, lib/definitions).
        left = super().parse_args(ctx, ["--help"] if flags.get("usage") is True else list(taken.rest))
        ctx.params.update(switched)
        return left


def _take_switches(flags: dict[str, FlagValue], options: Mapping[str, click.Option]) -> dict[str, bool]:
    """Take out of *flags* those that set one of our *options*.

    Returns the parameters that they set, with their values.
    """
    switched: dict[str, bool] = {}
    for flag, value in list(flags.items()):
        # A list, the value of some flags, cannot be looked up.
        key, said = (flag, value) if isinstance(value, list) else _SYNONYMS.get((flag, value), (flag, value))
        option = options.get(f"--{key}")
        if option is not None and option.name and option.is_flag and isinstance(said, bool):
            switched[option.name] = said
            del flags[flag]
    return switched


def npm_flags() -> Mapping[str, FlagValue]:
    """Return npm's flags on the command line, by name without dashes.

    Flags that set an option of the command are not among them.
    """
    context = click.get_current_context(silent=True)
    flags: Mapping[str, FlagValue] = context.meta.get(_FLAGS, {}) if context else {}
    return flags


def idle_flags(flags: Mapping[str, FlagValue]) -> tuple[str, ...]:
    """Return those of *flags*, as written, that change nothing."""
    return tuple(f"--{key}" for key in flags if key not in _USED)
