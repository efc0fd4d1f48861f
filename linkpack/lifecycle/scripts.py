"""Run prepack and prepare before packing, and postpack after it.

This is npm's order (libnpmpack, and dir.js of pacote; measured on npm 11.19.1), on a dry run too. Unlike npm, what
can be checked without the scripts is checked before the first one runs (see `packing.preflight`), and a failing
postpack leaves no new tarball.
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

    They get the environment *env*, and are run by *script_shell*; "" for the shell of npm's setting. *linked* runs
    prepack and prepare of linked bundled packages first. *workspaces* says whether workspaces were asked for.
    *announce* is called with each script before it starts. *flags* are those of the command line, by npm's names
    (`dry-run`). *bundle* are the selectors of what is bundled, as `PackOptions` has them.
    """

    env: Mapping[str, str] = {}
    script_shell: str = ""
    linked: bool = False
    workspaces: bool = False
    announce: Callable[[Script], None] = _stay_silent
    flags: Mapping[str, FlagValue] = {}
    bundle: tuple[str, ...] | None = None


class _Event(Record):
    """A lifecycle event, and the variables that only its script gets."""

    name: str
    variables: Mapping[str, str] = {}


class Lifecycle(Record):
    """A project with its prepack and prepare done, and postpack still to run.

    *manifest* is as it was before them. Postpack is taken from it.
    """

    project: Project
    manifest: Manifest
    context: ScriptContext
    hooks: Hooks

    @contextmanager
    def restore_on_failure(self, destination: str, filename: str) -> Iterator[None]:
        """Put an earlier tarball back as it was, if the block fails.

        It is *filename* in *destination*. That folder is made when missing, and removed again if the block fails.
        With the destination "", as of a dry run, nothing is made or put back.
        """
        if not destination:
            yield
            return
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
        variables = {
            "npm_package_from": f"file:{root}",
            "npm_package_resolved": root,
            "npm_package_integrity": tarball.integrity,
        }
        _run(self.hooks, self.context, root, self.manifest, _Event("postpack", variables))


def start_lifecycle(project: Project, hooks: Hooks) -> Lifecycle:
    """Run prepack and prepare of *project*.

    With `hooks.linked` those of linked packages are run first. They may change anything, so everything on disk has
    to be read again afterwards. Raises `ScriptFailed` for the first script that fails, and runs none after it.
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
    """Run prepack, and then prepare, as the manifest has it after prepack."""
    _run(hooks, context, folder, manifest, _Event("prepack"))
    if manifest.scripts.get("prepack"):  # it may have changed package.json
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

    In a ring of dependencies one comes before another that it depends on.
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
