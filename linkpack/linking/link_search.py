"""Search the records of all projects and prefixes for links."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING

from linkpack.linking.package import is_in_place, real_folder
from linkpack.linking.record import DAMAGED, read_record
from linkpack.linking.states import link_from_json
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from linkpack.linking.record import Store
    from linkpack.linking.states import RecordedLink


def all_links(store: Store) -> Iterator[RecordedLink]:
    """Yield every link in a record that is not damaged."""
    folder = f"{store.root}/links"
    files = sorted(fs.scan(folder), key=lambda file: file.name) if fs.is_dir(folder) else []
    for file in files:
        try:
            values = json.loads(store.read(file.path))["links"].values()
            links = [link_from_json(value) for value in values]
        except DAMAGED:
            continue  # a search by name helps with another project's links, and must not end this command
        yield from (link for link in links if link is not None)


def find_links_to(store: Store, folder: str, name: str, modules: str) -> tuple[str, ...]:
    """Return the paths of all links to the package in *folder*, sorted.

    *folder* is a real path. *modules* is the global node_modules, or empty. Its link called *name* is one of them
    even if it is not recorded.
    """
    # `npm link` records nothing. In other projects only recorded links can be found.
    paths = {link.path for link in all_links(store) if link.target == folder}
    if modules and name:
        paths.add(posixpath.join(modules, name))
    return tuple(sorted(path for path in paths if fs.is_link(path) and fs.canonical_path(path) == folder))


def find_links_named(store: Store, name: str) -> tuple[str, ...]:
    """Return the paths of all links called *name* that exist, sorted."""
    paths = (link.path for link in all_links(store) if link.name == name and fs.is_link(link.path))
    return tuple(sorted(paths))


def lost_links(store: Store, project: str, folders: Iterable[str]) -> Iterator[tuple[str, RecordedLink]]:
    """Yield the links of *project* that lost their place.

    An install put something else there, the link leads elsewhere, or nothing is there. *project* is the real root
    of a project, *folders* are the node_modules to look in. Each link comes with its path below the folder as
    given, which may be a link. Raises `LinkError` (ERECORD) for a damaged record.
    """
    for folder in folders:
        place = real_folder(folder)
        for link in read_record(store, place).values():
            if link.project == project and not is_in_place(link):
                yield f"{folder}{link.path.removeprefix(place)}", link
