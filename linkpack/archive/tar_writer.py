"""Write the tar stream, byte for byte as npm does.

It has ustar headers with constant times and no owners, a pax header where a name does not fit or is not ASCII, and
two zero blocks at the end, without tar's usual padding to 10,240 bytes. Source: node-tar 7.5 with pacote's options
(`portable`, `mtime`), and comparison with npm 11.19.1's own streams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.archive.tar_header import BLOCK, entry_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from linkpack.archive.entry import Entry

_WHOLE = 1 << 18  # bytes of a file that is given in one piece with its header
_END = bytes(2 * BLOCK)


def tar_blocks(entries: Iterable[Entry], read: Callable[[Entry], Iterable[bytes]]) -> Iterator[bytes]:
    """Yield the stream that holds *entries*, in the order given, in pieces.

    *read* gives an entry's contents, exactly as many bytes as its size says.
    """
    for entry in entries:
        header = entry_header(entry.path, entry.size, entry.mode)
        fill = bytes(-entry.size % BLOCK)
        if entry.size <= _WHOLE:
            yield b"".join((header, *read(entry), fill))
        else:
            yield header
            yield from read(entry)
            yield fill
    yield _END
