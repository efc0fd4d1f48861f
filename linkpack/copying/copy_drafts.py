"""Write a copy of a package as a draft, beside where it belongs."""

from __future__ import annotations

import contextlib
import posixpath
from typing import TYPE_CHECKING

from linkpack.archive.entry import ROOT
from linkpack.copying.digests import Digester, FileDigest, stamp_of, write_digests
from linkpack.packing.staged_tree import fill_folder
from linkpack.system import read as fs
from linkpack.system.new_folder import fill_draft
from linkpack.system.temporary import draft_folder, sweep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from linkpack.archive.entry import Entry

# With `write_digests`, so that `staging` has one module to load for all of its writing.
__all__ = ["draft_copy", "write_digests"]


@contextlib.contextmanager
def draft_copy(path: str, entries: Iterable[Entry]) -> Iterator[tuple[str, dict[str, FileDigest]]]:
    """Write *entries* as a draft of the copy *path* while the block runs.

    Gives the draft's folder, and the digests of its files by path. A draft that was not moved is removed at the
    end. The draft of a killed process is removed when the next one is made in the same folder.
    """
    # A killed run may have begun without a node_modules: its draft is beside package.json then
    # (tests/copying/test_copies.py, test_drafts_of_killed_runs_go_with_the_next_copy).
    sweep(path.rpartition("/node_modules/")[0])
    with draft_folder(_nearest_folder(posixpath.dirname(path))) as draft:
        yield draft, _write_copy(draft, entries)


def _write_copy(draft: str, entries: Iterable[Entry]) -> dict[str, FileDigest]:
    """Write *entries* into the empty folder *draft*, and return their digests.

    The digests are by path, relative to the copy. Raises `SourceChanged` when a file is not what was planned.
    """
    digester = Digester()
    with fill_draft(draft) as folder:
        fill_folder(folder, entries, lambda entry: digester.watch(entry.path[len(ROOT) :], entry.read()))
    return {
        name: FileDigest(digest, stamp_of(fs.lstat(f"{draft}/{name}")))
        for name, digest in digester.digests.items()
    }


def _nearest_folder(path: str) -> str:
    """Return the folder *path*, or the nearest one above it that exists.

    A draft there is moved into place by a rename, which needs one file system. The folders between the two do not
    exist, so that none is a mount point.
    """
    while not fs.is_dir(path):
        path = posixpath.dirname(path)
    return path
