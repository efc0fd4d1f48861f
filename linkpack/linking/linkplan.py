"""Plans `link`: packages into the global folder, global packages and directories into a project."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.disk import fs, fslinks
from linkpack.errors import LinkError, LinkMissing
from linkpack.linking.linkpackage import check_manifest, read_loose, read_source
from linkpack.linking.linkplace import place_link
from linkpack.linking.linkrecord import read_record
from linkpack.linking.linkwarn import warn_about

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.linking.linkdraft import PlanBuilder
    from linkpack.linking.linkhome import Spec
    from linkpack.linking.linkpackage import Source
    from linkpack.linking.linkscene import LinkContext, SaveRules
    from linkpack.linking.linkstate import LinkPlan, RecordedLink


def plan_global_link(context: LinkContext) -> LinkPlan:
    """The plan of `link` without arguments: the project, or each workspace chosen, into the global folder."""
    builder = context.builder()
    record = read_record(context.store, context.shared_place)
    # The root of a workspace is never among them, whatever --include-workspace-root says, as for npm.
    members = tuple(folder for folder in context.picked if folder != context.project.root)
    found = [read_source(folder) for folder in members or (context.project.start,)]
    for source in {source.manifest.name: source for source in found}.values():  # of one name the last counts
        _link_globally(builder, context, source, record)
    return builder.plan()


def _link_globally(
    builder: PlanBuilder, context: LinkContext, source: Source, record: dict[str, RecordedLink]
) -> None:
    name = source.manifest.name
    old = [
        key for key, entry in record.items() if entry.target == source.root and key != name and not entry.project
    ]
    if old:
        from linkpack.linking.linkundo import replace_old_names  # noqa: PLC0415 - packages are seldom renamed

        replace_old_names(context, builder, old, name)
    place_link(builder, context.shared_location(name), source, context.rules, record)


def plan_link(context: LinkContext, specs: Sequence[Spec], save: SaveRules | None = None) -> LinkPlan:
    """The plan of `link <spec>…`: directories are linked globally first, then every package locally.

    Raises `LinkMissing` (ENOTLINKED) for a name that is not among the global packages, or is another one by now,
    `LinkError` (ERANGE) when the one there does not meet the range asked for, (ESOURCEGONE) when it is a broken
    link, and `ManifestInvalid` for a directory that is no package. What is in the way is in the plan's conflicts.
    """
    builder = context.builder()
    check_manifest(context.project.root)
    shared = read_record(context.store, context.shared_place)
    found = {}
    for spec in specs:
        source = read_source(spec.folder) if spec.folder else find_shared(context, spec)
        found[source.manifest.name] = source, bool(spec.folder)  # of one name the last counts, as for npm
    for source, by_folder in found.values():
        if by_folder and source.root != _installed(context, source.manifest.name):
            _link_globally(builder, context, source, shared)
    # As npm, the report is about the project only.
    builder.added.clear()
    builder.changed.clear()
    sources = [source for source, _ in found.values()]
    for source in sources:
        _link_locally(builder, context, source)
    if save is not None:
        from linkpack.linking.linksave import plan_save  # noqa: PLC0415 - few links are saved

        plan_save(builder, context, sources, save)
    return builder.plan()


def _installed(context: LinkContext, name: str) -> str:
    """The real directory of a package that lies in the global folder, not linked; empty when there is none."""
    path = f"{context.config.modules}/{name}"
    return "" if fslinks.is_link(path) or not fs.is_dir(path) else fslinks.canonical(path)


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
    warn_about(builder, source, context.picked or (context.project.root,))


def find_shared(context: LinkContext, spec: Spec) -> Source:
    """Return the global package that *spec* names, linked or installed; raises as `plan_link`."""
    path = f"{context.config.modules}/{spec.name}"
    if not fs.is_dir(path):
        if fslinks.is_link(path):
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
    if spec.wanted and not _meets(version, spec.wanted):
        raise LinkError(
            f"the global {spec.name} is {version or 'without a version'} ({source.root}), not {spec.wanted}",
            code="ERANGE",
            path=path,
            hint=f"link the folder that has it (linkpack link ../{spec.name}), or run "
            f"linkpack link --install {spec.name}@{spec.wanted}",
        )
    return source


def _meets(version: str, wanted: str) -> bool:
    from linkpack.npm.ranges import parse_range, satisfies  # noqa: PLC0415 - only with a range

    return parse_range(wanted) is None or satisfies(version, wanted)


def _missing(context: LinkContext, spec: Spec) -> LinkMissing:
    asked = f"{spec.name}@{spec.wanted}" if spec.wanted else spec.name
    near = f"{posixpath.dirname(context.project.start)}/{spec.name}"
    manifest = read_loose(near)
    folder = f"../{spec.name}"
    if manifest is not None and manifest.name != spec.name:
        folder += f" (which is called {manifest.name})"
    return LinkMissing(
        f"{spec.name} is not linked: {context.config.modules} does not have it",
        path=f"{context.config.modules}/{spec.name}",
        hint=f"run linkpack link in its folder, or linkpack link {folder}, or linkpack link --install {asked}",
    )
