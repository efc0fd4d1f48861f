"""Start npm or a package's scripts before `link`, if it is asked to.

`link --install` has npm install what is missing, `link --run-scripts` runs the scripts of the packages.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from linkpack.errors import LinkError, LinkMissing
from linkpack.lifecycle.environment import build_environment, read_script_context
from linkpack.linking.link_command import read_link_request
from linkpack.linking.package import read_source
from linkpack.linking.plan_link import find_global_package, resolve_specs
from linkpack.npm.programs import find_program
from linkpack.system import own_process
from linkpack.system.processes import Script, run_script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.linking.command import LinkOptions

# In the order of npm 11.19.1, lib/commands/install.js.
_SCRIPTS = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare")
_STDERR = 2  # standard output carries only our own results


def install_missing(specs: Sequence[str], project: str, options: LinkOptions) -> tuple[str, ...]:
    """Have npm install the missing packages of *specs* globally.

    Returns the specs that were installed. A package out of the range asked for is missing too. npm's output goes
    to standard error. Raises `LinkMissing` when npm is not on PATH, `LinkError` when it fails.
    """
    request = read_link_request(specs, project, options)
    context, env = request.context, own_process.environment() if options.env is None else dict(options.env)
    missing = []
    for spec in request.specs:
        if not spec.folder:
            try:
                find_global_package(context, spec)
            except LinkError:
                missing.append(f"{spec.name}@{spec.wanted}" if spec.wanted else spec.name)
    if missing:
        # Not its real path: the `npm` of a version manager is a link to a program that looks at its own name.
        npm = find_program("npm", env)
        if not npm:
            raise LinkMissing("npm is not on PATH", code="ENONPM", hint="install Node.js, which brings npm")
        command = [npm, "install", "--global", "--prefix", context.config.prefix, "--", *missing]
        _run_npm(command, project, env, f"npm install -g {' '.join(missing)}")
    return tuple(missing)


def _run_npm(command: list[str], cwd: str, env: Mapping[str, str], what: str) -> None:
    """Run *command*, which messages call *what*."""
    try:
        done = subprocess.run(  # noqa: S603 - asked for by a flag
            command, cwd=cwd, env=env, stdout=_STDERR, stdin=subprocess.DEVNULL, check=False
        )
    except OSError as err:
        raise LinkError(
            f"{what} cannot be started: {err.strerror}", code="ENPM", path=cwd, hint=f"npm is {command[0]}"
        ) from err
    if done.returncode:
        raise LinkError(
            f"{what} failed with status {done.returncode}",
            code="ENPM",
            path=cwd,
            hint="its messages are above; nothing was linked",
        )


def run_scripts(specs: Sequence[str], project: str, options: LinkOptions) -> tuple[str, ...]:
    """Run the scripts that `npm install` runs in a package's own folder.

    Returns them in order, as `name script`. The packages are those that *specs* name by folder, or without specs
    those to be linked globally. Raises `ScriptFailed` when one fails: the scripts after it are not run.
    """
    request = read_link_request(specs, project, options)
    context, env = request.context, own_process.environment() if options.env is None else dict(options.env)
    # The scripts of an installed global package have run already. Those of a linked one are for `link` in its
    # folder.
    sources = [package.source for package in resolve_specs(context, request.specs)[0] if package.by_folder]
    if not request.specs:
        sources = [read_source(folder) for folder in context.picked or (context.project.start,)]
    ran = []
    for source in sources:
        surroundings = read_script_context(env, source.root, command="link")
        for event in _SCRIPTS:
            command = source.manifest.scripts.get(event)
            if command:
                label = f"{source.manifest.name}@{source.manifest.version}"
                script = Script(event=event, command=command, label=label, folder=source.root)
                script_env = build_environment(surroundings, source.root, source.manifest, event, {})
                run_script(script, script_env, surroundings.shell)
                ran.append(f"{source.manifest.name} {event}")
    return tuple(ran)
