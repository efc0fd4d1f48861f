"""The environment that npm gives to a lifecycle script of `pack`.

Sources: set-envs.js of @npmcli/config, package-envs.js and set-path.js of @npmcli/run-script; measured on npm
11.19.1. Not passed on are npm's own settings (`npm_config_registry` and so on) beyond those named here; what the
environment already holds of them stays.
"""

from __future__ import annotations

import math
import posixpath
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from linkpack import __version__
from linkpack.bundle.workspace import FILE_LIMIT, upward
from linkpack.disk import fs
from linkpack.errors import ConfigError, LinkpackError
from linkpack.linking.config import load_config, which
from linkpack.linking.linkhome import find_home
from linkpack.linking.linkpackage import source_of
from linkpack.npm.jsontext import parse
from linkpack.run.scripts import node_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.npm.manifest import Manifest

_DEFAULT_PATH = "/bin:/usr/bin"  # as the system's own when a program has none
_PLAIN_BELOW = 21  # a number with at most so many digits before the point is written without an exponent
_PLAIN_ABOVE = -6  # and one with fewer zeros after it than this


class Surroundings(NamedTuple):
    """What all scripts of a run have in common: variables, the *shell* that runs them, and npm's own commands.

    *env* is complete but for what depends on the package; *gyp* is npm's folder with a node-gyp command, or empty.
    """

    env: Mapping[str, str]
    shell: str
    gyp: str


def read_surroundings(
    env: Mapping[str, str], cwd: str, *, script_shell: str = "", workspaces: bool = False, command: str = "pack"
) -> Surroundings:
    """The surroundings of scripts started by a command in the real directory *cwd* with the environment *env*.

    *script_shell* overrides npm's setting of that name. *workspaces* says that workspaces were asked for, and
    *command* which command of npm the scripts are to believe in. What is not found (node, npm, a global prefix)
    leaves its variables as they are in *env*.
    """
    home = find_home(cwd)
    prefix, shell = _settings(env, cwd, home.root, script_shell)
    node, npm = which("node", env, cwd), which("npm", env, cwd)
    npm_root = posixpath.dirname(posixpath.dirname(npm)) if npm.endswith(".js") else ""
    found = {
        **env,
        "INIT_CWD": cwd,
        "npm_command": command,
        "npm_config_local_prefix": home.root,
        "npm_config_user_agent": env.get("npm_config_user_agent")
        or _agent(env, node, npm_root, workspaces=workspaces or home.implicit),
    }
    if prefix:
        found["npm_config_global_prefix"] = prefix
    if node:
        found["NODE"] = found["npm_node_execpath"] = node
    if npm_root and not env.get("npm_execpath"):
        found["npm_execpath"] = npm
    gyp = f"{npm_root}/node_modules/@npmcli/run-script/lib/node-gyp-bin" if npm_root else ""
    return Surroundings(found, shell, gyp if fs.is_dir(gyp) else "")


def ignores_scripts(env: Mapping[str, str], cwd: str) -> bool:
    """Whether npm's settings (`ignore-scripts` in an npmrc or the environment) forbid lifecycle scripts."""
    try:
        return load_config(env, cwd, {}, find_home(cwd).root).flag("ignore-scripts", default=False)
    except ConfigError:  # without node and a prefix; the environment still counts
        return env.get("npm_config_ignore_scripts", "").lower() not in {"", "false", "null", "0", "no"}


def _settings(env: Mapping[str, str], cwd: str, project: str, script_shell: str) -> tuple[str, str]:
    """The global prefix, empty when there is none, and the shell for scripts."""
    try:
        config = load_config(env, cwd, {"script-shell": script_shell} if script_shell else {}, project)
    except ConfigError:
        return "", script_shell or "sh"
    setting = config.settings.get("script-shell")
    shell = setting.value if setting is not None else None
    return config.prefix, shell if isinstance(shell, str) and shell else "sh"


def _agent(env: Mapping[str, str], node: str, npm_root: str, *, workspaces: bool) -> str:
    """The user agent that npm has, or one of our own when npm or node is not found."""
    version = _npm_version(npm_root) if npm_root else ""
    facts = node_facts(node, env) if node else ""
    who = f"npm/{version}" if version else f"linkpack/{__version__}"
    return " ".join(filter(None, (who, facts and f"node/{facts}", f"workspaces/{str(workspaces).lower()}")))


def _npm_version(npm_root: str) -> str:
    path = f"{npm_root}/package.json"
    try:
        version = parse(fs.read_file(path, FILE_LIMIT), path, strict=False).get("version")
    except (OSError, LinkpackError):
        return ""
    return version if isinstance(version, str) else ""


def script_environment(
    around: Surroundings, folder: str, manifest: Manifest, event: str, extra: Mapping[str, str]
) -> dict[str, str]:
    """The environment of the script *event* of the package in *folder*; *extra* are variables of that event."""
    bins = ":".join(f"{at.rstrip('/')}/node_modules/.bin" for at in upward(folder))
    path = ":".join(filter(None, (bins, around.gyp, around.env.get("PATH", _DEFAULT_PATH))))
    return {
        **around.env,
        **_package_variables(folder, manifest),
        **extra,
        "PATH": path,
        "npm_package_json": f"{folder}/package.json",
        "npm_lifecycle_event": event,
        "npm_lifecycle_script": manifest.scripts[event],
    }


def _package_variables(folder: str, manifest: Manifest) -> dict[str, str]:
    """The fields of a package.json that scripts see, as `npm_package_*`."""
    members = parse(manifest.raw, f"{folder}/package.json", strict=False)
    fields: dict[str, object] = {
        "name": manifest.name,
        "version": manifest.version,
        **{key: members[key] for key in ("config", "engines") if key in members},
        "bin": dict(source_of(folder, manifest).commands),
    }
    found = {}
    for key, value in _flat("npm_package", fields):
        name, _, text = f"{key}={value}".partition("=")  # as for npm, whatever stands in a key
        if "\0" not in f"{name}{text}":  # which no environment can hold
            found[name] = text
    return found


def _flat(key: str, value: object) -> Iterator[tuple[str, str]]:
    """The variables that *value* under *key* makes: objects and lists give one for each member."""
    if isinstance(value, (dict, list)):
        for name, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _flat(f"{key}_{name}", each)
    else:
        yield key, _text(value)


def _text(value: object) -> str:
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
