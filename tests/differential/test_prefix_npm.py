"""The global prefix beside npm's own answer, below what version managers put on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from linkpack.linking.command import LinkOptions, shared_folder
from tests.support.npm import node, npm

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.differential

EXEC = '#!/bin/sh\nexec "{node}" "$@"\n'
NPM = '#!/bin/sh\nexec "{node}" "{npm}" "$@"\n'
BY_NAME = '#!/bin/sh\ncase $(basename "$0") in node) exec "{node}" "$@";; npm) exec "{node}" "{npm}" "$@";; esac\n'
OLD_ASDF = '#!/bin/sh\nNPM_CONFIG_PREFIX="{root}/image/.npm"\nexport NPM_CONFIG_PREFIX\n'

# manager -> what stands on PATH: scripts, or links to what stands beside
ON_PATH = {
    "nvm, fnm, n": {"node": "-> {node}", "npm": NPM},
    "asdf, nodenv": {"node": EXEC, "npm": NPM},
    "asdf with npm below 7": {
        "node": OLD_ASDF + EXEC.removeprefix("#!/bin/sh\n"),
        "npm": OLD_ASDF + NPM.removeprefix("#!/bin/sh\n"),
    },
    "Volta, mise": {"dispatch": BY_NAME, "node": "-> dispatch", "npm": "-> dispatch"},
    "proto": {"node": BY_NAME, "npm": BY_NAME},
    "Homebrew": {"node": "-> ../image/bin/node", "npm": NPM},
}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a Node of its own, as a version manager installs it."""
    root = tmp_path_factory.mktemp("managed").resolve()
    (root / "image/bin").mkdir(parents=True)
    shutil.copy2(os.path.realpath(node()), root / "image/bin/node")
    return root


@pytest.mark.parametrize("manager", ON_PATH)
def test_the_prefix_is_npms(manager: str, image: Path) -> None:
    """`npm prefix -g` and linkpack name one folder, whatever stands on PATH."""
    names = {"node": image / "image/bin/node", "npm": os.path.realpath(npm()), "root": image}
    folder = image / manager.partition(",")[0].replace(" ", "-")
    folder.mkdir()
    for name, text in ON_PATH[manager].items():
        if text.startswith("-> "):
            (folder / name).symlink_to(text.removeprefix("-> ").format(**names))
        else:
            (folder / name).write_text(text.format(**names))
            (folder / name).chmod(0o755)
    (image / "home").mkdir(exist_ok=True)
    env = {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(image / "home")}
    done = subprocess.run(
        ["npm", "prefix", "-g"], cwd=image, env=env, executable=folder / "npm", capture_output=True, check=True
    )
    assert shared_folder("prefix", str(image), LinkOptions(env=env)) == done.stdout.decode().strip()
