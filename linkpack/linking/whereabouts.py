"""Find all places where a package is linked, in every project and prefix that has a record."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING

from linkpack.linking.package import is_standing, real_folder
from linkpack.linking.record import read_record
from linkpack.linking.states import link_from_json
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from linkpack.linking.record import Store
    from linkpack.linking.states import RecordedLink


def all_links(store: Store) -> Iterator[RecordedLink]:
    """Yield every link of every record in *store*; damaged records are passed over."""
    folder = f"{store.root}/links"
    entries = sorted(fs.scan(folder), key=lambda entry: entry.name) if fs.is_dir(folder) else []
    for entry in entries:
        try:
            links = json.loads(store.read(entry.path))["links"].values()
            found = [link_from_json(each) for each in links]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
        yield from (link for link in found if link is not None)


def places_of(store: Store, folder: str, name: str, modules: str) -> tuple[str, ...]:
    """Return the paths of all links that lead to the package *name* in the real *folder*, sorted.

    The global link counts whoever made it; *modules* is the global node_modules, or empty.
    """
    paths = {link.path for link in all_links(store) if link.target == folder}
    if modules and name:
        paths.add(posixpath.join(modules, name))
    return tuple(sorted(path for path in paths if fs.is_link(path) and fs.canonical(path) == folder))


def lost_links(store: Store, project: str, folders: Iterable[str]) -> Iterator[tuple[str, RecordedLink]]:
    """Yield the links of the real folder *project* in the node_modules *folders* that do not stand.

    An install put something else there, the link leads elsewhere, or nothing is there. Each comes with its path in
    the folder as it is named. For whoever is about to use what lies there, as `pack` does, and should say that it
    is not what was linked. Raises `LinkError` (ERECORD) for a damaged record.
    """
    for folder in folders:
        place = real_folder(folder)
        for entry in read_record(store, place).values():
            if entry.project == project and not is_standing(entry):
                yield f"{folder}{entry.path.removeprefix(place)}", entry


def places_called(store: Store, name: str) -> tuple[str, ...]:
    """Return the paths of all links to a package *name* that stand, sorted."""
    return tuple(sorted(link.path for link in all_links(store) if link.name == name and fs.is_link(link.path)))
