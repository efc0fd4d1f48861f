"""Load what only some runs need, when they need it.

Most of the time of a short command goes into imports: `--version` needs no command, and a `pack` without scripts
no `subprocess`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def load(home: str) -> Any:  # noqa: ANN401 - whoever asks says what it is
    """Return what *home* names, importing its module first.

    >>> load("linkpack.cli.lazy:load") is load
    True
    """
    module, _, name = home.partition(":")
    return getattr(import_module(module), name)
