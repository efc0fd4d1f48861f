"""Find node and npm on PATH."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.errors import ConfigError
from linkpack.read_cache import once
from linkpack.system import read as fs
from linkpack.system.accounts import home_folder
from linkpack.system.node import NodeUnknown, ask_node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.system.node import Node


def find_program(name: str, env: Mapping[str, str], *, windows: bool = False) -> str:
    """Find the program *name* on PATH, "" if it is not there.

    Relative entries of PATH and those of a project (`node_modules/.bin`) are skipped: a program that came with
    a clone is not started, and does not decide where global links are.
    """
    names = (name, f"{name}.exe", f"{name}.cmd") if windows else (name,)
    for folder in env.get("PATH", "").split(":"):
        # npm takes such a node for its own, with a global prefix in the clone (docs/differences-from-npm.md, K3).
        if not folder.startswith("/") or folder.rstrip("/").endswith("/node_modules/.bin"):
            continue
        for path in (posixpath.join(folder, file) for file in names):
            if fs.is_file(path) and fs.is_executable(path):
                return path
    return ""


def find_real_program(name: str, env: Mapping[str, str], *, windows: bool = False) -> str:
    """Find the real path of *name* on PATH, "" if not there."""
    program = find_program(name, env, windows=windows)
    return fs.real_path(program) if program else ""


def find_node(env: Mapping[str, str], cwd: str) -> Node | None:
    """Ask the `node` on PATH what it is, for a command in *cwd*.

    None if there is no such program. Raises `ConfigError` (ENODE) when it does not answer, as does a shim of a
    version manager that has no version for this folder.
    """
    program = find_program("node", env)
    if not program:
        return None
    # A shim may answer otherwise in another folder, so the folder is part of the key.
    try:
        return once(("node", program, cwd), lambda: ask_node(program, cwd, env, _find_cache_file(env)))
    except NodeUnknown as err:
        raise ConfigError(
            f"{program} does not say where Node is: {err}",
            code="ENODE",
            path=program,
            hint="make node run in this folder, set npm_config_prefix, or pass --prefix DIR",
        ) from err


def _find_cache_file(env: Mapping[str, str]) -> str:
    """Return the file that keeps what is known of Node.

    It is "" if there is no folder for it.
    """
    # A relative path there is to be ignored (XDG Base Directory Specification).
    base, home = env.get("XDG_CACHE_HOME", ""), home_folder(env)
    if not base.startswith("/"):
        base = f"{home}/.cache" if home and fs.is_dir(home) else ""
    return f"{base}/linkpack/node.json" if base else ""
