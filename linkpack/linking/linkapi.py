"""Link, unlink and relink packages from a program, as the commands do.

    plan = linkpack.plan_link(["../redis"], project="app")  # reads only
    journal = linkpack.link(["../redis"], project="app")
    linkpack.undo(journal)

Every function takes *project* (where the command would be started) and *options*.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from linkpack import limits
from linkpack.arguments import listed
from linkpack.disk import fslinks
from linkpack.errors import LinkConflict, LinkError, LinkMissing, PlanRejected, StalePlan
from linkpack.linking.config import load_config, resolve
from linkpack.linking.journal import Journal, apply, last_journal, opened, plan_undo
from linkpack.linking.linkhome import Picks, find_home, meant_specs, pick_folders
from linkpack.linking.linklist import Status
from linkpack.linking.linkown import Rules
from linkpack.linking.linkrecord import find_store, read_record
from linkpack.linking.linkscene import SaveRules, Scene
from linkpack.linking.linkstate import LinkPlan
from linkpack.memo import remembering

if TYPE_CHECKING:
    from collections.abc import Callable

    from linkpack.errors import Problem
    from linkpack.linking.config import Config
    from linkpack.linking.linkhome import Home, Spec

_KINDS = {"save-prod": "prod", "save-dev": "dev", "save-optional": "optional", "save-peer": "peer"}


class LinkOptions(NamedTuple):
    """The flags of a link command, with npm's names in *flags* (`{"save-dev": True}`).

    *env* is the environment, by default the process's own. *absolute* makes links with absolute text.
    """

    flags: Mapping[str, str | bool | tuple[str, ...]] = {}
    env: Mapping[str, str] | None = None
    absolute: bool = False


DEFAULTS = LinkOptions()


def open_scene(project: str, options: LinkOptions, *, picking: bool = True, needs_prefix: bool = True) -> Scene:
    """Return the surroundings of a command started in *project*: settings, project, workspaces, state folder.

    Raises `ConfigError` without a state folder, or without a prefix if one is needed, and `LinkError` for a
    directory or workspace that does not exist.
    """
    home = find_home(project)
    config = _load(project, options, home, needs_prefix=needs_prefix)
    return _scene(project, options, home, config, _picks(config) if picking else Picks())


def _load(project: str, options: LinkOptions, home: Home, *, needs_prefix: bool) -> Config:
    cwd = fslinks.canonical(project)
    return load_config(_environment(options), cwd, options.flags, home.root, needs_prefix=needs_prefix)


def _environment(options: LinkOptions) -> Mapping[str, str]:
    return fslinks.environment() if options.env is None else options.env


def _scene(project: str, options: LinkOptions, home: Home, config: Config, picks: Picks) -> Scene:
    rules = Rules(
        bin_links=config.flag("bin-links", default=True),
        force=config.flag("force", default=False),
        absolute=options.absolute,
        windows=config.windows,
        umask=fslinks.current_umask(),
    )
    return Scene(config, home, pick_folders(home, picks, project), find_store(_environment(options)), rules)


class Asked(NamedTuple):
    """A request to link: its surroundings, and what its arguments mean."""

    scene: Scene
    specs: tuple[Spec, ...]
    warnings: tuple[Problem, ...]

    @property
    def places(self) -> tuple[str, ...]:
        """The folders to lock."""
        if not self.specs:
            return (self.scene.shared_place,)
        shared = () if self.scene.config.fault else (self.scene.shared_place,)
        return (*shared, self.scene.home.root)

    def plan(self) -> LinkPlan:
        """Return the plan."""
        from linkpack.linking.linkplan import plan_link, plan_register  # noqa: PLC0415 - 4 ms that others do not need

        save = _save_rules(self.scene.config)
        plan = plan_link(self.scene, self.specs, save) if self.specs else plan_register(self.scene)
        return plan._replace(warnings=(*self.warnings, *plan.warnings))


def ask_link(specs: Sequence[str], project: str, options: LinkOptions) -> Asked:
    """Read what `link` was asked for; raises as `open_scene`, and `LinkError` for what is no argument of it."""
    home = find_home(project)
    config = _load(project, options, home, needs_prefix=False)
    _save_rules(config)
    if config.flag("global", default=False):
        raise LinkError(
            "link does not take --global: it makes the global link, or uses it",
            code="ELINKGLOBAL",
            hint="leave -g out: linkpack link in the package's folder makes its global link",
        )
    picks = _picks(config)
    wanted = meant_specs(listed(specs, "specs"), home, fslinks.canonical(project), config.user_home)
    setting = config.settings.get("link-global")
    if (
        not wanted
        and setting is not None
        and setting.source == "flag"
        and not config.flag("link-global", default=True)
    ):
        message = (
            "there is nothing to link: without a SPEC link makes the global link, which --no-global leaves alone"
        )
        raise LinkError(message, code="ELINKGLOBAL", path=project, hint="name a folder, or leave --no-global out")
    warnings: tuple[Problem, ...] = ()
    if picks.every and wanted:
        from linkpack.linking.many import spread_workspaces  # noqa: PLC0415 - only with --workspaces

        spread = spread_workspaces(wanted)
        wanted, warnings = spread.specs, spread.warnings
        if spread.done and not wanted:
            message = "no member of that workspace can be published, so there is nothing to link"
            raise LinkMissing(message, code="ENOTLINKED", path=project, hint="name the folders to link")
        picks = picks._replace(every=not spread.done)
    return Asked(_scene(project, options, home, config, picks), wanted, warnings)


def _picks(config: Config) -> Picks:
    setting = config.settings.get("workspace")
    value = setting.value if setting is not None else ()
    # The environment holds lists with an empty line between the entries.
    names = value.split("\n\n") if isinstance(value, str) else value if isinstance(value, list) else ()
    return Picks(
        workspaces=tuple(name for name in names if isinstance(name, str) and name),
        every=config.flag("workspaces", default=False),
        with_root=config.flag("include-workspace-root", default=False),
    )


def _save_rules(config: Config) -> SaveRules | None:
    """Return how to save, None if no flag asks for it; raises `LinkError` (ESAVE) for two types at once."""
    kinds = [kind for key, kind in _KINDS.items() if config.flag(key, default=False)]
    if len(kinds) > 1:
        message = f"a link cannot be saved as {kinds[0]} and as {kinds[1]}"
        raise LinkError(message, code="ESAVE", hint="choose one of --save-prod, -dev, -optional, -peer")
    if not config.flag("save", default=bool(kinds)) and not kinds:
        return None
    return SaveRules(
        kind=kinds[0] if kinds else "",
        bundle=config.flag("save-bundle", default=False),
        lockfile=config.flag("package-lock", default=True),
    )


@limits.within()
def plan_link(specs: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS) -> LinkPlan:
    """Return the plan of `link`: of the package in *project* without *specs*, else of *specs* into *project*.

    Reads only. What stands in the way is in `conflicts`; what cannot be planned at all raises a `LinkpackError`.
    """
    asked = ask_link(specs, project, options)
    plan = asked.plan()
    return plan._replace(warnings=(*asked.scene.config.warnings, *plan.warnings))


@limits.within()
def link(specs: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS) -> Journal:
    """Do `link`; the `plan` of the journal says what was linked and what to be warned of.

    Raises `PlanRejected` or `LinkConflict` when something stands in the way; nothing has been changed then.
    """
    asked = ask_link(specs, project, options)
    return _act(asked.scene, asked.places, asked.plan)


@limits.within()
def plan_unlink(
    names: Sequence[str] = (),
    project: str = ".",
    options: LinkOptions = DEFAULTS,
    *,
    shared: bool = False,
    every: bool = False,
) -> LinkPlan:
    """Return the plan of `unlink`: of *names* in the project, of all its links with *every*, or of global links.

    The last with *shared*, or without names. Reads only.
    """
    scene, planner = _ask_unlink(names, project, options, shared=shared, every=every)
    plan = planner()
    return plan._replace(warnings=(*scene.config.warnings, *plan.warnings))


@limits.within()
def unlink(
    names: Sequence[str] = (),
    project: str = ".",
    options: LinkOptions = DEFAULTS,
    *,
    shared: bool = False,
    every: bool = False,
) -> Journal:
    """Do `unlink`: remove links, and put back what they displaced. See `plan_unlink`."""
    scene, planner = _ask_unlink(names, project, options, shared=shared, every=every)
    local = (names or every) and not shared
    return _act(scene, (scene.home.root,) if local else (scene.shared_place,), planner)


def _ask_unlink(
    names: Sequence[str], project: str, options: LinkOptions, *, shared: bool, every: bool
) -> tuple[Scene, Callable[[], LinkPlan]]:
    """Return the surroundings of `unlink`, and what plans it."""
    local = bool(names or every) and not shared
    scene = open_scene(project, options, needs_prefix=not local)
    planner = _unlink_planner(
        scene, listed(names, "names"), fslinks.canonical(project), shared=shared, every=every
    )
    return scene, planner


def _unlink_planner(
    scene: Scene, names: Sequence[str], cwd: str, *, shared: bool, every: bool
) -> Callable[[], LinkPlan]:
    from linkpack.linking.linkpackage import read_loose  # noqa: PLC0415 - see below
    from linkpack.linking.linkundo import plan_unlink as local  # noqa: PLC0415 - link does not need it
    from linkpack.linking.linkundo import plan_unregister  # noqa: PLC0415 - link does not need it
    from linkpack.linking.nothing import nothing_unlinked  # noqa: PLC0415 - link does not need it

    wanted = []
    for spec in meant_specs(listed(names, "names"), scene.home, cwd, scene.config.user_home):
        manifest = read_loose(spec.folder) if spec.folder else None
        wanted.append(spec.name or (manifest.name if manifest else posixpath.basename(spec.folder)))
    folders = () if wanted or every else scene.picked or (scene.home.start,)
    manifests = (read_loose(folder) for folder in folders)
    own = [manifest.name for manifest in manifests if manifest is not None and manifest.name]
    at_global = shared or not (wanted or every)

    def plan() -> LinkPlan:
        found = plan_unregister(scene, wanted, every=every) if at_global else local(scene, wanted, every=every)
        told = nothing_unlinked(scene, found, wanted or own, shared=at_global, every=every)
        return found._replace(warnings=(*found.warnings, *told))

    return plan


@limits.within()
def staying_global_links(
    plan: LinkPlan, project: str = ".", options: LinkOptions = DEFAULTS
) -> tuple[Problem, ...]:
    """Return a warning for each global link that *plan*, of `unlink` in *project*, leaves with its commands."""
    scene = open_scene(project, options, picking=False, needs_prefix=False)
    if scene.config.fault is not None or not plan.removed:
        return ()
    from linkpack.linking.outside import staying_links  # noqa: PLC0415 - link does not need it

    return staying_links(plan, read_record(scene.store, scene.shared_place))


@limits.within()
def plan_relink(
    names: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS, *, shared: bool = False
) -> LinkPlan:
    """Return the plan of `relink`, which brings dropped links of the project (or global ones) back. Reads only."""
    from linkpack.linking.linklist import plan_relink as planned  # noqa: PLC0415 - link does not need it

    return planned(
        open_scene(project, options, picking=False, needs_prefix=shared), listed(names, "names"), shared=shared
    )


@limits.within()
def relink(
    names: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS, *, shared: bool = False
) -> Journal:
    """Do `relink`. A link whose package is gone is a warning with the code WSOURCEGONE."""
    from linkpack.linking.linklist import plan_relink as planned  # noqa: PLC0415 - link does not need it

    scene = open_scene(project, options, picking=False, needs_prefix=shared)
    return _act(
        scene, (scene.place(shared=shared),), lambda: planned(scene, listed(names, "names"), shared=shared)
    )


@limits.within()
def links(project: str = ".", options: LinkOptions = DEFAULTS, *, shared: bool = False) -> tuple[Status, ...]:
    """Return the links of the project, or with *shared* the global ones, and how each of them fares."""
    return survey(project, options, shared=shared).links


class Survey(NamedTuple):
    """What `ls` tells: the *links* of *place*, warnings about what Node finds through them, and more.

    *linked_at* are the paths of links, in whatever project, that lead to the package in the project's own folder.
    *strict* is true if faults of peers are errors, *config* holds all settings.
    """

    place: str
    links: tuple[Status, ...]
    linked_at: tuple[str, ...]
    warnings: tuple[Problem, ...]
    strict: bool
    config: Config


@limits.within()
def survey(project: str = ".", options: LinkOptions = DEFAULTS, *, shared: bool = False) -> Survey:
    """Look at the links of the project, or with *shared* at the global ones. Reads only."""
    from linkpack.linking.check import is_strict, problems_of  # noqa: PLC0415 - only for ls
    from linkpack.linking.linklist import list_links, standing_links  # noqa: PLC0415 - only for ls
    from linkpack.linking.linkpackage import read_loose  # noqa: PLC0415 - only for ls
    from linkpack.linking.package_tree import PackageTree  # noqa: PLC0415 - only for ls
    from linkpack.linking.whereabouts import places_of  # noqa: PLC0415 - only for ls

    scene = open_scene(project, options, picking=False, needs_prefix=shared)
    with remembering({}):
        found = list_links(scene, shared=shared)
        told = problems_of(PackageTree(), scene, standing_links(scene, shared=shared), shared=shared)
    manifest = read_loose(scene.home.start)
    name = manifest.name if manifest is not None else ""
    return Survey(
        place=scene.config.modules if shared else scene.home.root,
        links=found,
        linked_at=places_of(scene.store, scene.home.start, name, scene.config.modules),
        warnings=(*scene.config.warnings, *told),
        strict=is_strict(scene),
        config=scene.config,
    )


@limits.within()
def plan_last_undo(project: str = ".", options: LinkOptions = DEFAULTS) -> LinkPlan:
    """Return the plan that takes back the last link command of *project*.

    Raises `LinkMissing` if there is none.
    """
    scene = open_scene(project, options, picking=False, needs_prefix=False)
    return plan_undo(last_journal(scene.store, scene.home.root), scene.store)


@limits.within()
def undo(journal: Journal | None = None, project: str = ".", options: LinkOptions = DEFAULTS) -> Journal:
    """Take *journal* back, or else the last link command of *project*; return the journal of that.

    Raises `StalePlan` when the disk or the record has changed since; nothing is changed then.
    """
    scene = open_scene(project, options, picking=False, needs_prefix=False)
    shared = () if scene.config.fault else (scene.shared_place,)
    # A run that was cut off may have been an undo: what it was about is there again once it is taken back.
    with opened(scene.store, (*shared, scene.home.root)) as cut_off:
        last = journal if journal is not None else last_journal(scene.store, scene.home.root)
    with opened(scene.store, last.places) as more:
        recovered = (*cut_off, *more)
        plan = plan_undo(last, scene.store)
        if plan.conflicts:
            first = plan.conflicts[0]
            raise StalePlan(first.message, path=first.path, hint=first.hint)
        plan = plan._replace(warnings=(*recovered, *plan.warnings))
        return apply(plan, scene.store, last.places, last.scope, last=False)


def _act(scene: Scene, places: tuple[str, ...], planner: Callable[[], LinkPlan]) -> Journal:
    """Plan and apply under the locks of *places*."""
    with opened(scene.store, places) as recovered:
        with remembering({}):
            plan = planner()
        if plan.conflicts:
            raise rejected(plan)
        warnings = tuple(dict.fromkeys((*recovered, *scene.config.warnings, *plan.warnings)))
        return apply(plan._replace(warnings=warnings), scene.store, places, scene.home.root)


def rejected(plan: LinkPlan) -> LinkConflict | PlanRejected:
    """Return the error that carries the conflicts of *plan*."""
    if len(plan.conflicts) > 1:
        return PlanRejected(plan.conflicts)
    first = plan.conflicts[0]
    return LinkConflict(first.message, code=first.code, path=first.path, hint=first.hint)


@limits.within()
def local_folder(kind: str, project: str) -> str:
    """Return the `prefix`, `root` (node_modules) or `bin` folder of the project that *project* is in."""
    root = find_home(project).root
    return {"prefix": root, "root": resolve(root, "node_modules"), "bin": resolve(root, "node_modules/.bin")}[kind]


@limits.within()
def shared_folder(kind: str, project: str, options: LinkOptions = DEFAULTS) -> str:
    """Return the global `prefix`, `root` (node_modules) or `bin` folder; raises `ConfigError` without a prefix."""
    config = read_settings(project, options)
    if config.fault is not None:
        raise config.fault
    return {"prefix": config.prefix, "root": config.modules, "bin": config.bins}[kind]


@limits.within()
def read_settings(project: str, options: LinkOptions = DEFAULTS) -> Config:
    """Return every setting for a command started in *project*, and who made it.

    Where there is no prefix, `fault` says why.
    """
    return _load(project, options, find_home(project), needs_prefix=False)
