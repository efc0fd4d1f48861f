"""The project: where it is, and what is said when it is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from linkpack.errors import ManifestInvalid, ProjectNotFound
from linkpack.packlist.outer_ignores import OuterIgnores
from linkpack.project.package_json import read_manifest
from linkpack.project.project import find_project, read_outer_ignores
from linkpack.project.workspace import Workspace
from tests.support.trees import parse_tree

if TYPE_CHECKING:
    from linkpack.project.workspace import PackageManager

MANIFEST = '{"name": "p", "version": "1.0.0"}'


def write(at: Path, files: dict[str, str]) -> str:
    """The real path of a folder with these files."""
    return str(parse_tree("".join(f"-- {name} --\n{text}\n" for name, text in files.items())).write_to(at))


def printed(script: str, argument: Path) -> str:
    """What the Python *script* prints when run by itself."""
    here = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", script, str(argument)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": here}
    )
    assert done.stderr == ""
    return done.stdout


def test_the_project_is_at_the_real_path_of_the_directory(tmp_path: Path) -> None:
    """The project is at the directory's real path, links resolved, with the bytes of its manifest."""
    root = write(tmp_path / "p", {"package.json": MANIFEST})
    (tmp_path / "link").symlink_to("p")
    project = find_project(str(tmp_path / "link"))
    assert (project.root, project.manifest.name, project.around, project.own) == (root, "p", None, None)
    assert project.manifest.raw == f"{MANIFEST}\n".encode()


@pytest.mark.parametrize("walk_up", [False, True])
@pytest.mark.parametrize("name", ["package.yaml", "package.json5"])
def test_a_manifest_that_only_pnpm_reads_is_named(tmp_path: Path, name: str, *, walk_up: bool) -> None:
    """It is named, with what to do, and the project above is not packed in its place."""
    write(tmp_path, {"package.json": MANIFEST, "pnpm-lock.yaml": ""})
    root = write(tmp_path / "p", {name: "name: p", "lib/x.js": ""})
    with pytest.raises(ProjectNotFound) as caught:
        find_project(f"{root}/lib" if walk_up else root, walk_up=walk_up)
    assert (
        caught.value.message == f"{root} is not a package: it has a {name}, which pnpm reads, but no package.json"
    )
    assert caught.value.hint == "write it as package.json, or pack it with pnpm"


def test_other_tools_have_a_package_yaml_too(tmp_path: Path) -> None:
    """In a project that is not pnpm's it is hpack's, say, and the project above is the one that npm packs."""
    root = write(tmp_path, {"package.json": MANIFEST, "p/package.yaml": "name: p"})
    assert find_project(f"{root}/p", walk_up=True).root == root


def test_package_json_goes_before_other_forms(tmp_path: Path) -> None:
    """Where both are, package.json is the manifest, as for pnpm."""
    assert (
        find_project(write(tmp_path, {"package.json": MANIFEST, "package.yaml": "name: q"})).manifest.name == "p"
    )


@pytest.mark.parametrize("start", [".", "../p/"])
def test_a_relative_path_starts_where_the_process_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    root = write(tmp_path / "p", {"package.json": MANIFEST})
    monkeypatch.chdir(root)
    assert find_project(start).root == root


def test_no_path_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty path, an unset variable of a script say, does not stand for the working directory."""
    monkeypatch.chdir(write(tmp_path, {"package.json": MANIFEST}))
    with pytest.raises(ProjectNotFound, match="it is no path"):
        find_project("")


def test_walking_up_finds_the_nearest_package(tmp_path: Path) -> None:
    """The nearest folder above with a package.json is the project; without walking up it is not looked for."""
    root = write(tmp_path, {"package.json": MANIFEST, "src/deep/a.js": ""})
    assert find_project(f"{root}/src/deep", walk_up=True).root == root
    with pytest.raises(ProjectNotFound, match=r"src/deep is not a package: it has no package.json"):
        find_project(f"{root}/src/deep")


def test_walking_up_stops_at_node_modules(tmp_path: Path) -> None:
    """As for npm, a folder with node_modules is the project's, also when it has no package.json."""
    root = write(tmp_path, {"package.json": MANIFEST, "sub/node_modules/x/a.js": "", "sub/src/a.js": ""})
    with pytest.raises(ProjectNotFound, match="sub is not a package"):
        find_project(f"{root}/sub/src", walk_up=True)


def test_walking_up_to_nothing_names_the_start() -> None:
    """Where nothing above is a project, the error names the place where the search began."""
    with pytest.raises(ProjectNotFound, match=r"^/proc is not a package: it has no package.json") as caught:
        find_project("/proc", walk_up=True)
    assert (caught.value.path, caught.value.code) == ("/proc", "ENOPROJECT")


@pytest.mark.parametrize(
    ("start", "why"),
    [
        ("missing", "No such file or directory"),
        ("file", "Not a directory"),
        ("loop", "Too many levels of symbolic links"),
        ("n" * 300, "File name too long"),
        ("n\0l", "embedded null"),
        ("\ud800", "surrogates not allowed"),
    ],
)
def test_a_start_that_is_no_directory_is_named(tmp_path: Path, start: str, why: str) -> None:
    """A start that is no directory is named, with the system's reason."""
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ProjectNotFound, match=why):
        find_project(f"{tmp_path}/{start}")


def test_a_deleted_working_directory_is_an_error(tmp_path: Path) -> None:
    script = (
        "import os, sys; os.chdir(sys.argv[1]); os.rmdir(sys.argv[1])\n"
        "from linkpack.errors import ProjectNotFound; from linkpack.project.project import find_project\n"
        "try: find_project('.')\n"
        "except ProjectNotFound as err: print(err)"
    )
    (tmp_path / "gone").mkdir()
    assert printed(script, tmp_path / "gone") == ". is not a package: No such file or directory\n"


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (os.mkfifo, "not a regular file"),
        (os.mkdir, "Is a directory"),
        (lambda at: Path(at).symlink_to("package.json"), "Too many levels of symbolic links"),
        (lambda at: Path(at).symlink_to("/dev/zero"), "it is a link that leads out of the package"),
    ],
    ids=["fifo", "folder", "loop", "device"],
)
def test_a_package_json_that_is_no_file_is_refused(tmp_path: Path, make: object, why: str) -> None:
    """A package.json that is no file is refused by name, and never waited for."""
    assert callable(make)
    make(str(tmp_path / "package.json"))
    with pytest.raises(ManifestInvalid, match=rf"package\.json cannot be read: {why}") as caught:
        find_project(str(tmp_path))
    assert caught.value.path == str(tmp_path.resolve() / "package.json")


def test_a_manifest_of_any_size_is_not_read(tmp_path: Path) -> None:
    """A manifest beyond the limit is refused before it is parsed."""
    with (tmp_path / "package.json").open("wb") as out:
        out.truncate((16 << 20) + 1)
    with pytest.raises(ManifestInvalid, match="more than 16777216 bytes"):
        read_manifest(str(tmp_path), "root")


@pytest.mark.bare
def test_an_unreadable_manifest_has_a_code_of_its_own(tmp_path: Path) -> None:
    """A manifest that this user may not read has a code of its own."""
    (tmp_path / "package.json").write_text(MANIFEST)
    (tmp_path / "package.json").chmod(0)
    tmp_path.chmod(0o755)
    script = (
        "import os, sys; from linkpack.errors import ManifestInvalid\n"
        "from linkpack.project.package_json import read_manifest\n"
        "os.chdir(sys.argv[1]); os.getuid() or os.setuid(65534)\n"
        "try: read_manifest('.', 'root')\n"
        "except ManifestInvalid as err: print(err.code)"
    )
    assert printed(script, tmp_path) == "EUNREADABLE\n"


def test_a_member_knows_the_workspace_around_it_and_a_root_its_own(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {"package.json": '{"name": "r", "version": "1.0.0", "workspaces": ["p"]}', "p/package.json": MANIFEST},
    )
    member, whole = find_project(f"{root}/p"), find_project(root)
    assert (member.around and member.around.root, member.own) == (root, None)
    assert (whole.around, whole.own and whole.own.patterns) == (None, ("p",))


MEMBERS = '{"workspaces": ["m", "x/y/m"]}'


def outer(root: str, member: str, manager: PackageManager = "npm") -> OuterIgnores:
    """The ignore files around the *member* of the workspace of *manager* in *root*."""
    return read_outer_ignores(Workspace(root, ("m", "x/y/m"), {}, manager), f"{root}/{member}")


def test_outer_ignore_files_go_from_the_root_down(tmp_path: Path) -> None:
    """From the workspace's root down to above the member, one a folder, .npmignore first."""
    ignored = {".gitignore": "a", "x/.npmignore": "b", "x/.gitignore": "c", "x/y/.gitignore": "d"}
    root = write(tmp_path, {"package.json": MEMBERS, "x/y/m/.gitignore": "e", **ignored})
    assert outer(root, "x/y/m").texts == (
        (f"{root}/.gitignore", "a\n"),
        (f"{root}/x/.npmignore", "b\n"),
        (f"{root}/x/y/.gitignore", "d\n"),
    )
    assert read_outer_ignores(None, f"{root}/x/y/m") == OuterIgnores()


@pytest.mark.parametrize(
    ("manager", "own", "named", "applied", "by_npm"),
    [
        ("npm", False, True, True, True),
        ("npm", True, True, False, True),
        ("npm", False, False, False, False),
        ("pnpm", False, True, True, True),
        ("pnpm", False, False, True, False),
        ("pnpm", True, True, False, True),
        ("yarn", False, True, False, True),
        ("bun", False, True, False, True),
        ("bun", True, True, False, True),
    ],
)
def test_only_npm_and_pnpm_apply_outer_ignore_files(
    tmp_path: Path, manager: PackageManager, *, own: bool, named: bool, applied: bool, by_npm: bool
) -> None:
    """Measured: npm and pnpm do, pnpm not beside a member's own .npmignore, yarn and bun do not.

    npm needs `workspaces` in package.json, and does not look at a pnpm-workspace.yaml.
    """
    root = write(tmp_path, {".gitignore": "dist", "m/a.js": "", "package.json": MEMBERS if named else "{}"})
    if own:
        (tmp_path / "m" / ".npmignore").touch()
    found = outer(root, "m", manager)
    assert (found.applied, found.by_npm) == (applied, by_npm)
    assert [text for _, text in found.texts] == (["dist\n"] if applied else [])
    assert found.other_packer().applied is by_npm


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["fifo", "folder"])
def test_an_outer_ignore_file_that_cannot_be_read_is_an_error(tmp_path: Path, make: object) -> None:
    """An ignore file whose rules are not known is an error where they apply: they may keep secrets out."""
    assert callable(make)
    root = write(tmp_path, {"package.json": MEMBERS})
    make(str(tmp_path / ".gitignore"))
    with pytest.raises(ManifestInvalid, match=r"\.gitignore cannot be read") as caught:
        outer(root, "m")
    assert caught.value.code == "EUNREADABLE"
    assert outer(root, "m", "yarn") == OuterIgnores()


def test_an_outer_ignore_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    """The error of one that is not UTF-8 names it, with the line."""
    root = write(tmp_path, {"package.json": MEMBERS})
    (tmp_path / ".gitignore").write_bytes(b"dist\n\xe9t\xe9\n")
    with pytest.raises(ManifestInvalid, match=r"\.gitignore:2: this rule is not UTF-8 text") as caught:
        outer(root, "m")
    assert (caught.value.code, caught.value.path) == ("EIGNOREFILE", f"{root}/.gitignore")
