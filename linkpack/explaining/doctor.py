"""Examine a machine and a project for whatever keeps links from working, with the command that mends each."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import ConfigError, LinkpackError
from linkpack.linking.api import LinkOptions, link, open_context, relink
from linkpack.linking.check import is_strict, problems_of, project_folders
from linkpack.linking.installer import find_installer, plug_and_play, quoted
from linkpack.linking.journal import cut_off_runs
from linkpack.linking.many import sections_of, shortened
from linkpack.linking.package import meets_range
from linkpack.linking.package_tree import PackageTree
from linkpack.linking.states import Displaced
from linkpack.linking.status import list_links
from linkpack.linking.warnings import (
    PEERS,
    Standing,
    by_cause,
    cure_command,
    find_peer_faults,
    is_of_links,
    peer_problem,
)
from linkpack.npm.programs import find_node, find_program
from linkpack.project.source import read_loose
from linkpack.read_cache import remembering
from linkpack.system import links as fslinks
from linkpack.system import read as fs
from linkpack.system.node import NodeUnknown, ask_npm_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from linkpack.errors import Problem
    from linkpack.linking.context import LinkContext
    from linkpack.linking.package_tree import Loaded
    from linkpack.linking.status import Status
    from linkpack.linking.warnings import PeerFault

_MOST = 20_000  # packages of the project that are looked at
_STASH = ".linkpack"
_CHANGES_LOOKUP = ("NODE_PATH", "NODE_PRESERVE_SYMLINKS")
# Of these warnings the doctor makes errors when a link is the cause: what is linked then fails, or runs twice.
_GRAVE = frozenset({"WPEERTWICE", "WPEERHIDDEN"})


class Fix(NamedTuple):
    """A link command that mends something and can be undone: `link` or `relink`, in *folder*, about *names*."""

    command: str
    folder: str
    names: tuple[str, ...]
    shared: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The command line, without the program's name."""
        flags = ("--no-global",) if self.command == "link" else ("-g",) if self.shared else ()
        return (self.command, *flags, "-C", self.folder, *self.names)

    def run(self, options: LinkOptions) -> None:
        """Do it; raises as the command does."""
        if self.command == "link":
            flags = {**options.flags, "link-global": False}
            link(self.names, self.folder, options._replace(flags=flags))
        else:
            relink(self.names, self.folder, options, shared=self.shared)


class Diagnosis(NamedTuple):
    """Something that the doctor found.

    *severity* is `ok`, `warning` or `error`; *group* names what was examined. *code*, *path*, *message* and
    *hint* are as of a `Problem`. *fix* is what `--fix` runs, None where that is for a person to decide.
    """

    severity: str
    group: str
    code: str
    path: str
    message: str
    hint: str = ""
    fix: Fix | None = None


def examine(project: str, options: LinkOptions) -> list[Diagnosis]:
    """Examine the machine and the project around the folder *project*. Reads only, and asks node and npm.

    Raises `LinkpackError` where there is nothing to examine, such as a folder that does not exist.
    """
    context = open_context(project, options, picking=False, needs_prefix=False)
    env = fslinks.environment() if options.env is None else options.env
    found: list[Diagnosis] = []
    with remembering({}):
        for part in (
            _environment(context, project, env),
            _links(context),
            _global_links(context, env),
            _bundle(context),
            _left_overs(context),
        ):
            try:
                found += part
            except LinkpackError as err:  # noqa: PERF203 - a record that is damaged, or not to be obeyed
                found.append(Diagnosis("error", "records", err.code, err.path, err.message, err.hint))
    return list(dict.fromkeys(found))


def mend(found: Iterable[Diagnosis], options: LinkOptions) -> tuple[list[Fix], list[Diagnosis]]:
    """Run the fixes in *found*, each once; return those that worked, and an error for each that did not."""
    done: list[Fix] = []
    failed: list[Diagnosis] = []
    for fix in dict.fromkeys(each.fix for each in found if each.fix is not None):
        try:
            fix.run(options)
        except LinkpackError as err:  # noqa: PERF203 - each is tried
            message = f"linkpack {' '.join(map(quoted, fix.words))} failed: {err.message}"
            failed.append(Diagnosis("error", "fixes", err.code, err.path, message, err.hint))
        else:
            done.append(fix)
    return done, failed


def _of_problem(problem: Problem, group: str, *, grave: bool = False, fix: Fix | None = None) -> Diagnosis:
    """Return *problem*, a warning, as a diagnosis; a *grave* one is an error, with the code of one."""
    code = f"E{problem.code[1:]}" if grave else problem.code
    return Diagnosis(
        "error" if grave else "warning", group, code, problem.path, problem.message, problem.hint, fix
    )


# --- the environment


def _environment(context: LinkContext, project: str, env: Mapping[str, str]) -> Iterator[Diagnosis]:
    group = "environment"
    yield _node(project, env)
    yield from (_of_problem(problem, group) for problem in context.config.warnings)
    for name in _CHANGES_LOOKUP:
        if env.get(name):
            message = f"{name} is set, so that Node looks packages up elsewhere than linkpack takes it to"
            yield Diagnosis("warning", group, "WNODEENV", "", message, f"unset {name}")
    yield from _prefix(context, project, env)
    root = context.store.root
    if fs.is_dir(root) and not fslinks.may_write(root):
        message = f"you may not write to {root}, in which links are recorded"
        yield Diagnosis("error", group, "ESTATE", root, message, "make it yours, or set XDG_STATE_HOME")
    file = plug_and_play(context.project.root)
    if file:
        message = f"{file} has Node take packages from elsewhere, so that links in node_modules have no effect"
        yield Diagnosis(
            "warning", group, "WPNP", file, message, "set nodeLinker: node-modules and run yarn install"
        )


def _node(project: str, env: Mapping[str, str]) -> Diagnosis:
    group = "environment"
    try:
        node = find_node(env, fslinks.canonical(project))
    except ConfigError as err:
        return Diagnosis("error", group, err.code, err.path, err.message, err.hint)
    if node is None:
        return Diagnosis("warning", group, "WNONODE", "", "node is not on PATH", "install Node.js")
    started = f", started by {node.program}" if node.is_shim else ""
    return Diagnosis("ok", group, "", node.exec_path, f"node {node.version} is {node.exec_path}{started}")


def _prefix(context: LinkContext, project: str, env: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Examine the global prefix: who set it, npm's, and whether it can be written to."""
    config, group = context.config, "environment"
    if config.fault is not None:
        hint = config.fault.hint
        yield Diagnosis("warning", group, "WNOPREFIX", "", config.fault.message, hint)
        return
    source = config.settings["prefix"].source
    yield Diagnosis("ok", group, "", config.prefix, f"the global prefix is {config.prefix} ({source})")
    yield from _npms_prefix(context, project, env)
    for folder in (config.modules, config.bins):
        at = next(each for each in fs.upward(folder) if fslinks.exists(each))
        if not (fs.is_dir(at) and fslinks.may_write(at)):
            message = f"you may not write to {at}, so that global links cannot be made"
            hint = "choose a prefix of your own (npm config set prefix ~/.npm-global), or link with --no-global"
            yield Diagnosis("warning", group, "WPREFIX", at, message, hint)
            break


def _npms_prefix(context: LinkContext, project: str, env: Mapping[str, str]) -> Iterator[Diagnosis]:
    npm, group = find_program("npm", env), "environment"
    if not npm:
        yield Diagnosis("warning", group, "WNONPM", "", "npm is not on PATH; link --install needs it", "")
        return
    try:
        theirs = ask_npm_prefix(npm, fslinks.canonical(project), env)
    except NodeUnknown as err:
        yield Diagnosis("warning", group, "WNPM", npm, f"npm prefix -g gives no answer: {err}", "repair npm")
        return
    ours = context.config.prefix
    if fslinks.canonical(theirs) == fslinks.canonical(ours):
        yield Diagnosis("ok", group, "", npm, f"npm has the same prefix ({npm})")
        return
    message = f"npm's global prefix is {theirs}, and linkpack's {ours}: neither sees the links of the other"
    hint = "set npm_config_prefix, or prefix in your user npmrc"
    yield Diagnosis("error", group, "EPREFIX", theirs, message, hint)


# --- links


def _links(context: LinkContext) -> Iterator[Diagnosis]:
    """Examine the project's links, and the packages that Node loads from the project and its workspaces."""
    group = f"links of {context.project.root}"
    statuses = list_links(context)
    yield from _statuses(context, statuses, group, shared=False)
    tree = PackageTree()
    links = [Standing(each.name, each.target, each.path, each.ours) for each in statuses if each.state == "linked"]
    strict = is_strict(context)
    for problem in problems_of(tree, context, links, shared=False):
        if problem.code not in PEERS and problem.code != "WPNP":  # told above, or looked at in the whole tree
            yield _of_problem(problem, group)
    if not plug_and_play(context.project.root):
        for alike in by_cause(_peer_faults(context, tree, links)):
            problem = peer_problem(alike)
            of_links = is_of_links(alike[0], links)
            grave = of_links and (problem.code in _GRAVE or (strict and problem.code in PEERS))
            yield _of_problem(problem, group, grave=grave, fix=_fix_of(alike) if grave else None)


def _peer_faults(context: LinkContext, tree: PackageTree, links: list[Standing]) -> list[PeerFault]:
    """Return the faults of peers among all packages that Node loads from the project and its workspaces."""
    loads: list[Loaded] = []
    for folder in dict.fromkeys((*project_folders(tree, context, links), *context.installed.members())):
        start = tree.start(folder)
        named = {name for section in sections_of(start.manifest) for name in section} if start.manifest else set()
        named |= {link.name for link in links if link.path == f"{folder}/node_modules/{link.name}"}
        loads += tree.loaded(start, sorted(named), most=_MOST)
    return find_peer_faults(tree, loads, links)


def _fix_of(alike: list[PeerFault]) -> Fix | None:
    """Return what mends a doubled or hidden peer, None where the project's copy is not what all users ask for."""
    first = alike[0]
    command = cure_command(first)
    manifest = read_loose(first.ours.folder) if first.ours is not None else None
    if not command or manifest is None or not all(meets_range(manifest.version, each.wanted) for each in alike):
        return None
    *_, folder, target = command
    return Fix("link", folder, (target,))


def _statuses(
    context: LinkContext, statuses: Sequence[Status], group: str, *, shared: bool
) -> Iterator[Diagnosis]:
    flag = " -g" if shared else ""
    good = 0
    for each in statuses:
        again = Fix("relink", context.project.start, (each.name,), shared)
        if each.state == "dropped":
            how = "something else was installed there" if fslinks.exists(each.path) else "it is not there any more"
            message = f"the link to {each.name} ({each.target}) was dropped: {how}"
            yield Diagnosis(
                "error", group, "EDROPPED", each.path, message, f"linkpack relink{flag} {each.name}", again
            )
        elif each.state == "dangling":
            message = f"{each.name} is linked to {each.target}, which is gone"
            hint = f"bring the folder back, or run linkpack unlink{flag} {each.name}"
            yield Diagnosis("error", group, "EDANGLING", each.path, message, hint)
        elif each.state == "uninstalled":
            message = f"{each.name} left package.json since it was linked"
            hint = f"linkpack unlink {each.name} forgets the link, linkpack relink {each.name} brings it back"
            yield Diagnosis("warning", group, "WUNINSTALLED", each.path, message, hint)
        broken = [command for command in each.commands if not command.is_in_order and command.state != "unbuilt"]
        if broken:
            shown = ", ".join(f"{command.name} ({command.state})" for command in broken)
            message = f"commands of {each.name} cannot be run: {shown}"
            hint = f"linkpack relink{flag} {each.name}"
            yield Diagnosis("error", group, "ECOMMAND", each.path, message, hint, again)
        good += each.is_in_order and each.state == "linked"
    if good or not statuses:
        count = "no links" if not good else "1 link in order" if good == 1 else f"{good} links in order"
        yield Diagnosis("ok", group, "", "", count)


def _global_links(context: LinkContext, env: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Examine the global links, and whether PATH leads to their commands."""
    if context.config.fault is not None:
        return
    group = f"global links in {context.config.modules}"
    statuses = list_links(context, shared=True)
    yield from _statuses(context, statuses, group, shared=True)
    links = [Standing(each.name, each.target, each.path, each.ours) for each in statuses if each.state == "linked"]
    yield from (_of_problem(each, group) for each in problems_of(PackageTree(), context, links, shared=True))
    commands = [command for status in statuses for command in status.commands if command.state == "ok"]
    folders = [fslinks.canonical(each) for each in env.get("PATH", "").split(":") if each.startswith("/")]
    if commands and fslinks.canonical(context.config.bins) not in folders:
        bins = context.config.bins
        message = (
            f"{bins} is not on PATH, so that a shell does not find {shortened([each.name for each in commands])}"
        )
        hint = f'add it (export PATH="{bins}:$PATH"), or run your version manager\'s reshim after linking'
        yield Diagnosis("warning", group, "WPATH", bins, message, hint)
    elif commands:
        for command in commands:
            found = find_program(command.name, env)
            if found and fslinks.canonical(found) != fslinks.canonical(command.path):
                message = f"{command.name} on PATH is {found}, not the linked {command.path}"
                hint = f"remove it, or put {posixpath.dirname(command.path)} before it in PATH"
                yield Diagnosis("warning", group, "WSHADOWED", found, message, hint)


# --- the bundle


def _bundle(context: LinkContext) -> Iterator[Diagnosis]:
    """Examine whether all bundled dependencies are installed, and as they are meant to be."""
    group, folder = "bundle", context.project.start
    manifest = read_loose(folder)
    if manifest is None or not manifest.bundle:
        return
    tree = PackageTree()
    optional = manifest.optional_dependencies
    missing = [name for name in manifest.bundle if name not in optional and tree.find(folder, name) is None]
    installer = find_installer(folder)
    if missing:
        message = f"bundled dependencies are not installed: {shortened(missing)}"
        hint = f"run {installer.install} in {installer.folder}"
        yield Diagnosis("error", group, "EBUNDLEMISSING", folder, message, hint)
    for each in list_links(context):
        if each.state == "dropped" and each.name in manifest.bundle and each.name not in missing:
            message = f"{each.name} is bundled and was linked; pack would ship the copy that replaced the link"
            again = Fix("relink", context.project.start, (each.name,))
            yield Diagnosis("error", group, "EREPLACED", each.path, message, f"linkpack relink {each.name}", again)
    if not missing:
        yield Diagnosis("ok", group, "", folder, f"{len(manifest.bundle)} bundled dependencies are installed")


# --- what earlier runs left


def _left_overs(context: LinkContext) -> Iterator[Diagnosis]:
    """Examine the state folder for runs that were cut off, and node_modules for content that no record knows."""
    group = "left-overs"
    for journal, path in cut_off_runs(context.store):
        message = f"a run in {journal.scope} was cut off, and has not been taken back yet"
        fix = Fix("relink", journal.scope, ()) if fs.is_dir(journal.scope) else None
        hint = f"any link command there takes it back: linkpack relink -C {quoted(journal.scope)}"
        yield Diagnosis("error", group, "ECUTOFF", path, message, hint, fix)
    links = context.recorded(shared=False)
    folders = list(context.places(shared=False))
    if context.config.fault is None:
        links += context.recorded(shared=True)
        folders += context.places(shared=True)
    known = {
        stash
        for _, _, entry in links
        for stash in (
            *entry.older,
            *(each.before.stash for each in entry.owned if isinstance(each.before, Displaced)),
        )
    }
    for modules in dict.fromkeys(folders):
        for path in _stashed(modules):
            if path not in known:
                message = f"{path} was displaced by a link that is not recorded any more"
                yield Diagnosis(
                    "warning", group, "WSTASH", path, message, f"rm -r {quoted(path)}, if you do not need it"
                )


def _stashed(modules: str) -> list[str]:
    """Return the paths of what links displaced in the node_modules folder *modules*."""
    folder = f"{modules}/{_STASH}"
    return sorted(entry.path for entry in fs.scan(folder)) if fs.is_dir(folder) else []
