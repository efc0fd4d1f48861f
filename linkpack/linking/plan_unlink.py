"""Plan `unlink`, in a project and in the global folder.

This chooses the links that are meant, and warns of names that are not linked. `single_unlink` takes each away. It
refuses what a package manager installed (ENOTLINK). A global link that leads to another checkout is refused here
(ENOTLINKED), and paths outside of the project and the prefix are by `builder` (ELINKOUT).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import LinkMissing, Problem
from linkpack.linking.installed import list_linked_names
from linkpack.linking.link_search import find_links_named
from linkpack.linking.package import is_in_place, real_folder, resolve_link
from linkpack.linking.package_choice import list_names
from linkpack.linking.save import plan_unsave
from linkpack.linking.single_unlink import LinkKey, Unlinking
from linkpack.linking.states import Absent, Link
from linkpack.linking.status import list_links
from linkpack.project.package_json import read_loose
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linkpack.linking.context import LinkContext
    from linkpack.linking.ownership import LinkLocation
    from linkpack.linking.request import LinkSpec
    from linkpack.linking.states import LinkPlan, RecordedLink


# --- in a project


def plan_unlink(context: LinkContext, wanted: Sequence[LinkSpec], *, every: bool = False) -> LinkPlan:
    """Plan `unlink name…` or `unlink ../folder…` in a project.

    With *every*, all links of the project go. A package that is installed, not linked, is a conflict. A name
    that is not there is a warning. Raises `LinkMissing` (ENOTLINKED) for a folder that is not linked.
    """
    unlinking = Unlinking(context, context.builder(context.every_package))
    for spec in wanted:
        keys = (
            _find_keys_by_folder(unlinking, spec.folder)
            if spec.folder
            else _find_keys_by_name(unlinking, spec.name)
        )
        for key in keys:
            unlinking.unlink(key)
        # Another checkout may have taken the link itself away (tests/linking/test_real_places.py).
        is_saved = bool(spec.name) and unlinking.unsave(spec.name)
        if not keys and not is_saved:
            _unlink_unrecorded(unlinking, spec)
    if every:
        # First the recorded links, then those that `npm link`, other tools or the user made.
        recorded = _list_project_links(unlinking)
        in_place = {link.path for _, link in recorded if is_in_place(link)}
        for key, _ in recorded:
            unlinking.unlink(key)
        unlinking.unsave()
        for location, name in _find_links_on_disk(context):
            state = unlinking.builder.state(location.path)
            # A link that comes back in the place of one of ours has to stay, even if no change was needed for
            # that, and the manifest, which is put back with it, asks for another one now.
            is_handled = location.path in in_place or location.path in unlinking.builder.changes
            if is_handled or not isinstance(state, Link):
                continue
            if not context.installed.reason(location.path, state.target):
                unlinking.unlink_unrecorded(location, name)
    plan = _finish(unlinking)
    names = [spec.name for spec in wanted if spec.name]  # a folder that is not linked has raised already
    missing = _warn_of_missing(context, plan, names, shared=False, every=every)
    return plan._replace(warnings=(*plan.warnings, *missing))


def _list_project_links(unlinking: Unlinking) -> list[tuple[LinkKey, RecordedLink]]:
    """Return the recorded links of all local packages."""
    places = unlinking.context.local_places(unlinking.context.every_package)
    return [(LinkKey(place, key), link) for place in places for key, link in unlinking.links_left(place).items()]


def _find_keys_by_name(unlinking: Unlinking, name: str) -> list[LinkKey]:
    """Return the keys of the project's links called *name*.

    With workspaces chosen these are the links in them, or without any there those in the root.
    """
    context = unlinking.context
    links = [(key, link) for key, link in _list_project_links(unlinking) if link.name == name]
    if context.picked:
        chosen = {real_folder(f"{folder}/node_modules") for folder in context.picked}
        root = real_folder(f"{context.project.root}/node_modules")
        # `link -w` puts a link into the root if the workspace has no copy of its own (`local_modules`).
        links = [(key, link) for key, link in links if key.place in chosen] or [
            (key, link) for key, link in links if key.place == root
        ]
    return _prefer_own(context, links)


def _find_keys_by_folder(unlinking: Unlinking, folder: str) -> list[LinkKey]:
    """Return the keys of the project's links to *folder*."""
    real = fs.canonical_path(folder)
    links = [(key, link) for key, link in _list_project_links(unlinking) if link.target == real]
    return _prefer_own(unlinking.context, links)


def _prefer_own(context: LinkContext, links: Sequence[tuple[LinkKey, RecordedLink]]) -> list[LinkKey]:
    """Return the keys of the links that this checkout made, or of all.

    The links of another checkout in a shared node_modules count only if this one made none.
    """
    own = [key for key, link in links if context.is_own(link)]
    return own or [key for key, _ in links]


def _unlink_unrecorded(unlinking: Unlinking, spec: LinkSpec) -> None:
    """Take away links that are in no record.

    Raises `LinkMissing` (ENOTLINKED) for a folder that nothing leads to.
    """
    context = unlinking.context
    if spec.name:
        for modules in context.local_modules(spec.name):
            unlinking.unlink_unrecorded(context.local_location(modules, spec.name), spec.name)
        return
    real = fs.canonical_path(spec.folder)
    leading = [
        (location, name)
        for location, name in _find_links_on_disk(context)
        if fs.canonical_path(location.path) == real
    ]
    for location, name in leading:
        unlinking.unlink_unrecorded(location, name)
    if not leading:
        manifest = read_loose(real)
        name = manifest.name if manifest is not None else ""
        raise LinkMissing(
            f"{spec.folder} is not linked into {context.project.root}",
            path=spec.folder,
            hint=f"if you mean whatever is linked as {name}, run linkpack unlink {name}"
            if name
            else "linkpack ls shows what is linked",
        )


def _find_links_on_disk(context: LinkContext) -> Iterator[tuple[LinkLocation, str]]:
    """Yield location and name of every link in the project's node_modules.

    These are the folders of the root and of all workspaces, or of the chosen ones.
    """
    for place in context.local_places(context.every_package):
        for name in list_linked_names(place):
            yield context.local_location(place, name), name


# --- in the global folder


def plan_global_unlink(context: LinkContext, wanted: Sequence[LinkSpec], *, every: bool = False) -> LinkPlan:
    """Plan `unlink -g name…`, or `unlink` of the project's own link.

    Without names the global links to the project go, or those to the chosen workspaces. With *every*, all recorded
    global links go. Raises `LinkMissing`: ENONAME when there is no name to go by, ENOTLINKED for a folder that is
    not linked.
    """
    # npm refuses `unlink` without a name ("Must provide a package name to remove": 11.19.1,
    # lib/commands/uninstall.js), and so cannot undo `link` in the same folder.
    unlinking = Unlinking(context, context.builder())
    place = context.shared_place
    folders = context.picked or (context.project.start,)
    if every:
        for key in [key for key, link in unlinking.links_left(place).items() if not link.project]:
            unlinking.unlink(LinkKey(place, key))
    for spec in wanted:
        if spec.folder:
            _unlink_package(unlinking, fs.canonical_path(spec.folder), is_required=True)
        elif spec.name in unlinking.links_left(place):
            unlinking.unlink(LinkKey(place, spec.name))
        else:
            unlinking.unlink_unrecorded(context.shared_location(spec.name), spec.name)
    if not wanted and not every:
        known = [_unlink_package(unlinking, folder, is_required=False) for folder in folders]
        if not any(known):
            raise LinkMissing(
                f"{context.project.start} is no package with a name, and none was given",
                code="ENONAME",
                path=context.project.start,
                hint="run it in a package's folder, or name what to unlink",
            )
    plan = _finish(unlinking)
    names = [spec.name for spec in wanted if spec.name]  # a folder that is not linked has raised already
    if not wanted and not every:
        names = [manifest.name for manifest in map(read_loose, folders) if manifest is not None and manifest.name]
    missing = _warn_of_missing(context, plan, names, shared=True, every=every)
    return plan._replace(warnings=(*plan.warnings, *missing))


def _unlink_package(unlinking: Unlinking, folder: str, *, is_required: bool) -> bool:
    """Take away the global links to the package in a real *folder*.

    Links under earlier names of the package go too. Returns False if the folder has neither a name nor a link. A
    global link of its name to another folder, a second checkout perhaps, is a conflict. With *is_required* a
    folder without a link raises `LinkMissing`.
    """
    context = unlinking.context
    place = context.shared_place
    links = unlinking.links_left(place)
    keys = [key for key, link in links.items() if link.target == folder and not link.project]
    for key in keys:
        unlinking.unlink(LinkKey(place, key))
    if keys:
        return True
    not_linked = LinkMissing(f"{folder} is not linked globally", path=folder, hint="linkpack ls -g shows what is")
    manifest = read_loose(folder)
    if manifest is None or not manifest.name:
        if is_required:
            raise not_linked
        return False
    location = context.shared_location(manifest.name)
    state = unlinking.builder.state(location.path)
    target = resolve_link(location.path, state.target) if isinstance(state, Link) else ""
    if target and target != folder:
        message = f"the global {manifest.name} leads to {target}, not to {folder}"
        hint = f"to take it away all the same, run linkpack unlink -g {manifest.name}"
        unlinking.builder.refuse("ENOTLINKED", location.path, message, hint)
    elif is_required and isinstance(state, Absent):
        raise not_linked
    else:
        unlinking.unlink_unrecorded(location, manifest.name)
    return True


# --- the end of both plans


def _finish(unlinking: Unlinking) -> LinkPlan:
    """Return the plan, with the parts that links share.

    It takes the links out of manifests and lockfiles too.
    """
    unlinking.finish()
    if unlinking.saved:
        plan_unsave(unlinking.builder, unlinking.context, tuple(unlinking.saved))
    return unlinking.builder.plan()


def _warn_of_missing(
    context: LinkContext, plan: LinkPlan, names: Sequence[str], *, shared: bool, every: bool
) -> tuple[Problem, ...]:
    """Warn of each of *names* that is not linked.

    With *every* and no names, there is one warning if there was no link at all.
    """
    # "up to date", as npm says, would hide a wrong name, folder or prefix (docs/differences-from-npm.md, K8).
    if plan.conflicts:
        return ()
    gone = {item.name for item in plan.removed}
    gone |= {edit.before.name for edit in plan.edits if edit.before is not None and edit.after is None}
    gone |= {save.key.rpartition("node_modules/")[2] for save in plan.saves if not save.after}
    where = context.config.modules if shared else context.project.root
    if every and not names:
        nothing = Problem("WNOLINKS", where, f"there are no links in {where}, so that none is taken away")
        return () if gone else (nothing,)
    return tuple(_warn_of_missing_name(context, name, where, shared=shared) for name in names if name not in gone)


def _warn_of_missing_name(context: LinkContext, name: str, where: str, *, shared: bool) -> Problem:
    kind = "globally" if shared else "there"
    message = f"{name} is not linked in {where}, so that nothing is taken away {kind}"
    hint = _hint_at_links(context, name, shared=shared)
    return Problem(code="WNOTLINKED", path=where, message=message, hint=hint)


def _hint_at_links(context: LinkContext, name: str, *, shared: bool) -> str:
    """Return a hint at other links of the name, or at the links here."""
    if shared:
        local = [link.name for link in list_links(context) if link.state != "uninstalled"]
        if local:
            links = list_names(local)
            return f"the project's links stay ({links}): linkpack unlink NAME takes one away, --all every one"
    elif context.config.fault is None and any(link.name == name for link in list_links(context, shared=True)):
        return f"it is linked globally: linkpack unlink -g {name} takes that away"
    places = find_links_named(context.store, name)
    return f"it is linked at {list_names(places)}" if places else "linkpack ls lists what is linked"
