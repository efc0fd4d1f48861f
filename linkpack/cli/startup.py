"""Start and end the process, without what a short-lived one need not do.

A command that does little spends its time on starting Python. Measured on Python 3.11: a bare interpreter takes
10 ms, click 20 ms more. 6 ms of these load `inspect`, which strips help texts, and 2 ms `uuid`, for a type that no
option here has. The garbage collector takes 3 ms, and taking the interpreter apart 5 ms.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

_SIGINT = 2  # the signal module costs a start more than the number


class StandIn(ModuleType):
    """A module of the standard library that is loaded when it is first used.

    `importlib.util.LazyLoader` has the same aim, but in Python 3.10 and 3.11 the import statement itself makes it
    load.
    """

    def __getattr__(self, name: str) -> object:
        """Load the real module, take over its names and return *name*."""
        return getattr(self._load(), name)

    def _load(self) -> ModuleType:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        real = import_module(self.__name__)
        self.__dict__.update(vars(real))
        return real


class Inspect(StandIn):
    """`inspect`, of which click calls only `cleandoc`, once for each option."""

    def __init__(self) -> None:
        super().__init__("inspect")

    def cleandoc(self, doc: str) -> str:
        """Return what `inspect.cleandoc` returns, without it for one line."""
        if "\n" in doc or "\t" in doc:
            return str(self._load().cleandoc(doc))
        return doc.lstrip()


class Uuid(StandIn):
    """`uuid`, of which click names the type `UUID` while it is imported.

    Any type will do until then.
    """

    def __init__(self) -> None:
        super().__init__("uuid")
        self.UUID: type = object

    def unset(self) -> None:
        """Have `UUID` be loaded from the real module from now on."""
        self.__dict__.pop("UUID")


def main() -> NoReturn:
    """Run the command line and end the process with its status."""
    if sys.getfilesystemencoding() != "utf-8":
        _restart()
    gc.disable()
    uuid = Uuid()
    for stand_in in (Inspect(), uuid):
        # The real module may be loaded, as under a debugger: then it stays.
        sys.modules.setdefault(stand_in.__name__, stand_in)
    try:
        run: Callable[[], NoReturn] = import_module("linkpack.cli.main").main  # after what makes it quick
        uuid.unset()
        run()
    except KeyboardInterrupt:  # while it was loaded
        leave(SystemExit(128 + _SIGINT))
    except SystemExit as end:
        leave(end)


def leave(end: SystemExit) -> NoReturn:
    """End the process as *end* would, without taking the interpreter apart.

    Other threads need it to be taken apart: while one runs, *end* is raised.
    """
    threading = sys.modules.get("threading")
    if not isinstance(end.code, int) or (threading is not None and threading.active_count() > 1):
        raise end
    atexit._run_exitfuncs()  # noqa: SLF001 - what `os._exit` would leave out; there is no public name for it
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # None: it was closed when Python started
                stream.flush()
    except OSError:
        raise end from None  # the interpreter reports it as for any program
    os._exit(end.code)


def _restart() -> NoReturn:
    """Start over in Python's UTF-8 mode.

    File names are bytes, and must not be read in the locale's encoding.
    """
    start = [sys.executable, "-X", "utf8", *sys.orig_argv[1:]]
    os.execv(sys.executable, [os.fsencode(word) for word in start])  # noqa: S606 - itself, and without a shell
