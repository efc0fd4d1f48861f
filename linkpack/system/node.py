"""Ask the `node` on PATH which Node it is, or starts.

asdf, nodenv and others put shell scripts on PATH. Volta, mise and snap put links to one program there, which looks
at the name it was started by. proto puts a program of its own there called `node`. What such a shim starts depends
on the current directory and on files that only it knows. So the program is asked, in the directory of the command.
"""

from __future__ import annotations

import contextlib
import json
import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from linkpack.record import Record
from linkpack.system.write import open_draft

if TYPE_CHECKING:
    from collections.abc import Mapping

# Some managers (asdf-nodejs with npm below 7) choose npm's prefix by a variable that only their child can see.
_ASK = """
const variables = {}
for (const [key, value] of Object.entries(process.env))
  if (/^(prefix|destdir)$/i.test(key) || key.toLowerCase() === 'npm_config_prefix') variables[key] = value
const { execPath, version, platform, arch } = process
console.log(JSON.stringify({ execPath, version, platform, arch, variables }))
"""
_PATIENCE = 60  # seconds; a version manager may have to unpack a Node first
_LIMIT = 1 << 16  # bytes of the cache
_MOST = 20  # programs that the cache remembers


class NodeUnknown(Exception):
    """A program does not say which Node it is.

    The message is a reason fit for the user.
    """


class Node(Record):
    """The Node behind a `node` on PATH.

    *program* is the path as found on PATH, *exec_path* Node's own (`process.execPath`), which differs for a shim.
    *version* is like `v20.1.0`, *platform* and *arch* are Node's words. *variables* are those about npm's prefix
    (`npm_config_prefix`, `PREFIX`, `DESTDIR`) that a shim sets.
    """

    program: str
    exec_path: str
    version: str
    platform: str
    arch: str
    variables: Mapping[str, str] = MappingProxyType({})

    @property
    def is_shim(self) -> bool:
        """Return True if the program on PATH is not Node itself."""
        return os.path.realpath(self.program) != self.exec_path


def ask_node(program: str, cwd: str, env: Mapping[str, str], cache: str = "") -> Node:
    """Return the Node that *program* is, or starts.

    *program*, a `node` on PATH, is started in *cwd* with *env*. One that is Node itself always gives the same
    answer, which is remembered in the file *cache* (a path, or "" for none) by the program's identity on disk. A
    shim is asked each time, since its answer depends on the directory.

    Raises `NodeUnknown` when the program cannot be started, fails, or answers with something else.
    """
    identity = _identify(program)
    remembered = _read_cache(cache).get(identity) if cache else None
    if remembered is not None and remembered["execPath"] == os.path.realpath(program):
        return _make_node(program, remembered, env)
    answer = _ask(program, cwd, env)
    node = _make_node(program, answer, env)
    if cache and not node.is_shim:
        _write_cache(cache, identity, answer)
    return node


def _make_node(program: str, answer: dict[str, Any], env: Mapping[str, str]) -> Node:
    return Node(
        program=program,
        exec_path=answer["execPath"],
        version=answer["version"],
        platform=answer["platform"],
        arch=answer["arch"],
        variables={key: value for key, value in answer["variables"].items() if env.get(key) != value},
    )


def _identify(program: str) -> str:
    """Return a text that changes when the program's file does."""
    try:
        status = os.stat(program)
    except OSError as err:
        raise NodeUnknown(str(err.strerror)) from err
    return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"


def _ask(program: str, cwd: str, env: Mapping[str, str]) -> dict[str, Any]:
    """Run *program* and return its answer, checked."""
    # NODE_OPTIONS could have Node wait for a debugger, or load a module of the project.
    cleaned = {key: value for key, value in env.items() if key != "NODE_OPTIONS"}
    status, out, err = _run([program, "-e", _ASK], cwd, cleaned)
    if status:
        lines = (err or out).decode("utf-8", "replace").strip().splitlines()
        raise NodeUnknown(lines[-1] if lines else f"it ends with status {status}")
    for line in reversed(out.decode("utf-8", "replace").splitlines()):
        answer = _parse_answer(line)  # a shim may print something of its own before
        if answer is not None:
            return answer
    raise NodeUnknown("it does not answer as Node does")


def _run(command: list[str], cwd: str, env: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """Run *command* to its end.

    Returns its exit status, standard output and standard error. Raises `NodeUnknown` if it cannot be run.
    """
    import subprocess  # noqa: PLC0415 - 8 ms that a Node which is remembered does not need

    try:
        ended = subprocess.run(  # a program that `npm link` would run as well
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as err:
        raise NodeUnknown(f"it did not answer in {_PATIENCE} seconds") from err
    except OSError as err:
        raise NodeUnknown(str(err.strerror)) from err
    return ended.returncode, ended.stdout, ended.stderr


def _parse_answer(text: str) -> dict[str, Any] | None:
    """Return the answer that *text* holds, or None."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict) or not isinstance(answer.get("variables"), dict):
        return None
    words = [answer.get(key) for key in ("execPath", "version", "platform", "arch")]
    words += answer["variables"].values()
    if not all(isinstance(word, str) for word in words) or not str(words[0]).startswith("/"):
        return None
    return answer


# --- The cache of programs that are Node itself: {identity: answer}, the youngest last ------------------


def _read_cache(path: str) -> dict[str, dict[str, Any]]:
    """Return the answers in the file *path*, by the identity of the program.

    There are none if it is damaged or another user's.
    """
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_uid != os.geteuid():
                return {}
            answers = json.loads(file.read(_LIMIT))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(answers, dict):
        return {}
    return {
        identity: answer for identity, answer in answers.items() if _parse_answer(json.dumps(answer)) is not None
    }


def _write_cache(path: str, identity: str, answer: dict[str, Any]) -> None:
    """Remember *answer*, if the cache can be written."""
    answers = _read_cache(path)
    # A Node that is no shim sets no variables. Those in its answer are the environment's, another one each time.
    answers[identity] = {**answer, "variables": {}}
    text = json.dumps(dict(list(answers.items())[-_MOST:]))
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open_draft(path, is_output=False) as out:
            os.fchmod(out.fileno(), 0o600)
            out.write(text.encode())


def ask_npm_prefix(npm: str, cwd: str, env: Mapping[str, str]) -> str:
    """Return what *npm* prints for `npm prefix -g`.

    Raises `NodeUnknown` when it prints no path.
    """
    # npm would ask the registry for a newer version of itself, and print that.
    status, out, _ = _run([npm, "prefix", "-g"], cwd, {**env, "npm_config_update_notifier": "false"})
    lines = out.decode("utf-8", "surrogateescape").split("\n")
    prefix = next((line for line in reversed(lines) if line.startswith("/")), "")
    if status or not prefix:
        raise NodeUnknown(f"it ends with status {status}")
    return prefix
