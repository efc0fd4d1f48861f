"""Tell how the commands of a link fare: whether each is there, leads to its script, and can be run."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from linkpack.linking.builder import disk_state
from linkpack.linking.package import inside, target_exists, target_is_inside
from linkpack.linking.place_script import CRLF_SHEBANG, head_of
from linkpack.linking.states import Absent
from linkpack.project.source import source_of
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from linkpack.npm.manifest import Manifest


class Command(NamedTuple):
    """A command of a linked package: its *name*, its *path*, and the *script* inside of the package.

    *state* is `ok`, `unbuilt` (the script does not exist), `missing` (nothing stands at the path, or a link to
    nowhere), `taken` (something else stands there), or `not executable` (the script's mode or first line keeps
    it from running).
    """

    name: str
    path: str
    script: str
    state: str

    @property
    def is_in_order(self) -> bool:
        """True if nothing has to be mended: a command that something else took is not ours any more."""
        return self.state in {"ok", "taken"}


def command_states(folder: str, manifest: Manifest, link: str, bins: str, *, windows: bool) -> tuple[Command, ...]:
    """Return the commands of the package in *folder*, linked at *link*, as they are in the folder *bins*."""
    found = []
    for name, script in sorted(source_of(folder, manifest).commands.items()):
        real = inside(folder, script)
        if real is not None:  # one outside of the package is never linked
            path = posixpath.join(bins, name)
            found.append(Command(name, path, script, _state(path, real, link, windows=windows)))
    return tuple(found)


def _state(path: str, script: str, link: str, *, windows: bool) -> str:
    if not fs.is_file(script):
        return "unbuilt"
    there = disk_state(path, windows=windows)
    if isinstance(there, Absent) or (target_is_inside(path, there, link) and not target_exists(path, there)):
        return "missing"
    if not target_is_inside(path, there, link):
        return "taken"
    broken = re.match(CRLF_SHEBANG, head_of(script)) is not None
    return "ok" if windows or (fs.executable(script) and not broken) else "not executable"


def described(commands: Iterable[Command]) -> str:
    """Return *commands* for a person: names, with what is wrong in parentheses.

    "tool, other (unbuilt: dist/other.js)"
    """
    return ", ".join(
        each.name if each.state == "ok" else f"{each.name} ({each.state}: {each.script})" for each in commands
    )
