"""A private machine for the link commands: home, prefix, packages, and what lies on its disk."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.testing import CliRunner, Result

from linkpack.cli import main as cli
from linkpack.linking.command import LinkOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.linking.journal import Journal


def invoke(name: str, *words: str) -> Result:
    """The result of a linkpack command, in this process; what it raises is for the test to see."""
    command = cli.linkpack.get_command(click.Context(cli.linkpack), name)
    assert isinstance(command, click.Command)
    result = CliRunner().invoke(command, list(words), standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


CLI = '#!/usr/bin/env node\nconsole.log("cli " + process.argv.slice(2).join(","))\n'
Tree = dict[str, str]


class LinkBox:
    """Packages below `work`, a global prefix, a home; the state folder lies in the home."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.home, self.prefix, self.work = (self.root / name for name in ("home", "prefix", "work"))
        for folder in (self.home, self.work):
            folder.mkdir()
        self.env = {
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.home / "state"),
            "PATH": os.environ.get("PATH", ""),
            "npm_config_prefix": str(self.prefix),
        }

    @property
    def modules(self) -> Path:
        """The global node_modules folder."""
        return self.prefix / "lib" / "node_modules"

    def options(self, **flags: Any) -> LinkOptions:  # noqa: ANN401 - as the flags are
        """Options with *flags*, `save_dev=True` for `--save-dev`."""
        return LinkOptions(flags={key.replace("_", "-"): value for key, value in flags.items()}, env=self.env)

    def package(
        self, folder: str, name: str | None, files: Mapping[str, str] | None = None, **members: object
    ) -> str:
        """A package in work/*folder*, by default with version 1.0.0; its path."""
        path = self.work / folder
        path.mkdir(parents=True, exist_ok=True)
        named = {"name": name} if name is not None else {}
        manifest = {**named, "version": "1.0.0", **members}
        (path / "package.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        for relative, text in (files or {}).items():
            file = path / relative
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
            file.chmod(0o755)
        return str(path)

    def command(self, folder: str, name: str, **members: object) -> str:
        """A package with one command, `cli.js`; its path."""
        return self.package(folder, name, {"cli.js": CLI}, **{"bin": "cli.js", **members})

    def installed(self, app: str, name: str, version: str = "1.0.0") -> Path:
        """A package as an installer puts it into the node_modules of *app*, with a command; its path."""
        folder = Path(app) / "node_modules" / name
        folder.mkdir(parents=True)
        (folder / "package.json").write_text(json.dumps({"name": name, "version": version, "bin": "run.js"}))
        (folder / "run.js").write_text("x")
        commands = Path(app) / "node_modules" / ".bin"
        commands.mkdir(exist_ok=True)
        base = name.rpartition("/")[2]
        (commands / base).symlink_to(f"../{name}/run.js")
        return folder

    def tree(self, folder: Path | str | None = None) -> Tree:
        """Everything below *folder* (default: all but the home): kind, mode, text or target, by path."""
        base = Path(folder or self.root)
        found: Tree = {}
        for at, folders, files in os.walk(base):
            if Path(at) == self.root:
                folders[:] = [name for name in folders if name != "home"]
            for name in [*folders, *files]:
                path = Path(at, name)
                mode = path.lstat().st_mode
                key = str(path.relative_to(base))
                if stat.S_ISLNK(mode):
                    found[key] = f"-> {path.readlink()}"
                elif stat.S_ISDIR(mode):
                    found[key] = f"folder {mode & 0o7777:o}"
                else:
                    found[key] = f"file {mode & 0o7777:o} {path.read_bytes()!r}"
        return found

    def leads(self, app: str, name: str) -> str:
        """Where the link called *name* in the project *app* leads; empty when there is no link."""
        path = Path(app) / "node_modules" / name
        return os.path.realpath(path) if path.is_symlink() else ""


def codes(journal: Journal) -> set[str]:
    """The codes of the warnings of *journal*."""
    return {problem.code for problem in journal.plan.warnings}


def warned(journal: Journal, code: str) -> str:
    """The message of the one warning of *journal* with the code *code*."""
    (message,) = [problem.message for problem in journal.plan.warnings if problem.code == code]
    return message
