"""Start a link command: its options, settings, project and context."""

from __future__ import annotations

import errno
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from linkpack import limits
from linkpack.errors import LinkConflict, LinkError, PlanRejected
from linkpack.linking.context import LinkContext
from linkpack.linking.installed import InstalledLinks
from linkpack.linking.ownership import LinkRules
from linkpack.linking.record import find_store
from linkpack.linking.request import choose_folders, read_workspace_choice
from linkpack.npm.config import load_config, resolve_path
from linkpack.project.local import WorkspaceChoice, find_local_project
from linkpack.record import Record
from linkpack.system import own_process
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import ParamSpec, TypeVar

    from linkpack.errors import Problem
    from linkpack.linking.states import LinkPlan
    from linkpack.npm.config import Config
    from linkpack.project.local import LocalProject

    _Given = ParamSpec("_Given")
    _Answer = TypeVar("_Answer")


class LinkOptions(Record):
    """The flags and the environment of a link command.

    *flags* have npm's names (`{"save-dev": True}`). *env* is by default the environment of the process.
    *absolute* makes links with absolute text. *copy* has `link` copy what `pack` would ship, instead of linking.
    """

    flags: Mapping[str, str | bool | tuple[str, ...]] = {}
    env: Mapping[str, str] | None = None
    absolute: bool = False
    copy: bool = False


DEFAULTS = LinkOptions()


def guard_command(function: Callable[_Given, _Answer]) -> Callable[_Given, _Answer]:
    """Have *function* run within limits and raise `LinkError` for `OSError`.

    Such an error comes from reading. For changes, `journal.apply` raises errors of its own.
    """

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


@guard_command
def open_context(
    project: str, options: LinkOptions, *, picking: bool = True, needs_prefix: bool = True
) -> LinkContext:
    """Return the context of a command that is started in *project*.

    Flags choose workspaces only with *picking*. Raises `ConfigError` without a state folder, or without a prefix
    if one is needed, and `LinkError` for a folder or workspace that does not exist.
    """
    local = find_local_project(project)
    config = load_settings(project, options, local, needs_prefix=needs_prefix)
    choice = read_workspace_choice(config) if picking else WorkspaceChoice()
    return make_context(project, options, local, config, choice)


def load_settings(project: str, options: LinkOptions, local: LocalProject, *, needs_prefix: bool) -> Config:
    """Return npm's settings for a command that is started in *project*."""
    cwd = fs.canonical_path(project)
    return load_config(environment_of(options), cwd, options.flags, local.root, needs_prefix=needs_prefix)


def environment_of(options: LinkOptions) -> Mapping[str, str]:
    """Return the environment that *options* give, or that of the process."""
    return own_process.environment() if options.env is None else options.env


def make_context(
    project: str, options: LinkOptions, local: LocalProject, config: Config, choice: WorkspaceChoice
) -> LinkContext:
    """Put the context of a command together from its parts."""
    rules = LinkRules(
        bin_links=config.flag("bin-links", default=True),
        force=config.flag("force", default=False),
        absolute=options.absolute,
        windows=config.windows,
        umask=own_process.current_umask(),
        copy=options.copy,
    )
    return LinkContext(
        config=config,
        project=local,
        picked=choose_folders(local, choice, project),
        store=find_store(environment_of(options)),
        rules=rules,
        installed=InstalledLinks(local.root, config.modules),
    )


# --- plans, before they are applied


def with_warnings(plan: LinkPlan, warnings: Iterable[Problem]) -> LinkPlan:
    """Return *plan* with *warnings* in front of its own, each once."""
    return plan._replace(warnings=tuple(dict.fromkeys((*warnings, *plan.warnings))))


def reject_conflicts(plan: LinkPlan) -> None:
    """Raise the conflicts of *plan*, if it has any.

    One is a `LinkConflict`, several are a `PlanRejected`.
    """
    if plan.conflicts:
        raise rejected(plan)


def rejected(plan: LinkPlan) -> LinkConflict | PlanRejected:
    """Return the error for the conflicts of *plan*, at least one."""
    if len(plan.conflicts) > 1:
        return PlanRejected(plan.conflicts)
    first = plan.conflicts[0]
    return LinkConflict(first.message, code=first.code, path=first.path, hint=first.hint)


# --- settings and folders


@guard_command
def read_settings(project: str, options: LinkOptions = DEFAULTS) -> Config:
    """Return every setting of a command that is started in *project*.

    Without a prefix, the `fault` of the settings says why.
    """
    return load_settings(project, options, find_local_project(project), needs_prefix=False)


@guard_command
def local_folder(kind: str, project: str) -> str:
    """Return the `prefix`, `root` or `bin` folder of a local project.

    *project* is a folder in it. `root` is its node_modules, as for npm.
    """
    root = find_local_project(project).root
    return {
        "prefix": root,
        "root": resolve_path(root, "node_modules"),
        "bin": resolve_path(root, "node_modules/.bin"),
    }[kind]


@guard_command
def shared_folder(kind: str, project: str, options: LinkOptions = DEFAULTS) -> str:
    """Return the global `prefix`, `root` (node_modules) or `bin` folder.

    Raises `ConfigError` without a prefix.
    """
    config = read_settings(project, options)
    if config.fault is not None:
        raise config.fault
    return {"prefix": config.prefix, "root": config.modules, "bin": config.bins}[kind]
