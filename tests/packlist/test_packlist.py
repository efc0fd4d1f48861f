"""Which files ship: npm's examples, the rules that are linkpack's own, and hostile trees."""

from __future__ import annotations

import json
import os
import posixpath
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import pytest

from linkpack.limits import Limits, within
from linkpack.npm.manifest import parse_manifest
from linkpack.packlist.editions import NPM_RULES
from linkpack.packlist.outer_ignores import IgnoreFile, OuterIgnores
from linkpack.packlist.packlist import Omission, Outputs, PackageFolder, Packlist, read_packlist
from tests.support.packcases import PackCase, pack_cases

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

from linkpack.packlist.packlist import Edition, Kind


class View(NamedTuple):
    """What of a manifest decides about files."""

    files: tuple[str, ...] | None = None
    main: str | None = None
    browser: str | None = None
    bins: Mapping[str, str] = MappingProxyType({})
    directories_bin: str | None = None
    patched: tuple[str, ...] = ()
    raw: bytes = b"{}"


PLAIN = View()


HERE = str(Path(__file__).parents[2])


def lay(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write *files* below *root*, with a package.json."""
    for path, text in {"package.json": "{}", **files}.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def read(root: Path, view: View = PLAIN, kind: Kind = "root", edition: Edition = "11") -> Packlist:
    """The packlist of *root*."""
    return read_packlist(PackageFolder(str(root), view, kind, edition))


def around(root: Path, *texts: tuple[str, str], by_npm: bool = True, manager: str = "npm") -> OuterIgnores:
    """The ignore files around *root*, by paths relative to it, which the workspace's *manager* applies."""
    files = [IgnoreFile(posixpath.normpath(f"{root}/{path}"), text) for path, text in texts]
    return OuterIgnores(tuple(files), manager in {"npm", "pnpm"}, by_npm, manager)


def names(packlist: Packlist) -> list[str]:
    """The paths that ship, package.json aside."""
    return [file.path for file in packlist.files if file.path != "package.json"]


def codes(packlist: Packlist) -> list[str]:
    """The codes of its warnings and problems."""
    return [one.code for one in (*packlist.warnings, *packlist.problems)]


@pytest.mark.parametrize("edition", ["11", "12"])
@pytest.mark.parametrize("case", pack_cases(), ids=lambda case: case.name)
def test_each_example_ships_what_its_row_says(case: PackCase, edition: Edition, tmp_path: Path) -> None:
    """Each example ships what it says: npm's files, or where its row says so linkpack's."""
    root = case.build(tmp_path / "p")
    manifest = parse_manifest((root / "package.json").read_bytes(), "package.json", "root")
    packlist = read_packlist(PackageFolder(str(root), manifest, "root", edition))
    if case.ours(edition) == ("fails",):
        assert packlist.problems
    else:
        assert not packlist.problems
        assert [file.path for file in packlist.files] == sorted(case.ours(edition))


def test_omissions_say_why(tmp_path: Path) -> None:
    """What is left out is listed with the rule and its place; a directory that is not entered once."""
    files = {
        ".npmignore": "# c\n*.log\ndist/\n",
        "x.log": "",
        "dist/a": "",
        "lib/.gitignore": "/b\n",
        "lib/b": "",
        ".git/config": "",
        "package-lock.json": "{}",
        "node_modules/x/i.js": "",
    }
    assert read(lay(tmp_path, files)).omissions == (
        Omission(".git/", "never packed: /.git"),
        Omission(".npmignore", "never packed: .npmignore"),
        Omission("dist/", ".npmignore:3: dist/"),
        Omission("lib/.gitignore", "never packed: .gitignore"),
        Omission("lib/b", "lib/.gitignore:1: /b"),
        Omission("package-lock.json", "never packed: /package-lock.json"),
        Omission("x.log", ".npmignore:2: *.log"),
    )


def test_files_is_the_reason_for_what_it_leaves_out(tmp_path: Path) -> None:
    """That is what `files` does not name, and what it takes away."""
    root = lay(tmp_path, {"a": "", "lib/b": "", "lib/c": "", "q/r": ""})
    assert read(root, View(files=("lib", "!lib/c"))).omissions == (
        Omission("a", 'not named in "files"'),
        Omission("lib/c", '"files": !!lib/c'),
        Omission("q/", 'not named in "files"'),
    )


@pytest.mark.parametrize("kind", ["root", "linked"])
def test_a_packed_file_has_its_source_size_mode_and_identity(kind: Kind, tmp_path: Path) -> None:
    """Modes are 755 for the owner's x and for bins, else 644."""
    root = lay(tmp_path, {"a": "abc", "b": "", "cli.js": "", "x/cli.js": ""})
    (root / "a").chmod(0o600)
    (root / "b").chmod(0o4711)
    packlist = read(root, View(bins={"cli": "cli.js"}), kind)
    modes = [(file.path, file.mode) for file in packlist.files if file.path != "package.json"]
    assert modes == [("a", 0o644), ("b", 0o755), ("cli.js", 0o755), ("x/cli.js", 0o644)]
    first = packlist.files[0]
    status = (root / "a").stat()
    assert first == ("a", str(root / "a"), 3, 0o644, status.st_dev, status.st_ino)


def test_an_installed_package_gives_what_was_published(tmp_path: Path) -> None:
    """Ignore files and default rules do not act in an installed package; its node_modules is not its content."""
    files = {
        ".npmignore": "i.js\n",
        "i.js": "",
        "lib/.gitignore": "y.js\n",
        "lib/y.js": "",
        "lib/a.orig": "",
        "lib/.git/config": "",
        "node_modules/q/i.js": "",
        "lib/node_modules/q/i.js": "",
        ".npmrc": "",
        "lib/.npmrc": "",
    }
    packlist = read(lay(tmp_path, files), kind="installed")
    kept = [".npmignore", "i.js", "lib/.gitignore", "lib/a.orig", "lib/node_modules/q/i.js", "lib/y.js"]
    assert names(packlist) == kept
    assert codes(packlist) == []


@pytest.mark.parametrize("edition", NPM_RULES)
def test_files_of_an_installed_package_does_not_apply_again(tmp_path: Path, edition: Edition) -> None:
    """The publisher's tool applied it; what it added on its own stays, and no pattern is read by another npm."""
    root = lay(tmp_path, {"NOTICE": "", "dist-web/i.js": "", "index.js": "", "lib/x.js": ""})
    view = View(files=("dist-*/", "!lib"), main="index.js")
    packlist = read_packlist(PackageFolder(str(root), view, "installed", edition))
    assert names(packlist) == ["NOTICE", "dist-web/i.js", "index.js", "lib/x.js"]


def test_a_linked_package_gives_its_publish_view(tmp_path: Path) -> None:
    """A linked package is packed by its own rules, less its node_modules."""
    files = {".npmignore": "o.js\n", "o.js": "", "a.js": "", "node_modules/q/i.js": "", ".npmrc": ""}
    view = View(main="node_modules/q/i.js")
    assert names(read(lay(tmp_path, files), view, "linked")) == ["a.js"]
    assert names(read(tmp_path, view)) == ["a.js", "node_modules/q/i.js"]


def test_outer_ignore_files_apply_in_the_root_only(tmp_path: Path) -> None:
    """A line that has a slash means a path of the member's root: nothing below another folder of it."""
    root = lay(tmp_path, {"c.js": "", "ign": "", "x/ign": "", "also": "", "top": "", "x/top": ""})
    outer = around(root, ("../../.gitignore", "ign\n/top\n"), ("../.npmignore", "also\n"))
    packlist = read_packlist(PackageFolder(str(root), View(), "root", "11", outer_ignores=outer))
    assert names(packlist) == ["c.js", "x/top"]
    assert ("also", f"{root.parent}/.npmignore:1: also") in packlist.omissions


def test_files_beats_outer_ignore_files_at_any_depth(tmp_path: Path) -> None:
    """What `files` names ships whole, though a file above the member ignores it."""
    root = lay(tmp_path, {"lib/a.js": "", "lib/sub/b.js": "", "lib/build/c.d.ts": "", "o.js": ""})
    outer = around(root, ("../../.gitignore", "*.js\nbuild\n/*\n*.d.ts\n"))
    for edition in NPM_RULES:
        view = View(files=("lib",))
        packlist = read_packlist(PackageFolder(str(root), view, "root", edition, outer_ignores=outer))
        assert names(packlist) == ["lib/a.js", "lib/build/c.d.ts", "lib/sub/b.js"]


def test_members_ship_only_their_own_files(tmp_path: Path) -> None:
    """A workspace root ships of a member only what that member ships."""
    root = lay(tmp_path, {"r.js": "", "packages/w/a.js": "", "packages/w/secret": "", "packages/w/x/b": ""})
    members = (("packages/w", frozenset({"a.js"})),)
    packlist = read_packlist(PackageFolder(str(root), View(), "root", "12", members=members))
    assert names(packlist) == ["packages/w/a.js", "r.js"]
    assert ("packages/w/x/b", "the workspace member packages/w does not ship it") in packlist.omissions


OWN = Outputs("@s/p")
OLD = ["s-p-0.9.0.tgz", "s-p-1.0.0-rc.1+b.2.tgz", "s-p-v1.0.0.tgz", "s-p-1.0.0.cdx.json", "s-p-1.0.0.spdx.json"]
OTHERS = ["p-1.0.0.tgz", "s-p.tgz", "s-p-latest.tgz", "s-p-1.0.tgz", "s-p-q-1.0.0.tgz", "x-s-p-1.0.0.tgz", "x.tgz"]
DATA = ["s-p-1.0.0.json", "s-p-1.0.0.tar.gz", "s-p-1.0.0.txt", "s-p-1.0.0.x.json"]


@pytest.mark.parametrize("edition", ["11", "12"])
def test_old_outputs_stay_out_in_every_folder(edition: Edition, tmp_path: Path) -> None:
    """Earlier tarballs and bills of materials are known by name. One warning lists them."""
    root = lay(tmp_path, {f"{folder}{name}": "" for name in (*OLD, *DATA) for folder in ("", "dist/a/")})
    packlist = read_packlist(PackageFolder(str(root), View(), "root", edition, outputs=OWN))
    assert names(packlist) == sorted(f"{folder}{name}" for name in DATA for folder in ("", "dist/a/"))
    assert {each.path for each in packlist.omissions} == {f"{at}{name}" for name in OLD for at in ("", "dist/a/")}
    (warning,) = packlist.warnings
    assert warning.code == "WOWNTARBALL"
    assert warning.message.endswith("dist/a/s-p-v1.0.0.tgz and 5 more")
    assert "in files" in warning.hint


def test_other_tarballs_ship_with_a_warning(tmp_path: Path) -> None:
    """A tarball in a tarball is seldom meant; all of them are one warning."""
    root = lay(tmp_path, dict.fromkeys(OTHERS, ""))
    packlist = read_packlist(PackageFolder(str(root), View(), "root", "12", outputs=OWN))
    assert names(packlist) == sorted(OTHERS)
    (warning,) = packlist.warnings
    assert (warning.code, warning.message.endswith("s-p-latest.tgz, s-p-q-1.0.0.tgz, s-p.tgz and 2 more")) == (
        "WTARBALL",
        True,
    )
    installed = read_packlist(PackageFolder(str(root), View(), "installed", "12"))
    assert (names(installed), installed.warnings) == (sorted(OTHERS), ())


@pytest.mark.parametrize(
    ("entries", "shipped", "told"),
    [
        (["s-p-0.9.0.tgz"], ["s-p-0.9.0.tgz"], []),
        (["./s-p-0.9.0.tgz"], ["s-p-0.9.0.tgz"], []),
        (["*.tgz"], ["s-p-0.9.0.tgz", "y.tgz"], []),
        (["x/*.tgz"], ["x/s-p-0.9.0.tgz", "x/y.tgz"], []),
        (["x"], ["x/y.tgz"], ["WOWNTARBALL", "WTARBALL"]),
        (["x/*"], ["x/y.tgz"], ["WOWNTARBALL", "WTARBALL"]),
        (["**/*", "!x/y.tgz"], ["y.tgz"], ["WOWNTARBALL", "WTARBALL"]),
        (["s-p-0.9.0.cdx.json"], ["s-p-0.9.0.cdx.json"], []),
    ],
)
def test_a_tarball_that_files_names_ships(
    entries: list[str], shipped: list[str], told: list[str], tmp_path: Path
) -> None:
    """Naming it, or all tarballs of its folder, needs no warning. Naming its folder is not enough."""
    paths = [f"{at}{name}" for at in ("", "x/") for name in ("s-p-0.9.0.tgz", "y.tgz", "s-p-0.9.0.cdx.json")]
    root = lay(tmp_path, dict.fromkeys(paths, ""))
    own = Outputs("@s/p", files=tuple(entries))
    packlist = read_packlist(PackageFolder(str(root), View(files=tuple(entries)), "root", "12", outputs=own))
    assert (names(packlist), codes(packlist)) == (shipped, told)


def test_what_this_run_writes_stays_out_without_a_warning(tmp_path: Path) -> None:
    """A second run is as quiet as the first."""
    root = lay(tmp_path, {"s-p-1.0.0.tgz": "", "out/release.tgz": "", "r.json": "", "a.js": ""})
    own = Outputs("@s/p", frozenset({"s-p-1.0.0.tgz", "out/release.tgz", "r.json"}))
    packlist = read_packlist(PackageFolder(str(root), View(), "root", "12", outputs=own))
    assert (names(packlist), packlist.warnings) == (["a.js"], ())
    assert {each.reason for each in packlist.omissions} == {"linkpack writes it"}
    asked = own._replace(files=("s-p-1.0.0.tgz", "*.js"))
    assert names(read_packlist(PackageFolder(str(root), View(), "root", "12", outputs=asked))) == [
        "a.js",
        "s-p-1.0.0.tgz",
    ]


MANIFEST = '{"name": "@s/p", "main": "dist/a.js", "files": ["dist"]}'
PACKAGE = {"package.json": MANIFEST, "dist/a.js": "", "README.md": ""}
STAGED = {f"out/{path}": text for path, text in PACKAGE.items()}


@pytest.mark.parametrize(
    ("files", "is_staged"),
    [
        (STAGED, True),
        ({**STAGED, "out/node_modules/x/package.json": "{}", "out/vendor/y/package.json": "{}"}, True),
        ({**STAGED, "out/package.json": MANIFEST.replace('"main"', '"version": "0.9.0", "main"')}, True),
        ({**STAGED, "out/LICENSE": ""}, True),
        ({**STAGED, "out/package.json": MANIFEST.replace("@s/p", "@s/q")}, False),
        ({**STAGED, "out/package.json": "{"}, False),
        ({**STAGED, "out/package.json": "[]"}, False),
        ({**STAGED, "out/more.js": ""}, False),
        ({path: text for path, text in STAGED.items() if "README" not in path}, False),
        ({path: text for path, text in STAGED.items() if "a.js" not in path}, False),
        ({"out/package.json": MANIFEST}, False),
        ({"dist/package.json": MANIFEST, "dist/src/a.js": "", "src/a.js": ""}, False),
    ],
)
def test_a_staged_tree_is_recognised(files: dict[str, str], is_staged: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """A folder with all that the package ships, and no more, stays out; a build with a manifest ships."""
    root = lay(tmp_path, {**PACKAGE, **files})
    packlist = read_packlist(PackageFolder(str(root), View(), "root", "12", outputs=OWN))
    assert [name for name in names(packlist) if name in files] == ([] if is_staged else sorted(files))
    assert codes(packlist) == (["WOWNTARBALL"] if is_staged else [])
    assert [each.path for each in packlist.omissions] == (["out/"] if is_staged else [])
    asked = Outputs("@s/p", files=("./out/", "dist"))
    assert set(STAGED) & set(files) <= set(
        names(read_packlist(PackageFolder(str(root), View(), "root", "12", outputs=asked)))
    )


@pytest.mark.parametrize("record", ["json", "intoto"])
def test_records_are_known_by_their_contents(record: str, tmp_path: Path) -> None:
    """Data may well be called `<name>-<version>.json`, so a record is looked into."""
    lay(tmp_path, {"package.json": '{"name": "p", "version": "1.0.0"}', "p-3.0.0.json": '{"openapi": "3.0.0"}'})
    for version in ("1.0.0", "1.1.0"):
        (tmp_path / "package.json").write_text(f'{{"name": "p", "version": "{version}"}}', encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "linkpack",
            "pack",
            "--json",
            "--snapshot-manifest",
            "%s-%v.json",
            "--format",
        ]
        done = subprocess.run([*command, record], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert [file["path"] for file in json.loads(done.stdout)[0]["files"]] == ["p-3.0.0.json", "package.json"]
    assert "p-1.0.0.json, p-1.0.0.tgz" in done.stderr


@pytest.mark.parametrize(
    ("link", "target", "why"),
    [
        ("l", "gone", "leads nowhere"),
        ("l", "l", "leads nowhere"),
        ("l", "lib", "no regular file"),
        ("l", ".git/config", "never packed"),
        ("l", "lib/.npmrc", "never packed"),
        ("l", "node_modules/x/i.js", "never packed"),
        ("README.md", "../outside", "outside the package"),
        ("l", "/proc/self/environ", "outside the package"),
    ],
)
def test_a_link_to_nothing_that_ships_is_left_out(link: str, target: str, why: str, tmp_path: Path) -> None:
    """That is one out of the package, to nothing, or to what is never packed. The warning names its target."""
    root = lay(tmp_path / "p", {".git/config": "", "lib/.npmrc": "", "node_modules/x/i.js": ""})
    (tmp_path / "outside").write_text("secret", encoding="utf-8")
    (root / link).symlink_to(target)
    packlist = read(root)
    assert names(packlist) == []
    assert codes(packlist) == ["WLINK"]
    assert target in packlist.warnings[0].message
    assert why in packlist.warnings[0].message


def test_a_link_to_a_file_of_the_package_ships_as_a_copy(tmp_path: Path) -> None:
    """The rules decide by the link's own path."""
    root = lay(tmp_path / "real", {"docs/r.md": "read", "x/y": ""})
    (root / "README.md").symlink_to("docs/r.md")
    (root / "z").symlink_to("x/y")
    packlist = read(root, View(files=()))
    assert [file.path for file in packlist.files] == ["README.md", "package.json"]
    assert (packlist.files[0].source, packlist.files[0].size) == (str(root / "docs" / "r.md"), 4)
    assert [warning.message for warning in packlist.warnings] == [
        "README.md is a symbolic link to docs/r.md: packed as a copy of that file"
    ]
    (tmp_path / "link").symlink_to("real")
    assert [problem.code for problem in read(tmp_path / "link").problems] == ["EUNREADABLE"]


@pytest.mark.parametrize("edition", ["11", "12"])
def test_links_and_pipes_in_files_ship_or_get_a_warning(tmp_path: Path, edition: Edition) -> None:
    """What `files` names is packed or spoken of: a link, a link that leads out, a pipe."""
    root = lay(tmp_path / "p", {"a": "", "b": ""})
    (tmp_path / "outside").write_text("secret", encoding="utf-8")
    (root / "in").symlink_to("a")
    (root / "out").symlink_to("../outside")
    os.mkfifo(root / "pipe")
    packlist = read(root, View(files=("in", "out", "pipe")), edition=edition)
    assert names(packlist) == ["in"]
    assert [warning.path.rpartition("/")[2] for warning in packlist.warnings] == ["in", "out", "pipe"]


def test_a_manifest_that_is_a_link_ships_or_is_refused(tmp_path: Path) -> None:
    """A package.json that leads to a file of the package ships its bytes; one that leads out is refused."""
    (tmp_path / "p").mkdir()
    root = tmp_path / "p"
    (root / "pk").write_text("{}", encoding="utf-8")
    (root / "package.json").symlink_to("pk")
    assert [file.path for file in read(root).files] == ["package.json", "pk"]
    (root / "package.json").unlink()
    (tmp_path / "pk").write_text("{}", encoding="utf-8")
    (root / "package.json").symlink_to("../pk")
    assert codes(read(root)) == ["EMANIFESTLINK"]


def test_special_files_are_left_out_unopened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pipes and sockets that the rules keep are left out with a warning, and never opened."""
    root = lay(tmp_path, {"a": "", ".npmignore": "other\n"})
    os.mkfifo(root / "pipe")
    os.mkfifo(root / "other")
    with socket.socket(socket.AF_UNIX) as unix:
        monkeypatch.chdir(root)  # the path of a socket is short
        unix.bind("sock")
    packlist = read(root)
    assert names(packlist) == ["a"]
    assert codes(packlist) == ["WSPECIAL", "WSPECIAL"]


@pytest.mark.parametrize("name", ["a\\b", "d\\x/a", os.fsdecode(b"\xff"), os.fsdecode(b"\xffd/a")])
def test_names_that_no_tarball_can_hold_are_refused(name: str, tmp_path: Path) -> None:
    """They have a backslash, or bytes that are not UTF-8. Ignored ones are no problem."""
    root = lay(tmp_path, {name: ""})
    assert codes(read(root)) == ["EBADNAME"]
    assert codes(read(root, View(files=()))) == []


def test_a_star_in_a_name_leaves_the_path_out(tmp_path: Path) -> None:
    """So it is in npm, but without a warning."""
    packlist = read(lay(tmp_path, {"a*b": "", "d*/x": "", "c": ""}))
    assert names(packlist) == ["c"]
    assert codes(packlist) == ["WNAME", "WNAME"]


@pytest.mark.parametrize("name", [".npmignore", ".gitignore", "lib/.npmignore"])
@pytest.mark.parametrize("what", ["folder", "dangling", "pipe", "big", "pattern"])
def test_an_ignore_file_that_cannot_be_read_is_a_problem(name: str, what: str, tmp_path: Path) -> None:
    """Its rules may keep secrets out."""
    root = lay(tmp_path, {"lib/a": ""})
    path = root / name
    if what == "folder":
        path.mkdir()
    elif what == "dangling":
        path.symlink_to("gone")
    elif what == "pipe":
        os.mkfifo(path)
    else:
        path.write_text("a" * (1 << 21) if what == "big" else "{1..999999}\n", encoding="utf-8")
    packlist = read(root)
    assert [one.code for one in packlist.problems] == ["EPATTERN" if what == "pattern" else "EUNREADABLE"]
    assert name in packlist.problems[0].message


def test_an_ignore_file_that_does_not_apply_is_not_read(tmp_path: Path) -> None:
    """That is a .gitignore beside a .npmignore, or either beside `files` at the root."""
    root = lay(tmp_path, {".npmignore": "a\n", "a": "", "b": ""})
    (root / ".gitignore").mkdir()
    assert names(read(root)) == ["b"]
    assert codes(read(root)) == []
    assert names(read(root, View(files=("a",)))) == ["a"]


@pytest.mark.parametrize("name", [".npmignore", "lib/.gitignore"])
@pytest.mark.parametrize(
    ("encoding", "mark", "code"),
    [
        ("utf-8", b"", ""),
        ("utf-8", b"\xef\xbb\xbf", ""),
        ("utf-16-le", b"\xff\xfe", "WIGNOREFILE"),
        ("utf-16-be", b"\xfe\xff", "WIGNOREFILE"),
        ("utf-32-le", b"\xff\xfe\0\0", "WIGNOREFILE"),
        ("utf-32-be", b"\0\0\xfe\xff", "WIGNOREFILE"),
        ("utf-16-le", b"", "EIGNOREFILE"),
        ("utf-16-be", b"", "EIGNOREFILE"),
        ("latin-1", b"", "EIGNOREFILE"),
        ("cp1252", b"", "EIGNOREFILE"),
    ],
)
def test_the_encoding_of_ignore_files(encoding: str, mark: bytes, code: str, name: str, tmp_path: Path) -> None:
    """An ignore file is read by its mark, which npm and git do not, or refused: it is never misread."""
    folder = name.rpartition("/")[0]
    at = f"{folder}/" if folder else ""
    root = lay(tmp_path, {name: mark + "# é\r\na.js\r\né.js\r\n".encode(encoding)})
    lay(root, {f"{at}a.js": "", f"{at}é.js": "", f"{at}b.js": ""})
    packlist = read(root)
    assert codes(packlist) == ([code] if code else [])
    assert names(packlist) == [f"{at}b.js"] or code == "EIGNOREFILE"
    if code == "EIGNOREFILE":
        assert f"{name}:3: this rule is not UTF-8 text" in packlist.problems[0].message or "utf-16" in encoding
        assert packlist.problems[0].path == f"{root}/{name}"


def test_comments_in_another_encoding_are_no_rules(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are refused in rules alone; a replacement character may be meant."""
    root = lay(tmp_path, {"a": "", "b": "", "\ufffd": ""})
    (root / ".npmignore").write_bytes(b" # \xe9\r\na\n\xef\xbf\xbd\n#\0\n")
    assert codes(read(root)) == ["EIGNOREFILE"]
    (root / ".npmignore").write_bytes(b"a\n\xef\xbf\xbd\n#\0\n")
    assert names(read(root)) == ["b"]


@pytest.mark.parametrize("files", [("{1..999999}",), ("a", "@(" * 50 + ")" * 50)])
@pytest.mark.parametrize("edition", ["11", "12"])
def test_an_entry_of_files_that_cannot_be_used_is_a_problem(
    files: tuple[str, ...], edition: Edition, tmp_path: Path
) -> None:
    packlist = read(lay(tmp_path, {"a": ""}), View(files=files), edition=edition)
    assert codes(packlist) == ["EPATTERN"]
    assert packlist.problems[0].message.startswith('"files": ')


@pytest.mark.parametrize("edition", ["11", "12"])
def test_an_entry_that_no_path_can_be_finds_nothing(edition: Edition, tmp_path: Path) -> None:
    """Such are NUL, lone surrogates and endless names."""
    view = View(files=("a\0b", "\ud800", "x" * 5000, "y/" * 3000 + "*", "a/*"))
    assert names(read(lay(tmp_path, {"a": "", "b": ""}), view, edition=edition)) == []


def test_forced_main_warns_when_it_opens_an_ignored_folder(tmp_path: Path) -> None:
    """As in npm, all of an ignored folder whose file is main ships, which is said."""
    root = lay(tmp_path, {".npmignore": "dist\n", "dist/i.js": "", "dist/j.js": ""})
    packlist = read(root, View(main="dist/i.js"))
    assert names(packlist) == ["dist/i.js", "dist/j.js"]
    assert codes(packlist) == ["WFORCED"]
    (root / "dist" / "j.js").unlink()
    assert codes(read(root, View(main="dist/i.js"))) == []


@pytest.mark.parametrize("edition", NPM_RULES)
@pytest.mark.parametrize(
    "ignored", ["dist\n", "dist/\n", "/dist/*\n", "*.js\n", "*\n", "dist/i.js\n", "/d*\n!/dist/x\n"]
)
@pytest.mark.parametrize("main", ["dist/i.js", "dist/i", "dist", "dist/x/../i.js", "dist/", "dist/[i].js"])
def test_a_leading_dot_in_main_makes_no_difference(
    main: str, ignored: str, edition: Edition, tmp_path: Path
) -> None:
    """Both spellings ship, open folders and warn alike; npm does not force in the second one (row M1)."""
    names = ("dist/i.js", "dist/j.js", "dist/x/k.js", "dist/[i].js")
    root = lay(tmp_path, {".npmignore": ignored, **dict.fromkeys(names, "")})
    for files in (None, ("a",)):
        plain = read(root, View(files=files, main=main), edition=edition)
        for spelling in (f"./{main}", f".//./{main}"):
            packlist = read(root, View(files=files, main=spelling), edition=edition)
            assert packlist == plain


def test_files_of_directories_bin_are_commands(tmp_path: Path) -> None:
    """Names with a leading dot are not. A missing folder has none."""
    root = lay(tmp_path, {"s/x": "", "s/.h": "", "s/d/e": "", "a": ""})
    (root / "s" / "l").symlink_to("x")
    packlist = read(root, View(files=("a",), directories_bin="s"))
    assert {file.path: file.mode for file in packlist.files if file.path.startswith("s/")} == {
        "s/d/e": 0o755,
        "s/x": 0o755,
    }
    assert names(read(root, View(files=("a",), directories_bin="gone"))) == ["a"]
    assert "s/x" in names(read(root, View(files=("a",), directories_bin="")))


def test_patch_files_stay_out_in_npm_12(tmp_path: Path) -> None:
    """Patch files never ship by npm 12's rules, not even as main; npm 11 ships them."""
    root = lay(tmp_path, {"p/a.patch": "", "b": ""})
    view = View(main="p/a.patch", patched=("./p/a.patch", ""))
    assert names(read(root, view, edition="12")) == ["b"]
    assert names(read(root, view, edition="11")) == ["b", "p/a.patch"]
    assert names(read(root, view, kind="linked", edition="12")) == ["b", "p/a.patch"]


@pytest.mark.slow
@pytest.mark.parametrize(("length", "name"), [(2800, "f"), (4000, "f" * 200), (5000, "f")])
def test_depth_does_not_matter_until_the_system_refuses_the_path(length: int, name: str, tmp_path: Path) -> None:
    """That is a problem, which names the path."""
    lay(tmp_path, {})
    depth = (length - len(str(tmp_path))) // len("/d")
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(depth):
            os.mkdir("d", dir_fd=here)
            deeper = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = deeper
        os.close(os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=here))
    finally:
        os.close(here)
    try:
        packlist = read(tmp_path)
    finally:  # pytest's own clean-up is recursive
        subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)
    assert (len(names(packlist)), codes(packlist)) == ((1, []) if length < 3000 else (0, ["EPATHLONG"]))


def test_the_walk_ends_at_the_folder_after_the_limit(tmp_path: Path) -> None:
    """However many files are still to come."""
    root = lay(tmp_path, {f"{folder}/{number}": "" for folder in "ab" for number in range(4)})
    with within(Limits(entries=4)):
        packlist = read(root)
    assert names(packlist) == []
    assert [(one.code, one.path, one.message) for one in packlist.problems] == [
        ("ELIMIT", str(root), f"{root} ships more than 4 files")
    ]
    with within(Limits(entries=9)):
        assert len(names(read(root))) == 8


def test_names_in_another_encoding_are_refused(tmp_path: Path) -> None:
    """A process that reads names as ASCII says how to start it."""
    lay(tmp_path, {"package.json": '{"name": "a", "version": "1.0.0"}', "plain": "", "\u00e9": ""})
    code = (
        "from linkpack.packing.plan import plan_pack; from linkpack.errors import PlanRejected\n"
        "try: plan_pack()\n"
        "except PlanRejected as err: print([(one.code, one.hint) for one in err.problems])"
    )
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": HERE}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=True, capture_output=True)
    assert done.stdout == b"[('EENCODING', 'start Python in UTF-8 mode: -X utf8, or PYTHONUTF8=1')]\n"


@pytest.fixture
def powerless() -> Iterator[Path]:
    """A directory to use without root's power to read everything."""
    with tempfile.TemporaryDirectory() as folder:
        user = os.geteuid()
        Path(folder).chmod(0o755)
        yield Path(folder)
        os.seteuid(user)


def test_files_and_folders_without_permission_are_problems(powerless: Path) -> None:
    root = lay(powerless, {"a": "", "d/b": "", "e/.npmignore": "", "e/c": "", "s/x": "", "f": "1"})
    for path in ("a", "d", "e/.npmignore"):
        (root / path).chmod(0)
    (root / "s").chmod(0o444)
    if os.geteuid() == 0:
        os.seteuid(65534)
    packlist = read(root)
    assert names(packlist) == ["e/c", "f"]
    assert [one.message.split(" cannot")[0] for one in packlist.problems] == [
        "the file a",
        "the directory d",
        "the ignore file e/.npmignore",
        "the file s/x",
    ]
    editions: tuple[Edition, ...] = ("11", "12")
    for edition in editions:
        view = View(files=("d/*", "s/x", "[s]/x"), directories_bin="d")
        assert names(read(root, view, edition=edition)) == []
