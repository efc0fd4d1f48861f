"""The environment that npm gives to a lifecycle script of `pack`.

Sources: set-envs.js of @npmcli/config, package-envs.js and set-path.js of @npmcli/run-script; measured on npm
11.19.1. npm's own settings (`npm_config_registry` and so on) are in `run.settings`; not passed on are COLOR and
`npm_config_allow_scripts`, which npm works out for itself.
"""

from __future__ import annotations

import posixpath
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from linkpack._version import __version__
from linkpack.errors import ConfigError, LinkpackError
from linkpack.lifecycle.settings import setting_variables, variable_text
from linkpack.npm.config import load_config
from linkpack.npm.json_text import parse
from linkpack.npm.programs import find_node, which
from linkpack.project.local import find_local_project
from linkpack.project.source import source_of
from linkpack.project.workspace import FILE_LIMIT
from linkpack.system import read as fs
from linkpack.system.read import upward

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.npm.config import Config
    from linkpack.npm.flags import FlagValue
    from linkpack.npm.manifest import Manifest
    from linkpack.system.node import Node

_NO_FLAGS: Mapping[str, FlagValue] = MappingProxyType({})
_DEFAULT_PATH = "/bin:/usr/bin"  # as the system's own when a program has none


class Surroundings(NamedTuple):
    """What all scripts of a run have in common: variables, the *shell* that runs them, and npm's own commands.

    *env* is complete but for what depends on the package; *gyp* is npm's folder with a node-gyp command, or empty.
    """

    env: Mapping[str, str]
    shell: str
    gyp: str


def read_surroundings(
    env: Mapping[str, str],
    cwd: str,
    *,
    script_shell: str = "",
    workspaces: bool = False,
    command: str = "pack",
    flags: Mapping[str, FlagValue] = _NO_FLAGS,
) -> Surroundings:
    """The surroundings of scripts started by a command in the real directory *cwd* with the environment *env*.

    *script_shell* overrides npm's setting of that name. *workspaces* says that workspaces were asked for, and
    *command* which command of npm the scripts are to believe in. *flags* are what the command line says, by npm's
    names. What is not found (node, npm, a global prefix) leaves its variables as they are in *env*.
    """
    home = find_local_project(cwd)
    given = {**flags, **({"script-shell": script_shell} if script_shell else {})}
    config = _config(env, cwd, home.root, given)
    node, npm = _node(env, cwd), which("npm", env)
    npm_root = posixpath.dirname(posixpath.dirname(npm)) if npm.endswith(".js") else ""
    version = _npm_version(npm_root) if npm_root else ""
    found = {
        **env,
        "EDITOR": env.get("EDITOR") or env.get("VISUAL") or "vi",
        **(setting_variables(config, cwd, npm_root, version) if config else {}),
        "INIT_CWD": cwd,
        "npm_command": command,
        "npm_config_local_prefix": home.root,
        "npm_config_user_agent": env.get("npm_config_user_agent")
        or _agent(node, version, workspaces=workspaces or home.implicit),
    }
    if config:
        found["npm_config_global_prefix"] = config.prefix
    if node:
        found["NODE"] = found["npm_node_execpath"] = node.exec_path
    if npm_root and not env.get("npm_execpath"):
        found["npm_execpath"] = npm
    gyp = f"{npm_root}/node_modules/@npmcli/run-script/lib/node-gyp-bin" if npm_root else ""
    return Surroundings(found, _shell(config, script_shell), gyp if fs.is_dir(gyp) else "")


def _config(env: Mapping[str, str], cwd: str, project: str, flags: Mapping[str, FlagValue]) -> Config | None:
    """The settings of npm; None when there is no global prefix."""
    try:
        return load_config(env, cwd, flags, project)
    except ConfigError:
        return None


def _shell(config: Config | None, script_shell: str) -> str:
    """The shell for scripts."""
    setting = config.settings.get("script-shell") if config else None
    shell = setting.value if setting is not None else script_shell
    return shell if isinstance(shell, str) and shell else "sh"


def _node(env: Mapping[str, str], cwd: str) -> Node | None:
    """Return the Node on PATH, None if there is none or it does not answer."""
    try:
        return find_node(env, cwd)
    except ConfigError:
        return None


def _agent(node: Node | None, version: str, *, workspaces: bool) -> str:
    """Return the user agent of npm of that *version*, or one of our own if npm or node is not found."""
    who = f"npm/{version}" if version else f"linkpack/{__version__}"
    facts = f"node/{node.version} {node.platform} {node.arch}" if node else ""
    return " ".join(filter(None, (who, facts, f"workspaces/{str(workspaces).lower()}")))


def _npm_version(npm_root: str) -> str:
    path = f"{npm_root}/package.json"
    try:
        version = parse(fs.read_file(path, FILE_LIMIT), path).get("version")
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
    members = parse(manifest.raw, f"{folder}/package.json")
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
        yield key, variable_text(value)
