"""Plays faults on an overlayfs, where the folders of the lower layer cannot be renamed.

    unshare -m python -m tests.support.overlay link [all]

in a mount namespace of its own, which the command makes and this module needs. Prints what went wrong, and how
many faults were tried.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.faultscenes import lay_links, link_scene_of
from tests.support.faultstage import Stage, faults, sample
from tests.support.faulty import faulty

if TYPE_CHECKING:
    from tests.support.faultscenes import Scene

COMMANDS = {"link": (["link", "../lib", "--save"], False), "unlink": (["unlink", "alpha"], True)}
MOST = 4  # faults of one kind, unless all are asked for


class Overlay:
    """A folder that is mounted anew over a lower layer that never changes."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.mount = top / "mnt"
        for name in ("mnt", "empty", "lower"):
            (top / name).mkdir(parents=True)

    def show(self, lower: str, upper: str) -> None:
        """Mount *upper*, made when it is missing, over *lower*."""
        if os.path.ismount(self.mount):
            subprocess.run(["umount", self.mount], check=True)
        work = self.top / "work"
        shutil.rmtree(work, ignore_errors=True)
        for folder in (work, self.top / upper):
            folder.mkdir(exist_ok=True)
        layers = {"lowerdir": lower, "upperdir": upper, "workdir": "work"}
        options = ",".join(f"{key}={self.top / name}" for key, name in layers.items())
        more = "" if os.geteuid() == 0 and not os.environ.get("LINKPACK_USERXATTR") else "userxattr,"
        command = ["mount", "-t", "overlay", "overlay", "-o", more + options, str(self.mount)]
        subprocess.run(command, check=True, capture_output=True)

    def fresh(self) -> None:
        """Have nothing but the lower layer in the folder."""
        if os.path.ismount(self.mount):
            subprocess.run(["umount", self.mount], check=True)
        shutil.rmtree(self.top / "upper", ignore_errors=True)
        self.show("lower", "upper")


def scene(top: Path, command: str) -> Scene:
    """The scene of *command* on an overlayfs below *top*, all of which is in the lower layer."""
    overlay = Overlay(top)
    argv, linked = COMMANDS[command]
    overlay.show("empty", "lower")
    lay_links(overlay.mount / "box", linked=linked)
    return link_scene_of(top / "nothing", overlay.mount / "box", argv, overlay.fresh)


def main(command: str, *, every: bool) -> None:
    """Play every fault, or a sample of each kind."""
    with tempfile.TemporaryDirectory() as name, faulty() as server:
        top = Path(name).resolve()
        stage = Stage(server, scene(top, command))
        # A folder of the lower layer that could be renamed would prove nothing.
        probe = stage.scene.cwd.parent / "lib"
        stage.scene.reset()
        try:
            probe.rename(probe.parent / "renamed")
        except OSError:
            pass
        else:
            raise SystemExit(3)
        tried, wrong = 0, []
        for kind, found in faults(stage.calls()).items():
            for fault in found if every else sample(found, MOST):
                tried += 1
                what = stage.suffer(fault)
                wrong += [f"{kind} {fault}: {what}"] if what else []
        subprocess.run(["umount", top / "mnt"], check=True)
    json.dump({"tried": tried, "wrong": wrong}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], every="all" in sys.argv[2:])
