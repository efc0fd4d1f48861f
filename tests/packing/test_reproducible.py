"""One project, packed under everything that could make a difference, is one file, to the last bit.

Other Pythons are those called `python3.X` on PATH, those of pyenv, and those in LINKPACK_PYTHONS; each needs
linkpack's dependencies. LINKPACK_EMULATED names programs that start Python on another processor or architecture.
Both are lists like PATH. What is not there is skipped; docs/security.md says where which ran.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from linkpack.packing.pack import pack
from tests.support.faulty import ROOT, faulty

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.faulty import Faulty

# The bytes are a promise: whoever changes them changes the format, and says so in the changelog.
INTEGRITY = "sha512-yC3RU8S9FHBmt4dzJi8idrZSV1KaU5RNEx9GIE/Yhh7h/bH12V6hmkwtU5xGWFLDpcLXFSI+Y0akNpW+N4DyyA=="
TARBALL = "app-1.0.0.tgz"
PROBE = "import linkpack.cli.pack, click, pathspec, packaging, tarsafe, yaml, zlib_ng; print(linkpack.__file__)"
_KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")


def contents() -> dict[str, bytes]:
    """The files of the project, by path: names of every kind, several of the compressor's blocks, a link."""
    noise = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(20_000))  # 640,000 bytes
    fields = {"name": "app", "version": "1.0.0", "bin": "cli.js", "dependencies": {"lib": "file:../lib"}}
    return {
        "app/package.json": json.dumps({**fields, "bundleDependencies": ["lib"]}, indent=2).encode(),
        "app/cli.js": b"#!/usr/bin/env node\n",
        "app/noise.bin": noise,
        "app/text.js": b"module.exports = 'the same line again'\n" * 20_000,
        "app/Zoo.js": b"1",
        "app/apple.js": b"2",
        "app/\u00e4pfel/\u65e5\u672c.js": b"3",
        "app/a b/c-d/e_f.js": b"",
        **{f"app/many/{number}.js": b"%d" % number for number in range(40)},
        "lib/package.json": b'{"name": "lib", "version": "2.0.0", "dependencies": {"dep": "*"}}',
        "lib/index.js": b"require('dep')\n",
        "lib/node_modules/dep/package.json": b'{"name": "dep", "version": "3.0.0"}',
        "lib/node_modules/dep/index.js": b"4",
    }


def lay_out(root: Path, *, backwards: bool = False) -> Path:
    """The project below *root*; its folder. *backwards*: what makes no difference, made otherwise."""
    files = list(contents().items())
    for path, text in reversed(files) if backwards else files:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
        file.chmod(0o600 if backwards else 0o664)
        os.utime(file, (1, 1) if backwards else (2_000_000_000, 2_000_000_000))
    (root / "app/node_modules").mkdir()
    (root / "app/node_modules/lib").symlink_to(root / "lib" if backwards else "../../lib")
    return root / "app"


def integrity(raw: bytes) -> str:
    """The integrity of a file with the bytes *raw*."""
    return "sha512-" + base64.b64encode(hashlib.sha512(raw).digest()).decode()


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """A folder with the project in `in`, which everybody can reach."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name).resolve()
        path.chmod(0o755)
        lay_out(path / "in")
        yield path


@pytest.fixture(scope="module")
def server() -> Iterator[Faulty]:
    """A server for the tests of this module."""
    with faulty() as found:
        yield found


def run(program: list[str], project: Path, out: Path, env: Mapping[str, str] = {}, umask: int = 0o022) -> str:
    """The integrity of what the command line packs of *project*, with *env* and little else."""
    base = {name: os.environ[name] for name in _KEPT if name in os.environ}
    done = subprocess.run(
        [*program, "-m", "linkpack", "pack", "--json", "--pack-destination", str(out)],
        cwd=project, env={**base, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **env},
        umask=umask, check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    told = json.loads(done.stdout)[0]["integrity"]
    assert told == integrity((out / TARBALL).read_bytes())
    return str(told)


def test_the_digest_is_the_recorded_one(scratch: Path) -> None:
    """The project packs to the file that it packed to when this was written."""
    assert pack(scratch / "in/app", destination=scratch / "plain").integrity == INTEGRITY


@pytest.mark.parametrize(
    ("env", "umask"),
    [
        ({"LC_ALL": "C"}, 0o022),
        ({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, 0o022),
        ({"LC_ALL": "C.UTF-8"}, 0o000),
        ({"LC_ALL": "tr_TR.UTF-8"}, 0o077),
        ({"LANG": "de_DE.ISO-8859-1"}, 0o022),
        ({"TZ": "Asia/Kathmandu"}, 0o022),
        ({"TZ": "right/UTC", "SOURCE_DATE_EPOCH": "1"}, 0o022),
        ({"HOME": "/nonexistent", "USER": "nobody"}, 0o027),
        ({"HOME": ""}, 0o022),
        ({"PYTHONHASHSEED": "0"}, 0o022),
        ({"PYTHONHASHSEED": "4242"}, 0o022),
        ({"npm_config_umask": "077", "COLUMNS": "20", "NO_COLOR": "1", "CI": "true"}, 0o022),
    ],
    ids=str,
)
def test_surroundings_do_not_change_the_bytes(
    env: dict[str, str], umask: int, scratch: Path, tmp_path: Path
) -> None:
    """Locale, time zone, clock, home, hash seed, umask and npm's settings make no difference."""
    assert run([sys.executable], scratch / "in/app", tmp_path, env, umask) == INTEGRITY


@pytest.mark.parametrize("seed", range(6))
def test_the_order_of_directories_does_not_change_the_bytes(
    seed: int, scratch: Path, tmp_path: Path, server: Faulty
) -> None:
    done = server.run(["pack", "--pack-destination", str(tmp_path)], scratch / "in/app", shuffle=seed)
    assert done.status == 0, done.err
    assert integrity((tmp_path / TARBALL).read_bytes()) == INTEGRITY


def test_another_user_does_not_change_the_bytes(scratch: Path, server: Faulty) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    out = scratch / "theirs"
    out.mkdir(mode=0o777)
    out.chmod(0o777)
    done = server.run(["pack", "--pack-destination", str(out)], scratch / "in/app", nobody=True)
    assert done.status == 0, done.err
    assert (out / TARBALL).stat().st_uid != 0
    assert integrity((out / TARBALL).read_bytes()) == INTEGRITY


@pytest.mark.parametrize("where", ["x", "a b/\u00e9\u4e2d/-c", "/".join(["n" * 100] * 9), "node_modules/y"])
def test_another_place_does_not_change_the_bytes(where: str, tmp_path: Path) -> None:
    """Nor where the project lies, when its files were made and in which order, their times, and 600 for 664."""
    project = lay_out(tmp_path / where, backwards=True)
    tarball = pack(project, destination=tmp_path / "out")
    assert tarball.integrity == INTEGRITY


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_thread_count_does_not_change_the_bytes(threads: int, scratch: Path, tmp_path: Path) -> None:
    assert pack(scratch / "in/app", destination=tmp_path, threads=threads).integrity == INTEGRITY


def test_processor_count_does_not_change_the_bytes(scratch: Path, tmp_path: Path, server: Faulty) -> None:
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system does not tell processors apart")
    cpus = sorted(os.sched_getaffinity(0))[:1]
    done = server.run(["pack", "--pack-destination", str(tmp_path)], scratch / "in/app", cpus=cpus)
    assert done.status == 0, done.err
    assert integrity((tmp_path / TARBALL).read_bytes()) == INTEGRITY


def test_hard_links_do_not_change_the_bytes(tmp_path: Path) -> None:
    project = lay_out(tmp_path / "in")
    (tmp_path / "store").mkdir()
    for number, path in enumerate(sorted(project.rglob("*.js"))):
        (tmp_path / "store" / str(number)).hardlink_to(path)
    assert pack(project, destination=tmp_path / "out").integrity == INTEGRITY


def pythons(version: str) -> Iterator[str]:
    """Interpreters that could be of *version*."""
    yield from (path for path in os.environ.get("LINKPACK_PYTHONS", "").split(os.pathsep) if path)
    yield from filter(None, [sys.executable, shutil.which(f"python{version}")])
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python")))


def usable(python: str, version: str) -> bool:
    """Whether *python* is of *version* and has what linkpack needs."""
    code = f"import sys; assert sys.version_info[:2] == {tuple(map(int, version.split('.')))}; {PROBE}"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    try:
        return subprocess.run([python, "-c", code], env=env, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_another_python_does_not_change_the_bytes(version: str, scratch: Path, tmp_path: Path) -> None:
    found = next((python for python in pythons(version) if usable(python, version)), None)
    if found is None:
        pytest.skip(f"no Python {version} with linkpack's dependencies")
    assert run([found], scratch / "in/app", tmp_path) == INTEGRITY


def test_another_architecture_does_not_change_the_bytes(scratch: Path, tmp_path: Path) -> None:
    programs = [path for path in os.environ.get("LINKPACK_EMULATED", "").split(os.pathsep) if path]
    if not programs:
        pytest.skip("LINKPACK_EMULATED names no program that starts Python on another processor")
    assert {path: run([path], scratch / "in/app", tmp_path / str(i)) for i, path in enumerate(programs)} == (
        dict.fromkeys(programs, INTEGRITY)
    )
