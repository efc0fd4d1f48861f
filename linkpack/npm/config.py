"""Find npm's settings and global prefix: the npmrc cascade, and which source set what.

Highest first: flags, environment, project npmrc (never for what is global), user npmrc, global npmrc, npm's own
npmrc, then `PREFIX` and the place of Node. Measured on npm 11.19.1.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import ConfigError, Problem
from linkpack.npm.npmrc import TooLong, expand, parse_npmrc
from linkpack.read_cache import once
from linkpack.system import read as fs
from linkpack.system.accounts import home_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linkpack.npm.npmrc import Value
    from linkpack.system.node import Node

_MAX_NPMRC = 4 << 20  # bytes, as written and with its variables expanded
_PATHS = frozenset({"prefix", "userconfig", "globalconfig", "cache"})
_ENV = "npm_config_"
# What a project's npmrc may not say: it would decide where and over what the user's own machine is written to.
_NEVER_OF_A_PROJECT = ("prefix", "userconfig", "globalconfig", "force")


class Setting(NamedTuple):
    """A value and who set it: `source` is fit for a message (`user npmrc /home/u/.npmrc`)."""

    value: Value
    source: str


class Config(NamedTuple):
    """Where npm's global packages live, and every setting that some source made.

    *prefix*, *modules* (the global node_modules), *bins* and *mans* are absolute paths. All are empty where
    there is no prefix and *fault* says why; *mans* is empty on Windows, too, which has no man pages.
    *user_home* is the user's home folder, or empty. *settings* maps each key to the value that won.
    """

    prefix: str
    modules: str
    bins: str
    mans: str
    user_home: str
    windows: bool
    settings: Mapping[str, Setting]
    warnings: tuple[Problem, ...]
    fault: ConfigError | None = None

    @property
    def is_silent(self) -> bool:
        """True if npm's `loglevel` asks for silence, as `npm run --silent` has it for what it starts."""
        return "loglevel" in self.settings and self.settings["loglevel"].value == "silent"

    def flag(self, key: str, *, default: bool) -> bool:
        """Return the setting *key* as yes or no."""
        value = self.settings[key].value if key in self.settings else default
        if isinstance(value, str):
            return value.lower() not in {"false", "null", "0", "no"}
        return bool(value)


class _Cascade:
    """The settings of the sources read so far; each source is below those before it."""

    def __init__(self, env: Mapping[str, str], cwd: str, home: str, *, windows: bool) -> None:
        self.env = env
        self.cwd = cwd
        self.home = home
        self.windows = windows
        self.settings: dict[str, Setting] = {}
        self.warnings: list[Problem] = []

    def add(self, values: Mapping[str, Value], source: str) -> None:
        """Take the values of the next lower source where no higher one has set the key.

        Raises `TooLong` when variables make the values more than an npmrc may be.
        """
        room = _MAX_NPMRC
        read: dict[str, Setting] = {}
        for raw_key, raw in values.items():
            key = expand(raw_key, self.env, room)
            read[key] = Setting(self._parse(key, raw, room), source)
            room -= len(key) + (len(raw) if isinstance(raw, str) else 0)
            value = read[key].value
            if isinstance(value, str):
                room -= len(value)
        for key, setting in read.items():
            self.settings.setdefault(key, setting)

    def _parse(self, key: str, raw: Value, room: int) -> Value:
        """Return the value that *raw* stands for, as npm's types say."""
        if not isinstance(raw, str):
            return raw
        text = expand(raw.strip(), self.env, room)
        return self.path(text) if key in _PATHS else text

    def path(self, text: str) -> str:
        """Return *text* as an absolute path; `~/` is the home folder."""
        if self.home and (text.startswith("~/") or (self.windows and text.startswith("~\\"))):
            text = posixpath.join(self.home, text[2:].lstrip("/"))
        return resolve(self.cwd, text)

    def read(self, path: str, label: str, refused: Sequence[str] = ()) -> None:
        """Take the npmrc file at *path*, if there is one; *refused* are keys that it may not set."""
        try:
            values = parse_npmrc(fs.read_file(path, _MAX_NPMRC).decode("utf-8", "replace"))
            names = {raw: expand(raw, self.env, _MAX_NPMRC) for raw in values}
            told = [key for key in refused if any(name == key and values[raw] for raw, name in names.items())]
            self.add({raw: value for raw, value in values.items() if names[raw] not in refused}, f"{label} {path}")
        except FileNotFoundError:
            return
        except (OSError, ValueError) as err:
            message = f"{path} is left out: {getattr(err, 'strerror', None) or err}"
            self.warnings.append(Problem("WNPMRC", path, message, "fix the file, or its permissions"))
            return
        if told:
            self.warnings.append(_refusal(path, told))

    def text(self, key: str, default: str) -> str:
        """Return the text of the setting *key* so far."""
        setting = self.settings.get(key)
        return setting.value if setting and isinstance(setting.value, str) else default


def _refusal(path: str, keys: Sequence[str]) -> Problem:
    """Return the warning that a project's npmrc at *path* sets *keys*, which is not its business."""
    message = (
        f"{path} sets {', '.join(keys)}, which is ignored: a project cannot decide where and how links are global"
    )
    return Problem("WPROJECTNPMRC", path, message, "put it into your user npmrc, or pass it on the command line")


def resolve(base: str, path: str) -> str:
    """Return *path* made absolute from *base* and cleaned, as Node's path.resolve does."""
    joined = posixpath.normpath(posixpath.join(base, path))
    return "/" + joined.lstrip("/")


def _environment(env: Mapping[str, str]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, value in env.items():
        if name.lower().startswith(_ENV) and value != "":
            key = name[len(_ENV) :]
            found[(key[:1] + key[1:].replace("_", "-")).lower()] = value
    return found


# --- programs on PATH


def find_program(name: str, env: Mapping[str, str], *, windows: bool = False) -> str:
    """Return the path of the program *name* as PATH leads to it, empty if it does not.

    Relative entries of PATH, and those of a project (`node_modules/.bin`), are passed over: what a clone brings
    along is not started, and does not decide where links are global.
    """
    names = (name, f"{name}.exe", f"{name}.cmd") if windows else (name,)
    for folder in env.get("PATH", "").split(":"):
        if not folder.startswith("/") or folder.rstrip("/").endswith("/node_modules/.bin"):
            continue
        for path in (posixpath.join(folder, each) for each in names):
            if fs.is_file(path) and fs.executable(path):
                return path
    return ""


def which(name: str, env: Mapping[str, str], *, windows: bool = False) -> str:
    """Return the real path of the program *name* on PATH, empty if there is none."""
    found = find_program(name, env, windows=windows)
    return fs.real_path(found) if found else ""


def find_node(env: Mapping[str, str], cwd: str) -> Node | None:
    """Return what the `node` on PATH is for a command in *cwd*; None if there is none.

    Raises `ConfigError` (ENODE) when there is one that does not say what it is, such as a shim of a version
    manager that has no version for this folder.
    """
    program = find_program("node", env)
    if not program:
        return None
    from linkpack.system.node import NodeUnknown, ask_node  # noqa: PLC0415 - not when the prefix is set

    try:
        return once(("node", program, cwd), lambda: ask_node(program, cwd, env, _cache_file(env)))
    except NodeUnknown as err:
        raise ConfigError(
            f"{program} does not say where Node is: {err}",
            code="ENODE",
            path=program,
            hint="make node run in this folder, set npm_config_prefix, or pass --prefix DIR",
        ) from err


def _cache_file(env: Mapping[str, str]) -> str:
    """Return the path of what is remembered of Node, empty if there is no place for it."""
    base, home = env.get("XDG_CACHE_HOME", ""), home_folder(env)
    if not base.startswith("/"):
        base = f"{home}/.cache" if home and fs.is_dir(home) else ""
    return f"{base}/linkpack/node.json" if base else ""


# --- the prefix


class _Default:
    """The prefix that holds when no setting names one. Node is asked at most once, and only if it matters."""

    def __init__(self, cascade: _Cascade) -> None:
        self.cascade = cascade
        self._asked: list[Node | None] = []

    def node(self) -> Node | None:
        """Return the Node on PATH, None if there is none; raises as `find_node`."""
        if not self._asked:
            self._asked.append(find_node(self.cascade.env, self.cascade.cwd))
        return self._asked[0]

    def prefix(self) -> Setting:
        """Return the prefix and its source, an empty one if there is no Node; raises as `find_node`."""
        cascade, env = self.cascade, self.cascade.env
        if env.get("PREFIX"):
            return Setting(cascade.path(expand(env["PREFIX"].strip(), env)), "environment PREFIX")
        if cascade.windows:
            node = which("node", env, windows=True)
            return Setting(posixpath.dirname(node), f"place of {node}") if node else Setting("", "")
        found = self.node()
        if found is None:
            return Setting("", "")
        place = posixpath.dirname(posixpath.dirname(found.exec_path))
        source = f"place of {found.exec_path}"
        if found.is_shim:
            source += f", which {found.program} starts"
        seen = {**env, **found.variables}
        if seen.get("PREFIX"):
            return Setting(cascade.path(expand(seen["PREFIX"].strip(), env)), f"PREFIX, set by {found.program}")
        if seen.get("DESTDIR"):
            return Setting(resolve(cascade.cwd, f"{seen['DESTDIR']}/{place}"), f"DESTDIR and {source}")
        return Setting(place, source)

    def set_by_shim(self) -> Setting | None:
        """Return the prefix that a script called `node` sets for what it starts; None if there is none.

        npm sees it as if it stood in the environment, above every npmrc (asdf-nodejs did so for npm below 7).
        """
        program = find_program("node", self.cascade.env)
        if not program or self.cascade.windows or fs.read_head(program, 2) != b"#!":
            return None
        try:
            found = self.node()
        except ConfigError:
            return None  # raised again if the prefix depends on it
        for name, value in found.variables.items() if found else ():
            if name.lower() == "npm_config_prefix" and value:
                return Setting(self.cascade.path(value), f"{name}, set by {program}")
        return None


def load_config(
    env: Mapping[str, str],
    cwd: str,
    flags: Mapping[str, str | bool | Sequence[str]],
    project: str | None = None,
    *,
    needs_prefix: bool = True,
) -> Config:
    """Return the settings for a command started in *cwd* with *flags* (npm's names, without dashes).

    *project* is the local project's folder, whose npmrc counts for all but what is global. HOME, PATH, PREFIX,
    DESTDIR, LINKPACK_PLATFORM and every npm_config_* are read from *env*. Relative paths start at *cwd*. A
    command that has nothing to do with the global folder does not need a prefix.

    Raises `ConfigError`: ENOPREFIX when nothing names a prefix and node is not on PATH, ENODE when node does
    not say where it is, ENPMRC when a flag or variable expands to too much. An npmrc that cannot be read is a
    warning.
    """
    windows = env.get("LINKPACK_PLATFORM") == "win32"
    home = home_folder(env)
    cascade = _Cascade(env, cwd, home, windows=windows)
    try:
        cascade.add(dict(_values(flags)), "flag")
        cascade.add(_environment(env), "environment npm_config_*")
    except TooLong as err:
        raise ConfigError(f"the settings cannot be used: {err}", code="ENPMRC", hint="make them shorter") from err
    default = _Default(cascade)
    if "prefix" not in cascade.settings and (own := default.set_by_shim()):
        cascade.settings["prefix"] = own
    user_file = cascade.text("userconfig", resolve(home, ".npmrc") if home else "")
    if project is not None and fs.canonical(f"{project}/.npmrc") != fs.canonical(user_file or "/"):
        cascade.read(resolve(project, ".npmrc"), "project npmrc", _NEVER_OF_A_PROJECT)
    if user_file:
        cascade.read(user_file, "user npmrc")
    fault = _add_lowest(cascade, default)
    prefix = cascade.text("prefix", "")
    if fault is not None and needs_prefix:
        raise fault
    return _config(cascade, prefix, fault)


def _config(cascade: _Cascade, prefix: str, fault: ConfigError | None) -> Config:
    """Return the settings with the folders that follow from *prefix*."""
    windows = cascade.windows
    lib = prefix if windows or not prefix else resolve(prefix, "lib")
    return Config(
        prefix=prefix,
        modules=resolve(lib, "node_modules") if prefix else "",
        bins=prefix if windows or not prefix else resolve(prefix, "bin"),
        mans="" if windows or not prefix else resolve(prefix, "share/man"),
        user_home=cascade.home,
        windows=windows,
        settings=cascade.settings,
        warnings=tuple(cascade.warnings),
        fault=fault,
    )


def _values(flags: Mapping[str, str | bool | Sequence[str]]) -> Iterator[tuple[str, Value]]:
    for key, value in flags.items():
        yield key, value if isinstance(value, (str, bool)) else list(value)


def _add_lowest(cascade: _Cascade, default: _Default) -> ConfigError | None:
    """Add the global npmrc, npm's own npmrc, and the default prefix; return why there is no prefix.

    Where the global npmrc lies depends on the prefix so far, so npm's own, though lower, is read first.
    """
    try:
        _read_lowest(cascade, default)
    except ConfigError as err:
        return err
    if cascade.text("prefix", ""):
        return None
    return ConfigError(
        "no global prefix: nothing sets one, and node is not on PATH",
        code="ENOPREFIX",
        hint="set npm_config_prefix, or pass --prefix DIR",
    )


def _read_lowest(cascade: _Cascade, default: _Default) -> None:
    """Read what `_add_lowest` adds; raises as `find_node`."""
    npms = _Cascade(cascade.env, cascade.cwd, cascade.home, windows=cascade.windows)
    own = _npms_own_file(cascade, default)
    if own:
        npms.read(own, "npm's own npmrc")
    so_far = cascade.text("prefix", "") or npms.text("prefix", "")
    named = cascade.text("globalconfig", "")
    if not so_far and not named:
        so_far = _text(default.prefix())
    if named or so_far:
        cascade.read(named or resolve(so_far, "etc/npmrc"), "global npmrc")
    cascade.warnings += npms.warnings
    for key, setting in npms.settings.items():
        cascade.settings.setdefault(key, setting)
    if "prefix" not in cascade.settings and _text(default.prefix()):
        cascade.settings["prefix"] = default.prefix()


def _text(setting: Setting) -> str:
    return setting.value if isinstance(setting.value, str) else ""


def _npms_own_file(cascade: _Cascade, default: _Default) -> str:
    """Return the path of the npmrc in npm's own folder, empty if npm is not found.

    Where npm on PATH is a shim, npm is taken to be the one beside the Node that the shim starts.
    """
    npm = which("npm", cascade.env, windows=cascade.windows)
    root = resolve(npm, "../..")
    if not npm or fs.is_file(f"{root}/npmrc"):
        return f"{root}/npmrc" if npm else ""
    if fs.is_file(f"{root}/package.json") or "prefix" in cascade.settings or cascade.windows:
        return ""
    node = default.node()
    return resolve(node.exec_path, "../../lib/node_modules/npm/npmrc") if node else ""
