"""Records name no place, user or host of the machine they were made on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from linkpack.provenance.places import shown_path, shown_spec
from tests.support.gitbox import committed

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
HOMES = ("/home/me",)


@pytest.mark.parametrize(
    ("path", "root", "shown"),
    [
        ("/home/me/src/lib", "/home/me/src/app", "../lib"),
        ("/home/me/lib", "/home/me/src/app", "../../lib"),
        ("/srv/app/node_modules/a", "/srv/app", "node_modules/a"),
        ("/srv/app", "/srv/app", "."),
        ("/srv/lib", "/srv/app", "../lib"),
        ("/home/me/lib", "/srv/app", ""),
        ("/srv/lib", "/home/me/app", ""),
        ("/home/you/lib", "/home/me/app", ""),
        ("/home/you/lib", "/home/them/app", ""),
        ("/opt/lib", "/srv/app", ""),
        ("/home/me", "/home/me/app", ".."),
    ],
)
def test_a_path_through_a_folder_of_homes_is_not_shown(path: str, root: str, shown: str) -> None:
    """A way is shown unless it leads through a folder that holds homes, or through the root."""
    assert shown_path(path, root, HOMES) == shown


@pytest.mark.parametrize(
    ("spec", "shown"),
    [
        ("^1.0.0", "^1.0.0"),
        ("workspace:*", "workspace:*"),
        ("file:../lib", "file:../lib"),
        ("../lib", "../lib"),
        ("link:./vendor/lib", "link:./vendor/lib"),
        ("file:/home/me/lib", "file:<a path of the machine>"),
        ("file:///home/me/lib", "file://<a path of the machine>"),
        ("portal:~/lib", "portal:<a path of the machine>"),
        ("/home/me/lib", "<a path of the machine>"),
        ("file:../../../../srv/lib", "file:<a path of the machine>"),
        ("git+https://me:secret@example.org/a/lib.git", "git+https://example.org/a/lib.git"),
        ("npm:@s/lib@^1", "npm:@s/lib@^1"),
    ],
)
def test_a_spec_is_shown_without_absolute_paths_and_logins(spec: str, shown: str) -> None:
    assert shown_spec(spec, "/home/me/src/app", "/home/me/src/app", HOMES) == shown


def write(folder: Path, **fields: object) -> None:
    """Write a package into *folder* and commit it."""
    folder.mkdir(parents=True)
    about = {"name": folder.name, "version": "1.0.0", "license": "MIT", **fields}
    (folder / "package.json").write_text(json.dumps(about), encoding="utf-8")
    (folder / "index.js").write_text("1\n", encoding="utf-8")
    committed(folder)


@pytest.mark.parametrize("settings", ["[user]\n\tname = MARKER\n\temail = MARKER@MARKER.example\n", "[core\n"])
@pytest.mark.parametrize(
    ("project", "library"),
    [
        ("home/MARKER/src/app", "home/MARKER/src/lib"),
        ("srv/app", "home/MARKER/lib"),
        ("home/MARKER/app", "srv/lib"),
    ],
)
def test_a_home_full_of_markers(tmp_path: Path, project: str, library: str, settings: str) -> None:
    """Wherever project and linked package lie, and whatever fails, no document holds a marker or a path."""
    app, lib, home = tmp_path / project, tmp_path / library, tmp_path / "home" / "MARKER"
    home.mkdir(parents=True, exist_ok=True)
    write(lib)
    specs = {"lib": f"file:{lib}", "dep": f"link:{lib}"}
    write(app, dependencies=specs, bundleDependencies=["lib", "dep"], scripts={"prepare": "touch MARKER"})
    (app / "node_modules" / "dep").mkdir(parents=True)
    (app / "node_modules" / "dep" / "package.json").write_text(
        '{"name": "dep", "version": "1.0.0"}', encoding="utf-8"
    )
    (app / "node_modules" / "lib").symlink_to(lib)
    (lib / "index.js").write_text("changed\n", encoding="utf-8")
    (home / ".gitconfig").write_text(settings, encoding="utf-8")
    (home / ".npmrc").write_text("//MARKER.example/:_authToken=MARKER\n", encoding="utf-8")
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        **dict.fromkeys(
            ("USER", "LOGNAME", "USERNAME", "HOSTNAME", "SUDO_USER", "GIT_AUTHOR_NAME", "EMAIL"), "MARKER"
        ),
    }
    out = tmp_path / "out"
    for kind, form in (("spdx", "json"), ("cyclonedx", "intoto")):
        command = [
            *(sys.executable, "-m", "linkpack", "pack", "--ignore-scripts", "--pack-destination", str(out)),
            *("--snapshot-manifest", str(out / f"{form}.json"), "--format", form, "--sbom", kind),
        ]
        done = subprocess.run(command, cwd=app, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    texts = {path.name: path.read_text(encoding="utf-8") for path in out.glob("*.json")}
    assert len(texts) == 4
    for name, text in texts.items():
        assert "MARKER" not in text, name
        assert str(tmp_path) not in text, name
    plain = json.loads(texts["json.json"])
    assert plain["snapshots"][0]["path"] == ("../lib" if library.endswith("src/lib") else None)
    assert [each["old"] for each in plain["rewrittenSpecs"]] == [
        "file:<a path of the machine>",
        "link:<a path of the machine>",
    ]
