"""Look for secrets in the contents that are packed.

Only small files are scanned, as their contents pass through memory anyway. The rules are those of `linkpack
verify`, which reads everything. Contents of installed packages are not scanned: they are published already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.packlist.secrets import HINT, Scanner, find_tokens, identify_secret

if TYPE_CHECKING:
    from collections.abc import Iterable

    from linkpack.archive.entry import Entry

MOST_OF_ONE = 1 << 18  # bytes of the largest file that is scanned
MOST_OF_ALL = 4 << 20  # bytes scanned in one tarball: 3 to 9 ms a megabyte
_TOGETHER = 1 << 18  # bytes of several files that are scanned together
# Hardly anybody keeps a secret in these: pictures, fonts, programs, pages for reading, type declarations.
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


class ContentScan:
    """A scan of the contents of one tarball."""

    def __init__(self) -> None:
        self._warnings: list[Problem] = []
        self._left = MOST_OF_ALL
        self._waiting: list[tuple[str, bytes]] = []
        self._size = 0

    def pass_on(self, entry: Entry, pieces: Iterable[bytes]) -> Iterable[bytes]:
        """Return the contents of *entry*, and keep them if they are to be scanned."""
        if not entry.own or entry.size > min(MOST_OF_ONE, self._left) or entry.path.endswith(_PASSED_OVER):
            return pieces
        self._left -= entry.size
        contents = b"".join(pieces)
        self._waiting.append((entry.path.partition("/")[2], contents))
        self._size += len(contents)
        if self._size >= _TOGETHER:
            self._scan()
        return (contents,)

    def warnings(self) -> tuple[Problem, ...]:
        """Return a warning for each file that may hold a secret."""
        self._scan()
        return tuple(self._warnings)

    def _scan(self) -> None:
        """Scan the files that are waiting, all at once.

        Hardly any file holds the beginning of a token, so that one search for all is mostly enough.
        """
        files, self._waiting, self._size = self._waiting, [], 0
        # With a line break between two files, no token seems to begin in one and end in the next.
        tokens = find_tokens(b"\n".join([contents for _, contents in files]))
        if not tokens:
            return
        for path, contents in files:
            scanner = Scanner(path, tokens)
            scanner.feed(contents)
            # A file with the name of a secret has a warning already (`packlist.secrets.find_secret_files`).
            if scanner.labels and not identify_secret(path):
                labels = ", ".join(scanner.labels)
                message = f"{path} holds what looks like {labels}, and ships: it may be a secret"
                self._warnings.append(Problem("WSECRET", path, message, f"revoke it, and {HINT}"))
