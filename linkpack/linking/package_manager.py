"""Find the package manager of a project, and its commands for hints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from linkpack.project.package_json import read_loose
from linkpack.record import Record
from linkpack.system import read as fs
from linkpack.system.read import walk_up

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCKFILES = {
    "pnpm-lock.yaml": "pnpm",
    "pnpm-workspace.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
}
_ADD = {"npm": "npm install", "pnpm": "pnpm add", "yarn": "yarn add", "bun": "bun add"}
_PNP = (".pnp.cjs", ".pnp.js")


class Installer(Record):
    """A package manager (`npm`, `pnpm`, `yarn` or `bun`).

    *folder* is the one in which its install is run.
    """

    name: str
    folder: str

    @property
    def install(self) -> str:
        """Return the command that installs what the manifest says."""
        return f"{self.name} install"

    def add(self, package: str, wanted: str) -> str:
        """Return the command that adds *package* in the range *wanted*.

        >>> Installer("pnpm", "/app").add("react", ">=18")
        "pnpm add 'react@>=18'"
        """
        spec = f"{package}@{wanted}" if wanted and ":" not in wanted else package
        return f"{_ADD[self.name]} {quote_word(spec)}"


def find_installer(folder: str) -> Installer:
    """Return the package manager that installs the project in *folder*.

    The nearest sign in it or above decides: a lockfile, or `packageManager` in a package.json (`pnpm@9.1.0`).
    Without any it is npm.
    """
    return next(_find_signs(folder), Installer("npm", folder))


def _find_signs(folder: str) -> Iterator[Installer]:
    for above in walk_up(folder):
        # A lockfile was written by the package manager that was really run, whatever the manifest wishes.
        for file, name in _LOCKFILES.items():
            if fs.is_file(f"{above}/{file}"):
                yield Installer(name, above)
        manifest = read_loose(above)
        name = manifest.package_manager.partition("@")[0] if manifest is not None else ""
        if name in _ADD:
            yield Installer(name, above)


def find_pnp_file(folder: str) -> str:
    """Return the file of Yarn's Plug'n'Play that serves *folder*, or "".

    With such a file Node finds packages where the file says, and reads no node_modules.
    """
    for above in walk_up(folder):
        for name in _PNP:
            if fs.is_file(f"{above}/{name}"):
                return f"{above}/{name}"
    return ""


def quote_word(word: str) -> str:
    """Return *word* as a shell reads it back.

    >>> quote_word("/my app"), quote_word("../lib")
    ("'/my app'", '../lib')
    """
    if re.fullmatch(r"[A-Za-z0-9@%+=:,./_-]+", word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"
