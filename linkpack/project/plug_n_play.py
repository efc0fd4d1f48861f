"""Say why nothing is installed where yarn's Plug'n'Play is used: it keeps packages in archives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.system import read as fs
from linkpack.system.read import upward

if TYPE_CHECKING:
    from collections.abc import Sequence

_FILES = (".pnp.cjs", ".pnp.js")  # yarn 3 and later, yarn 1 and 2
_MISSING = r"(.*) needs (\S+), which is not installed "
_NAMED = 5  # missing packages that the message names


def find_pnp(folder: str) -> str | None:
    """Find the file in *folder*, or the nearest above it, in which Plug'n'Play says where packages are."""
    return next((path for at in upward(folder) for name in _FILES if fs.is_file(path := f"{at}/{name}")), None)


def name_pnp(root: str, problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Put one problem that names Plug'n'Play in the place of those about packages that are not installed.

    *root* is the project's directory. The other *problems* stay, as do all where Plug'n'Play is not used.
    """
    missing = [each for each in problems if each.code.endswith("BUNDLEMISSING")]
    path = find_pnp(root) if missing else None
    if path is None:
        return tuple(problems)
    found = [re.match(_MISSING, each.message) for each in missing]
    names = list(dict.fromkeys(each[2] for each in found if each))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    message = (
        f"{', '.join(names[:_NAMED])}{more} cannot be bundled: the project was installed with yarn's Plug'n'Play "
        f"({path}), which keeps packages in archives and makes no node_modules"
    )
    hint = "set nodeLinker: node-modules in .yarnrc.yml and run yarn install, or do not bundle"
    others = [each for each in problems if not each.code.endswith("BUNDLEMISSING")]
    return (Problem(missing[0].code, path, message, hint), *others)
