"""Find the project that a link command is about, its workspaces, and what its arguments mean."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import LinkError
from linkpack.npm.package_names import dependency_name_fault
from linkpack.project.source import read_loose
from linkpack.system import links as fslinks
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.project.local import LocalProject


class Spec(NamedTuple):
    """An argument of `link`: a directory's path, or else a package name and the range asked for (may be empty)."""

    folder: str
    name: str
    wanted: str


class Picks(NamedTuple):
    """Which workspaces were asked for: names, paths or parent folders; all of them; the root too."""

    workspaces: tuple[str, ...] = ()
    every: bool = False
    with_root: bool = False


def pick_folders(project: LocalProject, picks: Picks, cwd: str) -> tuple[str, ...]:
    """Return the real directories of the workspaces that were asked for, the root first if it is one of them.

    Empty when none was asked for. `LinkError` (EWORKSPACE) for one that does not exist.
    """
    if not picks.workspaces and not picks.every:
        return (project.start,) if project.implicit else ()
    from linkpack.project.workspace import member_folders, read_workspace  # noqa: PLC0415 - as above

    workspace = read_workspace(project.root)
    members = member_folders(workspace) if workspace is not None else []
    chosen = list(members) if picks.every else []
    for wanted in picks.workspaces:
        found = [folder for folder in members if _is_meant(folder, wanted, project, cwd)]
        if not found:
            raise LinkError(
                f'no workspace of {project.root} is called "{wanted}"',
                code="EWORKSPACE",
                path=project.root,
                hint="name a workspace's package, its folder, or a folder above it",
            )
        chosen += found
    if not chosen:
        raise LinkError(
            f"{project.root} has no workspaces",
            code="EWORKSPACE",
            path=project.root,
            hint="leave --workspaces out",
        )
    return tuple(dict.fromkeys([project.root, *chosen] if picks.with_root else chosen))


def _is_meant(folder: str, wanted: str, project: LocalProject, cwd: str) -> bool:
    paths = {fslinks.canonical(posixpath.join(base, wanted)) for base in (cwd, project.root)}
    if any(folder == path or folder.startswith(f"{path}/") for path in paths):
        return True
    manifest = read_loose(folder)
    return manifest is not None and manifest.name == wanted


def parse_spec(text: str, cwd: str, user_home: str) -> Spec:
    """Return what the argument *text* of `link` means.

    A directory begins with `.`, `/`, `~/` or `file:`; anything else is `name` or `name@range`. `LinkError`
    (ELINKSPEC) for what is neither, such as an address.
    """
    path = text.removeprefix("file:")
    if path != text or text.startswith((".", "/", "~/")):
        path = path.removeprefix("//") if text.startswith("file:///") else path
        if path.startswith("~/"):
            path = posixpath.join(user_home, path[2:])
        return Spec(posixpath.normpath(posixpath.join(cwd, path)), "", "")
    name, _, wanted = text[1:].partition("@")
    name = text[:1] + name
    fault = dependency_name_fault(name)
    if fault or ":" in wanted or "/" in wanted:
        folder = posixpath.join(cwd, text)
        near = f"did you mean ./{text}?" if fs.is_dir(folder) else "give a package name or a directory like ../lib"
        what = f'"{name}" {fault}' if fault else f'"{wanted}" is no version range'
        raise LinkError(f"{text} cannot be linked: {what}", code="ELINKSPEC", path=text, hint=near)
    return Spec("", name, wanted)


def is_self(text: str, project: LocalProject, cwd: str) -> bool:
    """True if the argument *text*, taken as a path, is the project itself.

    The root of its workspace is another package: `link ..` in an example that lies in the package it shows.
    """
    return fslinks.canonical(posixpath.join(cwd, text)) == project.start


def meant_specs(texts: Sequence[str], project: LocalProject, cwd: str, user_home: str) -> tuple[Spec, ...]:
    """Return what the arguments mean, each once, without those that mean the project itself."""
    kept = [text for text in texts if not is_self(text, project, cwd)]
    return tuple(dict.fromkeys(parse_spec(text, cwd, user_home) for text in kept))
