"""What honest tools write has no errors."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.errors import LinkpackError
from linkpack.verifying import verdict as api
from linkpack.verifying.unpack import unpack
from tests.support.badtar import BODY, cut, gnu, header, manifest, member, octal, patched, pax, write
from tests.support.npm import npm_root

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parents[2] / "fixtures" / "tarballs"
LONG = "package/" + "d" * 90 + "/" + "é" * 60 + ".js"
KEY = "-----BEGIN PRIVATE KEY-----\n" + "QUJD" * 16
NAMED = ("a b", "#x", "@t", "(o)!.js", "日本.js", ".x")

GOOD = [
    ("plain", BODY, []),
    ("empty-file", BODY + member("package/e.js", b""), []),
    ("manifest-last", member("package/index.js") + manifest(), []),
    ("folders", header(b"package/", 0, b"5", mode=0o755) + BODY + header(b"package/lib/", 0, b"5"), []),
    ("root-after-its-files", BODY + header(b"package/", 0, b"5"), []),
    ("folder-without-a-slash", BODY + header(b"package/lib", 0, b"5"), []),
    ("old-type", BODY + member("package/a.js", kind=b"\0"), []),
    ("gnu-magic", BODY + header(b"package/a.js", magic=b"ustar  \0"), []),
    ("gnu-long-name", BODY + gnu(b"L", LONG.encode() + b"\0") + cut(LONG), []),
    ("prefix", BODY + header(b"a.js", prefix=b"package/lib"), []),
    ("pax", BODY + pax({b"path": LONG.encode(), b"mtime": b"1.5", b"size": b"2"}) + cut(LONG), []),
    ("pax-of-bun", BODY + pax({b"hdrcharset": b"BINARY", b"path": LONG.encode()}) + cut(LONG), []),
    ("pax-foreign", BODY + pax({b"SCHILY.dev": b"1", b"uid": b"501", b"comment": b"c"}) + member("package/a"), []),
    ("owner-in-base-256", BODY + patched(header(b"package/a.js"), 108, b"\x80" + b"\0" * 3 + b"\x7f" * 4), []),
    ("old-npm", BODY + pax({b"NODETAR.depth": b"1", b"path": LONG.encode(), b"NODETAR.package.author": b"",
     b"NODETAR.package.readme": b"# a\n\n1. one\n2015 = x\n", b"uid": b"501"}) + cut(LONG), []),
    ("yarn", BODY + pax({b"path": LONG.encode()}) + member("PaxHeader"), []),
    ("bun", BODY + pax({b"path": b"package/" + b"d" * 160 + b"/x.js"}) + member("package/x.js"), []),
    ("numbers-with-spaces", BODY + header(b"package/a.js", b"        0 \0\0"), []),
    ("real-time", BODY + header(b"package/a.js", mtime=octal(1_700_000_000, 12)), []),
    ("modes", BODY + member("package/a.js", mode=0o777) + member("package/b.js", mode=0o100600), []),
    ("padded-end", BODY + bytes(9216), []),
    ("names", BODY + b"".join(member(f"package/{each}") for each in NAMED), []),
    ("global-comment", pax({b"comment": b"c0ffee"}, b"g") + BODY, ["WPAX"]),
    ("global-commit", pax({b"comment": b"c0ffee2525" * 4}, b"g") + BODY, []),
    ("other-root", manifest("node/package.json"), ["WROOT"]),
    ("root-of-definitely-typed", manifest("evil/package.json", name="@types/evil"), []),
    ("root-of-github", manifest("owner-evil-9aadb7a/package.json"), []),
    ("root-of-a-tag", manifest("evil-v1.0.0/package.json"), []),
    ("root-of-another", manifest("devil/package.json"), ["WROOT"]),
    ("two-times", BODY + header(b"a.js", prefix=b"package".ljust(131, b"\0") + b"15270546233\0" * 2), []),
    ("dot-portion", BODY + member("package/./x.js"), []),
    ("dot-portion-again", BODY + member("package/./a.js") + member("package/a.js"), []),
    ("trailing-dot", BODY + member("package/trail."), ["WNAME"]),
    ("question-mark", BODY + member("package/what?.js"), ["WNAME"]),
    ("folders-by-case", BODY + member("package/Lib/a.js") + member("package/lib/b.js"), ["WCASE"]),
    ("npmrc", BODY + member("package/.npmrc", "//r/:_authToken=${NPM_TOKEN}"), ["WNPMRCSHIPS"]),
    ("env-sample", BODY + member("package/.env.example") + member("package/.env.sample.local"), []),
    ("dependencies-list", manifest(dependencies=[]), ["WMANIFEST"]),
    ("no-license", manifest(license=None), ["WLICENSE"]),
    ("old-license", manifest(license={"type": "MIT"}), ["WLICENSE"]),
    ("licenses", manifest(license=None, licenses=[]), ["WLICENSE"]),
    ("license-expression", manifest(license="(MIT OR Apache-2.0)"), []),
    ("unlicensed", manifest(license="UNLICENSED"), []),
    ("license-file", manifest(license="SEE LICENSE IN LICENCE") + member("package/LICENCE"), []),
    ("key-heading", BODY + member("package/a.js", "'-----BEGIN PRIVATE KEY-----\\n' + body"), []),
    ("key-in-a-test", BODY + member("package/test/key.pem", KEY), ["WSECRET"]),
    ("key-in-fixtures", BODY + member("package/fixtures/id_rsa"), ["WSECRET"]),
    ("keys-in-tests", BODY + member("package/test/a.pem", KEY) + member("package/test/b.pem", KEY), ["WSECRET"]),
    ("login-of-a-word", BODY + member("package/a.js", 'set //r/:_authToken="secretVerdaccioToken"'), []),
    ("token-of-a-page", BODY + member("package/README.md", "ghp_PersonalAccessToken01245678900000000"), []),
    ("types-of-a-script", manifest(types="t/index.mjs") + member("package/t/index.d.mts"), []),
    ("types-gone-in-exports", manifest(exports={"types": "./a.d.ts", "default": "./a.js"})
     + member("package/a.js"), ["WTYPES"]),
    ("types-gone-for-one", manifest(exports={"types@<5": {"import": "./a.d.ts"}, "import": "./a.js"})
     + member("package/a.js"), ["WTYPES"]),
    ("exports-of-a-checkout", manifest(exports={"@s/source": "./a.ts", "default": "./a.js"})
     + member("package/a.js"), []),
    ("bin-made-later", manifest(bin="x.exe", scripts={"postinstall": "node install.js"})
     + member("package/x.exe", "not yet"), ["WENTRYPOINT"]),
    ("main-made-later", manifest(main="build/a.node") + member("package/binding.gyp"), ["WENTRYPOINT"]),
    ("shebang-of-windows", manifest(bin="c") + member("package/c", "#!/usr/bin/env node\r\n"), ["WSHEBANG"]),
    ("types-versions", manifest(types="index.d.ts", typesVersions={"*": {"*": ["dist/*"]}}), []),
    ("example-key", BODY + member("package/a.js", "AKIAIOSFODNN7EXAMPLE"), []),
    ("main-gone", manifest(main="gone.js") + member("package/index.js"), ["WENTRYPOINT"]),
    ("main-unused", manifest(main="gone.js", exports="./a.js") + member("package/a.js"), ["WENTRYPOINT"]),
    ("module-gone", manifest(module="gone.mjs"), ["WENTRYPOINT"]),
    ("main-folder", manifest(main="./lib/") + member("package/lib/index.js"), []),
    ("main-here", manifest(main=".") + member("package/index.js"), []),
    ("main-without-ending", manifest(main="a", types="a") + member("package/a.js") + member("package/a.d.ts"), []),
    ("exports", manifest(exports={".": {"import": "./a.js"}, "./b": None, "./*": "./l/*.js", "./d/": "./l/"})
     + member("package/a.js") + member("package/l/x.js"), []),
    ("exports-list", manifest(exports={".": ["./a.js", "./b.js"], "./c": []}) + member("package/a.js"), []),
    ("bin", manifest(bin="./cli") + member("package/cli", "#!/usr/bin/env node\n"), []),
    ("bin-of-a-scope", manifest(bin={"@s/x": "cli"}) + member("package/cli", "#!/bin/sh\n"), []),
    ("bin-program", manifest(bin="cli") + member("package/cli", b"\x7fELF\2"), []),
    ("spec-inside", manifest(dependencies={"a": "file:./vendor/a"})
     + manifest("package/vendor/a/package.json", name="a"), []),
    ("dev-specs", manifest(devDependencies={"a": "workspace:*", "b": "file:../b", "c": "jsr:@d/c@1"}), []),
    ("git-spec", manifest(dependencies={"a": "github:a/a", "b": "git+ssh://git@host/b.git"}), []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "stream", "codes"), GOOD, ids=[each[0] for each in GOOD])
def test_a_good_tarball_is_accepted(name: str, stream: bytes, codes: list[str], tmp_path: Path) -> None:
    """Each is accepted, with the warnings listed, and unpacks to what it holds."""
    path = write(tmp_path, stream)
    verdict = api.verify(path)
    assert [each.code for each in verdict.findings] == codes, name
    assert verdict.ok
    done = unpack(path, tmp_path / "to")
    found = [each for each in (tmp_path / "to").rglob("*") if each.is_file()]
    assert len(found) == done.files == verdict.entries


NAMES = [
    ("@s/n", "1.0.0+b", "s-n-1.0.0+b.tgz", ""),
    ("@s/n", "1.0.0+b", "s-n-1.0.0.tgz", ""),
    ("@s/n", "1.0.0", "n-1.0.0.tgz", ""),
    ("@s/n", "1.0.0", "@s-n-1.0.0.tgz", ""),
    ("@s/n", "1.0.0", "n-1.0.0.tar.gz", ""),
    ("n", "1.0.0", "package.tgz", "WFILENAME"),
    ("n", "1.0.0", "n.tgz", "WFILENAME"),
    ("n", "1.0.0", "n-1.0.1.tgz", "EFILENAME"),
    ("n", "1.0.0", "n-1.0.0-rc.1.tgz", "EFILENAME"),
    ("n", "1.0.0", "m-1.0.0.tgz", "EFILENAME"),
]


@pytest.mark.parametrize(("name", "version", "filename", "code"), NAMES)
def test_file_names_of_all_packers_are_known(
    name: str, version: str, filename: str, code: str, tmp_path: Path
) -> None:
    """A file's name is that of its package in the way of npm, pnpm, yarn or a registry, or says nothing of it."""
    path = write(tmp_path, manifest(name=name, version=version), filename)
    assert [each.code for each in api.verify(path).findings] == [code] * bool(code)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.tgz")), ids=lambda path: path.stem)
def test_golden_tarballs(path: Path, tmp_path: Path) -> None:
    """The tarballs that our own packing is held to are accepted, bundles included."""
    verdict = api.verify(path)
    assert verdict.ok
    assert verdict.serves == ("npm", "pnpm")
    assert verdict.edges > 0
    assert unpack(path, tmp_path).files == verdict.entries


def installed(count: int) -> Iterator[Path]:
    """Folders of packages that npm itself is made of."""
    modules = npm_root() / "node_modules"
    scoped = [each for scope in modules.glob("@*") for each in scope.iterdir()]
    found = [each for each in (*modules.iterdir(), *scoped) if (each / "package.json").is_file()]
    yield from sorted(found)[:count]


def undeclared(folder: Path) -> bool:
    """Whether *folder* names types and has no declaration at all: npm ships its dependencies without them."""
    about = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    return "d.ts" in json.dumps(about) and not any(folder.rglob("*.d.[cm]ts")) and not any(folder.rglob("*.d.ts"))


@pytest.mark.differential
def test_real_packages(tmp_path: Path) -> None:
    """Packages of npm's own tree, packed anew, are accepted, but that npm took the types of some away."""
    seen = 0
    for folder in installed(400):
        try:
            tarball = linkpack.pack(folder, destination=tmp_path)
        except LinkpackError:  # it needs what lies beside it
            continue
        verdict = api.verify(tarball.path)
        codes = {each.code for each in verdict.findings if each.severity == "error"}
        assert codes <= ({"ETYPES"} if undeclared(folder) else set()), verdict.findings
        seen += 1
    assert seen > 100


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tarballs_of_other_writers_are_read(form: int, tmp_path: Path) -> None:
    """Python's tarfile, in each of its formats and with a time, an owner and a record size of its own, is read."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name in ("package/package.json", "package/" + "d" * 60 + "/" + "e" * 60, "package/short"):
            data = b'{"name": "evil", "version": "1.0.0", "license": "MIT"}'
            about = tarfile.TarInfo(name)
            about.size, about.mtime, about.uid, about.uname = len(data), 1_700_000_000, 501, "somebody"
            archive.addfile(about, io.BytesIO(data))
    assert api.verify(write(tmp_path, buffer.getvalue())).findings == ()
