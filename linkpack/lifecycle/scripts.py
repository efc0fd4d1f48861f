"""The lifecycle of `pack`: prepack and prepare before the project is read, postpack when its tarball is there.

npm's order (libnpmpack, and dir.js of pacote; measured on npm 11.19.1), on a dry run too. Unlike npm, what can be
checked without the scripts is checked before the first one runs, and a failing postpack leaves no new tarball.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from linkpack.bundle.graph import read_bundle
from linkpack.errors import SnapshotError
from linkpack.lifecycle.environment import read_surroundings, script_environment
from linkpack.project.package_json import read_manifest
from linkpack.system import read as fs
from linkpack.system import write as fswrite
from linkpack.system.processes import Script, run_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from linkpack.archive.writer import Tarball
    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.lifecycle.environment import Surroundings
    from linkpack.npm.flags import FlagValue
    from linkpack.npm.manifest import Manifest
    from linkpack.project.project import Project


def _silent(script: Script) -> None:
    """Announce nothing."""
    del script


class Hooks(NamedTuple):
    """How scripts are run: from the environment *env*, by the shell *script_shell*, or else by npm's setting.

    *linked* runs prepack and prepare of linked bundled packages first. *workspaces* says that workspaces were
    asked for. *announce* is called with each script before it starts. *flags* are what the command line says, by
    npm's names (`dry-run`).
    """

    env: Mapping[str, str] = {}
    script_shell: str = ""
    linked: bool = False
    workspaces: bool = False
    announce: Callable[[Script], None] = _silent
    flags: Mapping[str, FlagValue] = {}


class _Event(NamedTuple):
    """A lifecycle event, and the variables that only its script gets."""

    name: str
    variables: Mapping[str, str] = {}


class Lifecycle(NamedTuple):
    """A package whose prepack and prepare have run; *manifest* is as before them, which is what postpack sees."""

    project: Project
    manifest: Manifest
    around: Surroundings
    hooks: Hooks

    def finish(self, tarball: Tarball) -> None:
        """Run postpack; `ScriptFailed` when it fails."""
        root = self.project.root
        event = _Event(
            "postpack",
            {
                "npm_package_from": f"file:{root}",
                "npm_package_resolved": root,
                "npm_package_integrity": tarball.integrity,
            },
        )
        _run(self.hooks, self.around, root, self.manifest, event)


class _Plan(Protocol):
    """A plan of what to pack, of which only the tarball's name is of interest here."""

    @property
    def filename(self) -> str: ...


_Made = TypeVar("_Made", bound=_Plan)


def pack_through(
    project: Project, hooks: Hooks, plan: Callable[[], _Made], write: Callable[[_Made], Tarball], destination: str
) -> tuple[_Made, Tarball]:
    """What *plan* makes after *project*'s prepack and prepare, and what *write* makes of it before postpack.

    *destination* is the folder that *write* writes to; empty when it writes nothing. `ScriptFailed`, besides what
    the two raise; the destination is as it was then.
    """
    lifecycle = begin(project, hooks)
    made = plan()
    if not destination:
        tarball = write(made)
        lifecycle.finish(tarball)
        return made, tarball
    target = posixpath.join(destination, made.filename)
    try:
        with fswrite.made_dirs(posixpath.dirname(target)), fswrite.put_back(target):
            tarball = write(made)
            lifecycle.finish(tarball)
    except OSError as err:
        raise SnapshotError(
            f"{destination} cannot be made a folder: {err.strerror}",
            code="EWRITE",
            path=destination,
            hint="choose another --pack-destination",
        ) from err
    return made, tarball


def begin(project: Project, hooks: Hooks, cwd: str = ".") -> Lifecycle:
    """The lifecycle of *project*, its prepack and prepare done; the command was started in *cwd*.

    Everything on disk is to be read again afterwards: they may have changed it. `ScriptFailed` for the first that
    fails; the ones after it are not run.
    """
    around = read_surroundings(
        hooks.env,
        fs.real_path(cwd),
        script_shell=hooks.script_shell,
        workspaces=hooks.workspaces,
        flags=hooks.flags,
    )
    if hooks.linked:
        for package in _linked(read_bundle(project, allow_missing=True)):
            _prepare(hooks, around, package.id, package.manifest, "linked")
    _prepare(hooks, around, project.root, project.manifest, "root")
    return Lifecycle(project, project.manifest, around, hooks)


def _prepare(hooks: Hooks, around: Surroundings, folder: str, manifest: Manifest, role: str) -> None:
    """Run prepack, and prepare as the manifest has it then."""
    _run(hooks, around, folder, manifest, _Event("prepack"))
    if manifest.scripts.get("prepack"):
        manifest = read_manifest(folder, "root" if role == "root" else "linked")
    _run(hooks, around, folder, manifest, _Event("prepare", {"npm_package_resolved": folder}))


def _run(hooks: Hooks, around: Surroundings, folder: str, manifest: Manifest, event: _Event) -> None:
    command = manifest.scripts.get(event.name)
    if not command:
        return
    name = manifest.name or posixpath.basename(folder)
    script = Script(event.name, command, f"{name}@{manifest.version}" if manifest.version else name, folder)
    hooks.announce(script)
    run_script(script, script_environment(around, folder, manifest, event.name, event.variables), around.shell)


def _linked(graph: BundleGraph) -> Iterator[Package]:
    """The linked packages of the bundle, each after those that it depends on, where they do not form a ring."""
    done = {graph.root}
    # A stack, for the graph may be deeper than Python's own: (package, whether its needs were looked at).
    stack = [(at, False) for at in reversed(tuple(graph.bundled.values()))]
    while stack:
        at, entered = stack.pop()
        if entered:
            if graph.packages[at].linked:
                yield graph.packages[at]
        elif at not in done:
            done.add(at)
            needs = graph.packages[at].needs
            below = [to for name in sorted(needs) if (to := needs[name]) is not None]
            stack += [(at, True), *((to, False) for to in reversed(below))]
