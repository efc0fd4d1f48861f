"""Plan `link`: find the packages of specs, and plan a link to each."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.errors import LinkError, LinkMissing
from linkpack.linking.declared import note_declared
from linkpack.linking.health import warn_of_state_after
from linkpack.linking.link_search import find_links_named
from linkpack.linking.package import check_manifest, meets_range, read_source
from linkpack.linking.package_choice import keep_dependencies, list_names, read_packages
from linkpack.linking.record import read_record
from linkpack.linking.single_link import place_link
from linkpack.linking.single_unlink import replace_old_names
from linkpack.linking.status import list_placed_links
from linkpack.project.package_json import read_loose
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.errors import Problem
    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.context import LinkContext, SaveRules
    from linkpack.linking.package_choice import PackageChoice
    from linkpack.linking.request import LinkSpec
    from linkpack.linking.states import LinkPlan
    from linkpack.project.source import SourcePackage


def plan_global_links(context: LinkContext) -> LinkPlan:
    """Plan `link` without specs: global links to the project.

    If workspaces are chosen, they are linked instead. Files in the way are in the plan's conflicts.
    """
    # The root of a workspace is never among them, whatever --include-workspace-root says, as for npm.
    members = tuple(folder for folder in context.picked if folder != context.project.root)
    sources = [read_source(folder) for folder in members or (context.project.start,)]
    builder = context.builder()
    _link_globally(builder, context, list({source.manifest.name: source for source in sources}.values()))
    warn_of_state_after(builder, context, (), shared=True)
    return builder.plan()


def plan_project_links(context: LinkContext, specs: Sequence[LinkSpec], save: SaveRules | None = None) -> LinkPlan:
    """Plan `link <spec>…`: links in the project to the packages of *specs*.

    A package that is named by its folder gets a global link as well. With *save* the links are saved in manifests.
    Files in the way are in the plan's conflicts.

    Raises `ManifestInvalid` for a folder that is no package, `PlanRejected` for several errors, `LinkMissing`
    (ENOTLINKED) for a name that is not among the global packages, or that its package no longer has, and
    `LinkError`: ERANGE for a global package that does not meet the range asked for, ESOURCEGONE for a broken
    global link, ENODEPENDENCY when only dependencies are wanted and there are none.
    """
    check_manifest(context.project.root)
    chosen, skipped = resolve_specs(context, specs)
    sources = [choice.source for choice in chosen]

    # First the global links to packages that are named by folder, then a link in the project to each package.
    builder = _plan_global_twins(context, [choice.source for choice in chosen if choice.by_folder])
    builder.warnings += skipped
    for source in sources:
        _link_locally(builder, context, source)

    # Then manifests and lockfiles, and warnings about what Node will find after all that.
    if save is not None:
        from linkpack.linking.save import plan_save  # noqa: PLC0415 - 1.4 ms, and few links are saved

        plan_save(builder, context, sources, save)
    note_declared(builder, context, [source.manifest.name for source in sources])
    warn_of_state_after(builder, context, list_placed_links(context), shared=False)
    return builder.plan()


def resolve_specs(context: LinkContext, specs: Sequence[LinkSpec]) -> tuple[list[PackageChoice], list[Problem]]:
    """Return the packages that *specs* and the flags choose.

    The second list has a warning for each that is left out. Raises as `plan_project_links`.
    """
    skip = context.config.flag("skip-others", default=False)
    chosen, skipped = read_packages(specs, lambda spec: find_global_package(context, spec), skip_others=skip)
    if context.config.flag("only-dependencies", default=False):
        folders = context.picked or (context.project.root,)
        manifests = [manifest for manifest in map(read_loose, folders) if manifest is not None]
        chosen = keep_dependencies(chosen, manifests, context.project.start)
    return chosen, skipped


def find_global_package(context: LinkContext, spec: LinkSpec) -> SourcePackage:
    """Return the global package that *spec* names, linked or installed.

    Raises as `plan_project_links`.
    """
    # npm installs a name that is missing here from the registry, and ignores the range of one that is linked
    # (measured on npm 11.19.1). Both are errors here, with the command that helps.
    path = f"{context.shared_place}/{spec.name}"
    if not fs.is_dir(path):
        if fs.is_link(path):
            raise LinkError(
                f"the global {spec.name} is a link to {fs.read_link(path)}, which does not exist",
                code="ESOURCEGONE",
                path=path,
                hint=f"link its new folder, or remove it with linkpack unlink -g {spec.name}",
            )
        raise _explain_missing(context, spec)
    source = read_source(path)
    version = source.manifest.version
    if source.manifest.name != spec.name:
        name = source.manifest.name
        raise LinkMissing(
            f"the global {spec.name} leads to {source.root}, which is called {name} now",
            path=path,
            hint=f"run linkpack link in {source.root}, and then linkpack link {name}",
        )
    if spec.wanted and not meets_range(version, spec.wanted):
        raise LinkError(
            f"the global {spec.name} is {version or 'without a version'} ({source.root}), not {spec.wanted}",
            code="ERANGE",
            path=path,
            hint=f"link the folder that has it (linkpack link ../{spec.name}), or run "
            f"linkpack link --install {spec.name}@{spec.wanted}",
        )
    return source


def _explain_missing(context: LinkContext, spec: LinkSpec) -> LinkMissing:
    """Return the error for a name that is not among the global packages."""
    asked = f"{spec.name}@{spec.wanted}" if spec.wanted else spec.name
    folder = f"../{spec.name}"
    manifest = read_loose(f"{posixpath.dirname(context.project.start)}/{spec.name}")
    if manifest is not None and manifest.name != spec.name:
        folder += f" (which is called {manifest.name})"
    hint = f"run linkpack link in its folder, or linkpack link {folder}, or linkpack link --install {asked}"
    places = find_links_named(context.store, spec.name)
    if places:  # a wrong prefix, perhaps, or one that was never linked globally
        hint = f"it is linked at {list_names(places)}; {hint}"
    return LinkMissing(
        f"{spec.name} is not linked: {context.config.modules} does not have it",
        path=f"{context.config.modules}/{spec.name}",
        hint=hint,
    )


def _plan_global_twins(context: LinkContext, sources: Sequence[SourcePackage]) -> PlanBuilder:
    """Return a plan with global links to *sources*.

    If the prefix cannot have them, the plan has only a warning. The local links need no global ones, as they lead
    straight to the folders.
    """
    # npm fails there: the prefix of a system's Node belongs to root (docs/differences-from-npm.md, K5).
    builder = context.builder()
    if not sources or context.rules.copy or not context.config.flag("link-global", default=True):
        return builder
    fault = context.config.fault
    if fault is not None:
        builder.warn("WNOGLOBAL", "", f"no global link is made: {fault.message}", fault.hint)
        return builder
    # A folder in the prefix itself: the package is installed globally, and needs no link.
    linkable = [source for source in sources if source.root != _find_installed(context, source)]
    _link_globally(builder, context, linkable)
    # As npm, the report is about the project only; what else changes is reported apart (`outside_project`).
    builder.added.clear()
    builder.changed.clear()
    conflicts = builder.plan().conflicts
    denied = next((conflict for conflict in conflicts if conflict.code == "EACCES"), None)
    if denied is None:
        builder.conflicts[:] = [
            conflict._replace(hint=f"{conflict.hint}, or pass --no-global") for conflict in conflicts
        ]
        return builder
    builder = context.builder()
    hint = "choose a prefix that you own (npm_config_prefix), or pass --no-global"
    builder.warn("WNOGLOBAL", denied.path, f"no global link is made: {denied.message}", hint)
    return builder


def _find_installed(context: LinkContext, source: SourcePackage) -> str:
    """Return the real folder of the installed global package of that name.

    Empty if none is installed, or a link has its place.
    """
    path = f"{context.config.modules}/{source.manifest.name}"
    return "" if fs.is_link(path) or not fs.is_dir(path) else fs.canonical_path(path)


def _link_globally(builder: PlanBuilder, context: LinkContext, sources: Sequence[SourcePackage]) -> None:
    """Plan a global link to each of *sources*.

    The global link of a renamed package under its old name goes.
    """
    record = read_record(context.store, context.shared_place)
    for source in sources:
        name = source.manifest.name
        old_names = [
            key for key, link in record.items() if link.target == source.root and key != name and not link.project
        ]
        if old_names:
            replace_old_names(context, builder, old_names, name)
        place_link(builder, context.shared_location(name), source, context.rules, record)


def _link_locally(builder: PlanBuilder, context: LinkContext, source: SourcePackage) -> None:
    """Plan the links to *source* in the project and chosen workspaces."""
    name = source.manifest.name
    for modules in context.local_modules(name, source.root):
        location = context.local_location(modules, name)
        record = read_record(context.store, location.place)
        place_link(builder, location, source, context.rules, record)
        for link in record.values():
            # Unlike a global link it stays: a dependency of the project may still load the old name.
            if link.target == source.root and link.name != name and context.is_own(link):
                message = f"{source.root} is called {name} now, and is still linked as {link.name} too"
                hint = f"where nothing uses that name any more, run linkpack unlink {link.name}"
                builder.warn("WRENAMED", link.path, message, hint)
