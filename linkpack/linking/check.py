"""Add to a link plan what to know of the state after it, for all links that will stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.linking.package_choice import sections_of
from linkpack.linking.package_tree import PackageTree
from linkpack.linking.warnings import PEERS, Standing, package_problems, project_problems
from linkpack.project.source import read_loose

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from linkpack.errors import Problem
    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.context import LinkContext
    from linkpack.linking.states import Edit, RecordedLink

_AGAIN = ", then linkpack relink"  # of no use where nothing is linked


def warn_of_state_after(
    builder: PlanBuilder, context: LinkContext, links: Iterable[Standing], *, shared: bool
) -> None:
    """Add warnings about the links of the project, or with *shared* of the global folder, once *builder* is done.

    *links* are those that stand now. With npm's `strict-peer-deps` a fault of a peer is a conflict instead.
    """
    planned = [edit for edit in builder.edits.values() if _is_shared(edit) == shared]
    strict = is_strict(context)
    for problem in problems_of(PackageTree(builder.changes), context, _standing(links, planned), shared=shared):
        if strict and problem.code in PEERS:
            hint = problem.hint.removesuffix(_AGAIN)
            builder.refuse(strict_code(problem), problem.path, problem.message, hint)
        else:
            builder.warn(*problem)


def _is_shared(edit: Edit) -> bool:
    """True if *edit* is about a global link."""
    return not any(entry.project for entry in (edit.before, edit.after) if entry is not None)


def is_strict(context: LinkContext) -> bool:
    """True if faults of peers are errors, as npm documents `strict-peer-deps`."""
    flag = context.config.flag
    return flag("strict-peer-deps", default=False) and not flag("legacy-peer-deps", default=False)


def strict_code(problem: Problem) -> str:
    """Return the code of a fault of a peer where such faults are errors.

    WPEERTWICE  ->  EPEERTWICE
    """
    return f"E{problem.code[1:]}"


def note_declared(builder: PlanBuilder, context: LinkContext, names: Iterable[str]) -> None:
    """Write into the planned links to *names* of the project which manifests name them, as they will be.

    A link whose package leaves all of them later was uninstalled by the user, and does not come back by itself.
    """
    tree = PackageTree(builder.changes)
    wanted = set(names)
    for key, edit in list(builder.edits.items()):
        if not _is_shared(edit) and edit.after is not None and edit.after.name in wanted:
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


def _standing(links: Iterable[Standing], planned: Sequence[Edit]) -> list[Standing]:
    """Return *links* with what is planned, by path."""
    found = {link.path: link for link in links}
    for edit in planned:
        if edit.before is not None:
            found.pop(edit.before.path, None)
        if edit.after is not None:
            found[edit.after.path] = standing(edit.after)
    return [found[path] for path in sorted(found)]


def standing(entry: RecordedLink) -> Standing:
    """Return the recorded link *entry* as one that stands."""
    return Standing(entry.name, entry.target, entry.path, entry.bin_links)


def problems_of(
    tree: PackageTree, context: LinkContext, links: Iterable[Standing], *, shared: bool
) -> list[Problem]:
    """Return what to know of *links*, of the project or the global folder, on *tree*.

    A link that is not there, dropped by an install, is left out.
    """
    there = [link for link in links if tree.folder(link.path) == link.folder]
    found = list(package_problems(tree, there, context.config.modules))
    if not shared:
        found += project_problems(tree, there, project_folders(tree, context, there))
    return list(dict.fromkeys(found))


def project_folders(tree: PackageTree, context: LinkContext, links: Iterable[Standing]) -> list[str]:
    """Return the project's folders that load *links*: root, workspaces chosen, and members that name one."""
    root = context.project.root
    folders = [root, *context.picked]
    names = {link.name for link in links}
    if names:
        from linkpack.project.workspace import member_folders, read_workspace  # noqa: PLC0415 - few projects have any

        workspace = read_workspace(root)
        for folder in member_folders(workspace) if workspace is not None else ():
            manifest = tree.manifest(folder)
            if manifest is not None and names & {name for section in sections_of(manifest) for name in section}:
                folders.append(folder)
    return list(dict.fromkeys(folders))
