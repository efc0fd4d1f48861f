"""Link, unlink and relink packages from a program, as the commands do.

    plan = linkpack.plan_link(["../redis"], project="app")  # reads only
    journal = linkpack.link(["../redis"], project="app")
    linkpack.undo(journal)

Every function takes *project* (where the command would be started) and *options*.
"""

from __future__ import annotations

import errno
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from linkpack import limits
from linkpack.arguments import listed
from linkpack.errors import LinkConflict, LinkError, LinkMissing, PlanRejected, StalePlan
from linkpack.linking.context import LinkContext, SaveRules
from linkpack.linking.installed import InstalledLinks
from linkpack.linking.journal import Journal, apply, last_journal, opened, plan_undo
from linkpack.linking.ownership import LinkRules
from linkpack.linking.places import Picks, meant_specs, pick_folders
from linkpack.linking.record import find_store
from linkpack.linking.states import LinkPlan
from linkpack.linking.status import Status
from linkpack.npm.config import load_config, resolve
from linkpack.project.local import find_local_project
from linkpack.read_cache import remembering
from linkpack.system import own_process
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, TypeVar

    from linkpack.errors import Problem
    from linkpack.linking.places import Spec
    from linkpack.npm.config import Config
    from linkpack.project.local import LocalProject

    _Given = ParamSpec("_Given")
    _Answer = TypeVar("_Answer")

_SOURCES = ("flag", "environment", "project npmrc", "user npmrc", "global npmrc")
_KINDS = {"save-prod": "prod", "save-dev": "dev", "save-optional": "optional", "save-peer": "peer"}


class LinkOptions(NamedTuple):
    """The flags of a link command, with npm's names in *flags* (`{"save-dev": True}`).

    *env* is the environment, by default the process's own. *absolute* makes links with absolute text.
    """

    flags: Mapping[str, str | bool | tuple[str, ...]] = {}
    env: Mapping[str, str] | None = None
    absolute: bool = False


DEFAULTS = LinkOptions()


def _command(function: Callable[_Given, _Answer]) -> Callable[_Given, _Answer]:
    """Run *function* within limits, and have it raise `LinkError` for what the system refuses while it reads."""

    @limits.within()
    @functools.wraps(function)
    def call(*args: _Given.args, **more: _Given.kwargs) -> _Answer:
        try:
            return function(*args, **more)
        except OSError as err:
            path = str(err.filename or "")
            raise LinkError(
                f"{path or 'the disk'}: {err.strerror or err}; nothing was changed",
                code=errno.errorcode.get(err.errno or 0, "EIO"),
                path=path,
                hint="run the command again; if that does not help, look at what is there",
            ) from err

    return call


@_command
def open_context(
    project: str, options: LinkOptions, *, picking: bool = True, needs_prefix: bool = True
) -> LinkContext:
    """Return the surroundings of a command started in *project*: settings, project, workspaces, state folder.

    Raises `ConfigError` without a state folder, or without a prefix if one is needed, and `LinkError` for a
    directory or workspace that does not exist.
    """
    local = find_local_project(project)
    config = _load(project, options, local, needs_prefix=needs_prefix)
    return _context(project, options, local, config, _picks(config) if picking else Picks())


def _load(project: str, options: LinkOptions, local: LocalProject, *, needs_prefix: bool) -> Config:
    cwd = fs.canonical(project)
    return load_config(_environment(options), cwd, options.flags, local.root, needs_prefix=needs_prefix)


def _environment(options: LinkOptions) -> Mapping[str, str]:
    return own_process.environment() if options.env is None else options.env


def _context(project: str, options: LinkOptions, local: LocalProject, config: Config, picks: Picks) -> LinkContext:
    rules = LinkRules(
        bin_links=config.flag("bin-links", default=True),
        force=config.flag("force", default=False),
        absolute=options.absolute,
        windows=config.windows,
        umask=own_process.current_umask(),
    )
    return LinkContext(
        config=config,
        project=local,
        picked=pick_folders(local, picks, project),
        store=find_store(_environment(options)),
        rules=rules,
        installed=InstalledLinks(local.root, config.modules),
    )


class Asked(NamedTuple):
    """A request to link: its surroundings, and what its arguments mean."""

    context: LinkContext
    specs: tuple[Spec, ...]
    warnings: tuple[Problem, ...]

    @property
    def places(self) -> tuple[str, ...]:
        """The folders to lock; raises `ConfigError` without a prefix if there is only a global link to make."""
        context = self.context
        if not self.specs:
            return (context.shared_place, *context.owners(context.packages))
        return (*context.shared_places, *context.owners(context.packages))

    def plan(self) -> LinkPlan:
        """Return the plan."""
        from linkpack.linking.plan_link import plan_global_link, plan_link  # noqa: PLC0415 - 4 ms that others do not need

        save = _save_rules(self.context.config)
        plan = plan_link(self.context, self.specs, save) if self.specs else plan_global_link(self.context)
        return plan._replace(warnings=(*self.warnings, *plan.warnings))


def ask_link(specs: Sequence[str], project: str, options: LinkOptions) -> Asked:
    """Read what `link` was asked for; raises as `open_context`, and `LinkError` for what is no argument of it."""
    local = find_local_project(project)
    config = _load(project, options, local, needs_prefix=False)
    _save_rules(config)
    if config.flag("global", default=False):
        raise LinkError(
            "link does not take --global: it makes the global link, or uses it",
            code="ELINKGLOBAL",
            hint="leave -g out: linkpack link in the package's folder makes its global link",
        )
    picks = _picks(config)
    wanted = meant_specs(listed(specs, "specs"), local, fs.canonical(project), config.user_home)
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
    return Asked(_context(project, options, local, config, picks), wanted, warnings)


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
    """Return how to save, or None when nothing asks for it.

    Of settings that contradict each other the stronger source counts: `--no-save` wins over `save-dev=true` in an
    npmrc. Raises `LinkError` (ESAVE) when they are of one source.
    """
    asked = {kind: _rank(config, key) for key, kind in _KINDS.items() if config.flag(key, default=False)}
    strongest = min(asked.values(), default=len(_SOURCES))
    kinds = [kind for kind, rank in asked.items() if rank == strongest]
    if len(kinds) > 1:
        message = f"a link cannot be saved as {kinds[0]} and as {kinds[1]}"
        raise LinkError(message, code="ESAVE", hint="choose one of --save-prod, -dev, -optional, -peer")
    refused = "save" in config.settings and not config.flag("save", default=False)
    if refused and kinds and _rank(config, "save") == strongest == 0:
        message = f"a link cannot be saved as {kinds[0]} and not be saved"
        raise LinkError(message, code="ESAVE", hint="leave --no-save or the other flag out")
    if (refused and _rank(config, "save") <= strongest) or not (kinds or config.flag("save", default=False)):
        return None
    return SaveRules(
        kind=kinds[0] if kinds else "",
        bundle=config.flag("save-bundle", default=False),
        lockfile=config.flag("package-lock", default=True),
    )


def _rank(config: Config, key: str) -> int:
    """Return how far down the list of sources the setting *key* was made; 0 is the command line."""
    source = config.settings[key].source
    return next((at for at, kind in enumerate(_SOURCES) if source.startswith(kind)), len(_SOURCES))


@_command
def plan_link(specs: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS) -> LinkPlan:
    """Return the plan of `link`: of the package in *project* without *specs*, else of *specs* into *project*.

    Reads only. What stands in the way is in `conflicts`; what cannot be planned at all raises a `LinkpackError`.
    """
    asked = ask_link(specs, project, options)
    plan = asked.plan()
    return plan._replace(warnings=(*asked.context.config.warnings, *plan.warnings))


@_command
def link(specs: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS) -> Journal:
    """Do `link`; the `plan` of the journal says what was linked and what to be warned of.

    Raises `PlanRejected` or `LinkConflict` when something stands in the way; nothing has been changed then.
    """
    asked = ask_link(specs, project, options)
    return _act(asked.context, asked.places, asked.plan)


@_command
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
    context, planner = _ask_unlink(names, project, options, shared=shared, every=every)
    plan = planner()
    return plan._replace(warnings=(*context.config.warnings, *plan.warnings))


@_command
def unlink(
    names: Sequence[str] = (),
    project: str = ".",
    options: LinkOptions = DEFAULTS,
    *,
    shared: bool = False,
    every: bool = False,
) -> Journal:
    """Do `unlink`: remove links, and put back what they displaced. See `plan_unlink`."""
    context, planner = _ask_unlink(names, project, options, shared=shared, every=every)
    local = (names or every) and not shared
    places = () if local else (context.shared_place,)
    return _act(context, (*places, *context.owners(context.every_package)), planner)


def _ask_unlink(
    names: Sequence[str], project: str, options: LinkOptions, *, shared: bool, every: bool
) -> tuple[LinkContext, Callable[[], LinkPlan]]:
    """Return the surroundings of `unlink`, and what plans it."""
    local = bool(names or every) and not shared
    context = open_context(project, options, needs_prefix=not local)
    planner = _unlink_planner(context, listed(names, "names"), fs.canonical(project), shared=shared, every=every)
    return context, planner


def _unlink_planner(
    context: LinkContext, names: Sequence[str], cwd: str, *, shared: bool, every: bool
) -> Callable[[], LinkPlan]:
    from linkpack.linking.nothing import nothing_unlinked  # noqa: PLC0415 - link does not need it
    from linkpack.linking.plan_unlink import plan_global_unlink  # noqa: PLC0415 - link does not need it
    from linkpack.linking.plan_unlink import plan_unlink as local  # noqa: PLC0415 - link does not need it
    from linkpack.project.source import read_loose  # noqa: PLC0415 - see below

    wanted = meant_specs(names, context.project, cwd, context.config.user_home)
    asked = [spec.name for spec in wanted if spec.name]  # a folder that is not linked is an error
    if not wanted and not every:
        manifests = map(read_loose, context.picked or (context.project.start,))
        asked = [manifest.name for manifest in manifests if manifest is not None and manifest.name]
    at_global = shared or not (wanted or every)

    def plan() -> LinkPlan:
        planner = plan_global_unlink if at_global else local
        found = planner(context, wanted, every=every)
        told = nothing_unlinked(context, found, asked, shared=at_global, every=every)
        return found._replace(warnings=(*found.warnings, *told))

    return plan


@_command
def staying_global_links(
    plan: LinkPlan, project: str = ".", options: LinkOptions = DEFAULTS
) -> tuple[Problem, ...]:
    """Return a warning for each global link that *plan*, of `unlink` in *project*, leaves with its commands."""
    context = open_context(project, options, picking=False, needs_prefix=False)
    if context.config.fault is not None or not plan.removed:
        return ()
    from linkpack.linking.outside import staying_links  # noqa: PLC0415 - link does not need it

    return staying_links(plan, [entry for _, _, entry in context.recorded(shared=True)])


@_command
def plan_relink(
    names: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS, *, shared: bool = False
) -> LinkPlan:
    """Return the plan of `relink`, which brings dropped links of the project (or global ones) back. Reads only."""
    from linkpack.linking.status import plan_relink as planned  # noqa: PLC0415 - link does not need it

    context = open_context(project, options, picking=False, needs_prefix=shared)
    return planned(context, _meant(names, context, project), shared=shared)


@_command
def relink(
    names: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS, *, shared: bool = False
) -> Journal:
    """Do `relink`. A link whose package is gone is a warning with the code WSOURCEGONE."""
    from linkpack.linking.status import plan_relink as planned  # noqa: PLC0415 - link does not need it

    context = open_context(project, options, picking=False, needs_prefix=shared)
    wanted = _meant(names, context, project)
    places = (*((context.shared_place,) if shared else ()), *context.owners(context.every_package))
    return _act(context, places, lambda: planned(context, wanted, shared=shared))


def _meant(names: Sequence[str], context: LinkContext, project: str) -> tuple[Spec, ...]:
    cwd = fs.canonical(project)
    return meant_specs(listed(names, "names"), context.project, cwd, context.config.user_home)


@_command
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


@_command
def survey(project: str = ".", options: LinkOptions = DEFAULTS, *, shared: bool = False) -> Survey:
    """Look at the links of the project, or with *shared* at the global ones. Reads only."""
    from linkpack.linking.check import is_strict, problems_of  # noqa: PLC0415 - only for ls
    from linkpack.linking.package_tree import PackageTree  # noqa: PLC0415 - only for ls
    from linkpack.linking.status import list_links, standing_links  # noqa: PLC0415 - only for ls
    from linkpack.linking.whereabouts import places_of  # noqa: PLC0415 - only for ls
    from linkpack.project.source import read_loose  # noqa: PLC0415 - only for ls

    context = open_context(project, options, picking=False, needs_prefix=shared)
    with remembering({}):
        found = list_links(context, shared=shared)
        told = problems_of(PackageTree(), context, standing_links(context, shared=shared), shared=shared)
    manifest = read_loose(context.project.start)
    name = manifest.name if manifest is not None else ""
    return Survey(
        place=context.config.modules if shared else context.project.root,
        links=found,
        linked_at=places_of(context.store, context.project.start, name, context.config.modules),
        warnings=(*context.config.warnings, *told),
        strict=is_strict(context),
        config=context.config,
    )


@_command
def plan_last_undo(project: str = ".", options: LinkOptions = DEFAULTS) -> LinkPlan:
    """Return the plan that takes back the last link command of *project*.

    Raises `LinkMissing` if there is none.
    """
    context = open_context(project, options, picking=False, needs_prefix=False)
    return plan_undo(last_journal(context.store, context.project.root), context.store)


@_command
def undo(journal: Journal | None = None, project: str = ".", options: LinkOptions = DEFAULTS) -> Journal:
    """Take *journal* back, or else the last link command of *project*; return the journal of that.

    Raises `StalePlan` when the disk or the record has changed since; nothing is changed then.
    """
    context = open_context(project, options, picking=False, needs_prefix=False)
    places = (*context.shared_places, *context.owners(context.every_package))
    # A run that was cut off may have been an undo: what it was about is there again once it is taken back.
    with opened(context.store, places) as cut_off:
        last = journal if journal is not None else last_journal(context.store, context.project.root)
    with opened(context.store, last.places) as more:
        recovered = (*cut_off, *more)
        plan = plan_undo(last, context.store)
        if plan.conflicts:
            first = plan.conflicts[0]
            raise StalePlan(first.message, path=first.path, hint=first.hint)
        plan = plan._replace(warnings=(*recovered, *plan.warnings))
        return apply(plan, context.store, last.places, last.scope, last=False)


def _act(context: LinkContext, places: tuple[str, ...], planner: Callable[[], LinkPlan]) -> Journal:
    """Plan and apply under the locks of *places*."""
    with opened(context.store, places) as recovered:
        with remembering({}):
            plan = planner()
        if plan.conflicts:
            raise rejected(plan)
        warnings = tuple(dict.fromkeys((*recovered, *context.config.warnings, *plan.warnings)))
        return apply(plan._replace(warnings=warnings), context.store, places, context.project.root)


def rejected(plan: LinkPlan) -> LinkConflict | PlanRejected:
    """Return the error that carries the conflicts of *plan*."""
    if len(plan.conflicts) > 1:
        return PlanRejected(plan.conflicts)
    first = plan.conflicts[0]
    return LinkConflict(first.message, code=first.code, path=first.path, hint=first.hint)


@_command
def local_folder(kind: str, project: str) -> str:
    """Return the `prefix`, `root` (node_modules) or `bin` folder of the project that *project* is in."""
    root = find_local_project(project).root
    return {"prefix": root, "root": resolve(root, "node_modules"), "bin": resolve(root, "node_modules/.bin")}[kind]


@_command
def shared_folder(kind: str, project: str, options: LinkOptions = DEFAULTS) -> str:
    """Return the global `prefix`, `root` (node_modules) or `bin` folder; raises `ConfigError` without a prefix."""
    config = read_settings(project, options)
    if config.fault is not None:
        raise config.fault
    return {"prefix": config.prefix, "root": config.modules, "bin": config.bins}[kind]


@_command
def read_settings(project: str, options: LinkOptions = DEFAULTS) -> Config:
    """Return every setting for a command started in *project*, and who made it.

    Where there is no prefix, `fault` says why.
    """
    return _load(project, options, find_local_project(project), needs_prefix=False)
