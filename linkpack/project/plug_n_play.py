"""Say why nothing is installed where yarn's Plug'n'Play is used.

Plug'n'Play keeps packages in archives and makes no node_modules.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.system import read as fs
from linkpack.system.read import walk_up

if TYPE_CHECKING:
    from collections.abc import Sequence

_FILES = (".pnp.cjs", ".pnp.js")  # yarn 3 and later, yarn 1 and 2
# How `bundle.graph` begins the message of EBUNDLEMISSING and WBUNDLEMISSING.
_MISSING = r"(.*) needs (\S+), which is not installed "
_NAMED = 5  # missing packages that the message names


def find_pnp(folder: str) -> str | None:
    """Find the nearest file of Plug'n'Play in *folder* or above it."""
    paths = (f"{above}/{name}" for above in walk_up(folder) for name in _FILES)
    return next(filter(fs.is_file, paths), None)


def name_pnp(root: str, problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Replace problems of missing packages by one that names Plug'n'Play.

    *root* is the project's directory. Other *problems* stay, and all of them do where Plug'n'Play is not used.
    """
    # Every package is missing for the same reason, which is one message.
    missing = [problem for problem in problems if problem.code.endswith("BUNDLEMISSING")]
    path = find_pnp(root) if missing else None
    if path is None:
        return tuple(problems)
    matches = [re.match(_MISSING, problem.message) for problem in missing]
    names = list(dict.fromkeys(match[2] for match in matches if match))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    message = (
        f"{', '.join(names[:_NAMED])}{more} cannot be bundled: the project was installed with yarn's Plug'n'Play "
        f"({path}), which keeps packages in archives and makes no node_modules"
    )
    hint = "set nodeLinker: node-modules in .yarnrc.yml and run yarn install, or do not bundle"
    others = [problem for problem in problems if problem not in missing]
    return (Problem(missing[0].code, path, message, hint), *others)
