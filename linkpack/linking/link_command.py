"""Link packages, or copy them: from the arguments to the applied plan.

`linkpack.copying.commands` has the public functions, which say how copies are filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from linkpack.arguments import check_texts
from linkpack.errors import LinkError, LinkMissing
from linkpack.linking.command import (
    LinkOptions,
    guard_command,
    load_settings,
    make_context,
    reject_conflicts,
    with_warnings,
)
from linkpack.linking.context import LinkContext, SaveRules
from linkpack.linking.journal import Journal, apply, lock_places
from linkpack.linking.package_choice import spread_workspaces
from linkpack.linking.plan_link import plan_global_links, plan_project_links
from linkpack.linking.request import parse_specs, read_workspace_choice
from linkpack.linking.states import LinkPlan
from linkpack.project.local import find_local_project
from linkpack.read_cache import remembering
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from linkpack.errors import Problem
    from linkpack.linking.copier import Copier
    from linkpack.linking.request import LinkSpec
    from linkpack.npm.config import Config

# Where a setting is made, the strongest first, as for npm (docs/settings.md).
_SOURCES = ("flag", "environment", "project npmrc", "user npmrc", "global npmrc")
_KINDS = {"save-prod": "prod", "save-dev": "dev", "save-optional": "optional", "save-peer": "peer"}


@guard_command
def link_packages(specs: Sequence[str], project: str, options: LinkOptions, copier: Copier) -> Journal:
    """Link the packages of *specs* into *project*, or *project* globally.

    *copier* fills copies. The rest is as for the public `link`.
    """
    # Load the settings, find the project and its workspaces, and read the arguments.
    request = read_link_request(specs, project, options)
    context = request.context

    # Lock the global folder and the projects, and take back runs that were cut off there.
    # Without a prefix there is no global folder. Then only links into the project can be made.
    shared = context.shared_places if request.specs else (context.shared_place,)
    places = (*shared, *context.owners(context.packages))
    with lock_places(context.store, places) as recovered:
        # Resolve the specs to packages on the disk, and plan every change. Nothing is changed yet.
        with remembering({}):
            plan = copier.read(_make_plan(request), context.project.root)
        plan = with_warnings(plan, (*recovered, *context.config.warnings))

        # Refuse a plan with conflicts: files of others in the way, folders that cannot be written to.
        reject_conflicts(plan)

        # A dry run stops here: see `plan_packages`.

        # Write the copies beside their places.
        with copier.write(plan) as plan:
            # Write the plan to a journal, apply it to the disk, and record the links, all of it or nothing.
            return apply(plan, context.store, places, context.project.root)


@guard_command
def plan_packages(specs: Sequence[str], project: str, options: LinkOptions, copier: Copier) -> LinkPlan:
    """Return the plan of `link_packages`, and change nothing.

    Files in the way are in its `conflicts`. Raises a `LinkpackError` if no plan can be made.
    """
    request = read_link_request(specs, project, options)
    plan = copier.read(_make_plan(request), request.context.project.root)
    return with_warnings(plan, request.context.config.warnings)


class LinkRequest(Record):
    """The arguments and settings of one `link`.

    Without *specs* it makes a global link. *save* says how the links are saved, None if they are not. *warnings*
    are about arguments that are left out.
    """

    context: LinkContext
    specs: tuple[LinkSpec, ...]
    save: SaveRules | None
    warnings: tuple[Problem, ...]


def read_link_request(specs: Sequence[str], project: str, options: LinkOptions) -> LinkRequest:
    """Read the settings and arguments of `link`, and find its project.

    Raises as `open_context`, and `LinkError` for flags that contradict each other or the arguments.
    """
    local = find_local_project(project)
    config = load_settings(project, options, local, needs_prefix=False)
    save = _read_save_rules(config)
    if config.flag("global", default=False):
        # With npm's code and for its reason (11.19.1, lib/commands/link.js).
        raise LinkError(
            "link does not take --global: it makes the global link, or uses it",
            code="ELINKGLOBAL",
            hint="leave -g out: linkpack link in the package's folder makes its global link",
        )
    wanted = parse_specs(check_texts(specs, "specs"), local, fs.canonical_path(project), config.user_home)
    if not wanted and _refuses_global_link(config):
        raise LinkError(
            "there is nothing to link: without a SPEC link makes the global link, which --no-global leaves alone",
            code="ELINKGLOBAL",
            path=project,
            hint="name a folder, or leave --no-global out",
        )
    if options.copy and (save is not None or not wanted):
        what = "saved in package.json" if save is not None else "a global link"
        hint = "leave --save out, or pass --no-save" if save is not None else "name the folders to copy"
        raise LinkError(f"a copy cannot be {what}", code="ECOPY", path=project, hint=hint)
    choice = read_workspace_choice(config)
    warnings: tuple[Problem, ...] = ()
    if choice.every and wanted:
        # `link ../mono --workspaces` means the members of mono, not those of the project.
        spread = spread_workspaces(wanted)
        wanted, warnings = spread.specs, spread.warnings
        if spread.done and not wanted:
            message = "no member of that workspace can be published, so there is nothing to link"
            raise LinkMissing(message, code="ENOTLINKED", path=project, hint="name the folders to link")
        choice = choice._replace(every=not spread.done)
    context = make_context(project, options, local, config, choice)
    return LinkRequest(context=context, specs=wanted, save=save, warnings=warnings)


def _refuses_global_link(config: Config) -> bool:
    """Return True if the command line has `--no-global`."""
    setting = config.settings.get("link-global")
    return setting is not None and setting.source == "flag" and not config.flag("link-global", default=True)


def _read_save_rules(config: Config) -> SaveRules | None:
    """Return how to save links, or None if no setting asks for it.

    Of settings that contradict each other the stronger source wins: `--no-save` over `save-dev=true` in an npmrc.
    Raises `LinkError` (ESAVE) when they are of one source.
    """
    # Any save flag saves, as for npm (11.19.1, lib/commands/link.js, linkInstall). The default of `save`, which is
    # true, is not a flag.
    ranks = {kind: _rank_source(config, key) for key, kind in _KINDS.items() if config.flag(key, default=False)}
    strongest = min(ranks.values(), default=len(_SOURCES))
    kinds = [kind for kind, rank in ranks.items() if rank == strongest]
    if len(kinds) > 1:
        message = f"a link cannot be saved as {kinds[0]} and as {kinds[1]}"
        raise LinkError(message, code="ESAVE", hint="choose one of --save-prod, -dev, -optional, -peer")
    refused = "save" in config.settings and not config.flag("save", default=False)
    if refused and kinds and _rank_source(config, "save") == strongest == 0:
        message = f"a link cannot be saved as {kinds[0]} and not be saved"
        raise LinkError(message, code="ESAVE", hint="leave --no-save or the other flag out")
    if (refused and _rank_source(config, "save") <= strongest) or not (
        kinds or config.flag("save", default=False)
    ):
        return None
    return SaveRules(
        kind=kinds[0] if kinds else "",
        bundle=config.flag("save-bundle", default=False),
        lockfile=config.flag("package-lock", default=True),
    )


def _rank_source(config: Config, key: str) -> int:
    """Return the rank of the source of *key*, 0 for the command line."""
    source = config.settings[key].source
    return next((rank for rank, kind in enumerate(_SOURCES) if source.startswith(kind)), len(_SOURCES))


def _make_plan(request: LinkRequest) -> LinkPlan:
    context = request.context
    if request.specs:
        plan = plan_project_links(context, request.specs, request.save)
    else:
        plan = plan_global_links(context)
    return with_warnings(plan, request.warnings)
