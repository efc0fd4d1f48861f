"""Plan `link`: packages into the global folder, global packages and directories into a project."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.errors import LinkError, LinkMissing
from linkpack.linking.check import note_declared, warn_of_state_after
from linkpack.linking.many import choose_packages, only_dependencies, shortened
from linkpack.linking.package import check_manifest, meets_range, read_source
from linkpack.linking.place import place_link
from linkpack.linking.record import read_record
from linkpack.linking.status import standing_links
from linkpack.linking.whereabouts import places_called
from linkpack.project.source import read_loose
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.errors import Problem
    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.context import LinkContext, SaveRules
    from linkpack.linking.many import Chosen
    from linkpack.linking.places import Spec
    from linkpack.linking.states import LinkPlan
    from linkpack.project.source import Source


def plan_global_link(context: LinkContext) -> LinkPlan:
    """Plan `link` without arguments: the project, or each workspace chosen, into the global folder."""
    # The root of a workspace is never among them, whatever --include-workspace-root says, as for npm.
    members = tuple(folder for folder in context.picked if folder != context.project.root)
    found = [read_source(folder) for folder in members or (context.project.start,)]
    builder = context.builder()
    _link_globally(builder, context, list({source.manifest.name: source for source in found}.values()))
    warn_of_state_after(builder, context, (), shared=True)
    return builder.plan()


def plan_link(context: LinkContext, specs: Sequence[Spec], save: SaveRules | None = None) -> LinkPlan:
    """Plan `link <spec>…`: directories are linked globally first, then every package locally.

    Raises `LinkMissing` (ENOTLINKED) for a name that is not among the global packages, or is another one
    by now, `LinkError` (ERANGE) when the one there does not meet the range asked for, (ESOURCEGONE) when it is a
    broken link,
    (ENODEPENDENCY) when only dependencies are wanted and there are none, `ManifestInvalid` for a directory that
    is no package, and `PlanRejected` for several of these. What stands in the way is in the plan's conflicts.
    """
    check_manifest(context.project.root)
    chosen, skipped = chosen_packages(context, specs)
    sources = [each.source for each in chosen]

    builder = _with_global_links(context, [each.source for each in chosen if each.by_folder])
    builder.warnings += skipped
    for source in sources:
        _link_locally(builder, context, source)
    if save is not None:
        from linkpack.linking.save import plan_save  # noqa: PLC0415 - few links are saved

        plan_save(builder, context, sources, save)
    note_declared(builder, context, [source.manifest.name for source in sources])
    warn_of_state_after(builder, context, standing_links(context), shared=False)
    return builder.plan()


def chosen_packages(context: LinkContext, specs: Sequence[Spec]) -> tuple[list[Chosen], list[Problem]]:
    """Return the packages that *specs* and the flags choose, and a warning for each that is left out.

    Raises as `plan_link`.
    """
    skip = context.config.flag("skip-others", default=False)
    chosen, skipped = choose_packages(specs, lambda spec: find_shared(context, spec), skip_others=skip)
    if context.config.flag("only-dependencies", default=False):
        folders = context.picked or (context.project.root,)
        manifests = [manifest for manifest in map(read_loose, folders) if manifest is not None]
        chosen = only_dependencies(chosen, manifests, context.project.start)
    return chosen, skipped


def _with_global_links(context: LinkContext, sources: Sequence[Source]) -> PlanBuilder:
    """Return a plan with global links to *sources*, or an empty one where the prefix cannot have them.

    In that case it has a warning. The local links lead straight to the folders and need nothing of the prefix,
    which often belongs to root.
    """
    builder = context.builder()
    if not sources or not context.config.flag("link-global", default=True):
        return builder
    fault = context.config.fault
    if fault is not None:
        builder.warn("WNOGLOBAL", "", f"no global link is made: {fault.message}", fault.hint)
        return builder
    _link_globally(builder, context, [source for source in sources if source.root != _installed(context, source)])
    # As npm, the report is about the project only; what else changes is told apart (see `outside`).
    builder.added.clear()
    builder.changed.clear()
    conflicts = builder.plan().conflicts
    denied = next((each for each in conflicts if each.code == "EACCES"), None)
    if denied is None:
        builder.conflicts[:] = [each._replace(hint=f"{each.hint}, or pass --no-global") for each in conflicts]
        return builder
    builder = context.builder()
    hint = "choose a prefix that you own (npm_config_prefix), or pass --no-global"
    builder.warn("WNOGLOBAL", denied.path, f"no global link is made: {denied.message}", hint)
    return builder


def _link_globally(builder: PlanBuilder, context: LinkContext, sources: Sequence[Source]) -> None:
    record = read_record(context.store, context.shared_place)
    for source in sources:
        name = source.manifest.name
        old = [
            key
            for key, entry in record.items()
            if entry.target == source.root and key != name and not entry.project
        ]
        if old:
            from linkpack.linking.plan_unlink import replace_old_names  # noqa: PLC0415 - packages are seldom renamed

            replace_old_names(context, builder, old, name)
        place_link(builder, context.shared_location(name), source, context.rules, record)


def _installed(context: LinkContext, source: Source) -> str:
    """Return the real folder of the package of that name that is installed globally, empty if there is none."""
    path = f"{context.config.modules}/{source.manifest.name}"
    return "" if fs.is_link(path) or not fs.is_dir(path) else fs.canonical(path)


def _link_locally(builder: PlanBuilder, context: LinkContext, source: Source) -> None:
    name = source.manifest.name
    for modules in context.local_modules(name, source.root):
        location = context.local_location(modules, name)
        record = read_record(context.store, location.place)
        place_link(builder, location, source, context.rules, record)
        for entry in record.values():
            if entry.target == source.root and entry.name != name and context.is_own(entry):
                message = f"{source.root} is called {name} now, and is still linked as {entry.name} too"
                hint = f"where nothing uses that name any more, run linkpack unlink {entry.name}"
                builder.warn("WRENAMED", entry.path, message, hint)


def find_shared(context: LinkContext, spec: Spec) -> Source:
    """Return the global package that *spec* names, linked or installed; raises as `plan_link`."""
    path = f"{context.shared_place}/{spec.name}"
    if not fs.is_dir(path):
        if fs.is_link(path):
            raise LinkError(
                f"the global {spec.name} is a link to {fs.read_link(path)}, which does not exist",
                code="ESOURCEGONE",
                path=path,
                hint=f"link its new folder, or remove it with linkpack unlink -g {spec.name}",
            )
        raise _missing(context, spec)
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


def _missing(context: LinkContext, spec: Spec) -> LinkMissing:
    asked = f"{spec.name}@{spec.wanted}" if spec.wanted else spec.name
    near = f"{posixpath.dirname(context.project.start)}/{spec.name}"
    manifest = read_loose(near)
    folder = f"../{spec.name}"
    if manifest is not None and manifest.name != spec.name:
        folder += f" (which is called {manifest.name})"
    hint = f"run linkpack link in its folder, or linkpack link {folder}, or linkpack link --install {asked}"
    places = places_called(context.store, spec.name)
    if places:  # a wrong prefix, perhaps, or one that was never linked globally
        hint = f"it is linked at {shortened(places)}; {hint}"
    return LinkMissing(
        f"{spec.name} is not linked: {context.config.modules} does not have it",
        path=f"{context.config.modules}/{spec.name}",
        hint=hint,
    )
