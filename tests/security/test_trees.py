"""Hostile trees: each is packed right, with what was left out said, or refused by name; never anything in between.

The rows of each table are *right* (a right tarball), *refuse* (nothing written, the culprit named) or *either*
(what does not ship is said). Whatever comes, nothing from outside ships, the tree stays as it is, and no control
character of a name reaches the terminal.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import stat
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from click.testing import CliRunner

from linkpack.cli.main import linkpack
from linkpack.errors import LinkpackError
from linkpack.report.problems import error_text

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = b"CANARY-do-not-ship"


class Place(NamedTuple):
    """A package `p`, and a folder `outside` with secrets beside it."""

    root: Path
    outside: Path
    out: Path

    def put(self, path: str, text: str | bytes = "x\n", mode: int = 0o644) -> None:
        """Write a file of the package."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
        target.chmod(mode)

    def link(self, path: str, target: str) -> None:
        """Make a link in the package."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).symlink_to(target)

    def manifest(self, **fields: object) -> None:
        """Write package.json."""
        self.put("package.json", json.dumps({"name": "p", "version": "1.0.0", **fields}))

    def dependency(self, path: str, name: str, **fields: object) -> None:
        """An installed package with one file, at *path* below the package's parent."""
        self.put(f"../{path}/package.json", json.dumps({"name": name, "version": "1.0.0", **fields}))
        self.put(f"../{path}/index.js", f"dep {name}\n")

    def bundling(self, *names: str) -> None:
        """Write a package.json that bundles *names*."""
        self.manifest(dependencies=dict.fromkeys(names, "*"), bundleDependencies=list(names))

    def drop(self, path: str) -> Place:
        """Remove a file of the package; the place again."""
        (self.root / path).unlink()
        return self

    def second(self, path: str, other: str) -> None:
        """Give a file of the package a second name."""
        (self.root / other).hardlink_to(self.root / path)

    def grow(self, path: str, size: int) -> None:
        """Give a file of the package holes up to *size* bytes."""
        os.truncate(self.root / path, size)

    def fifo(self, path: str) -> None:
        """Make a pipe that nobody writes to."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(self.root / path)

    def socket(self, path: str) -> None:
        """Make a socket, by a relative name: long ones do not fit."""
        here = os.open(".", os.O_RDONLY)
        os.chdir(self.root)
        try:
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(path)
        finally:
            os.fchdir(here)
            os.close(here)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A small package, and secrets outside of it."""
    made = Place(tmp_path / "p", tmp_path / "outside", tmp_path / "tarballs")
    made.manifest()
    made.put("index.js", "module.exports = 1\n")
    (made.outside / "dir").mkdir(parents=True)
    (made.outside / "secret.txt").write_bytes(SECRET)
    (made.outside / "dir" / "secret.js").write_bytes(SECRET)
    (made.outside / "package.json").write_text('{"name": "stolen", "version": "6.6.6"}', encoding="utf-8")
    return made


def state(folder: Path, but: Path) -> dict[str, object]:
    """Every path below *folder*, *but* for one folder: kind, mode, and what it holds."""
    found: dict[str, object] = {}
    todo = [str(folder)]
    while todo:
        with os.scandir(todo.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                held: Any = status.st_size
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
                    held = None
                elif entry.is_symlink():
                    held = str(Path(entry.path).readlink())
                elif stat.S_ISREG(status.st_mode) and status.st_size < 1 << 20:
                    held = hashlib.sha256(Path(entry.path).read_bytes()).digest()
                found[entry.path] = (stat.S_IFMT(status.st_mode), status.st_mode & 0o7777, held)
    return {path: held for path, held in found.items() if not f"{path}/".startswith(f"{but}/")}


class Outcome(NamedTuple):
    """What packing said and made: *files* by path, None when it was refused."""

    files: dict[str, bytes] | None
    modes: dict[str, int]
    said: str


def pack(place: Place, *options: str) -> Outcome:
    """Pack the package with the command, and check what holds for every outcome."""
    before = state(place.root.parent, place.out)
    words = ["pack", str(place.root), "--pack-destination", str(place.out), *options]
    done = CliRunner().invoke(linkpack, words)
    said = done.output
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        assert isinstance(done.exception, LinkpackError), done.exception
        said += error_text(done.exception.problems)
    made = sorted(place.out.iterdir()) if place.out.exists() else []
    assert state(place.root.parent, place.out) == before
    assert said.replace("\n", "").isprintable()
    if done.exit_code:
        assert made == []
        return Outcome(None, {}, said)
    (tarball,) = made
    with tarfile.open(tarball, encoding="utf-8", errors="surrogateescape") as archive:
        members = archive.getmembers()
        assert all(member.isreg() and member.name.startswith("package/") for member in members)
        assert len({member.name for member in members}) == len(members)
        reader = {member.name[8:]: archive.extractfile(member) for member in members}
        files = {path: source.read(1 << 20) for path, source in reader.items() if source is not None}
    assert all(SECRET not in content for content in files.values())
    return Outcome(files, {member.name[8:]: member.mode for member in members}, said)


def judge(place: Place, expected: str, culprit: str) -> None:
    """Pack, and hold the outcome against what is *expected*; the *culprit* is named when it does not ship."""
    outcome = pack(place)
    if expected == "right":
        assert outcome.files is not None, outcome.said
        assert culprit in outcome.files
        return
    if expected == "refuse":
        assert outcome.files is None
    assert culprit in outcome.said


LINKS: dict[str, tuple[Callable[[Place], object], str, str]] = {
    "a file": (lambda p: p.link("leak.txt", "../outside/secret.txt"), "either", "leak.txt"),
    "a folder": (lambda p: p.link("lib", "../outside/dir"), "either", "lib"),
    "the readme": (lambda p: p.link("README.md", "../outside/secret.txt"), "either", "README.md"),
    "the license": (lambda p: p.link("LICENSE", "../outside/secret.txt"), "either", "LICENSE"),
    "absolute": (lambda p: p.link("hosts", str(p.outside / "secret.txt")), "either", "hosts"),
    "into /proc": (lambda p: p.link("env", "/proc/self/environ"), "either", "env"),
    "to a device": (lambda p: p.link("zero", "/dev/zero"), "either", "zero"),
    "a chain": (lambda p: (p.link("a.js", "b.js"), p.link("b.js", "../outside/secret.txt")), "either", "a.js"),
    "through a folder": (
        lambda p: (p.link("d", "../outside"), p.link("s.txt", "d/secret.txt")),
        "either",
        "s.txt",
    ),
    "a loop": (lambda p: (p.link("a", "b"), p.link("b", "a")), "either", "a"),
    "its own folder": (lambda p: p.link("lib/self", "."), "either", "lib/self"),
    "dangling": (lambda p: p.link("gone", "nowhere"), "either", "gone"),
    "inside": (lambda p: p.link("alias.js", "index.js"), "right", "alias.js"),
    "to what never ships": (lambda p: (p.put(".npmrc"), p.link("rc", ".npmrc")), "either", "rc"),
    "the manifest": (
        lambda p: (p.drop("package.json"), p.link("package.json", "../outside/package.json")),
        "refuse",
        "package.json",
    ),
    "the manifest, absolute": (
        lambda p: (p.drop("package.json"), p.link("package.json", str(p.outside / "package.json"))),
        "refuse",
        "package.json",
    ),
    "the manifest, in a loop": (
        lambda p: (p.drop("package.json"), p.link("package.json", "package.json")),
        "refuse",
        "package.json",
    ),
    "a bundled manifest": (
        lambda p: (p.bundling("d"), p.link("node_modules/d/package.json", "../../../outside/package.json")),
        "refuse",
        "package.json",
    ),
    "a file of a bundled package": (
        lambda p: (
            p.bundling("d"),
            p.dependency("p/node_modules/d", "d"),
            p.link("node_modules/d/x.js", "../../../outside/secret.txt"),
        ),
        "either",
        "x.js",
    ),
    "node_modules": (
        lambda p: (p.bundling("d"), p.dependency("nm/d", "d"), p.link("node_modules", "../nm")),
        "right",
        "node_modules/d/index.js",
    ),
    "main": (lambda p: (p.manifest(main="m.js"), p.link("m.js", "../outside/secret.txt")), "either", "m.js"),
    "bin": (lambda p: (p.manifest(bin={"p": "b"}), p.link("b", "../outside/secret.txt")), "either", "b"),
    "browser": (lambda p: (p.manifest(browser="w.js"), p.link("w.js", "../outside/secret.txt")), "either", "w.js"),
    "directories.bin": (
        lambda p: (p.manifest(directories={"bin": "cli"}), p.link("cli", "../outside/dir")),
        "either",
        "cli",
    ),
    "files": (
        lambda p: (p.manifest(files=["index.js", "lib"]), p.link("lib", "../outside/dir")),
        "either",
        "lib",
    ),
    "files through it": (
        lambda p: (p.manifest(files=["index.js", "lib/secret.js"]), p.link("lib", "../outside/dir")),
        "either",
        "index.js",
    ),
    "publishConfig.directory": (
        lambda p: (
            p.manifest(publishConfig={"directory": "dist"}, packageManager="pnpm@9.0.0"),
            p.link("dist", "../outside"),
        ),
        "refuse",
        "publishConfig.directory",
    ),
}


@pytest.mark.parametrize("case", LINKS)
def test_links(place: Place, case: str) -> None:
    """A link takes nothing along from outside, wherever it stands and whatever names it."""
    make, expected, culprit = LINKS[case]
    make(place)
    judge(place, expected, culprit)


ESCAPES: list[dict[str, object]] = [
    {"main": "../outside/secret.txt"},
    {"main": "/etc/hostname"},
    {"bin": {"p": "../outside/secret.txt"}},
    {"bin": {"../../outside/planted": "index.js"}},
    {"browser": "../outside/secret.txt"},
    {"man": ["../outside/secret.txt"]},
    {"directories": {"bin": "../outside/dir"}},
    {"directories": {"bin": "/etc", "man": "../outside"}},
    {"files": ["index.js", "../outside/secret.txt"]},
    {"files": ["index.js", "../outside"]},
    {"files": ["index.js", "../**"]},
    {"files": ["index.js", "lib/../../outside/secret.txt"]},
    {"files": ["index.js", "/../outside/**"]},
    {"files": ["index.js", "./../outside"]},
    {"files": ["index.js", "!../outside", "..//outside/./secret.txt"]},
    {"patchedDependencies": {"a": "../outside/secret.txt"}},
    {"scripts": {"prepack": 5}, "workspaces": ["../outside", "/etc", 5]},
]


@pytest.mark.parametrize("fields", ESCAPES, ids=json.dumps)
def test_fields_that_lead_out(place: Place, fields: dict[str, object]) -> None:
    """A field of the manifest brings nothing in from outside."""
    place.manifest(**fields)
    outcome = pack(place, "--ignore-scripts")
    assert outcome.files is None or outcome.files.keys() == {"index.js", "package.json"}


BUNDLES: dict[str, tuple[Callable[[Place], object], str, str]] = {
    "linked": (
        lambda p: (p.bundling("d"), p.dependency("lib", "d"), p.link("node_modules/d", "../../lib")),
        "right",
        "node_modules/d/index.js",
    ),
    "scoped": (
        lambda p: (p.bundling("@s/d"), p.dependency("lib", "@s/d"), p.link("node_modules/@s/d", "../../../lib")),
        "right",
        "node_modules/@s/d/index.js",
    ),
    "a scope that is a link": (
        lambda p: (p.bundling("@s/d"), p.dependency("scope/d", "@s/d"), p.link("node_modules/@s", "../../scope")),
        "right",
        "node_modules/@s/d/index.js",
    ),
    "aliased": (
        lambda p: (p.bundling("alias"), p.dependency("p/node_modules/alias", "real")),
        "right",
        "node_modules/alias/index.js",
    ),
    "cyclic": (
        lambda p: (
            p.bundling("a"),
            p.dependency("p/node_modules/a", "a", dependencies={"b": "*"}),
            p.dependency("p/node_modules/b", "b", dependencies={"a": "*"}),
        ),
        "right",
        "node_modules/b/index.js",
    ),
    "hard-linked": (
        lambda p: (
            p.bundling("d"),
            p.dependency("p/node_modules/d", "d"),
            p.second("node_modules/d/index.js", "node_modules/d/two.js"),
        ),
        "right",
        "node_modules/d/two.js",
    ),
    "not installed": (lambda p: p.bundling("nope"), "refuse", "nope"),
    "not installed below": (
        lambda p: (p.bundling("a"), p.dependency("p/node_modules/a", "a", dependencies={"deep": "1"})),
        "refuse",
        "deep",
    ),
    "a broken link": (lambda p: (p.bundling("d"), p.link("node_modules/d", "../../gone")), "refuse", "d"),
    "a loop": (lambda p: (p.bundling("d"), p.link("node_modules/d", "d")), "refuse", "d"),
    "a file": (lambda p: (p.bundling("d"), p.put("node_modules/d")), "refuse", "d"),
    "a pipe": (lambda p: (p.bundling("d"), p.fifo("node_modules/d")), "refuse", "d"),
    "without a manifest": (lambda p: (p.bundling("d"), p.put("node_modules/d/index.js")), "refuse", "d"),
    "a link without a manifest": (
        lambda p: (p.bundling("d"), p.link("node_modules/d", "../../outside/dir")),
        "refuse",
        "d",
    ),
    "a bad manifest": (lambda p: (p.bundling("d"), p.put("node_modules/d/package.json", "{")), "refuse", "d"),
    "a manifest that is a pipe": (
        lambda p: (p.bundling("d"), p.fifo("node_modules/d/package.json")),
        "refuse",
        "package.json",
    ),
    "a manifest that is a folder": (
        lambda p: (p.bundling("d"), p.put("node_modules/d/package.json/x")),
        "refuse",
        "package.json",
    ),
    "the package itself": (lambda p: (p.bundling("p"), p.link("node_modules/p", "..")), "refuse", "p"),
    "a folder around it": (lambda p: (p.bundling("up"), p.link("node_modules/up", "../..")), "refuse", "up"),
    "the root of the disk": (lambda p: (p.bundling("all"), p.link("node_modules/all", "/")), "refuse", "all"),
}


@pytest.mark.parametrize("case", BUNDLES)
def test_bundles(place: Place, case: str) -> None:
    """A bundled package ships wherever it lies; what is no package is refused by name."""
    make, expected, culprit = BUNDLES[case]
    make(place)
    judge(place, expected, culprit)


NO_NAMES = [
    "..",
    ".",
    "",
    "/etc",
    "../outside/dir",
    "@s/../../../outside/dir",
    "a/b",
    "@s",
    "@s/",
    "d\0p",
    "d\np",
    " d",
]
NO_NAMES += ["..\\..\\outside\\dir", ".bin", ".pnpm", "node_modules", "d e", "d%2fe", "\x1b[31m", "d" * 300, "é/é"]


@pytest.mark.parametrize("value", [*([name] for name in NO_NAMES), 42, "dep", [None], [7], [["d"]], {"d": True}])
def test_names_of_bundles(place: Place, value: object) -> None:
    """What is no package name is refused, and never becomes a path."""
    place.manifest(dependencies={"dep": "1"}, bundleDependencies=value)
    place.dependency("p/node_modules/dep", "dep")
    place.put("node_modules/.bin/x")
    place.put("node_modules/.pnpm/x")
    assert pack(place).files is None


LONG = f"{'d' * 100}/{'e' * 100}/{'f' * 100}/a.js"
SPECIAL: dict[str, tuple[Callable[[Place], object], str, str]] = {
    "a pipe": (lambda p: p.fifo("pipe"), "either", "pipe"),
    "a pipe in a folder": (lambda p: p.fifo("lib/pipe"), "either", "lib/pipe"),
    "a pipe as manifest": (
        lambda p: (p.drop("package.json"), p.fifo("package.json")),
        "refuse",
        "package.json",
    ),
    "a pipe as ignore file": (lambda p: p.fifo(".npmignore"), "either", ".npmignore"),
    "a pipe as ignore file below": (lambda p: p.fifo("lib/.gitignore"), "either", ".gitignore"),
    "a pipe as npmrc": (
        lambda p: (p.manifest(scripts={"prepack": "true"}), p.fifo(".npmrc")),
        "right",
        "index.js",
    ),
    "a pipe as license": (lambda p: p.fifo("LICENSE"), "either", "LICENSE"),
    "a pipe as main": (lambda p: (p.manifest(main="m.js"), p.fifo("m.js")), "either", "m.js"),
    "a pipe as workspace file": (lambda p: p.fifo("pnpm-workspace.yaml"), "either", "pnpm-workspace.yaml"),
    "a socket": (lambda p: p.socket("sock"), "either", "sock"),
    "a folder as manifest": (
        lambda p: (p.drop("package.json"), p.put("package.json/x")),
        "refuse",
        "package.json",
    ),
    "a folder as ignore file": (lambda p: p.put(".npmignore/x"), "either", ".npmignore"),
    "a large ignore file": (lambda p: p.put(".npmignore", "a\n" * 600_000), "refuse", ".npmignore"),
    "a large manifest": (lambda p: p.put("package.json", '{"a":"' + "x" * (17 << 20)), "refuse", "package.json"),
    "nine gigabytes": (
        lambda p: (p.put("holes"), p.grow("holes", 9 << 30)),
        "refuse",
        "holes",
    ),
    "a long path": (lambda p: p.put(LONG), "right", LONG),
    "a deep path": (lambda p: p.put("d/" * 300 + "a.js"), "right", "d/" * 300 + "a.js"),
}  # fmt: skip


@pytest.mark.parametrize("case", SPECIAL)
def test_special_files(place: Place, case: str) -> None:
    """What is no plain file, or too large, is left out and named or refused; nothing is waited for."""
    make, expected, culprit = SPECIAL[case]
    make(place)
    judge(place, expected, culprit)


def test_a_path_beyond_the_system(place: Place) -> None:
    """Paths longer than the system takes at once are refused by name, at any depth."""
    here = Path.cwd()
    os.chdir(place.root)
    for _ in range(24):
        Path("d" * 240).mkdir()
        os.chdir("d" * 240)
    Path("a.js").touch()
    os.chdir(here)
    done = CliRunner().invoke(linkpack, ["pack", str(place.root), "--pack-destination", str(place.out)])
    assert isinstance(done.exception, LinkpackError)
    assert done.exception.code == "EPATHLONG"
    assert not place.out.exists()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o664, 0o666, 0o4755, 0o2755, 0o1644, 0o777, 0o700])
def test_modes(place: Place, mode: int) -> None:
    """Every mode becomes 644 or 755, by its owner's right to run it."""
    place.put("file", "x", mode)
    assert pack(place).modes["file"] == (0o755 if mode & 0o100 else 0o644)


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 1023, 1024, 10239, 10240, 10241, 65537, 262144, 262145])
def test_sizes(place: Place, size: int) -> None:
    """Files ship whole, also at the edges of blocks and buffers."""
    content = bytes(range(256)) * (size // 256 + 1)
    place.put("file", content[:size])
    assert (pack(place).files or {})["file"] == content[:size]


ODD_NAMES = {
    "right": [
        "a b.js", "-rf", "@list", "a..b.js", "#x", "!x.js", "[id].js", "{a,b}.js", "(g)/p.js", "$(x).js",
        "%2e%2e%2fx",
        "ü.js", "\U0001f4e6.js", "n" * 255, "~", "'q'", ";", "&", "%s", "é/ü/ñ.js", "--", ".a",
    ],
    "warned": [
        "a\nb", "a\tb", "\x1b[31mr", "\x1b]0;t\x07t", "s\rb", "a\x7fb", "a\x9bb", "a\u202eb", "a\u200bb",
        "\ufeffa",
        "a:b", "a?b", "a<b", "a|b", '"', "CON", "con.js", "aux/x.js", "NUL.txt", "lpt³", "COM1", "...",
        "trail.", "trail ", "d./x",
    ],
    "refused": ["a\\b.js", "..\\x", "\udcff.js", "d\udc80/x.js"],
    "left out": ["a*b.js", "d*/x.js"],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in ODD_NAMES.items() for name in names])
def test_names(place: Place, kind: str, name: str) -> None:
    """Odd names ship, some with a warning; those that no reader would take for what they are do not."""
    target = place.root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("odd", encoding="utf-8")
    outcome = pack(place)
    warned = "WNAME" in outcome.said
    if kind == "refused":
        assert (outcome.files, "EBADNAME" in outcome.said) == (None, True)
    else:
        assert outcome.files is not None
        assert (name in outcome.files, warned) == (kind != "left out", kind != "right")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.js", "A.js"),
        ("lib/x", "LIB/y"),
        ("straße", "STRASSE"),
        ("ü", "u\u0308"),
        ("K", "\u212a"),
        ("package.json", "Package.json"),
        ("ß", "ẞ"),
        ("ﬁ", "fi"),
        ("İ", "i̇"),
    ],
)
def test_names_that_are_one_elsewhere(place: Place, one: str, other: str) -> None:
    """Two names that are one on a system that folds case or composes ship with a warning that names them."""
    for name in (one, other):
        if not (place.root / name).exists():
            place.put(name)
    outcome = pack(place)
    assert outcome.files is not None
    assert {one, other} <= outcome.files.keys()
    assert "WCASE" in outcome.said


NAMED = [
    ".env", ".env.local", "app/.env.production", ".ENV", ".envrc", ".env~", "#.env#", "id_rsa",
    "deploy/id_ed25519",
    "id_ecdsa_sk", "k/.ssh/config", ".id_rsa.swq", "x.p12", ".netrc", "_netrc", ".pypirc",
    ".aws/credentials",
    ".git-credentials", "a.kdbx", "b.PFX", ".docker/config.json", ".kube/config", ".pgpass", ".htpasswd",
    "id_rsa.bak", ".netrc.old",
]  # fmt: skip
BEGIN, END = "-----BEGIN {} PRIVATE KEY-----", "-----END {} PRIVATE KEY-----"
ESCAPED = f"-----BEGIN PRIVATE KEY-----\\n{'MIIEvQIBADANBgkq' * 4}\\n-----END PRIVATE KEY-----"
HELD = {
    "config.js": f"`{BEGIN.format('RSA')}\n{'MIIEpAIBAAKCAQEA' * 4}\n{END.format('RSA')}`",
    "short.js": f"`{BEGIN.format('OPENSSH')}\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n{END.format('OPENSSH')}`",
    "escaped.json": f'{{"k": "{ESCAPED}"}}',
    "lib/publish.js": f"const t = 'npm_{'Zz8' * 12}'\n",
    "aws.json": '{"accessKeyId": "AKIAIOSFODNN7ABCDEFG"}',
    "ci.yml": f"token: ghp_{'a1B2c3' * 6}\n",
    "settings/npmrc": f"//registry.example/:_authToken=npm_{'Ab9' * 12}\n",
    "slack.js": "xoxb-1234567890-abcdefghij0123456789\n",
}
SECRETS = {**dict.fromkeys(NAMED, "A=b\n"), **HELD}


@pytest.mark.parametrize("path", SECRETS)
def test_secrets(place: Place, path: str) -> None:
    """A file that is a secret by its name, or holds one, does not ship without a word."""
    place.put(path, SECRETS[path])
    outcome = pack(place)
    assert outcome.files is not None
    warnings = [line for line in outcome.said.splitlines() if "warning WSECRET" in line]
    assert path not in outcome.files or [path in line for line in warnings] == [True]


def test_a_settings_file_that_ships(place: Place) -> None:
    """A `.npmrc` stays out, unless the manifest names it as main: then it ships, and not without a word."""
    for name, shipped in (("index.js", False), (".npmrc", True)):
        place.manifest(main=name)
        place.put(".npmrc", "audit=false\n")
        outcome = pack(place)
        assert (".npmrc" in (outcome.files or {})) == shipped
        assert ("warning WSECRET: .npmrc is npm's settings file" in outcome.said) == shipped


@pytest.mark.parametrize(
    "path", [".env.example", ".env.sample", "env.js", "src/id.js", "docs/id_rsa.md", "a~", "tsconfig.json"]
)
def test_what_is_no_secret(place: Place, path: str) -> None:
    """Samples and common names ship without a warning."""
    place.put(path, "-----BEGIN PRIVATE KEY-----\nnot one\n npm_config_registry AKIA ghp_ SG. \n")
    outcome = pack(place)
    assert path in (outcome.files or {})
    assert "WSECRET" not in outcome.said


def test_secrets_of_bundled_packages(place: Place) -> None:
    """A linked package's contents are looked at as the project's own, an installed one's names only."""
    token = "npm_" + "Zz8" * 12
    place.bundling("linked", "installed")
    place.dependency("lib", "linked")
    place.link("node_modules/linked", "../../lib")
    place.dependency("p/node_modules/installed", "installed")
    place.put("../lib/a.js", token)
    place.put("../lib/.git/config", token)
    place.put("node_modules/installed/b.js", token)
    place.put("node_modules/installed/.env", "A=b")
    outcome = pack(place)
    assert outcome.files is not None
    assert not any("/.git/" in path for path in outcome.files)
    said = [line.split(": ")[2].split(" ")[0] for line in outcome.said.splitlines() if "warning WSECRET" in line]
    assert sorted(said) == ["node_modules/installed/.env", "node_modules/linked/a.js"]


def test_secrets_in_the_json(place: Place) -> None:
    """What was found in contents is among the warnings of --json, dry runs included."""
    place.put("a.js", "npm_" + "Zz8" * 12)
    words = ["pack", str(place.root), "--pack-destination", str(place.out), "--json", "--dry-run", "--quiet"]
    (found,) = json.loads(CliRunner().invoke(linkpack, words, catch_exceptions=False).stdout)
    assert [each["code"] for each in found["linkpack"]["warnings"]] == ["WSECRET"]


def test_what_is_ignored_in_a_workspace_root(place: Place) -> None:
    """A member's secrets that the workspace root ignores do not ship (CVE-2022-29244)."""
    place.manifest(workspaces=["packages/*"])
    place.put(".gitignore", "*.secret\nprivate\n")
    place.put("packages/m/package.json", '{"name": "m", "version": "1.0.0"}')
    for path in ("a.secret", "private/b.js", "c.js"):
        place.put(f"packages/m/{path}")
    outcome = pack(place._replace(root=place.root / "packages/m"))
    assert outcome.files is not None
    assert outcome.files.keys() == {"c.js", "package.json"}


LIMITS: list[tuple[str, str, Callable[[Place], object], str]] = [
    ("--max-entries", "3", lambda p: [p.put(f"f{n}") for n in range(9)], "ELIMIT"),
    ("--max-entries", "1", lambda _: None, "ELIMIT"),
    ("--max-file", "1kB", lambda p: p.put("large", "x" * 1001), "ETOOLARGE"),
    ("--max-unpacked", "2KiB", lambda p: [p.put(f"f{n}", "x" * 1000) for n in range(3)], "ELIMIT"),
    ("--max-path", "200", lambda p: p.put(f"{'a' * 100}/{'b' * 100}"), "EPATHLONG"),
    ("--max-manifest", "100", lambda p: p.manifest(description="x" * 100), "EMANIFEST"),
    ("--max-ignore-file", "10", lambda p: p.put(".npmignore", "*.log\n*.tmp\n"), "EUNREADABLE"),
    ("--max-steps", "900", lambda p: p.put(".npmignore", "a?\nb?\nc?\nd?\n"), "ELIMIT"),
    ("--max-steps", "120", lambda p: p.manifest(files=["**/a"]), "ELIMIT"),
]


@pytest.mark.parametrize(("option", "value", "make", "code"), LIMITS)
def test_limits(place: Place, option: str, value: str, make: Callable[[Place], object], code: str) -> None:
    """What is beyond a limit is refused, with the option that raises it; with the default it is packed."""
    make(place)
    refused = pack(place, option, value)
    assert refused.files is None
    assert f"error {code}" in refused.said
    assert pack(place).files is not None


def test_work_on_patterns_is_counted_over_all_names(place: Place) -> None:
    """Many patterns for many names are too much together, where neither is by itself."""
    place.put(".npmignore", "".join(f"*{number}*a?{number}*\n" for number in range(60)))
    for number in range(200):
        place.put(f"d/f{number}.js")
    assert pack(place, "--max-steps", "100000").files is not None
    (place.out / "p-1.0.0.tgz").unlink()
    assert "--max-steps" in pack(place, "--max-steps", "25000").said
