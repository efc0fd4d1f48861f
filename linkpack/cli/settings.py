"""How a command takes npm's flags and settings: the one rule of docs/settings.md.

What the command line says counts first, then npm's settings (environment, npmrc of project, user and machine),
then the default. A setting counts for a command of npm's that has an option of its name.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from linkpack.errors import ConfigError, LinkpackError, Problem
from linkpack.npm.config import load_config
from linkpack.project.local import find_local_project
from linkpack.system import own_process
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linkpack.npm.config import Config
    from linkpack.npm.flags import FlagValue

LEVELS = ("silent", "error", "warn", "notice", "http", "info", "verbose", "silly")
"""npm's log levels, from the quietest to the loudest."""

_NOWHERE = "/nonexistent"  # a prefix that holds no npmrc, where nobody knows the right one
_NO_PROJECT_PREFIX = "WPROJECTNPMRC"  # of the global prefix, which packing does not need


@contextmanager
def working_in(folder: str) -> Iterator[None]:
    """Have *folder* be the current directory in the block; "" changes nothing.

    `LinkpackError` (ENOFOLDER) when it cannot be entered.
    """
    if not folder:
        yield
        return
    before = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        _enter(folder)
        yield
    finally:
        os.fchdir(before)
        os.close(before)


def _enter(folder: str) -> None:
    try:
        os.chdir(folder)
    except (OSError, ValueError) as err:
        why = getattr(err, "strerror", None) or str(err)
        raise LinkpackError(
            f"{folder} cannot be worked in: {why}",
            code="ENOFOLDER",
            path=folder,
            hint="name an existing folder for -C",
        ) from err


class Settings:
    """npm's settings for one command; each method gives an option's value, *given* on the command line or not."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.heeded: dict[str, str] = {}
        """The settings that counted, each with who made it."""
        self.warnings = [each for each in config.warnings if each.code != _NO_PROJECT_PREFIX]

    def flag(self, key: str, given: bool | None) -> bool:  # noqa: FBT001 - None is as good
        """Return whether the option *key* is on."""
        if given is not None:
            return given
        found = self._config.flag(key, default=False)
        if found:
            self._heed(key)
        return found

    def text(self, key: str, given: str) -> str:
        """Return the text that the option *key* has; "" when nobody says."""
        if given:
            return self._expanded(given)
        value = self._value(key)
        if value is None or value is False or value == "":
            return ""
        if not isinstance(value, str):
            self._refuse(key, "is no text")
            return ""
        self._heed(key)
        return self._expanded(value)

    def names(self, key: str, given: Sequence[str]) -> tuple[str, ...]:
        """Return the list that the option *key* has."""
        if given:
            return tuple(given)
        value = self._value(key)
        # The environment holds lists with an empty line between the entries.
        listed = value.split("\n\n") if isinstance(value, str) else value if isinstance(value, list) else ()
        found = tuple(each for each in listed if isinstance(each, str) and each)
        if found:
            self._heed(key)
        return found

    def level(self, given: str) -> str:
        """Return the log level: npm's default is `notice`."""
        if given:
            return given
        value = self._value("loglevel")
        if value in LEVELS:
            self._heed("loglevel")
            return str(value)
        if value is not None:
            self._refuse("loglevel", f"is none of {', '.join(LEVELS)}")
        return "notice"

    def _value(self, key: str) -> Any:  # noqa: ANN401 - whatever an npmrc holds
        setting = self._config.settings.get(key)
        return None if setting is None else setting.value

    def _heed(self, key: str) -> None:
        self.heeded[key] = self._config.settings[key].source

    def _refuse(self, key: str, why: str) -> None:
        source = self._config.settings[key].source
        message = f"npm's setting {key} is left out: {self._value(key)!r} {why}"
        self.warnings.append(Problem("WSETTING", source, message, f"mend it: {source}"))

    def _expanded(self, text: str) -> str:
        """Put the home directory in for a `~/` that no shell has replaced: after a `=`, in an npmrc."""
        home = self._config.user_home
        return f"{home}/{text[2:].lstrip('/')}" if home and text.startswith("~/") else text


def read_settings(flags: Mapping[str, FlagValue]) -> Settings:
    """Read npm's settings for a command started in the current directory with npm's *flags*.

    Without node on PATH nobody knows npm's global prefix; the settings of the prefix's npmrc are missing then.
    """
    env = own_process.environment()
    cwd, project = "/", None
    with suppress(OSError, LinkpackError):  # the directory is gone, or a workspace file above it is no YAML
        cwd = fs.real_path(".")
        project = find_local_project(cwd).root
    try:
        return Settings(load_config(env, cwd, flags, project))
    except ConfigError:
        return Settings(load_config(env, cwd, {**flags, "prefix": _NOWHERE}, project))
