"""Load npm's settings, and the global prefix.

A setting has its value from the highest source that sets it (@npmcli/config, lib/index.js, `load`; measured on
npm 11.19.1):

1. flags of the command line;
2. the environment: `npm_config_*` in any letter case;
3. the project's npmrc, `.npmrc` in its folder, but not for a command about global packages;
4. the user's npmrc: `~/.npmrc`, or the file that `userconfig` names in 1 or 2;
5. the global npmrc: `etc/npmrc` below the prefix so far, or the file that `globalconfig` names;
6. npm's own npmrc, in the folder of npm;
7. npm's defaults, of which only the prefix is known here: the variable `PREFIX`, else the place of Node.

Unlike in npm, a project's npmrc cannot set `prefix`, `userconfig`, `globalconfig` and `force`: a clone must
not decide where on this machine commands are put, and what they replace. `npmrc_text` reads the text of one
file.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.errors import ConfigError, Problem
from linkpack.npm.npmrc_text import TooLong, expand, parse_npmrc
from linkpack.npm.programs import find_node, find_program, find_real_program
from linkpack.record import Record
from linkpack.system import read as fs
from linkpack.system.accounts import home_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.npm.npmrc_text import Value
    from linkpack.system.node import Node

_MAX_NPMRC = 4 << 20  # bytes, as written and with its variables expanded
_PATHS = frozenset({"prefix", "userconfig", "globalconfig", "cache"})  # the settings used here that are paths
_ENV = "npm_config_"
# Keys that a project may not set: npm obeys them (docs/differences-from-npm.md, K1).
_NEVER_OF_A_PROJECT = ("prefix", "userconfig", "globalconfig", "force")


class Setting(Record):
    """A value, and who set it.

    *source* is fit for a message: `user npmrc /home/u/.npmrc`.
    """

    value: Value
    source: str


class Config(Record):
    """The settings, and the global folders that follow from them.

    *prefix*, *modules* (the global node_modules), *bins* and *mans* are absolute paths. All are empty when
    there is no prefix, and *fault* says why. *mans* is empty on Windows too, which has no man pages.
    *user_home* is the user's home folder, or empty. *settings* maps each key to the value of the highest
    source.
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
        """Return True if `loglevel` asks for silence, for scripts and for us."""
        return "loglevel" in self.settings and self.settings["loglevel"].value == "silent"

    def flag(self, key: str, *, default: bool) -> bool:
        """Return the setting *key* as yes or no."""
        # Unlike in npm, `0` and `no` mean no as well (docs/differences-from-npm.md, C4).
        value = self.settings[key].value if key in self.settings else default
        if isinstance(value, str):
            return value.lower() not in {"false", "null", "0", "no"}
        return bool(value)


def load_config(
    env: Mapping[str, str],
    cwd: str,
    flags: Mapping[str, str | bool | Sequence[str]],
    project: str | None = None,
    *,
    needs_prefix: bool = True,
) -> Config:
    """Load the settings for a command started in *cwd* with *flags*.

    *flags* have npm's names, without dashes. *project* is the folder of the npmrc that applies. HOME, PATH,
    PREFIX, DESTDIR, LINKPACK_PLATFORM and every npm_config_* are read from *env*. Relative paths start at *cwd*.
    An npmrc that cannot be read is a warning.

    Raises `ConfigError`: ENPMRC when a flag or variable expands to too much, and, if the command
    *needs_prefix*, ENOPREFIX when nothing names one and node is not on PATH, or ENODE when node does not say
    where it is.
    """
    windows = env.get("LINKPACK_PLATFORM") == "win32"
    home = home_folder(env)
    cascade = _Cascade(env, cwd, home, windows=windows)
    # 1. flags, 2. the environment
    try:
        cascade.add(
            {key: value if isinstance(value, (str, bool)) else list(value) for key, value in flags.items()}, "flag"
        )
        cascade.add(_read_environment(env), "environment npm_config_*")
    except TooLong as err:
        raise ConfigError(f"the settings cannot be used: {err}", code="ENPMRC", hint="make them shorter") from err
    default = _DefaultPrefix(cascade)
    if "prefix" not in cascade.settings and (own := default.find_shim_prefix()):
        cascade.settings["prefix"] = own
    # 3. the project's npmrc, 4. the user's. A home folder that is a project has one npmrc for both, which is then
    # the user's (@npmcli/config, lib/index.js, `loadProjectConfig`).
    user_file = cascade.text("userconfig", resolve_path(home, ".npmrc") if home else "")
    if project is not None and fs.canonical_path(f"{project}/.npmrc") != fs.canonical_path(user_file or "/"):
        cascade.read(resolve_path(project, ".npmrc"), "project npmrc", _NEVER_OF_A_PROJECT)
    if user_file:
        cascade.read(user_file, "user npmrc")
    # 5. the global npmrc, 6. npm's own, 7. the default prefix
    fault = None
    try:
        _add_lowest(cascade, default)
    except ConfigError as err:
        fault = err
    prefix = cascade.text("prefix", "")
    if not prefix and fault is None:
        fault = ConfigError(
            "no global prefix: nothing sets one, and node is not on PATH",
            code="ENOPREFIX",
            hint="set npm_config_prefix, or pass --prefix DIR",
        )
    if fault is not None and needs_prefix:
        raise fault
    return _place_folders(cascade, prefix, fault)


def _place_folders(cascade: _Cascade, prefix: str, fault: ConfigError | None) -> Config:
    """Make the result with the folders that npm has below *prefix*."""
    # On Windows there is neither lib nor bin (npm, lib/npm.js, `globalDir` and `globalBin`).
    windows = cascade.windows
    lib = prefix if windows or not prefix else resolve_path(prefix, "lib")
    return Config(
        prefix=prefix,
        modules=resolve_path(lib, "node_modules") if prefix else "",
        bins=prefix if windows or not prefix else resolve_path(prefix, "bin"),
        mans="" if windows or not prefix else resolve_path(prefix, "share/man"),
        user_home=cascade.home,
        windows=windows,
        settings=cascade.settings,
        warnings=tuple(cascade.warnings),
        fault=fault,
    )


def _add_lowest(cascade: _Cascade, default: _DefaultPrefix) -> None:
    """Add the global npmrc, npm's own npmrc and the default prefix.

    Raises as `find_node`.
    """
    # npm's own, though lower, is read first: the prefix in it may say where the global npmrc is.
    lower = _Cascade(cascade.env, cascade.cwd, cascade.home, windows=cascade.windows)
    own = _find_npms_own(cascade, default)
    if own:
        lower.read(own, "npm's own npmrc")
    so_far = cascade.text("prefix", "") or lower.text("prefix", "")
    named = cascade.text("globalconfig", "")
    if not so_far and not named:
        so_far = _text(default.find())
    if named or so_far:
        cascade.read(named or resolve_path(so_far, "etc/npmrc"), "global npmrc")
    cascade.warnings += lower.warnings
    for key, setting in lower.settings.items():
        cascade.settings.setdefault(key, setting)
    if "prefix" not in cascade.settings and _text(default.find()):
        cascade.settings["prefix"] = default.find()


def _find_npms_own(cascade: _Cascade, default: _DefaultPrefix) -> str:
    """Find the npmrc in the folder of npm, "" if npm is not found.

    Where npm on PATH is a shim, npm is taken to be the one beside the Node that the shim starts.
    """
    npm = find_real_program("npm", cascade.env, windows=cascade.windows)
    root = resolve_path(npm, "../..")
    if not npm or fs.is_file(f"{root}/npmrc"):
        return f"{root}/npmrc" if npm else ""
    # npm's own folder has no npmrc. Or npm is a shim, but the prefix is known, or this is Windows, where shims are
    # not asked.
    if fs.is_file(f"{root}/package.json") or "prefix" in cascade.settings or cascade.windows:
        return ""
    node = default.ask_node()
    return resolve_path(node.exec_path, "../../lib/node_modules/npm/npmrc") if node else ""


class _DefaultPrefix:
    """The prefix where no setting names one.

    Source: @npmcli/config, lib/index.js, `loadGlobalPrefix`. Node is asked at most once, and only if its answer
    matters.
    """

    def __init__(self, cascade: _Cascade) -> None:
        self.cascade = cascade
        self._asked: list[Node | None] = []  # empty until Node was asked

    def ask_node(self) -> Node | None:
        """Return the Node on PATH, None if there is none.

        Raises as `find_node`.
        """
        if not self._asked:
            self._asked.append(find_node(self.cascade.env, self.cascade.cwd))
        return self._asked[0]

    def find(self) -> Setting:
        """Return the prefix and its source, both empty if there is no Node.

        Raises as `find_node`.
        """
        cascade, env = self.cascade, self.cascade.env
        if env.get("PREFIX"):
            return Setting(cascade.path(expand(env["PREFIX"].strip(), env)), "environment PREFIX")
        if cascade.windows:
            program = find_real_program("node", env, windows=True)
            return Setting(posixpath.dirname(program), f"place of {program}") if program else Setting("", "")
        node = self.ask_node()
        if node is None:
            return Setting("", "")
        # /usr/local/bin/node -> /usr/local
        place = posixpath.dirname(posixpath.dirname(node.exec_path))
        source = f"place of {node.exec_path}"
        if node.is_shim:
            source += f", which {node.program} starts"
        # A shim may set these for Node only.
        seen = {**env, **node.variables}
        if seen.get("PREFIX"):
            return Setting(cascade.path(expand(seen["PREFIX"].strip(), env)), f"PREFIX, set by {node.program}")
        # On Unix only, as in `loadGlobalPrefix`.
        if seen.get("DESTDIR"):
            return Setting(resolve_path(cascade.cwd, f"{seen['DESTDIR']}/{place}"), f"DESTDIR and {source}")
        return Setting(place, source)

    def find_shim_prefix(self) -> Setting | None:
        """Return the prefix that a shim called `node` sets, if any."""
        # npm sees it as a variable of the environment, above every npmrc (asdf-nodejs sets it for npm below 7).
        program = find_program("node", self.cascade.env)
        if not program or self.cascade.windows or fs.read_head(program, 2) != b"#!":
            return None
        try:
            node = self.ask_node()
        except ConfigError:
            return None  # raised again if the prefix depends on it
        if node is not None:
            for name, value in node.variables.items():
                if name.lower() == "npm_config_prefix" and value:
                    return Setting(self.cascade.path(value), f"{name}, set by {program}")
        return None


class _Cascade:
    """The settings of the sources read so far.

    Each source is lower than those before it.
    """

    def __init__(self, env: Mapping[str, str], cwd: str, home: str, *, windows: bool) -> None:
        self.env = env
        self.cwd = cwd
        self.home = home
        self.windows = windows
        self.settings: dict[str, Setting] = {}
        self.warnings: list[Problem] = []

    def add(self, values: Mapping[str, Value], source: str) -> None:
        """Add the values of the next lower source.

        Keys that are set already keep their values. Raises `TooLong` when variables make the values more than an
        npmrc may be.
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
        """Expand the variables in *raw*, and make a path absolute."""
        if not isinstance(raw, str):
            return raw
        text = expand(raw.strip(), self.env, room)
        return self.path(text) if key in _PATHS else text

    def path(self, text: str) -> str:
        """Make *text* absolute, with `~/` as the home folder."""
        if self.home and (text.startswith("~/") or (self.windows and text.startswith("~\\"))):
            text = posixpath.join(self.home, text[2:].lstrip("/"))
        return resolve_path(self.cwd, text)

    def read(self, path: str, label: str, refused: Sequence[str] = ()) -> None:
        """Add the npmrc at *path*, except for the keys *refused*.

        A file that cannot be read, or sets one of these, gives a warning.
        """
        try:
            values = parse_npmrc(fs.read_file(path, _MAX_NPMRC).decode("utf-8", "replace"))
            names = {raw: expand(raw, self.env, _MAX_NPMRC) for raw in values}
            refused_keys = [
                key for key in refused if any(name == key and values[raw] for raw, name in names.items())
            ]
            self.add({raw: value for raw, value in values.items() if names[raw] not in refused}, f"{label} {path}")
        except FileNotFoundError:
            return
        except (OSError, ValueError) as err:
            message = f"{path} is left out: {getattr(err, 'strerror', None) or err}"
            self.warnings.append(Problem("WNPMRC", path, message, "fix the file, or its permissions"))
            return
        if refused_keys:
            self.warnings.append(_make_refusal(path, refused_keys))

    def text(self, key: str, default: str) -> str:
        """Return the setting *key* so far, *default* if it is not a text."""
        setting = self.settings.get(key)
        return setting.value if setting and isinstance(setting.value, str) else default


def _make_refusal(path: str, keys: Sequence[str]) -> Problem:
    """Make the warning that a project's npmrc at *path* sets *keys*."""
    message = (
        f"{path} sets {', '.join(keys)}, which is ignored: a project cannot decide where and how links are global"
    )
    return Problem("WPROJECTNPMRC", path, message, "put it into your user npmrc, or pass it on the command line")


def resolve_path(base: str, path: str) -> str:
    """Make *path* absolute from *base*, as Node's path.resolve."""
    # normpath keeps two slashes at the start, as POSIX has it. Node makes one of them.
    joined = posixpath.normpath(posixpath.join(base, path))
    return "/" + joined.lstrip("/")


def _read_environment(env: Mapping[str, str]) -> dict[str, Value]:
    """Return the settings in *env*, by npm's names.

    `npm_config_Save_Dev` is save-dev. An underscore in front stays (`_auth`), and an empty variable sets nothing.
    """
    values: dict[str, Value] = {}
    for name, value in env.items():
        if name.lower().startswith(_ENV) and value != "":
            key = name[len(_ENV) :]
            # A setting of one registry keeps its spelling (@npmcli/config, lib/index.js, `loadEnv`).
            is_of_registry = key.startswith("//")
            values[key if is_of_registry else (key[:1] + key[1:].replace("_", "-")).lower()] = value
    return values


def _text(setting: Setting) -> str:
    return setting.value if isinstance(setting.value, str) else ""
