"""Start npm or a package's scripts, for the flags of `link` that ask for it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from linkpack.errors import LinkError, LinkMissing
from linkpack.lifecycle.environment import read_surroundings, script_environment
from linkpack.linking.api import ask_link
from linkpack.linking.package import read_source
from linkpack.linking.plan_link import chosen_packages, find_shared
from linkpack.npm.programs import find_program
from linkpack.system import links as fslinks
from linkpack.system.processes import Script, run_script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.linking.api import LinkOptions

_SCRIPTS = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare")


def install_missing(specs: Sequence[str], project: str, options: LinkOptions) -> tuple[str, ...]:
    """Have npm install globally what of the names among *specs* is not there as asked for; return these specs.

    npm's output goes to standard error. Raises `LinkMissing` when npm is not on PATH, `LinkError` when it fails.
    """
    asked = ask_link(specs, project, options)
    context, env = asked.context, fslinks.environment() if options.env is None else dict(options.env)
    missing = []
    for spec in asked.specs:
        if not spec.folder:
            try:
                find_shared(context, spec)
            except LinkError:
                missing.append(f"{spec.name}@{spec.wanted}" if spec.wanted else spec.name)
    if missing:
        npm = find_program("npm", env)  # not its real path: a version manager's looks at its name
        if not npm:
            raise LinkMissing("npm is not on PATH", code="ENONPM", hint="install Node.js, which brings npm")
        command = [npm, "install", "--global", "--prefix", context.config.prefix, "--", *missing]
        _run_npm(command, project, env, f"npm install -g {' '.join(missing)}")
    return tuple(missing)


def run_scripts(specs: Sequence[str], project: str, options: LinkOptions) -> tuple[str, ...]:
    """Run the scripts that `npm install` runs in a package's own folder; return them, as `name script`.

    This is for the directories among *specs*, or without specs for the packages to be linked; installed
    packages had theirs run. Raises `ScriptFailed` when one fails; the ones after it are not run.
    """
    asked = ask_link(specs, project, options)
    context, env = asked.context, fslinks.environment() if options.env is None else dict(options.env)
    sources = [each.source for each in chosen_packages(context, asked.specs)[0] if each.by_folder]
    if not asked.specs:
        sources = [read_source(folder) for folder in context.picked or (context.project.start,)]
    ran = []
    for source in sources:
        around = read_surroundings(env, source.root, command="link")
        for event in _SCRIPTS:
            command = source.manifest.scripts.get(event)
            if command:
                label = f"{source.manifest.name}@{source.manifest.version}"
                made = script_environment(around, source.root, source.manifest, event, {})
                run_script(Script(event, command, label, source.root), made, around.shell)
                ran.append(f"{source.manifest.name} {event}")
    return tuple(ran)


def _run_npm(command: list[str], cwd: str, env: Mapping[str, str], what: str) -> None:
    try:
        # 2: standard output carries only our own results.
        done = subprocess.run(  # noqa: S603 - asked for by a flag
            command, cwd=cwd, env=env, stdout=2, stdin=subprocess.DEVNULL, check=False
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
