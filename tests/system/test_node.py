"""What a `node` on PATH says of itself, and what is remembered of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from linkpack.errors import ConfigError
from linkpack.npm.programs import find_node, find_program
from linkpack.system.node import NodeUnknown, ask_node

if TYPE_CHECKING:
    from pathlib import Path

ENV = {"PATH": "/usr/bin:/bin"}
ANSWER = '{"execPath":"EXEC","version":"v20.1.0","platform":"linux","arch":"x64","variables":{}}'


def program(path: Path, text: str) -> str:
    """An executable script at *path*; its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def answering(path: Path, exec_path: str, before: str = "") -> str:
    """A program that answers as the Node at *exec_path* would."""
    return program(path, f"{before}\nprintf '%s\\n' '{ANSWER.replace('EXEC', exec_path)}'")


def asked(log: Path) -> int:
    """How often a program that adds a line to *log* was started."""
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_node_itself_is_asked_once(tmp_path: Path) -> None:
    """A program that answers with its own path is remembered, until its file is another one."""
    log, cache = tmp_path / "log", str(tmp_path / "cache/node.json")
    node = str(tmp_path / "bin/node")
    answering(tmp_path / "bin/node", node, f"echo >>{log}")
    for _ in range(3):
        found = ask_node(node, str(tmp_path), ENV, cache)
        assert (found.exec_path, found.version, found.is_shim) == (node, "v20.1.0", False)
    assert asked(log) == 1
    answering(tmp_path / "bin/node", node, f"echo >>{log}; # another version")
    ask_node(node, str(tmp_path), ENV, cache)
    assert asked(log) == 2


def test_a_shim_is_asked_in_each_folder(tmp_path: Path) -> None:
    """What a shim starts depends on the folder, so that nothing is remembered of it."""
    text = f"""printf '{ANSWER.replace("EXEC", "%s")}\\n' "{tmp_path}/$(cat .node-version)/bin/node" """
    shim = program(tmp_path / "shims/node", text)
    cache = str(tmp_path / "cache/node.json")
    for version in ("18", "20", "18"):
        folder = tmp_path / f"app{version}"
        folder.mkdir(exist_ok=True)
        (folder / ".node-version").write_text(version)
        found = ask_node(shim, str(folder), ENV, cache)
        assert (found.exec_path, found.is_shim) == (f"{tmp_path}/{version}/bin/node", True)


def test_a_dispatcher_is_started_by_its_link(tmp_path: Path) -> None:
    """Volta and mise look at the name that they are started by, which the real path does not have."""
    answering(tmp_path / "lib/dispatch", "/image/20/bin/node", 'test "$(basename "$0")" = node || exit 9')
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/node").symlink_to("../lib/dispatch")
    found = ask_node(str(tmp_path / "bin/node"), str(tmp_path), ENV)
    assert (found.exec_path, found.is_shim) == ("/image/20/bin/node", True)


def test_node_options_of_the_project_do_not_count(tmp_path: Path) -> None:
    """NODE_OPTIONS may load a module or wait for a debugger; it is not passed on, unlike all else."""
    text = (
        f"""test -z "$NODE_OPTIONS" && test "$KEPT" = 1 && printf '%s' '{ANSWER.replace("EXEC", "/x/bin/node")}'"""
    )
    node = program(tmp_path / "node", text)
    assert ask_node(node, str(tmp_path), {**ENV, "NODE_OPTIONS": "--inspect-brk", "KEPT": "1"}).exec_path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("echo 'No version is set for node' >&2; exit 126", "No version is set for node"),
        ("exit 3", "it ends with status 3"),
        ("echo hello", "it does not answer as Node does"),
        (f"echo '{ANSWER.replace('EXEC', 'relative')}'", "it does not answer as Node does"),
        ('echo \'{"execPath": 1, "variables": {}}\'', "it does not answer as Node does"),
        ("echo '[1'; echo '{\"variables\": []}'", "it does not answer as Node does"),
    ],
)
def test_the_last_line_of_a_program_is_the_reason(text: str, reason: str, tmp_path: Path) -> None:
    """The reason is the program's own last line, if it prints any."""
    node = program(tmp_path / "bin/node", text)
    with pytest.raises(NodeUnknown, match=reason):
        ask_node(node, str(tmp_path), ENV, str(tmp_path / "cache"))
    with pytest.raises(ConfigError, match=f"{node} does not say where Node is: {reason}") as caught:
        find_node({"PATH": f"{tmp_path}/bin:/bin"}, str(tmp_path))
    assert caught.value.code == "ENODE"


def test_a_program_that_cannot_be_started_is_no_node(tmp_path: Path) -> None:
    """A file that is no program of this machine, and one that is not there."""
    (tmp_path / "node").write_bytes(b"\x7fELF")
    (tmp_path / "node").chmod(0o755)
    with pytest.raises(NodeUnknown, match="Exec format error"):
        ask_node(str(tmp_path / "node"), str(tmp_path), ENV)
    with pytest.raises(NodeUnknown, match="No such file"):
        ask_node(str(tmp_path / "nosuch"), str(tmp_path), ENV)


@pytest.mark.parametrize("text", ["", "{", "[]", "[[[", '{"1:2:3:4": {"execPath": 1}}', "\udcff"])
def test_a_damaged_cache_is_no_cache(text: str, tmp_path: Path) -> None:
    """Whatever is in the cache, the answer is Node's; one that cannot be written is done without."""
    node = str(tmp_path / "node")
    answering(tmp_path / "node", node)
    cache = tmp_path / "node.json"
    cache.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert ask_node(node, str(tmp_path), ENV, str(cache)).exec_path == node
    assert json.loads(cache.read_text())
    blocked = str(cache / "below/node.json")
    assert ask_node(node, str(tmp_path), ENV, blocked).exec_path == node


def test_the_cache_does_not_grow_for_ever(tmp_path: Path) -> None:
    """The last twenty programs are remembered."""
    cache = tmp_path / "node.json"
    for number in range(25):
        node = str(tmp_path / str(number))
        answering(tmp_path / str(number), node)
        ask_node(node, str(tmp_path), ENV, str(cache))
    assert len(json.loads(cache.read_text())) == 20


def test_a_project_does_not_say_which_node_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs in relative entries of PATH and in a project's node_modules are passed over."""
    for folder in ("app/node_modules/.bin", "app/bin", "tools"):
        answering(tmp_path / folder / "node", f"/{folder}/bin/node")
    path = f":.:bin:{tmp_path}/app/node_modules/.bin:{tmp_path}/app/node_modules/.bin/:{tmp_path}/tools:/bin"
    monkeypatch.chdir(tmp_path / "app")
    assert find_program("node", {"PATH": path}) == f"{tmp_path}/tools/node"
