"""Looks for secrets in what is packed: every name, and such contents as pass through memory anyway and are small.

The same rules as `linkpack verify`, which reads everything. Contents of installed packages are not looked at: they
were published by somebody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.packlist.secrets import HINT, Scanner, secret_name, tokens_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from linkpack.archive.entry import Entry

MOST_OF_ONE = 1 << 18  # bytes of a file that is looked at
MOST_OF_ALL = 4 << 20  # bytes looked at in one tarball: 3 to 9 ms a megabyte
_TOGETHER = 1 << 18  # bytes of several files that are looked at together
# Where hardly anybody keeps a secret: pictures, fonts, programs, pages made for reading.
_PASSED_OVER: tuple[str, ...] = (
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".webp",
    ".ico",
    ".woff",
    ".woff2",
    ".ttf",
    ".wasm",
    ".node",
    ".gz",
)
_PASSED_OVER += (".html", ".css", ".svg", ".map", ".d.ts", *(f".{section}" for section in range(1, 10)))


class Watch:
    """What was found in the contents of one tarball, so far."""

    def __init__(self) -> None:
        self._warnings: list[Problem] = []
        self._left = MOST_OF_ALL
        self._held: list[tuple[str, bytes]] = []
        self._size = 0

    def over(self, entry: Entry, pieces: Iterable[bytes]) -> Iterable[bytes]:
        """*pieces*, the contents of *entry*, kept for being looked at where that is worth it."""
        if not entry.own or entry.size > min(MOST_OF_ONE, self._left) or entry.path.endswith(_PASSED_OVER):
            return pieces
        self._left -= entry.size
        whole = b"".join(pieces)
        self._held.append((entry.path.partition("/")[2], whole))
        self._size += len(whole)
        if self._size >= _TOGETHER:
            self._look()
        return (whole,)

    def warnings(self) -> tuple[Problem, ...]:
        """A warning for each file that holds what looks like a secret, in the order of the files."""
        self._look()
        return tuple(self._warnings)

    def _look(self) -> None:
        """Look at the files held: at all of them at once, as hardly any holds what a token cannot be without."""
        held, self._held, self._size = self._held, [], 0
        tokens = tokens_in(b"\n".join([whole for _, whole in held]))
        for path, whole in held if tokens else ():
            scanner = Scanner(path, tokens)
            scanner.feed(whole)
            if scanner.labels and not secret_name(path):
                found = ", ".join(scanner.labels)
                message = f"{path} holds what looks like {found}, and ships: it may be a secret"
                self._warnings.append(Problem("WSECRET", path, message, f"revoke it, and {HINT}"))
