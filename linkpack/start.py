"""The program's first and last step: what a short-lived process need not do is left out.

A command that does little spends its time on starting Python. Measured on Python 3.11: a bare interpreter 10 ms,
click 20 ms more, of which 6 ms load `inspect` to strip help texts; the collector set for small heaps 3 ms; and
taking the interpreter apart again 5 ms.
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


class Inspect(ModuleType):
    """The standard library's `inspect`, loaded when something in it is first asked for.

    click asks for `cleandoc` alone, once for every option; that much is here. (`importlib.util.LazyLoader` has the
    same aim, but the import statement itself makes it load in Python 3.10 and 3.11.)
    """

    def __init__(self) -> None:
        super().__init__("inspect")

    def __getattr__(self, name: str) -> object:
        """The real module's *name*; from then on the real names are here as well."""
        return getattr(self._load(), name)

    def cleandoc(self, doc: str) -> str:
        """*doc* as `inspect.cleandoc` gives it; a line by itself needs no more than this."""
        if "\n" in doc or "\t" in doc:
            return str(self._load().cleandoc(doc))
        return doc.lstrip()

    def _load(self) -> ModuleType:
        if sys.modules.get("inspect") is self:
            del sys.modules["inspect"]
        real = import_module("inspect")
        self.__dict__.update(vars(real))
        return real


def main() -> NoReturn:
    """Run the process's command line and end the process with its status, as `linkpack.cli` says."""
    if sys.getfilesystemencoding() != "utf-8":
        _restart()
    gc.set_threshold(_GC_THRESHOLD)
    sys.modules.setdefault("inspect", Inspect())
    try:
        from linkpack import cli  # noqa: PLC0415 - after what makes it quick

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
