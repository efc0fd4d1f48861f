"""npm's settings as the variables by which scripts, and the npm that they may start, see them.

Source: set-envs.js of @npmcli/config; measured on npm 11.19.1. npm leaves out what says no more than its defaults;
here a source that spells a default out is passed on as well, which means the same.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from linkpack.npm.config import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.npm.config import Config
    from linkpack.npm.npmrc_text import Value

# Deprecated ones, and those that hold for one command only.
_NEVER = frozenset(
    {"also", "cache-max", "cache-min", "cert", "dev", "global-style", "key", "legacy-bundling", "only", "optional"}
    | {"production", "shrinkwrap", "sso-poll-frequency", "sso-type", "tmp"}
    | {"if-present", "include-workspace-root", "min-release-age", "min-release-age-exclude", "workspace"}
    | {"workspaces"}
)
_PATHS = frozenset({"cafile", "init-module", "logs-dir", "node-gyp"})  # besides those that the cascade knows
_ENVIRONMENT = "environment "  # where sources in the environment begin
_PLAIN_BELOW = 21  # a number with at most so many digits before the point is written without an exponent
_PLAIN_ABOVE = -6  # and one with fewer zeros after it than this


def setting_variables(config: Config, cwd: str, npm_root: str, npm_version: str) -> dict[str, str]:
    """The variables for the settings in *config*, and for those that npm always passes on.

    What the environment sets is there already and not repeated. *cwd* is where relative paths start; *npm_root*
    is npm's own folder, or empty.
    """
    always = {
        "cache": f"{config.user_home}/.npm",
        "globalconfig": resolve(config.prefix, "etc/npmrc"),
        "init-module": f"{config.user_home}/.npm-init.js",
        "noproxy": "",
        "userconfig": f"{config.user_home}/.npmrc",
    }
    found = {_name(key): value for key, value in always.items() if key not in config.settings}
    if npm_root:
        found["npm_config_node_gyp"] = f"{npm_root}/node_modules/node-gyp/bin/node-gyp.js"
        found["npm_config_npm_version"] = npm_version
    found.update(_stated(config, cwd))
    options = config.settings.get("node-options")
    if options is not None and isinstance(options.value, str) and options.value:
        found["NODE_OPTIONS"] = options.value
    return found


def _stated(config: Config, cwd: str) -> Iterator[tuple[str, str]]:
    """The variables of what flags and npmrc files say: no logins, no scopes, nothing that is one command's."""
    for key, (value, source) in config.settings.items():
        name = _name(key)
        if key[:1] in {"", "/", "@", "_"} or key in _NEVER or "\0" in name or "=" in name:
            continue
        text = _listed(value)
        if key in _PATHS and text:
            home = text.startswith("~/") and config.user_home
            text = resolve(config.user_home, text[2:]) if home else resolve(cwd, text)
        if "\0" not in text and not source.startswith(_ENVIRONMENT):
            yield name, text


def _name(key: str) -> str:
    return f"npm_config_{key.replace('-', '_').lower()}"


def _listed(value: Value) -> str:
    return "\n\n".join(map(variable_text, value)) if isinstance(value, list) else variable_text(value)


def variable_text(value: object) -> str:
    """A JSON scalar as npm writes it into a variable; false and null are empty."""
    if value is None or value is False:
        return ""
    if isinstance(value, float):
        return _number(value)
    return "true" if value is True else str(value)


def _number(value: float) -> str:
    """*value* as JavaScript writes it: the shortest digits, an exponent only for the very large and small."""
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
