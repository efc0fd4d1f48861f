"""Plan `link`: packages into the global folder, global packages and directories into a project."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.disk import fs, fslinks
from linkpack.errors import LinkError, LinkMissing
from linkpack.linking.check import note_declared, warn_of_state_after
from linkpack.linking.linkdraft import Draft
from linkpack.linking.linklist import standing_links
from linkpack.linking.linkpackage import check_manifest, meets_range, read_loose, read_source
from linkpack.linking.linkplace import place_link
from linkpack.linking.linkrecord import read_record
from linkpack.linking.many import choose_packages, only_dependencies, shortened
from linkpack.linking.whereabouts import places_called

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.errors import Problem
    from linkpack.linking.linkhome import Spec
    from linkpack.linking.linkpackage import Source
    from linkpack.linking.linkscene import SaveRules, Scene
    from linkpack.linking.linkstate import Linked, LinkPlan
    from linkpack.linking.many import Chosen


def plan_register(scene: Scene) -> LinkPlan:
    """Plan `link` without arguments: the project, or each workspace chosen, into the global folder."""
    # The root of a workspace is never among them, whatever --include-workspace-root says, as for npm.
    members = tuple(folder for folder in scene.picked if folder != scene.home.root)
    found = [read_source(folder) for folder in members or (scene.home.start,)]
    draft = Draft(scene.homes, windows=scene.rules.windows)
    _link_globally(draft, scene, list({source.manifest.name: source for source in found}.values()))
    warn_of_state_after(draft, scene, (), shared=True)
    return draft.plan()


def plan_link(scene: Scene, specs: Sequence[Spec], save: SaveRules | None = None) -> LinkPlan:
    """Plan `link <spec>…`: directories are linked globally first, then every package locally.

    Raises `LinkMissing` (ENOTLINKED) for a name that is not among the global packages, `LinkError` (ERANGE)
    when the one there does not meet the range asked for, (ESOURCEGONE) when it is a link to nowhere,
    (ENODEPENDENCY) when only dependencies are wanted and there are none, `ManifestInvalid` for a directory that
    is no package, and `PlanRejected` for several of these. What stands in the way is in the plan's conflicts.
    """
    check_manifest(scene.home.root)
    chosen, skipped = chosen_packages(scene, specs)
    sources = [each.source for each in chosen]

    draft = _with_global_links(scene, [each.source for each in chosen if each.by_folder])
    draft.warnings += skipped
    local = read_record(scene.store, scene.place(shared=False))
    for source in sources:
        _link_locally(draft, scene, source, local)
    if save is not None:
        from linkpack.linking.linksave import plan_save  # noqa: PLC0415 - few links are saved

        plan_save(draft, scene, sources, save)
    note_declared(draft, scene, [source.manifest.name for source in sources])
    warn_of_state_after(draft, scene, standing_links(scene), shared=False)
    return draft.plan()


def chosen_packages(scene: Scene, specs: Sequence[Spec]) -> tuple[list[Chosen], list[Problem]]:
    """Return the packages that *specs* and the flags choose, and a warning for each that is left out.

    Raises as `plan_link`.
    """
    skip = scene.config.flag("skip-others", default=False)
    chosen, skipped = choose_packages(specs, lambda spec: find_shared(scene, spec), skip_others=skip)
    if scene.config.flag("only-dependencies", default=False):
        folders = scene.picked or (scene.home.root,)
        manifests = [manifest for manifest in map(read_loose, folders) if manifest is not None]
        chosen = only_dependencies(chosen, manifests, scene.home.start)
    return chosen, skipped


def _with_global_links(scene: Scene, sources: Sequence[Source]) -> Draft:
    """Return a plan with global links to *sources*, or an empty one where the prefix cannot have them.

    In that case it has a warning. The local links lead straight to the folders and need nothing of the prefix,
    which often belongs to root.
    """
    draft = Draft(scene.homes, windows=scene.rules.windows)
    if not sources or not scene.config.flag("link-global", default=True):
        return draft
    fault = scene.config.fault
    if fault is not None:
        draft.warn("WNOGLOBAL", "", f"no global link is made: {fault.message}", fault.hint)
        return draft
    _link_globally(draft, scene, [source for source in sources if source.root != _installed(scene, source)])
    # As npm, the report is about the project only; what else changes is told apart (see `outside`).
    draft.added.clear()
    draft.changed.clear()
    conflicts = draft.plan().conflicts
    denied = next((each for each in conflicts if each.code == "EACCES"), None)
    if denied is None:
        draft.conflicts[:] = [each._replace(hint=f"{each.hint}, or pass --no-global") for each in conflicts]
        return draft
    draft = Draft(scene.homes, windows=scene.rules.windows)
    hint = "choose a prefix that you own (npm_config_prefix), or pass --no-global"
    draft.warn("WNOGLOBAL", denied.path, f"no global link is made: {denied.message}", hint)
    return draft


def _link_globally(draft: Draft, scene: Scene, sources: Sequence[Source]) -> None:
    record = read_record(scene.store, scene.place(shared=True))
    for source in sources:
        place_link(draft, scene.shared_spot(source.manifest.name), source, scene.rules, record)


def _installed(scene: Scene, source: Source) -> str:
    """Return the real folder of the package of that name that is installed globally, empty if there is none."""
    path = f"{scene.config.modules}/{source.manifest.name}"
    return "" if fslinks.is_link(path) or not fs.is_dir(path) else fslinks.canonical(path)


def _link_locally(draft: Draft, scene: Scene, source: Source, record: dict[str, Linked]) -> None:
    for modules in scene.local_modules(source.manifest.name):
        spot = scene.local_spot(modules, source.manifest.name)
        place_link(draft, spot, source, scene.rules, record)


def find_shared(scene: Scene, spec: Spec) -> Source:
    """Return the global package that *spec* names, linked or installed; raises as `plan_link`."""
    path = f"{scene.shared_place}/{spec.name}"
    if not fs.is_dir(path):
        if fslinks.is_link(path):
            raise LinkError(
                f"the global {spec.name} is a link to {fs.read_link(path)}, which does not exist",
                code="ESOURCEGONE",
                path=path,
                hint=f"link its new folder, or remove it with linkpack unlink -g {spec.name}",
            )
        raise _missing(scene, spec)
    source = read_source(path)
    version = source.manifest.version
    if spec.wanted and not meets_range(version, spec.wanted):
        raise LinkError(
            f"the global {spec.name} is {version or 'without a version'} ({source.root}), not {spec.wanted}",
            code="ERANGE",
            path=path,
            hint=f"link the folder that has it (linkpack link ../{spec.name}), or run "
            f"linkpack link --install {spec.name}@{spec.wanted}",
        )
    return source


def _missing(scene: Scene, spec: Spec) -> LinkMissing:
    asked = f"{spec.name}@{spec.wanted}" if spec.wanted else spec.name
    near = f"{posixpath.dirname(scene.home.start)}/{spec.name}"
    manifest = read_loose(near)
    folder = f"../{spec.name}"
    if manifest is not None and manifest.name != spec.name:
        folder += f" (which is called {manifest.name})"
    hint = f"run linkpack link in its folder, or linkpack link {folder}, or linkpack link --install {asked}"
    places = places_called(scene.store, spec.name)
    if places:  # a wrong prefix, perhaps, or one that was never linked globally
        hint = f"it is linked at {shortened(places)}; {hint}"
    return LinkMissing(
        f"{spec.name} is not linked: {scene.config.modules} does not have it",
        path=f"{scene.config.modules}/{spec.name}",
        hint=hint,
    )
