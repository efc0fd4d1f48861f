"""Links, unlinks and relinks packages: what the commands do, for programs.

    plan = linkpack.plan_link(["../redis"], project="app")  # reads only
    journal = linkpack.link(["../redis"], project="app")
    linkpack.undo(journal)

Every function takes *project* (where the command would be started) and *options*.
"""

from __future__ import annotations

import errno
import functools
from typing import TYPE_CHECKING, NamedTuple

from linkpack.disk import fslinks
from linkpack.errors import LinkConflict, LinkError, PlanRejected, StalePlan
from linkpack.linking.config import load_config, resolve
from linkpack.linking.installed import InstalledLinks
from linkpack.linking.journal import Journal, apply, last_journal, opened, plan_undo
from linkpack.linking.linkhome import Picks, find_local_project, meant_specs, pick_folders
from linkpack.linking.linkown import LinkRules
from linkpack.linking.linkplan import plan_global_link as _plan_global_link
from linkpack.linking.linkplan import plan_link as _plan_link
from linkpack.linking.linkrecord import find_store
from linkpack.linking.linkscene import LinkContext, SaveRules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import ParamSpec, TypeVar

    from linkpack.linking.config import Config
    from linkpack.linking.linklist import Status
    from linkpack.linking.linkstate import LinkPlan

    _Given = ParamSpec("_Given")
    _Answer = TypeVar("_Answer")

_SOURCES = ("flag", "environment", "project npmrc", "user npmrc", "global npmrc")
_KINDS = {"save-prod": "prod", "save-dev": "dev", "save-optional": "optional", "save-peer": "peer"}


class LinkOptions(NamedTuple):
    """What the flags of the link commands say, with npm's names in *flags* (`{"save-dev": True}`).

    *env* is the environment, by default the process's own. *absolute* makes links with absolute text.
    """

    flags: Mapping[str, str | bool | tuple[str, ...]] = {}
    env: Mapping[str, str] | None = None
    absolute: bool = False


DEFAULTS = LinkOptions()


def _named_errors(function: Callable[_Given, _Answer]) -> Callable[_Given, _Answer]:
    """Have *function* raise `LinkError` for what the system refuses while it reads: the culprit by name."""

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


@_named_errors
def open_context(project: str, options: LinkOptions, *, picking: bool = True) -> LinkContext:
    """The surroundings of a command started in *project*: settings, project, workspaces, state folder.

    Raises `ConfigError` without a prefix or state folder, `LinkError` for a directory or workspace that does not
    exist.
    """
    env = fslinks.environment() if options.env is None else options.env
    local = find_local_project(project)
    config = load_config(env, fslinks.canonical(project), options.flags, local.root)
    picks = _picks(config) if picking else Picks()
    rules = LinkRules(
        bin_links=config.flag("bin-links", default=True),
        force=config.flag("force", default=False),
        absolute=options.absolute,
        windows=config.windows,
        umask=fslinks.current_umask(),
    )
    return LinkContext(
        config=config,
        project=local,
        picked=pick_folders(local, picks, project),
        store=find_store(env),
        rules=rules,
        installed=InstalledLinks(local.root, config.modules),
    )


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


def _link_planner(context: LinkContext, specs: Sequence[str], cwd: str) -> Callable[[], LinkPlan]:
    save = _save_rules(context.config)
    if context.config.flag("global", default=False):
        raise LinkError(
            "link is never global: it makes the global link, or uses it",
            code="ELINKGLOBAL",
            hint="leave -g out: linkpack link in the package's folder makes its global link",
        )
    wanted = meant_specs(specs, context.project, cwd, context.config.user_home)
    if wanted:
        return lambda: _plan_link(context, wanted, save)
    return lambda: _plan_global_link(context)


@_named_errors
def plan_link(specs: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS) -> LinkPlan:
    """The plan of `link`: of the package in *project* without *specs*, else of what they name into *project*.

    Reads only. What stands in the way is in `conflicts`; what cannot be planned at all raises a `LinkpackError`.
    """
    context = open_context(project, options)
    plan = _link_planner(context, specs, fslinks.canonical(project))()
    return plan._replace(warnings=(*context.config.warnings, *plan.warnings))


@_named_errors
def link(specs: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS) -> Journal:
    """The journal of `link`, done; its `plan` says what was linked and what to be warned of.

    `PlanRejected` or `LinkConflict` when something stands in the way; nothing has been changed then.
    """
    context = open_context(project, options)
    planner = _link_planner(context, specs, fslinks.canonical(project))
    return _act(context, (context.shared_place, *context.owners(context.packages)), planner)


@_named_errors
def plan_unlink(
    names: Sequence[str] = (),
    project: str = ".",
    options: LinkOptions = DEFAULTS,
    *,
    shared: bool = False,
    every: bool = False,
) -> LinkPlan:
    """The plan of `unlink`: of *names* in the project, of all its links with *every*, or of global links.

    The last with *shared*, or without names. Reads only.
    """
    context = open_context(project, options)
    return _unlink_planner(context, names, fslinks.canonical(project), shared=shared, every=every)()


def _unlink_planner(
    context: LinkContext, names: Sequence[str], cwd: str, *, shared: bool, every: bool
) -> Callable[[], LinkPlan]:
    from linkpack.linking.linkundo import plan_global_unlink  # noqa: PLC0415 - link does not need it
    from linkpack.linking.linkundo import plan_unlink as local  # noqa: PLC0415 - link does not need it

    wanted = meant_specs(names, context.project, cwd, context.config.user_home)
    if every and not shared:
        return lambda: local(context, wanted, every=True)
    if shared or not wanted:
        return lambda: plan_global_unlink(context, wanted, every=every)
    return lambda: local(context, wanted)


@_named_errors
def unlink(
    names: Sequence[str] = (),
    project: str = ".",
    options: LinkOptions = DEFAULTS,
    *,
    shared: bool = False,
    every: bool = False,
) -> Journal:
    """The journal of `unlink`, done: links removed, and what they displaced put back. See `plan_unlink`."""
    context = open_context(project, options)
    planner = _unlink_planner(context, names, fslinks.canonical(project), shared=shared, every=every)
    local = (names or every) and not shared
    places = () if local else (context.shared_place,)
    return _act(context, (*places, *context.owners(context.every_package)), planner)


@_named_errors
def plan_relink(
    names: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS, *, shared: bool = False
) -> LinkPlan:
    """The plan of `relink`: what brings dropped links of the project (or global ones) back. Reads only."""
    from linkpack.linking.linklist import plan_relink as planned  # noqa: PLC0415 - link does not need it

    context = open_context(project, options, picking=False)
    wanted = meant_specs(names, context.project, fslinks.canonical(project), context.config.user_home)
    return planned(context, wanted, shared=shared)


@_named_errors
def relink(
    names: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS, *, shared: bool = False
) -> Journal:
    """The journal of `relink`, done. A link whose package is gone is a warning with the code ESOURCEGONE."""
    from linkpack.linking.linklist import plan_relink as planned  # noqa: PLC0415 - link does not need it

    context = open_context(project, options, picking=False)
    wanted = meant_specs(names, context.project, fslinks.canonical(project), context.config.user_home)
    places = (*((context.shared_place,) if shared else ()), *context.owners(context.every_package))
    return _act(context, places, lambda: planned(context, wanted, shared=shared))


@_named_errors
def links(project: str = ".", options: LinkOptions = DEFAULTS, *, shared: bool = False) -> tuple[Status, ...]:
    """The links of the project, or with *shared* the global ones, and how each of them fares."""
    from linkpack.linking.linklist import list_links  # noqa: PLC0415 - link does not need it

    return list_links(open_context(project, options, picking=False), shared=shared)


@_named_errors
def plan_last_undo(project: str = ".", options: LinkOptions = DEFAULTS) -> LinkPlan:
    """The plan that takes back the last link command of *project*; `LinkMissing` when there is none."""
    context = open_context(project, options, picking=False)
    return plan_undo(last_journal(context.store, context.project.root), context.store)


@_named_errors
def undo(journal: Journal | None = None, project: str = ".", options: LinkOptions = DEFAULTS) -> Journal:
    """The journal of taking *journal* back, or else the last link command of *project*.

    `StalePlan` when the disk or the record has changed since; nothing is changed then.
    """
    context = open_context(project, options, picking=False)
    # A run that was cut off may have been an undo: what it was about is there again once it is taken back.
    with opened(context.store, (context.shared_place, *context.owners(context.every_package))) as cut_off:
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
        plan = planner()
        if plan.conflicts:
            raise rejected(plan)
        warnings = tuple(dict.fromkeys((*recovered, *context.config.warnings, *plan.warnings)))
        return apply(plan._replace(warnings=warnings), context.store, places, context.project.root)


def rejected(plan: LinkPlan) -> LinkConflict | PlanRejected:
    """The error that carries the conflicts of *plan*."""
    if len(plan.conflicts) > 1:
        return PlanRejected(plan.conflicts)
    first = plan.conflicts[0]
    return LinkConflict(first.message, code=first.code, path=first.path, hint=first.hint)


def local_folder(kind: str, project: str) -> str:
    """The local `prefix`, `root` (node_modules) or `bin` folder of the project that *project* is in."""
    root = find_local_project(project).root
    return {"prefix": root, "root": resolve(root, "node_modules"), "bin": resolve(root, "node_modules/.bin")}[kind]


def shared_folder(kind: str, project: str, options: LinkOptions = DEFAULTS) -> str:
    """The global `prefix`, `root` (node_modules) or `bin` folder."""
    config = read_settings(project, options)
    return {"prefix": config.prefix, "root": config.modules, "bin": config.bins}[kind]


def read_settings(project: str, options: LinkOptions = DEFAULTS) -> Config:
    """Every setting that counts for a command started in *project*, and who made it."""
    env = fslinks.environment() if options.env is None else options.env
    return load_config(env, fslinks.canonical(project), options.flags, find_local_project(project).root)
