"""Writes fixtures/contract.json, by `python -m tests.golden.contract`: what users and their programs rely on.

It holds the names and signatures of the library, the keys of every `--json` output, and for each fixture tree the
exit status and the codes that `linkpack pack` prints. A change of that file is a change for users: the commit that
makes it says so, and the changelog names it.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import linkpack
from tests.support.packed import folder, options
from tests.support.trees import FIXTURES, Tree, trees

CONTRACT = FIXTURES / "contract.json"
_CODE = re.compile(r"\b[EW][A-Z0-9]{3,}\b")
_CHECKOUT = Path(__file__).parents[2]


def run(args: list[str], cwd: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the command `linkpack` with *args* in *cwd*, with *home* for its settings and its prefix."""
    env = {
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(_CHECKOUT),
        "npm_config_prefix": str(home / "prefix"),
    }
    command = [sys.executable, "-m", "linkpack", *args]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def signatures() -> dict[str, str]:
    """Return the signature of each public function, and of each class what makes one."""
    found = {}
    for name in sorted(linkpack.__all__):
        value = getattr(linkpack, name)
        try:
            found[name] = str(inspect.signature(value)) if callable(value) else type(value).__name__
        except ValueError:
            found[name] = "class"
    return found


def keys(value: Any, at: str = "") -> set[str]:  # noqa: ANN401 - any JSON
    """Return the paths of the keys in the JSON *value*: `files[].path`."""
    if isinstance(value, dict):
        return {path for key, inner in value.items() for path in ({f"{at}.{key}"} | keys(inner, f"{at}.{key}"))}
    if isinstance(value, list):
        return {path for inner in value for path in keys(inner, f"{at}[]")}
    return set()


def json_outputs(where: Path) -> dict[str, Any]:
    """Return what commands print under `--json`, for one project with a linked dependency.

    Each has a name that begins with its command's, and ends with the exit status in brackets.
    """
    [tree] = [tree for tree in trees("pack") if tree.name == "linked"]
    app = folder(tree, tree.write_to(where / "tree"))
    (where / "home").mkdir()
    (app / "blog-0.1.0.tgz").touch()  # which is warned of
    (app / "faulty").mkdir()
    manifest = {
        "name": "faulty",
        "version": "1.0.0",
        "dependencies": {"a": "1", "b": "1"},
        "bundledDependencies": True,
    }
    (app / "faulty" / "package.json").write_text(json.dumps(manifest))
    # Another folder than the installed link leads to, or there would be nothing to put in its place.
    redis = str(shutil.copytree(app.parent / "redis", app.parent / "fork"))
    found: dict[str, Any] = {}
    for name, line in {
        "pack": "pack --json --specs resolve",
        "pack npm12": "pack --json --json-format npm12",
        "pack records": "pack --json --snapshot-manifest record.json --sbom cyclonedx",
        "verify": "verify --json blog-1.0.0.tgz",
        "verify against": "verify --json blog-1.0.0.tgz --against .",
        "diff": "diff --json blog-1.0.0.tgz .",
        "unpack": "unpack --json blog-1.0.0.tgz -C out",
        "why": "why --json index.js",
        "verify many": "verify --json blog-1.0.0.tgz blog-1.0.0.tgz",
        "report": "report --format json blog-1.0.0.tgz",
        "report folder": "report --format json . --against blog-1.0.0.tgz",
        "doctor": "doctor --json",
        "explain": "explain --json EBUNDLEMISSING",
        "failure": "verify --json no.tgz",
        "failure of many": "pack --json faulty",
        "link": f"link --json {redis}",
        "link dry run": f"link --json --dry-run {redis}",
        "ls": "ls --json",
        "ls global": "ls --json --global",
        "relink": "relink --json",
        "unlink": "unlink --json redis",
        "undo": "undo --json",
        "link copy": f"link --json --copy {redis}",
        "sync": "sync --json",
        "config": "config --json",
    }.items():
        (app / "out").mkdir(exist_ok=True)
        done = run(line.split(), app, where / "home")
        found[f"{name} ({done.returncode})"] = json.loads(done.stdout)
    return found


def json_keys(where: Path) -> dict[str, list[str]]:
    """Return the keys of each of the `json_outputs`."""
    found = {}
    for name, value in json_outputs(where).items():
        paths = sorted(keys(value))
        # npm 12's object is keyed by package name, and settings by their own: these are no keys of ours.
        named = [path.replace(".blog.", ".", 1) for path in paths if path != ".blog"]
        found[name] = [path for path in named if not path.startswith(".settings.")]
    return found


def outcome(tree: Tree, where: Path) -> list[Any]:
    """Return the exit status of `linkpack pack --dry-run` in *tree*, and the codes that it prints, sorted."""
    root = tree.write_to(where / tree.name)
    flags = [
        f"--{name.replace('_', '-')}" if value is True else f"--{name.replace('_', '-')}={value}"
        for name, value in options(tree).items()
        if value is not False
    ]
    done = run(["pack", "--dry-run", *flags], folder(tree, root), where / "home")
    return [done.returncode, *sorted(set(_CODE.findall(done.stderr)))]


def contract() -> dict[str, Any]:
    """Return all of it, as the file holds it."""
    with TemporaryDirectory() as temporary:
        where = Path(temporary).resolve()
        every = [*trees("pack"), *trees("layouts")]
        (where / "home").mkdir()
        with ThreadPoolExecutor(2) as pool:
            outcomes = pool.map(partial(outcome, where=where), every)
        return {
            "library": signatures(),
            "json": json_keys(where / "json"),
            "fixtures": {tree.name: found for tree, found in zip(every, outcomes, strict=True)},
        }


def main() -> None:
    """Write the file anew."""
    CONTRACT.write_text(f"{json.dumps(contract(), indent=1)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
