"""Starts npm or a package's scripts, for the flags of `link` that ask for it; nothing else here does."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from linkpack.disk import fslinks
from linkpack.errors import LinkError, LinkMissing
from linkpack.linking.config import which
from linkpack.linking.linkapi import open_context
from linkpack.linking.linkhome import meant_specs
from linkpack.linking.linkpackage import read_source
from linkpack.linking.linkplan import find_shared
from linkpack.run.environment import read_surroundings, script_environment
from linkpack.run.scripts import Script, run_script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.linking.linkapi import LinkOptions

_SCRIPTS = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare")


def install_missing(specs: Sequence[str], project: str, options: LinkOptions) -> tuple[str, ...]:
    """The specs that npm had to install globally: the names among *specs* that are not there as asked for.

    `LinkMissing` when npm is not on PATH, `LinkError` when it fails. npm's output goes to standard error.
    """
    context = open_context(project, options)
    env = fslinks.environment() if options.env is None else dict(options.env)
    wanted = meant_specs(specs, context.project, project, context.config.user_home)
    missing = []
    for spec in wanted:
        if not spec.folder:
            try:
                find_shared(context, spec)
            except LinkError:
                missing.append(f"{spec.name}@{spec.wanted}" if spec.wanted else spec.name)
    if missing:
        npm = which("npm", env, project)
        if not npm:
            raise LinkMissing("npm is not on PATH", code="ENONPM", hint="install Node.js, which brings npm")
        command = [npm, "install", "--global", "--prefix", context.config.prefix, "--", *missing]
        _run_npm(command, project, env, f"npm install -g {' '.join(missing)}")
    return tuple(missing)


def run_scripts(specs: Sequence[str], project: str, options: LinkOptions) -> tuple[str, ...]:
    """The scripts run, as `name script`: those that `npm install` runs in a package's own folder.

    In the directories among *specs*, or without specs in the packages to be linked; installed packages had
    theirs run. `ScriptFailed` when one fails; the ones after it are not run.
    """
    context = open_context(project, options)
    env = fslinks.environment() if options.env is None else dict(options.env)
    wanted = meant_specs(specs, context.project, project, context.config.user_home)
    folders = [spec.folder for spec in wanted if spec.folder]
    if not wanted:
        folders = list(context.picked or (context.project.start,))
    ran = []
    for folder in folders:
        source = read_source(folder)
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
            f"{what} cannot be started: {err.strerror}", code="ESCRIPT", path=cwd, hint=f"npm is {command[0]}"
        ) from err
    if done.returncode:
        raise LinkError(
            f"{what} failed with status {done.returncode}",
            code="ESCRIPT",
            path=cwd,
            hint="its messages are above; nothing was linked",
        )
