"""Read the arguments of a link command, and which workspaces it chooses."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.errors import LinkError
from linkpack.npm.package_names import find_dependency_name_fault
from linkpack.project.local import WorkspaceChoice
from linkpack.project.selection import choose_workspaces
from linkpack.project.workspace import list_members, read_workspace
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.npm.config import Config
    from linkpack.project.local import LocalProject


class LinkSpec(Record):
    """An argument of `link`: a folder, or the name of a package.

    *folder* is an absolute path. With a *name* instead, *wanted* is the range asked for, empty for any version.
    """

    folder: str
    name: str
    wanted: str


def parse_spec(text: str, cwd: str, user_home: str) -> LinkSpec:
    """Return the folder or the name that an argument of `link` means.

    A folder begins with `.`, `/`, `~/` or `file:`; anything else is `name` or `name@range`. Raises `LinkError`
    (ELINKSPEC) for any other argument, such as an address: link commands fetch nothing.

    >>> parse_spec("../lib", "/src/app", "/home/me").folder
    '/src/lib'
    >>> parse_spec("~/lib", "/src/app", "/home/me").folder
    '/home/me/lib'
    >>> parse_spec("@scope/lib@^1.2.0", "/src/app", "/home/me")
    LinkSpec(folder='', name='@scope/lib', wanted='^1.2.0')
    """
    path = text.removeprefix("file:")
    if path != text or text.startswith((".", "/", "~/")):
        path = path.removeprefix("//") if text.startswith("file:///") else path  # an address without a host
        if path.startswith("~/"):  # no shell replaces it in file:~/lib
            path = posixpath.join(user_home, path[2:])
        return LinkSpec(posixpath.normpath(posixpath.join(cwd, path)), "", "")
    name, _, wanted = text[1:].partition("@")  # the first letter may be the @ of a scope
    name = text[:1] + name
    fault = find_dependency_name_fault(name)
    if fault or ":" in wanted or "/" in wanted:
        folder = posixpath.join(cwd, text)
        near = f"did you mean ./{text}?" if fs.is_dir(folder) else "give a package name or a directory like ../lib"
        what = f'"{name}" {fault}' if fault else f'"{wanted}" is no version range'
        raise LinkError(f"{text} cannot be linked: {what}", code="ELINKSPEC", path=text, hint=near)
    return LinkSpec("", name, wanted)


def parse_specs(texts: Sequence[str], project: LocalProject, cwd: str, user_home: str) -> tuple[LinkSpec, ...]:
    """Return the specs of the arguments *texts*, each once and in order.

    Arguments that mean the project itself are left out: `link .` is `link`.
    """
    # As npm (11.19.1, lib/commands/link.js, exec).
    others = [text for text in texts if not _is_project(text, project, cwd)]
    return tuple(dict.fromkeys(parse_spec(text, cwd, user_home) for text in others))


def _is_project(text: str, project: LocalProject, cwd: str) -> bool:
    """Return True if the argument *text* is a path to the project itself."""
    # Not the root of its workspace, which npm takes for the project: `link ..` in an example inside of the package
    # that it shows links that package (docs/differences-from-npm.md, K6).
    return fs.canonical_path(posixpath.join(cwd, text)) == project.start


def read_workspace_choice(config: Config) -> WorkspaceChoice:
    """Return the workspaces that `--workspace` and related flags choose."""
    setting = config.settings.get("workspace")
    value = setting.value if setting is not None else ()
    # npm writes a list into the environment with an empty line between entries (@npmcli/config, lib/set-envs.js).
    names = value.split("\n\n") if isinstance(value, str) else value if isinstance(value, list) else ()
    return WorkspaceChoice(
        workspaces=tuple(name for name in names if isinstance(name, str) and name),
        every=config.flag("workspaces", default=False),
        with_root=config.flag("include-workspace-root", default=False),
    )


def choose_folders(project: LocalProject, picks: WorkspaceChoice, cwd: str) -> tuple[str, ...]:
    """Return the real folders of the workspaces that *picks* chooses.

    The root comes first if it is one of them. Empty if no workspace is chosen. Raises `ProjectError` (EWORKSPACE)
    for one that does not exist.
    """
    if not picks.workspaces and not picks.every:
        # A command that is started in a workspace chooses it, as if by -w (@npmcli/config, lib/index.js).
        return (project.start,) if project.implicit else ()
    chosen = choose_workspaces(project.root, read_workspace(project.root), picks, cwd)
    return tuple(workspace.folder for workspace in chosen)


def list_workspace_members(folder: str) -> list[str]:
    """Return the member folders of the workspace with the root *folder*.

    Empty if *folder* is not the root of a workspace.
    """
    workspace = read_workspace(fs.canonical_path(folder))
    return list_members(workspace) if workspace is not None else []
