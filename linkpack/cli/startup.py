"""The program's first and last step: what a short-lived process need not do is left out.

A command that does little spends its time on starting Python. Measured on Python 3.11: a bare interpreter 10 ms,
click 20 ms more, of which 6 ms load `inspect` to strip help texts and 2 ms `uuid`, for a type that no option here
has; the collector set for small heaps 3 ms; and taking the interpreter apart again 5 ms.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from importlib import import_module
from types import ModuleType
from typing import NoReturn

# Containers between two looks for garbage. With Python's own threshold of 700 it looks 50 times during the imports
# alone; the values of a plan hold no cycles, so there is little to find.
_GC_THRESHOLD = 50_000
_SIGINT = 2  # the signal module costs a start more than the number


class StandIn(ModuleType):
    """A module of the standard library, loaded when something is first asked for that the stand-in does not have.

    (`importlib.util.LazyLoader` has the same aim, but the import statement itself makes it load in Python 3.10 and
    3.11.)
    """

    def __getattr__(self, name: str) -> object:
        """The real module's *name*; from then on the real names are here as well."""
        return getattr(self._load(), name)

    def _load(self) -> ModuleType:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        real = import_module(self.__name__)
        self.__dict__.update(vars(real))
        return real


class Inspect(StandIn):
    """`inspect`, of which click asks for `cleandoc` alone, once for every option; that much is here."""

    def __init__(self) -> None:
        super().__init__("inspect")

    def cleandoc(self, doc: str) -> str:
        """*doc* as `inspect.cleandoc` gives it; a line by itself needs no more than this."""
        if "\n" in doc or "\t" in doc:
            return str(self._load().cleandoc(doc))
        return doc.lstrip()


class Uuid(StandIn):
    """`uuid`, whose `UUID` click names as a hint while it is loaded: any type will do until it is `settled`."""

    def __init__(self) -> None:
        super().__init__("uuid")
        self.UUID: type = object

    def settled(self) -> None:
        """From now on `UUID` is the real one, when somebody asks for it."""
        self.__dict__.pop("UUID")


def main() -> NoReturn:
    """Run the process's command line and end the process with its status, as `linkpack.cli.main` says."""
    if sys.getfilesystemencoding() != "utf-8":
        _restart()
    gc.set_threshold(_GC_THRESHOLD)
    uuid = Uuid()
    for stand_in in (Inspect(), uuid):
        sys.modules.setdefault(stand_in.__name__, stand_in)
    try:
        from linkpack.cli import main as cli  # noqa: PLC0415 - after what makes it quick

        uuid.settled()
        cli.main()
    except KeyboardInterrupt:  # while it was loaded
        leave(SystemExit(128 + _SIGINT))
    except SystemExit as end:
        leave(end)


def leave(end: SystemExit) -> NoReturn:
    """End the process as *end* would; without taking the interpreter apart when no other thread runs."""
    threading = sys.modules.get("threading")
    if not isinstance(end.code, int) or (threading is not None and threading.active_count() > 1):
        raise end
    atexit._run_exitfuncs()  # noqa: SLF001 - what `os._exit` would leave out; there is no public name for it
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # None: it was closed when Python started
                stream.flush()
    except OSError:
        raise end from None  # the interpreter says so in its own way
    os._exit(end.code)


def _restart() -> NoReturn:
    """Start over in Python's UTF-8 mode: file names are bytes, and must not be read in the locale's encoding."""
    start = [sys.executable, "-X", "utf8", *sys.orig_argv[1:]]
    os.execv(sys.executable, [os.fsencode(word) for word in start])  # noqa: S606 - itself, and without a shell
