"""Run prepack and prepare before packing, and postpack after it.

This is npm's order, in a dry run too (libnpmpack, lib/index.js, and pacote, lib/dir.js; measured on npm 11.19.1).
`packing.preflight` checks before the first script what no script can change. npm finds out afterwards.
"""

from __future__ import annotations

import posixpath
from contextlib import contextmanager
from typing import TYPE_CHECKING

from linkpack.bundle.graph import Wish, read_bundle
from linkpack.bundle.selectors import read_selectors
from linkpack.errors import SnapshotError
from linkpack.lifecycle.environment import build_environment, read_script_context
from linkpack.project.package_json import read_manifest
from linkpack.record import Record
from linkpack.system import read as fs
from linkpack.system import write as fswrite
from linkpack.system.processes import Script, run_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from linkpack.archive.writer import Tarball
    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.lifecycle.environment import ScriptContext
    from linkpack.npm.flags import FlagValue
    from linkpack.npm.manifest import Manifest, Role
    from linkpack.project.project import Project


def _stay_silent(script: Script) -> None:
    """Announce nothing."""
    del script  # an announcer is called with it


class Hooks(Record):
    """How scripts are run.

    Scripts get the environment *env*. *script_shell* runs them, or the shell of npm's setting if that is "". With
    *linked*, prepack and prepare of linked bundled packages run first. *workspaces* says whether workspaces were
    asked for. *announce* is called with each script before it starts. *flags* are those of the command line, by
    npm's names (`dry-run`). *bundle* are the selectors of what is bundled, as `PackOptions` has them.
    """

    env: Mapping[str, str] = {}
    script_shell: str = ""
    linked: bool = False
    workspaces: bool = False
    announce: Callable[[Script], None] = _stay_silent
    flags: Mapping[str, FlagValue] = {}
    bundle: tuple[str, ...] | None = None

    def start(self, project: Project) -> Lifecycle:
        """Run prepack and prepare of *project*, as `start_lifecycle` does."""
        # A method, so that jobs.batch need not import this module: 8 ms, and few packages have scripts.
        return start_lifecycle(project, self)


class _Event(Record):
    """A lifecycle event, and the variables that only its script gets."""

    name: str
    variables: Mapping[str, str] = {}


class Lifecycle(Record):
    """A project with its prepack and prepare done, and postpack still to run.

    *manifest* is that from before these scripts, and postpack is taken from it.
    """

    project: Project
    manifest: Manifest
    context: ScriptContext
    hooks: Hooks

    @contextmanager
    def restore_on_failure(self, destination: str, filename: str) -> Iterator[None]:
        """Put an earlier tarball back as it was, if the block fails.

        The tarball is *filename* in *destination*. That folder is made when missing, and removed again if the
        block fails. In a dry run *destination* is "", and nothing is made or put back.
        """
        if not destination:
            yield
            return
        # npm leaves the tarball of a run that postpack made fail, as it is written before.
        target = posixpath.join(destination, filename)
        try:
            with fswrite.make_folders(posixpath.dirname(target)), fswrite.restore_on_failure(target):
                yield
        except OSError as err:
            raise SnapshotError(
                f"{destination} cannot be made a folder: {err.strerror}",
                code="EWRITE",
                path=destination,
                hint="choose another --pack-destination",
            ) from err

    def finish(self, tarball: Tarball) -> None:
        """Run postpack, which gets the digest of *tarball*.

        Raises `ScriptFailed`.
        """
        root = self.project.root
        # libnpmpack, lib/index.js, gives these three to postpack alone.
        variables = {
            "npm_package_from": f"file:{root}",
            "npm_package_resolved": root,
            "npm_package_integrity": tarball.integrity,
        }
        _run(self.hooks, self.context, root, self.manifest, _Event("postpack", variables))


def start_lifecycle(project: Project, hooks: Hooks) -> Lifecycle:
    """Run prepack and prepare of *project*.

    With `hooks.linked` those of linked packages run first. Scripts may change anything on disk, so read it again
    afterwards. Raises `ScriptFailed` for the first script that fails, and runs none after it.
    """
    flags = {**hooks.flags, **({"script-shell": hooks.script_shell} if hooks.script_shell else {})}
    context = read_script_context(hooks.env, fs.real_path("."), workspaces=hooks.workspaces, flags=flags)
    if hooks.linked:
        wish = Wish(read_selectors(hooks.bundle, project.root, project.manifest))
        for package in _iter_linked(read_bundle(project, {}, wish, allow_missing=True)):
            _prepare(hooks, context, package.id, package.manifest, "linked")
    _prepare(hooks, context, project.root, project.manifest, "root")
    return Lifecycle(project, project.manifest, context, hooks)


def _prepare(hooks: Hooks, context: ScriptContext, folder: str, manifest: Manifest, role: Role) -> None:
    """Run prepack, and then prepare.

    *manifest* is that from before prepack.
    """
    _run(hooks, context, folder, manifest, _Event("prepack"))
    # Prepack may have changed package.json. npm reads it between the two as well (pacote, lib/dir.js, `manifest`).
    if manifest.scripts.get("prepack"):
        manifest = read_manifest(folder, role)
    _run(hooks, context, folder, manifest, _Event("prepare", {"npm_package_resolved": folder}))


def _run(hooks: Hooks, context: ScriptContext, folder: str, manifest: Manifest, event: _Event) -> None:
    """Run the script for *event*, if the package in *folder* has one."""
    command = manifest.scripts.get(event.name)
    if not command:
        return
    name = manifest.name or posixpath.basename(folder)
    script = Script(event.name, command, f"{name}@{manifest.version}" if manifest.version else name, folder)
    hooks.announce(script)
    run_script(script, build_environment(context, folder, manifest, event.name, event.variables), context.shell)


def _iter_linked(graph: BundleGraph) -> Iterator[Package]:
    """Yield the linked packages, each after those that it depends on.

    In a ring of dependencies that is not possible for all of them.
    """
    done = {graph.root}
    # A stack, for the graph may be deeper than Python's own: (package id, whether its dependencies are done).
    stack = [(package_id, False) for package_id in reversed(tuple(graph.bundled.values()))]
    while stack:
        package_id, is_ready = stack.pop()
        package = graph.packages[package_id]
        if is_ready:
            if package.linked:
                yield package
        elif package_id not in done:
            done.add(package_id)
            needs = [needed for name in sorted(package.needs) if (needed := package.needs[name]) is not None]
            stack += [(package_id, True), *((needed, False) for needed in reversed(needs))]
