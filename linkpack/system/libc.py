"""Find a call of the C library that Python does not offer."""

from __future__ import annotations

import ctypes
import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_EXCHANGE = 2  # RENAME_EXCHANGE on Linux and RENAME_SWAP on macOS


def load_libc() -> ctypes.CDLL:
    """Return the C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def find_exchange(libc: object) -> Callable[[int, bytes, int, bytes], int]:
    """Return the function that swaps two directory entries.

    It is one of *libc*, and takes the descriptor of its folder and the name of each entry. It returns an error
    number: 0 when it is done, ENOSYS when *libc* cannot swap. Source: renameat2(2) of Linux, renameatx_np(2) of
    macOS.
    """
    for name in ("renameat2", "renameatx_np"):  # glibc has the first one since 2.28
        if hasattr(libc, name):
            call = getattr(libc, name)
            call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
            return lambda a, old, b, new: ctypes.get_errno() if call(a, old, b, new, _EXCHANGE) else 0
    return lambda *_: errno.ENOSYS
