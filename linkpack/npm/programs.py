"""Find node and npm on PATH."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.errors import ConfigError
from linkpack.read_cache import once
from linkpack.system import links as fslinks
from linkpack.system import read as fs
from linkpack.system.accounts import home_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.system.node import Node


def find_program(name: str, env: Mapping[str, str], *, windows: bool = False) -> str:
    """Return the path of the program *name* as PATH leads to it, empty if it does not.

    Relative entries of PATH, and those of a project (`node_modules/.bin`), are passed over: what a clone brings
    along is not started, and does not decide where links are global.
    """
    names = (name, f"{name}.exe", f"{name}.cmd") if windows else (name,)
    for folder in env.get("PATH", "").split(":"):
        if not folder.startswith("/") or folder.rstrip("/").endswith("/node_modules/.bin"):
            continue
        for path in (posixpath.join(folder, each) for each in names):
            if fs.is_file(path) and fslinks.executable(path):
                return path
    return ""


def which(name: str, env: Mapping[str, str], *, windows: bool = False) -> str:
    """Return the real path of the program *name* on PATH, empty if there is none."""
    found = find_program(name, env, windows=windows)
    return fs.real_path(found) if found else ""


def find_node(env: Mapping[str, str], cwd: str) -> Node | None:
    """Return what the `node` on PATH is for a command in *cwd*; None if there is none.

    Raises `ConfigError` (ENODE) when there is one that does not say what it is, such as a shim of a version
    manager that has no version for this folder.
    """
    program = find_program("node", env)
    if not program:
        return None
    from linkpack.system.node import NodeUnknown, ask_node  # noqa: PLC0415 - not when the prefix is set

    try:
        return once(("node", program, cwd), lambda: ask_node(program, cwd, env, _cache_file(env)))
    except NodeUnknown as err:
        raise ConfigError(
            f"{program} does not say where Node is: {err}",
            code="ENODE",
            path=program,
            hint="make node run in this folder, set npm_config_prefix, or pass --prefix DIR",
        ) from err


def _cache_file(env: Mapping[str, str]) -> str:
    """Return the path of what is remembered of Node, empty if there is no place for it."""
    base, home = env.get("XDG_CACHE_HOME", ""), home_folder(env)
    if not base.startswith("/"):
        base = f"{home}/.cache" if home and fs.is_dir(home) else ""
    return f"{base}/linkpack/node.json" if base else ""
