"""The programs that pack, and how each is asked to."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.benchmarks.inputs import Input

OURS = "linkpack"
PEERS = ("npm", "pnpm", "bun", "yarn")


class Packer(NamedTuple):
    """A program called *name*, the words that start it, and its version."""

    name: str
    start: tuple[str, ...]
    version: str


def find_packers(peers: Path, env: Mapping[str, str]) -> list[Packer]:
    """The linkpack that is installed for this Python, then the peers that are on PATH or below *peers*."""
    script = Path(sys.executable).with_name(OURS)
    starts = {OURS: (str(script),) if script.is_file() else (sys.executable, "-m", OURS)}
    for name in PEERS:
        program = _find(name, peers)
        if program:
            starts[name] = (program,)
    return [Packer(name, start, _version(start, env)) for name, start in starts.items()]


def _find(name: str, peers: Path) -> str | None:
    """The program *name*: a native one if there is one, else as the user has it or as it was installed for tests.

    A package manager that is native may be on PATH as a script for node, which takes longer to start than it does.
    """
    on_path = shutil.which(name)
    inside = [*peers.glob(f"node_modules/.bin/{name}"), *sorted(peers.glob(f"*/node_modules/.bin/{name}"))]
    found = [Path(on_path)] if on_path else []
    found += [path.absolute() for path in inside]
    return next((str(path) for path in found if _is_native(path)), str(found[0]) if found else None)


def _is_native(program: Path) -> bool:
    """Whether *program* is no script."""
    with program.open("rb") as file:
        return file.read(2) != b"#!"


def _version(start: tuple[str, ...], env: Mapping[str, str]) -> str:
    words = [*start, "--version"]
    done = subprocess.run(words, env=dict(env), capture_output=True, text=True, check=False)
    return done.stdout.strip()


def packing(packer: Packer, given: Input, out: Path, *more: str) -> tuple[str, ...]:
    """The words that make *packer* pack *given*, where it is started, into the folder *out*, running no scripts.

    *more* are further options.
    """
    at = str(out)
    words: dict[str, tuple[str, ...]] = {
        OURS: ("pack", "-q", "--ignore-scripts", "--pack-destination", at),
        "npm": ("pack", "--silent", "--ignore-scripts", "--pack-destination", at),
        "pnpm": ("pack", "--config.ignore-scripts=true", "--pack-destination", at),
        "bun": ("pm", "pack", "--quiet", "--ignore-scripts", "--destination", at),
        "yarn": ("pack", "--out", f"{at}/%s-%v.tgz"),
    }
    asked = (*words[packer.name], *more)
    if not given.many:
        return (*packer.start, *asked)
    if packer.name in (OURS, "npm"):
        return (*packer.start, *asked, "--workspaces")
    if packer.name == "pnpm":
        return (*packer.start, "-r", *asked)
    if packer.name == "yarn":
        return (*packer.start, "workspaces", "foreach", "-A", "--no-private", *asked)
    # bun has no command for many: one by one
    loop = 'for each in packages/*; do (cd "$each" && "$@") || exit 1; done'
    return ("sh", "-c", loop, "sh", *packer.start, *asked)
