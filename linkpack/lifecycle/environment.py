"""Build the environment that npm gives to a lifecycle script of `pack`.

Sources: set-envs.js of @npmcli/config, package-envs.js and set-path.js of @npmcli/run-script; measured on npm
11.19.1. npm's own settings (`npm_config_registry` and so on) are in `lifecycle.settings`. Unlike by npm, COLOR and
`npm_config_allow_scripts` are not set.
"""

from __future__ import annotations

import posixpath
from types import MappingProxyType
from typing import TYPE_CHECKING

from linkpack._version import __version__
from linkpack.errors import ConfigError, LinkpackError
from linkpack.lifecycle.settings import format_value, list_setting_variables
from linkpack.npm.config import load_config
from linkpack.npm.json_text import parse
from linkpack.npm.programs import find_node, find_real_program
from linkpack.project.local import find_local_project
from linkpack.project.source import read_source_package
from linkpack.project.workspace import FILE_LIMIT
from linkpack.record import Record
from linkpack.system import read as fs
from linkpack.system.read import walk_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.npm.config import Config
    from linkpack.npm.flags import FlagValue
    from linkpack.npm.manifest import Manifest
    from linkpack.system.node import Node

_NO_FLAGS: Mapping[str, FlagValue] = MappingProxyType({})
_DEFAULT_PATH = "/bin:/usr/bin"  # as the system's own when a program has none


class ScriptContext(Record):
    """The variables and programs that all scripts of a run share.

    *env* has all variables except those of a package. *shell* runs the scripts. *gyp* is npm's folder with the
    command node-gyp, "" if it was not found.
    """

    env: Mapping[str, str]
    shell: str
    gyp: str


def read_script_context(
    env: Mapping[str, str],
    cwd: str,
    *,
    workspaces: bool = False,
    command: str = "pack",
    flags: Mapping[str, FlagValue] = _NO_FLAGS,
) -> ScriptContext:
    """Find out what the scripts of a command share.

    The command is started in the real directory *cwd*. *env* is the command's environment and *flags* are its
    flags, by npm's names. *workspaces* says whether workspaces were asked for, and *command* is the npm command
    that the scripts see. If Node, npm or a global prefix is not found, its variables are as in *env*.
    """
    project = find_local_project(cwd)
    config = _load_config(env, cwd, project.root, flags)
    node, npm = _find_node(env, cwd), find_real_program("npm", env)
    # The npm on PATH is a link to bin/npm-cli.js of npm's package, or another program that runs it.
    npm_root = posixpath.dirname(posixpath.dirname(npm)) if npm.endswith(".js") else ""
    version = _read_npm_version(npm_root) if npm_root else ""
    agent = env.get("npm_config_user_agent")
    variables = {
        **env,
        # The default of npm's setting `editor` (@npmcli/config, lib/definitions), which npm sets for scripts.
        "EDITOR": env.get("EDITOR") or env.get("VISUAL") or "vi",
        **(list_setting_variables(config, cwd, npm_root, version) if config else {}),
        "INIT_CWD": cwd,
        "npm_command": command,
        "npm_config_local_prefix": project.root,
        "npm_config_user_agent": agent
        or _make_user_agent(node, version, workspaces=workspaces or project.implicit),
    }
    if config:
        variables["npm_config_global_prefix"] = config.prefix
    if node:
        variables["NODE"] = variables["npm_node_execpath"] = node.exec_path
    if npm_root and not env.get("npm_execpath"):
        variables["npm_execpath"] = npm
    # npm brings this command along for packages with a binding.gyp (set-path.js, `nodeGypPath`).
    gyp = f"{npm_root}/node_modules/@npmcli/run-script/lib/node-gyp-bin" if npm_root else ""
    return ScriptContext(variables, _choose_shell(config, flags), gyp if fs.is_dir(gyp) else "")


def _load_config(env: Mapping[str, str], cwd: str, project: str, flags: Mapping[str, FlagValue]) -> Config | None:
    """Return npm's settings, None when there is no global prefix."""
    try:
        return load_config(env, cwd, flags, project)
    except ConfigError:
        return None


def _choose_shell(config: Config | None, flags: Mapping[str, FlagValue]) -> str:
    """Return the shell for scripts, `sh` unless a setting or flag names one."""
    setting = config.settings.get("script-shell") if config else None
    shell = setting.value if setting is not None else flags.get("script-shell")
    return shell if isinstance(shell, str) and shell else "sh"


def _find_node(env: Mapping[str, str], cwd: str) -> Node | None:
    """Return the Node on PATH, None if there is none or it does not answer."""
    try:
        return find_node(env, cwd)
    except ConfigError:
        return None


def _make_user_agent(node: Node | None, version: str, *, workspaces: bool) -> str:
    """Return the user agent of npm *version*.

    linkpack is named in the place of an npm that was not found.

    >>> _make_user_agent(None, "11.19.1", workspaces=False)
    'npm/11.19.1 workspaces/false'
    """
    program = f"npm/{version}" if version else f"linkpack/{__version__}"
    platform = f"node/{node.version} {node.platform} {node.arch}" if node else ""
    return " ".join(filter(None, (program, platform, f"workspaces/{str(workspaces).lower()}")))


def _read_npm_version(npm_root: str) -> str:
    path = f"{npm_root}/package.json"
    try:
        version = parse(fs.read_file(path, FILE_LIMIT), path).get("version")
    except (OSError, LinkpackError):
        return ""
    return version if isinstance(version, str) else ""


def build_environment(
    context: ScriptContext, folder: str, manifest: Manifest, event: str, extra: Mapping[str, str]
) -> dict[str, str]:
    """Build the environment of the script *event* of the package in *folder*.

    *extra* are variables that only scripts of that event get.
    """
    bins = ":".join(f"{parent.rstrip('/')}/node_modules/.bin" for parent in walk_up(folder))
    # set-path.js: commands of the package and of the folders around it, nearest first, before all others.
    path = ":".join(filter(None, (bins, context.gyp, context.env.get("PATH", _DEFAULT_PATH))))
    return {
        **context.env,
        **_list_package_variables(folder, manifest),
        **extra,
        "PATH": path,
        "npm_package_json": f"{folder}/package.json",
        "npm_lifecycle_event": event,
        "npm_lifecycle_script": manifest.scripts[event],
    }


def _list_package_variables(folder: str, manifest: Manifest) -> dict[str, str]:
    """Return the fields of package.json as `npm_package_*` variables."""
    members = parse(manifest.raw, f"{folder}/package.json")
    # npm 7 and later set these fields only (@npmcli/run-script, lib/package-envs.js).
    fields: dict[str, object] = {
        "name": manifest.name,
        "version": manifest.version,
        **{key: members[key] for key in ("config", "engines") if key in members},
        "bin": dict(read_source_package(folder, manifest).commands),
    }
    variables = {}
    for key, value in _flatten("npm_package", fields):
        name, _, text = f"{key}={value}".partition("=")  # as for npm, a key with "=" ends at it
        if "\0" not in f"{name}{text}":  # no environment can hold it
            variables[name] = text
    return variables


def _flatten(key: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield a variable for each member of *value*, named from *key*.

    >>> list(_flatten("npm_package", {"bin": {"a": "a.js"}, "os": ["linux"]}))
    [('npm_package_bin_a', 'a.js'), ('npm_package_os_0', 'linux')]
    """
    # The members of a list are named by their indexes, as in package-envs.js.
    if isinstance(value, (dict, list)):
        for name, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _flatten(f"{key}_{name}", member)
    else:
        yield key, format_value(value)
