"""Remember which manifests name a linked package.

An uninstall takes the name out of package.json. From then on `relink` leaves the link alone, unless it is
called by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.linking.health import is_shared, list_dependency_names, list_loading_folders, to_placed
from linkpack.linking.package_tree import PackageTree
from linkpack.project.package_json import read_loose

if TYPE_CHECKING:
    from collections.abc import Iterable

    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.context import LinkContext
    from linkpack.linking.states import RecordedLink


def note_declared(builder: PlanBuilder, context: LinkContext, names: Iterable[str]) -> None:
    """Note in the planned links to *names* the manifests that name them."""
    # The manifests as they will be after the plan, which may save the links.
    tree = PackageTree(builder.changes)
    wanted = set(names)
    for key, edit in list(builder.edits.items()):
        if not is_shared(edit) and edit.after is not None and edit.after.name in wanted:
            folders = list_loading_folders(tree, context, [to_placed(edit.after)])
            declared = tuple(
                f"{folder}/package.json"
                for folder in folders
                if edit.after.name in list_dependency_names(tree.manifest(folder))
            )
            builder.edits[key] = edit._replace(after=edit.after._replace(declared=declared))


def is_uninstalled(link: RecordedLink) -> bool:
    """Return True if all manifests that named a link's package dropped it.

    Each of them still has to be readable: one that cannot be read may name the package.
    """
    manifests = [read_loose(path.rpartition("/")[0]) for path in link.declared]
    return bool(manifests) and all(
        manifest is not None and link.name not in list_dependency_names(manifest) for manifest in manifests
    )
