"""Finds npm's global prefix and settings: the npmrc cascade, and which source set what.

Highest first: flags, environment, project npmrc (never the prefix), user npmrc, global npmrc, npm's own npmrc,
then `PREFIX` and the place of node. Measured on npm 11.19.1.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.disk import fs, fslinks
from linkpack.errors import ConfigError, Problem
from linkpack.linking.npmrc import expand, parse_npmrc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.linking.npmrc import Value

_MAX_NPMRC = 4 << 20  # bytes
_PATHS = frozenset({"prefix", "userconfig", "globalconfig", "cache"})
_ENV = "npm_config_"


class Setting(NamedTuple):
    """A value and who set it: `source` is fit for a message (`user npmrc /home/u/.npmrc`)."""

    value: Value
    source: str


class Config(NamedTuple):
    """Where npm's global packages live, and every setting that some source made.

    *prefix*, *modules* (the global node_modules), *bins* and *mans* are absolute paths; *mans* is empty on
    Windows, which has no man pages. *user_home* is HOME, or empty. *settings* maps each key to the value that won.
    """

    prefix: str
    modules: str
    bins: str
    mans: str
    user_home: str
    windows: bool
    settings: Mapping[str, Setting]
    warnings: tuple[Problem, ...]

    def flag(self, key: str, *, default: bool) -> bool:
        """The setting *key* as yes or no."""
        value = self.settings[key].value if key in self.settings else default
        if isinstance(value, str):
            return value.lower() not in {"false", "null", "0", "no"}
        return bool(value)


class _Layers:
    """The sources read so far, highest first."""

    def __init__(self, env: Mapping[str, str], cwd: str, *, windows: bool) -> None:
        self.env = env
        self.cwd = cwd
        self.windows = windows
        self.found: dict[str, Setting] = {}
        self.warnings: list[Problem] = []

    def add(self, values: Mapping[str, Value], source: str, *, skip: str = "") -> None:
        """Values of the next lower source; what a higher one set stays."""
        for raw_key, raw in values.items():
            key = expand(raw_key, self.env)
            if key != skip and key not in self.found:
                self.found[key] = Setting(self.parse(key, raw), source)

    def parse(self, key: str, raw: Value) -> Value:
        """The value that *raw* stands for, as npm's types say."""
        if not isinstance(raw, str):
            return raw
        text = expand(raw.strip(), self.env)
        return self.path(text) if key in _PATHS else text

    def path(self, text: str) -> str:
        """An absolute path; `~/` is the home directory."""
        home = self.env.get("HOME", "")
        if home and (text.startswith("~/") or (self.windows and text.startswith("~\\"))):
            text = posixpath.join(home, text[2:].lstrip("/"))
        return resolve(self.cwd, text)

    def read(self, path: str, label: str, *, skip: str = "") -> None:
        """The npmrc file at *path*, when there is one; *skip* names a key that may not stand in it."""
        try:
            raw = fs.read_file(path, _MAX_NPMRC)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as err:
            message = f"{path} cannot be read ({getattr(err, 'strerror', None) or err}); it is left out"
            self.warnings.append(Problem("ENPMRC", path, message, "mend it, or its permissions"))
            return
        values = parse_npmrc(raw.decode("utf-8", "replace"))
        if skip and values.get(skip):
            message = f"{skip} in {path} does not count: a project cannot choose the global prefix"
            hint = "put it into your user npmrc, or set npm_config_prefix"
            self.warnings.append(Problem("EPREFIXPROJECT", path, message, hint))
        self.add(values, f"{label} {path}", skip=skip)

    def text(self, key: str, default: str) -> str:
        """The path setting *key* so far."""
        setting = self.found.get(key)
        return setting.value if setting and isinstance(setting.value, str) else default


def resolve(base: str, path: str) -> str:
    """*path* made absolute from *base* and cleaned, as Node's path.resolve does."""
    joined = posixpath.normpath(posixpath.join(base, path))
    return "/" + joined.lstrip("/")


def _environment(env: Mapping[str, str]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, value in env.items():
        if name.lower().startswith(_ENV) and value != "":
            key = name[len(_ENV) :]
            found[(key[:1] + key[1:].replace("_", "-")).lower()] = value
    return found


def which(program: str, env: Mapping[str, str], cwd: str, *, windows: bool = False) -> str:
    """The real path of *program* on PATH; empty when it is not there."""
    names = (program, f"{program}.exe", f"{program}.cmd") if windows else (program,)
    for folder in env.get("PATH", "").split(":"):
        for name in names:
            path = posixpath.join(cwd, folder, name)
            if fs.is_file(path) and fslinks.executable(path):
                return fs.real_path(path)
    return ""


def _default_prefix(layers: _Layers) -> Setting:
    """What holds when no npmrc, flag or npm_config_prefix says anything."""
    env = layers.env
    if env.get("PREFIX"):
        return Setting(layers.path(expand(env["PREFIX"].strip(), env)), "environment PREFIX")
    node = which("node", env, layers.cwd, windows=layers.windows)
    if node == "":
        return Setting("", "")
    if layers.windows:
        return Setting(posixpath.dirname(node), f"place of {node}")
    place = posixpath.dirname(posixpath.dirname(node))
    if env.get("DESTDIR"):
        return Setting(resolve(layers.cwd, f"{env['DESTDIR']}/{place}"), f"DESTDIR and place of {node}")
    return Setting(place, f"place of {node}")


def load_config(
    env: Mapping[str, str],
    cwd: str,
    flags: Mapping[str, str | bool | Sequence[str]],
    project: str | None = None,
) -> Config:
    """The settings that hold for a command started in *cwd* with *flags* (npm's names, without dashes).

    *project* is the local project's directory, whose npmrc counts for all but the prefix. HOME, PATH, PREFIX,
    DESTDIR, LINKPACK_PLATFORM and every npm_config_* are read from *env*. Relative paths start at *cwd*.

    Raises `ConfigError` (ENOPREFIX) when nothing names a prefix and node is not on PATH. An npmrc that cannot
    be read is a warning.
    """
    windows = env.get("LINKPACK_PLATFORM") == "win32"
    layers = _Layers(env, cwd, windows=windows)
    given: dict[str, Value] = {
        key: value if isinstance(value, (str, bool)) else list(value) for key, value in flags.items()
    }
    layers.add(given, "flag")
    layers.add(_environment(env), "environment npm_config_*")
    user_file = layers.text("userconfig", resolve(env.get("HOME") or cwd, ".npmrc"))
    if project is not None and resolve(project, ".npmrc") != user_file:
        layers.read(resolve(project, ".npmrc"), "project npmrc", skip="prefix")
        user_file = layers.text("userconfig", user_file)
    layers.read(user_file, "user npmrc")
    _low_layers(layers)
    prefix = layers.text("prefix", "")
    if prefix == "":
        raise ConfigError(
            "no global prefix: nothing sets one, and node is not on PATH",
            code="ENOPREFIX",
            hint="set npm_config_prefix, or pass --prefix DIR",
        )
    lib = prefix if windows else resolve(prefix, "lib")
    return Config(
        prefix=prefix,
        modules=resolve(lib, "node_modules"),
        bins=prefix if windows else resolve(prefix, "bin"),
        mans="" if windows else resolve(prefix, "share/man"),
        user_home=env.get("HOME", ""),
        windows=windows,
        settings=layers.found,
        warnings=tuple(layers.warnings),
    )


def _low_layers(layers: _Layers) -> None:
    """The global npmrc, npm's own npmrc, and the defaults, below what *layers* has."""
    npm = which("npm", layers.env, layers.cwd, windows=layers.windows)
    own = resolve(npm, "../../npmrc") if npm else ""
    below = _Layers(layers.env, layers.cwd, windows=layers.windows)
    if own:
        below.read(own, "npm's own npmrc")
    if isinstance(below.found.get("prefix", Setting(None, "")).value, str):
        base = below.found["prefix"]
    else:
        base = _default_prefix(layers)
    so_far = layers.text("prefix", base.value if isinstance(base.value, str) else "")
    layers.read(layers.text("globalconfig", resolve(so_far, "etc/npmrc")), "global npmrc")
    layers.warnings += below.warnings
    for key, setting in below.found.items():
        layers.found.setdefault(key, setting)
    if base.value:
        layers.found.setdefault("prefix", base)
