"""Turn npm's settings into variables for scripts.

An npm that a script starts reads its settings from these variables. Source: @npmcli/config, lib/set-envs.js;
measured on npm 11.19.1.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from linkpack.npm.config import resolve_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.npm.config import Config
    from linkpack.npm.npmrc_text import Value

# Not passed on: settings with `deprecated` or `envExport: false` (@npmcli/config, lib/definitions/definitions.js),
# and those of older npm that were deprecated when they were removed.
_NEVER = frozenset(
    {"also", "cache-max", "cache-min", "cert", "dev", "global-style", "key", "legacy-bundling", "only", "optional"}
    | {"production", "shrinkwrap", "sso-poll-frequency", "sso-type", "tmp"}
    | {"if-present", "include-workspace-root", "min-release-age", "min-release-age-exclude", "workspace"}
    | {"workspaces", "init.author.email", "init.author.name", "init.author.url", "init.license", "init.module"}
    | {"init.version"}
)
_PATHS = frozenset({"cafile", "init-module", "logs-dir", "node-gyp"})  # `npm.config` resolves the other paths
_ENVIRONMENT = "environment "  # how a setting's source begins when it is a variable
# JavaScript writes a number without an exponent between these bounds (ECMA-262, Number::toString): at most 21
# digits before the decimal point, or fewer than 6 zeros after it.
_PLAIN_BELOW = 21
_PLAIN_ABOVE = -6


def list_setting_variables(config: Config, cwd: str, npm_root: str, npm_version: str) -> dict[str, str]:
    """Return the variables for npm's settings.

    These are the settings in *config*, and those that npm always passes on. Settings from the environment are
    variables already, and are left out. Relative paths start at *cwd*. *npm_root* is npm's own folder, or "".
    """
    always = {
        "cache": f"{config.user_home}/.npm",
        "globalconfig": resolve_path(config.prefix, "etc/npmrc"),
        "init-module": f"{config.user_home}/.npm-init.js",
        "noproxy": "",
        "userconfig": f"{config.user_home}/.npmrc",
    }
    variables = {_name_variable(key): value for key, value in always.items() if key not in config.settings}
    if npm_root:
        variables["npm_config_node_gyp"] = f"{npm_root}/node_modules/node-gyp/bin/node-gyp.js"
        variables["npm_config_npm_version"] = npm_version
    variables.update(_iter_stated(config, cwd))
    options = config.settings.get("node-options")
    if options is not None and isinstance(options.value, str) and options.value:
        variables["NODE_OPTIONS"] = options.value
    return variables


def _iter_stated(config: Config, cwd: str) -> Iterator[tuple[str, str]]:
    """Yield the variables of settings from flags and npmrc files.

    Logins, settings of a scope and those in `_NEVER` are left out.
    """
    # npm leaves out a setting that equals its default. Here it is passed on if a flag or a file has it, and means
    # the same.
    for key, (value, source) in config.settings.items():
        name = _name_variable(key)
        if key[:1] in {"", "/", "@", "_"} or key in _NEVER or "\0" in name or "=" in name:
            continue
        text = _format_list(value)
        if key in _PATHS and text:
            is_in_home = text.startswith("~/") and config.user_home
            text = resolve_path(config.user_home, text[2:]) if is_in_home else resolve_path(cwd, text)
        if "\0" not in text and not source.startswith(_ENVIRONMENT):
            yield name, text


def _name_variable(key: str) -> str:
    return f"npm_config_{key.replace('-', '_').lower()}"


def _format_list(value: Value) -> str:
    # npm reads a list back from a variable by splitting it there (set-envs.js, `envVal`).
    return "\n\n".join(map(format_value, value)) if isinstance(value, list) else format_value(value)


def format_value(value: object) -> str:
    """Return a JSON scalar as npm writes it into a variable.

    >>> [format_value(value) for value in (True, False, None, 2.0, 1e21)]
    ['true', '', '', '2', '1e+21']
    """
    if value is None or value is False:
        return ""
    if isinstance(value, float):
        return _format_number(value)
    return "true" if value is True else str(value)


def _format_number(value: float) -> str:
    """Return *value* as JavaScript writes it, in the shortest digits.

    >>> [_format_number(value) for value in (0.000001, 1e-7, 1e20, 1.5e21)]
    ['0.000001', '1e-7', '100000000000000000000', '1.5e+21']
    """
    if not math.isfinite(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"
    exact = Decimal(repr(value)).normalize()
    _, digits, exponent = exact.as_tuple()
    point = len(digits) + int(exponent)
    if _PLAIN_ABOVE < point <= _PLAIN_BELOW:
        return f"{exact:f}"
    sign, rest = "-" if value < 0 else "", "".join(map(str, digits[1:]))
    return f"{sign}{digits[0]}{'.' if rest else ''}{rest}e{point - 1:+d}"
