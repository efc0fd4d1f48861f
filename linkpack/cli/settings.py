"""npm's settings as defaults of options, by the rule of docs/settings.md.

The command line comes first, then npm's settings (environment, npmrc of project, user and machine), then the
default. A setting applies to a command of npm's that has an option of its name.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from linkpack.cli.terminal import apply_settings
from linkpack.errors import ConfigError, LinkpackError, Problem
from linkpack.npm.config import load_config
from linkpack.project.local import find_local_project
from linkpack.record import Record
from linkpack.system import own_process
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.npm.config import Config
    from linkpack.npm.flags import FlagValue
    from linkpack.npm.npmrc_text import Value

LEVELS = ("silent", "error", "warn", "notice", "http", "info", "verbose", "silly")
"""npm's log levels, from the quietest to the loudest."""

_NO_PREFIX = "/nonexistent"  # a prefix without an npmrc, where the right one is not known
_PREFIX_WARNING = "WPROJECTNPMRC"  # about the global prefix, which packing does not need


class Verbosity(Record):
    """How much is printed on stderr.

    npm's log *level* decides. With JSON on stdout there is no report.
    """

    level: str
    as_json: bool

    @property
    def report(self) -> bool:
        """Return True if there is a report on each tarball."""
        return self.scripts and not self.as_json

    @property
    def scripts(self) -> bool:
        """Return True if each script is named before it runs."""
        return self._reaches("notice")

    @property
    def warnings(self) -> bool:
        """Return True if warnings are printed."""
        return self._reaches("warn")

    @property
    def verbose(self) -> bool:
        """Return True if reports list everything."""
        return self._reaches("verbose")

    def _reaches(self, level: str) -> bool:
        return LEVELS.index(self.level) >= LEVELS.index(level)


@contextmanager
def change_folder(folder: str) -> Iterator[None]:
    """Make *folder* the current directory in the block, if it is not "".

    Raises `LinkpackError` (ENOFOLDER) when it cannot be entered.
    """
    if not folder:
        yield
        return
    # By its handle: the way back does not depend on a path, which may have been renamed.
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
    """npm's settings for one command.

    Each method returns the value of an option, which may be *given* on the command line.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self.used: dict[str, str] = {}
        """The settings that took effect, each with its source."""
        self.warnings = [problem for problem in config.warnings if problem.code != _PREFIX_WARNING]

    def flag(self, key: str, *, given: bool | None = None) -> bool:
        """Return the value of the switch *key*."""
        if given is not None:
            return given
        value = self._config.flag(key, default=False)
        if value:
            self._note_use(key)
        return value

    def text(self, key: str, given: str) -> str:
        """Return the text of the option *key*, "" where nothing sets it."""
        if given:
            return self._expand_home(given)
        value = self._value(key)
        # False is a value of npm's for any key (`pack-destination=false`), and unsets a text.
        if value is None or value is False or value == "":
            return ""
        if not isinstance(value, str):
            self._refuse(key, "is no text")
            return ""
        self._note_use(key)
        return self._expand_home(value)

    def names(self, key: str) -> tuple[str, ...]:
        """Return the list of the option *key*."""
        value = self._value(key)
        # In the environment, npm puts an empty line between entries of a list (@npmcli/config, lib/set-envs.js).
        items = value.split("\n\n") if isinstance(value, str) else value if isinstance(value, list) else ()
        names = tuple(item for item in items if isinstance(item, str) and item)
        if names:
            self._note_use(key)
        return names

    def level(self, given: str) -> str:
        """Return the log level, by default npm's `notice`."""
        if given:
            return given
        value = self._value("loglevel")
        if value in LEVELS:
            self._note_use("loglevel")
            return str(value)
        if value is not None:
            self._refuse("loglevel", f"is none of {', '.join(LEVELS)}")
        return "notice"

    def _value(self, key: str) -> Value | None:
        setting = self._config.settings.get(key)
        return None if setting is None else setting.value

    def _note_use(self, key: str) -> None:
        self.used[key] = self._config.settings[key].source

    def _refuse(self, key: str, why: str) -> None:
        source = self._config.settings[key].source
        message = f"npm's setting {key} is left out: {self._value(key)!r} {why}"
        self.warnings.append(Problem("WSETTING", source, message, f"mend it: {source}"))

    def _expand_home(self, text: str) -> str:
        """Replace a `~/` that the shell left: after a `=`, or in an npmrc."""
        home = self._config.user_home
        return f"{home}/{text[2:].lstrip('/')}" if home and text.startswith("~/") else text


def read_settings(flags: Mapping[str, FlagValue]) -> Settings:
    """Read npm's settings for a command that was started with npm's *flags*.

    Without node on PATH npm's global prefix is not known, and the settings of the prefix's npmrc are missing.
    """
    env = own_process.environment()
    cwd, project = "/", None
    with suppress(OSError, LinkpackError):  # the directory is gone, or a workspace file above it is no YAML
        cwd = fs.real_path(".")
        project = find_local_project(cwd).root
    try:
        config = load_config(env, cwd, flags, project)
    except ConfigError:  # no global prefix (tests/cli/test_settings.py, test_settings_count_without_node)
        config = load_config(env, cwd, {**flags, "prefix": _NO_PREFIX}, project)
    apply_settings(config)
    return Settings(config)
