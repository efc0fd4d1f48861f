"""Links, unlinks and relinks packages: what the commands do, for programs.

    plan = linkpack.plan_link(["../redis"], project="app")  # reads only
    journal = linkpack.link(["../redis"], project="app")
    linkpack.undo(journal)

Every function takes *project* (where the command would be started) and *options*.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.disk import fslinks
from linkpack.errors import LinkConflict, LinkError, PlanRejected, StalePlan
from linkpack.linking.config import load_config, resolve
from linkpack.linking.journal import Journal, apply, last_journal, opened, plan_undo
from linkpack.linking.linkhome import Picks, find_local_project, meant_specs, pick_folders
from linkpack.linking.linkown import LinkRules
from linkpack.linking.linkplan import plan_global_link as _plan_global_link
from linkpack.linking.linkplan import plan_link as _plan_link
from linkpack.linking.linkrecord import find_store
from linkpack.linking.linkscene import LinkContext, SaveRules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from linkpack.linking.config import Config
    from linkpack.linking.linklist import Status
    from linkpack.linking.linkstate import LinkPlan

_KINDS = {"save-prod": "prod", "save-dev": "dev", "save-optional": "optional", "save-peer": "peer"}


class LinkOptions(NamedTuple):
    """What the flags of the link commands say, with npm's names in *flags* (`{"save-dev": True}`).

    *env* is the environment, by default the process's own. *absolute* makes links with absolute text.
    """

    flags: Mapping[str, str | bool | tuple[str, ...]] = {}
    env: Mapping[str, str] | None = None
    absolute: bool = False


DEFAULTS = LinkOptions()


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
    return LinkContext(config, local, pick_folders(local, picks, project), find_store(env), rules)


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
    """How to save, when any flag asks for it; `LinkError` (ESAVE) for two types at once."""
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


def plan_link(specs: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS) -> LinkPlan:
    """The plan of `link`: of the package in *project* without *specs*, else of what they name into *project*.

    Reads only. What stands in the way is in `conflicts`; what cannot be planned at all raises a `LinkpackError`.
    """
    context = open_context(project, options)
    plan = _link_planner(context, specs, fslinks.canonical(project))()
    return plan._replace(warnings=(*context.config.warnings, *plan.warnings))


def link(specs: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS) -> Journal:
    """The journal of `link`, done; its `plan` says what was linked and what to be warned of.

    `PlanRejected` or `LinkConflict` when something stands in the way; nothing has been changed then.
    """
    context = open_context(project, options)
    planner = _link_planner(context, specs, fslinks.canonical(project))
    places = (context.shared_place, context.project.root) if specs else (context.shared_place,)
    return _act(context, places, planner)


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
    from linkpack.linking.linkpackage import read_loose  # noqa: PLC0415 - see below
    from linkpack.linking.linkundo import plan_global_unlink  # noqa: PLC0415 - link does not need it
    from linkpack.linking.linkundo import plan_unlink as local  # noqa: PLC0415 - link does not need it

    wanted = []
    for spec in meant_specs(names, context.project, cwd, context.config.user_home):
        manifest = read_loose(spec.folder) if spec.folder else None
        wanted.append(spec.name or (manifest.name if manifest else posixpath.basename(spec.folder)))
    if every and not shared:
        return lambda: local(context, wanted, every=True)
    if shared or not wanted:
        return lambda: plan_global_unlink(context, wanted, every=every)
    return lambda: local(context, wanted)


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
    return _act(context, (context.project.root,) if local else (context.shared_place,), planner)


def plan_relink(
    names: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS, *, shared: bool = False
) -> LinkPlan:
    """The plan of `relink`: what brings dropped links of the project (or global ones) back. Reads only."""
    from linkpack.linking.linklist import plan_relink as planned  # noqa: PLC0415 - link does not need it

    return planned(open_context(project, options, picking=False), names, shared=shared)


def relink(
    names: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS, *, shared: bool = False
) -> Journal:
    """The journal of `relink`, done. A link whose package is gone is a warning with the code ESOURCEGONE."""
    from linkpack.linking.linklist import plan_relink as planned  # noqa: PLC0415 - link does not need it

    context = open_context(project, options, picking=False)
    place = context.shared_place if shared else context.project.root
    return _act(context, (place,), lambda: planned(context, names, shared=shared))


def links(project: str = ".", options: LinkOptions = DEFAULTS, *, shared: bool = False) -> tuple[Status, ...]:
    """The links of the project, or with *shared* the global ones, and how each of them fares."""
    from linkpack.linking.linklist import list_links  # noqa: PLC0415 - link does not need it

    return list_links(open_context(project, options, picking=False), shared=shared)


def plan_last_undo(project: str = ".", options: LinkOptions = DEFAULTS) -> LinkPlan:
    """The plan that takes back the last link command of *project*; `LinkMissing` when there is none."""
    context = open_context(project, options, picking=False)
    return plan_undo(last_journal(context.store, context.project.root), context.store)


def undo(journal: Journal | None = None, project: str = ".", options: LinkOptions = DEFAULTS) -> Journal:
    """The journal of taking *journal* back, or else the last link command of *project*.

    `StalePlan` when the disk or the record has changed since; nothing is changed then.
    """
    context = open_context(project, options, picking=False)
    # A run that was cut off may have been an undo: what it was about is there again once it is taken back.
    with opened(context.store, (context.shared_place, context.project.root)) as cut_off:
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
