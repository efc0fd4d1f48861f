"""Looks for secrets in what is packed: every name, and such contents as pass through memory anyway and are small.

The same rules as `linkpack verify`, which reads everything. Contents of installed packages are not looked at: they
were published by somebody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.select.secrets import HINT, Scanner, secret_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from linkpack.tarballs.archive import Entry

MOST_OF_ONE = 1 << 18  # bytes of a file that is looked at
MOST_OF_ALL = 4 << 20  # bytes looked at in one tarball: 10 ms a megabyte
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
    """What was found in the contents of one tarball, so far: *warnings*, one a file."""

    def __init__(self) -> None:
        self.warnings: list[Problem] = []
        self._left = MOST_OF_ALL

    def over(self, entry: Entry, pieces: Iterable[bytes]) -> Iterable[bytes]:
        """*pieces*, the contents of *entry*, looked at on their way where that is worth it."""
        if not entry.own or entry.size > min(MOST_OF_ONE, self._left) or entry.path.endswith(_PASSED_OVER):
            return pieces
        self._left -= entry.size
        return self._watched(entry.path.partition("/")[2], pieces)

    def _watched(self, path: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        scanner = Scanner(path)
        for piece in pieces:
            scanner.feed(piece)
            yield piece
        if scanner.labels and not secret_name(path):
            message = f"{path} holds what looks like {', '.join(scanner.labels)}, and ships: it may be a secret"
            self.warnings.append(Problem("WSECRET", path, message, f"revoke it, and {HINT}"))
