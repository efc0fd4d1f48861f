"""Remember which manifests name a linked package, to see when it is uninstalled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.linking.health import is_shared, project_folders, standing
from linkpack.linking.many import sections_of
from linkpack.linking.package_tree import PackageTree
from linkpack.project.source import read_loose

if TYPE_CHECKING:
    from collections.abc import Iterable

    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.context import LinkContext
    from linkpack.linking.states import RecordedLink


def note_declared(builder: PlanBuilder, context: LinkContext, names: Iterable[str]) -> None:
    """Write into the planned links to *names* of the project which manifests name them, as they will be.

    A link whose package leaves all of them later was uninstalled by the user, and does not come back by itself.
    """
    tree = PackageTree(builder.changes)
    wanted = set(names)
    for key, edit in list(builder.edits.items()):
        if not is_shared(edit) and edit.after is not None and edit.after.name in wanted:
            link = standing(edit.after)
            folders = project_folders(tree, context, [link])
            declared = tuple(f"{folder}/package.json" for folder in folders if _names(tree, folder, link.name))
            builder.edits[key] = edit._replace(after=edit.after._replace(declared=declared))


def _names(tree: PackageTree, folder: str, name: str) -> bool:
    manifest = tree.manifest(folder)
    return manifest is not None and any(name in section for section in sections_of(manifest))


def is_uninstalled(entry: RecordedLink) -> bool:
    """True if manifests named the package of *entry* when it was linked, and all of them are there without it."""
    manifests = [read_loose(path.rpartition("/")[0]) for path in entry.declared]
    return bool(manifests) and all(
        manifest is not None and not any(entry.name in section for section in sections_of(manifest))
        for manifest in manifests
    )
