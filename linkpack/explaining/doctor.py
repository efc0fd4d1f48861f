"""Examine a machine and a project for whatever keeps links from working.

A diagnosis has the link command that can fix it, if there is one.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.copying.commands import link, relink
from linkpack.errors import ConfigError, LinkpackError, Problem
from linkpack.linking.command import LinkOptions, open_context
from linkpack.linking.health import find_problems, is_strict, list_loading_folders
from linkpack.linking.journal import cut_off_runs
from linkpack.linking.package import meets_range
from linkpack.linking.package_choice import dependency_sections, list_names
from linkpack.linking.package_manager import find_installer, find_pnp_file, quote_word
from linkpack.linking.package_tree import PackageTree, PlacedLink
from linkpack.linking.peers import (
    PEER_CODES,
    describe_faults,
    find_cure,
    find_peer_faults,
    group_by_cause,
    is_caused_by_links,
)
from linkpack.linking.states import Displaced
from linkpack.linking.status import list_links
from linkpack.npm.programs import find_node, find_program
from linkpack.project.package_json import read_loose
from linkpack.read_cache import remembering
from linkpack.record import Record
from linkpack.system import own_process
from linkpack.system import read as fs
from linkpack.system.node import NodeUnknown, ask_npm_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from linkpack.linking.context import LinkContext
    from linkpack.linking.package_tree import LoadedPackage
    from linkpack.linking.peers import PeerFault
    from linkpack.linking.status import Status

_MOST = 20_000  # packages of the project that are looked at
_STASH = ".linkpack"  # as in `linking.builder`: the folder for what links displace
_CHANGES_LOOKUP = ("NODE_PATH", "NODE_PRESERVE_SYMLINKS")  # variables that Node itself reads
# These warnings are errors here when a link is the cause: what is linked then fails, or runs twice.
_GRAVE = frozenset({"WPEERTWICE", "WPEERHIDDEN"})


class Fix(Record):
    """A link command that fixes something and can be undone.

    It is `link` or `relink` in *folder*, about *names*, with *shared* about global links.
    """

    command: str
    folder: str
    names: tuple[str, ...]
    shared: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """Return the command line, without the program's name."""
        flags = ("--no-global",) if self.command == "link" else ("-g",) if self.shared else ()
        return (self.command, *flags, "-C", self.folder, *self.names)

    def run(self, options: LinkOptions) -> None:
        """Run the command, and raise what it raises."""
        if self.command == "link":
            # The cure is a link in one folder. A global one would change what other projects find.
            flags = {**options.flags, "link-global": False}
            link(self.names, self.folder, options._replace(flags=flags))
        else:
            relink(self.names, self.folder, options, shared=self.shared)


class Diagnosis(Record):
    """A finding of the doctor at one place.

    *severity* is `ok`, `warning` or `error`; *group* names what was examined. *code*, *path*, *message* and
    *hint* are as in a `Problem`. *fix* is what `--fix` runs, None where the user has to decide.
    """

    severity: str
    group: str
    code: str
    path: str
    message: str
    hint: str = ""
    fix: Fix | None = None


def examine(project: str, options: LinkOptions) -> list[Diagnosis]:
    """Examine the machine and the project around the folder *project*.

    Changes nothing. Runs node and npm to ask them. Raises `LinkpackError` where there is nothing to examine,
    such as a folder that does not exist.
    """
    # A prefix that cannot be found is a diagnosis here, and no error.
    context = open_context(project, options, picking=False, needs_prefix=False)
    env = own_process.environment() if options.env is None else options.env
    found: list[Diagnosis] = []
    with remembering({}):
        for part in (
            _examine_environment(context, project, env),
            _examine_links(context),
            _examine_global_links(context, env),
            _examine_bundle(context),
            _examine_left_overs(context),
        ):
            found += _run_part(part)
    return list(dict.fromkeys(found))  # two parts may meet the same damaged record


def _run_part(part: Iterator[Diagnosis]) -> Iterator[Diagnosis]:
    """Yield what *part* finds, and the error that ends it.

    That may be a record that is damaged, or that must not be trusted.
    """
    try:
        yield from part
    except LinkpackError as err:
        yield _report_error("records", Problem(err.code, err.path, err.message, err.hint))


def run_fixes(found: Iterable[Diagnosis], options: LinkOptions) -> tuple[list[Fix], list[Diagnosis]]:
    """Run the fixes in *found*, each once.

    Returns the fixes that worked, and an error for each that did not.
    """
    done: list[Fix] = []
    failed: list[Diagnosis] = []
    # One command can answer several diagnoses, such as a dropped link and its commands.
    for fix in dict.fromkeys(diagnosis.fix for diagnosis in found if diagnosis.fix is not None):
        failure = _run_fix(fix, options)
        if failure is None:
            done.append(fix)
        else:
            failed.append(failure)
    return done, failed


def _run_fix(fix: Fix, options: LinkOptions) -> Diagnosis | None:
    """Run *fix*, and return an error if it fails."""
    try:
        fix.run(options)
    except LinkpackError as err:
        message = f"linkpack {' '.join(map(quote_word, fix.words))} failed: {err.message}"
        return _report_error("fixes", Problem(err.code, err.path, message, err.hint))
    return None


def _report_ok(group: str, path: str, message: str) -> Diagnosis:
    return Diagnosis(severity="ok", group=group, code="", path=path, message=message)


def _report_warning(group: str, problem: Problem) -> Diagnosis:
    return Diagnosis(
        severity="warning",
        group=group,
        code=problem.code,
        path=problem.path,
        message=problem.message,
        hint=problem.hint,
    )


def _report_error(group: str, problem: Problem, fix: Fix | None = None) -> Diagnosis:
    """Return *problem*, a warning or an error, as an error."""
    code = f"E{problem.code[1:]}"  # the letter says the severity, and each such code is in the register
    return _report_warning(group, problem)._replace(severity="error", code=code, fix=fix)


# --- the environment


def _examine_environment(context: LinkContext, project: str, env: Mapping[str, str]) -> Iterator[Diagnosis]:
    group = "environment"
    yield _examine_node(project, env)
    yield from (_report_warning(group, problem) for problem in context.config.warnings)
    for name in _CHANGES_LOOKUP:
        if env.get(name):
            message = f"{name} is set, so that Node looks packages up elsewhere than linkpack takes it to"
            yield _report_warning(group, Problem("WNODEENV", "", message, f"unset {name}"))
    yield from _examine_prefix(context, project, env)
    root = context.store.root
    if fs.is_dir(root) and not fs.is_writable_dir(root):
        message = f"you may not write to {root}, in which links are recorded"
        yield _report_error(group, Problem("ESTATE", root, message, "make it yours, or set XDG_STATE_HOME"))
    file = find_pnp_file(context.project.root)
    if file:
        message = f"{file} has Node take packages from elsewhere, so that links in node_modules have no effect"
        yield _report_warning(
            group, Problem("WPNP", file, message, "set nodeLinker: node-modules and run yarn install")
        )


def _examine_node(project: str, env: Mapping[str, str]) -> Diagnosis:
    group = "environment"
    try:
        node = find_node(env, fs.canonical_path(project))
    except ConfigError as err:
        return _report_error(group, Problem(err.code, err.path, err.message, err.hint))
    if node is None:
        return _report_warning(group, Problem("WNONODE", "", "node is not on PATH", "install Node.js"))
    started = f", started by {node.program}" if node.is_shim else ""
    return _report_ok(group, node.exec_path, f"node {node.version} is {node.exec_path}{started}")


def _examine_prefix(context: LinkContext, project: str, env: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Examine the global prefix: its source, npm's own, and who may write."""
    config, group = context.config, "environment"
    if config.fault is not None:
        hint = config.fault.hint
        yield _report_warning(group, Problem("WNOPREFIX", "", config.fault.message, hint))
        return
    source = config.settings["prefix"].source
    yield _report_ok(group, config.prefix, f"the global prefix is {config.prefix} ({source})")
    yield from _compare_npms_prefix(context, project, env)
    for folder in (config.modules, config.bins):
        nearest = next(filter(fs.exists, fs.walk_up(folder)))  # a folder that is missing is made by `link`
        if not (fs.is_dir(nearest) and fs.is_writable_dir(nearest)):
            message = f"you may not write to {nearest}, so that global links cannot be made"
            hint = "choose a prefix of your own (npm config set prefix ~/.npm-global), or link with --no-global"
            yield _report_warning(group, Problem("WPREFIX", nearest, message, hint))
            break


def _compare_npms_prefix(context: LinkContext, project: str, env: Mapping[str, str]) -> Iterator[Diagnosis]:
    npm, group = find_program("npm", env), "environment"
    if not npm:
        yield _report_warning(group, Problem("WNONPM", "", "npm is not on PATH; link --install needs it"))
        return
    try:
        theirs = ask_npm_prefix(npm, fs.canonical_path(project), env)
    except NodeUnknown as err:
        yield _report_warning(group, Problem("WNPM", npm, f"npm prefix -g gives no answer: {err}", "repair npm"))
        return
    ours = context.config.prefix
    # By real paths: a prefix may be written with and without a link on the way.
    if fs.canonical_path(theirs) == fs.canonical_path(ours):
        yield _report_ok(group, npm, f"npm has the same prefix ({npm})")
        return
    message = f"npm's global prefix is {theirs}, and linkpack's {ours}: neither sees the links of the other"
    hint = "set npm_config_prefix, or prefix in your user npmrc"
    yield _report_error(group, Problem("EPREFIX", theirs, message, hint))


# --- links


def _examine_links(context: LinkContext) -> Iterator[Diagnosis]:
    """Examine the project's links, and the packages that Node loads.

    It loads them from the project and its workspaces.
    """
    group = f"links of {context.project.root}"
    statuses = list_links(context)
    yield from _examine_statuses(context, statuses, group, shared=False)
    tree = PackageTree()
    links = _list_standing_links(statuses)
    strict = is_strict(context)
    for problem in find_problems(tree, context, links, shared=False):
        # Peers are looked at in the whole tree below, and Plug'n'Play is found with the environment.
        if problem.code not in PEER_CODES and problem.code != "WPNP":
            yield _report_warning(group, problem)
    if not find_pnp_file(context.project.root):
        for alike in group_by_cause(_find_peer_faults(context, tree, links)):
            problem = describe_faults(alike)
            of_links = is_caused_by_links(alike[0], links)
            grave = of_links and (problem.code in _GRAVE or (strict and problem.code in PEER_CODES))
            yield _report_error(group, problem, _find_fix(alike)) if grave else _report_warning(group, problem)


def _list_standing_links(statuses: Sequence[Status]) -> list[PlacedLink]:
    return [
        PlacedLink(status.name, status.target, status.path, status.ours)
        for status in statuses
        if status.state == "linked"
    ]


def _find_peer_faults(context: LinkContext, tree: PackageTree, links: list[PlacedLink]) -> list[PeerFault]:
    """Find the faults of peers among all packages that Node loads."""
    loads: list[LoadedPackage] = []
    for folder in dict.fromkeys((*list_loading_folders(tree, context, links), *context.installed.members())):
        start = tree.start(folder)
        named = (
            {name for section in dependency_sections(start.manifest) for name in section}
            if start.manifest
            else set()
        )
        named |= {link.name for link in links if link.path == f"{folder}/node_modules/{link.name}"}
        loads += tree.loaded(start, sorted(named), most=_MOST)
    return find_peer_faults(tree, loads, links)


def _find_fix(alike: list[PeerFault]) -> Fix | None:
    """Return the fix for a doubled or hidden peer, if there is one.

    None where the project's copy is not what all that need the peer ask for.
    """
    first = alike[0]
    command = find_cure(first)
    manifest = read_loose(first.ours.folder) if first.ours is not None else None
    if not command or manifest is None or not all(meets_range(manifest.version, fault.wanted) for fault in alike):
        return None
    *_, folder, target = command
    return Fix("link", folder, (target,))


def _examine_statuses(
    context: LinkContext, statuses: Sequence[Status], group: str, *, shared: bool
) -> Iterator[Diagnosis]:
    flag = " -g" if shared else ""
    good = 0
    for status in statuses:
        again = Fix("relink", context.project.start, (status.name,), shared)
        if status.state == "dropped":
            is_replaced = fs.exists(status.path)
            how = "something else was installed there" if is_replaced else "it is not there any more"
            message = f"the link to {status.name} ({status.target}) was dropped: {how}"
            yield _report_error(
                group, Problem("EDROPPED", status.path, message, f"linkpack relink{flag} {status.name}"), again
            )
        elif status.state == "dangling":
            message = f"{status.name} is linked to {status.target}, which is gone"
            hint = f"bring the folder back, or run linkpack unlink{flag} {status.name}"
            yield _report_error(group, Problem("EDANGLING", status.path, message, hint))
        elif status.state == "uninstalled":
            message = f"{status.name} left package.json since it was linked"
            hint = f"linkpack unlink {status.name} forgets the link, linkpack relink {status.name} brings it back"
            yield _report_warning(group, Problem("WUNINSTALLED", status.path, message, hint))
        # A script that is not built yet is the package's own matter, and `link` has warned of it.
        broken = [command for command in status.commands if not command.is_in_order and command.state != "unbuilt"]
        if broken:
            shown = ", ".join(f"{command.name} ({command.state})" for command in broken)
            message = f"commands of {status.name} cannot be run: {shown}"
            hint = f"linkpack relink{flag} {status.name}"
            yield _report_error(group, Problem("ECOMMAND", status.path, message, hint), again)
        good += status.is_in_order and status.state == "linked"
    if good or not statuses:
        count = "no links" if not good else "1 link in order" if good == 1 else f"{good} links in order"
        yield _report_ok(group, "", count)


def _examine_global_links(context: LinkContext, env: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Examine the global links, and whether PATH leads to their commands."""
    if context.config.fault is not None:
        return
    group = f"global links in {context.config.modules}"
    statuses = list_links(context, shared=True)
    yield from _examine_statuses(context, statuses, group, shared=True)
    links = _list_standing_links(statuses)
    yield from (
        _report_warning(group, problem) for problem in find_problems(PackageTree(), context, links, shared=True)
    )
    # Commands in any other state are reported above.
    commands = [command for status in statuses for command in status.commands if command.state == "ok"]
    folders = [fs.canonical_path(path) for path in env.get("PATH", "").split(":") if path.startswith("/")]
    if commands and fs.canonical_path(context.config.bins) not in folders:
        bins = context.config.bins
        names = list_names([command.name for command in commands])
        message = f"{bins} is not on PATH, so that a shell does not find {names}"
        hint = f'add it (export PATH="{bins}:$PATH"), or run your version manager\'s reshim after linking'
        yield _report_warning(group, Problem("WPATH", bins, message, hint))
    elif commands:
        # Another program may come first on PATH, and a shell runs that.
        for command in commands:
            found = find_program(command.name, env)
            if found and fs.canonical_path(found) != fs.canonical_path(command.path):
                message = f"{command.name} on PATH is {found}, not the linked {command.path}"
                hint = f"remove it, or put {posixpath.dirname(command.path)} before it in PATH"
                yield _report_warning(group, Problem("WSHADOWED", found, message, hint))


# --- the bundle


def _examine_bundle(context: LinkContext) -> Iterator[Diagnosis]:
    """Examine whether bundled dependencies are installed, or still linked."""
    group, folder = "bundle", context.project.start
    manifest = read_loose(folder)
    if manifest is None or not manifest.bundle:
        return
    tree = PackageTree()
    optional = manifest.optional_dependencies
    # An optional dependency may be absent, as `pack` has it.
    missing = [name for name in manifest.bundle if name not in optional and tree.find(folder, name) is None]
    installer = find_installer(folder)
    if missing:
        message = f"bundled dependencies are not installed: {list_names(missing)}"
        hint = f"run {installer.install} in {installer.folder}"
        yield _report_error(group, Problem("EBUNDLEMISSING", folder, message, hint))
    for status in list_links(context):
        if status.state == "dropped" and status.name in manifest.bundle and status.name not in missing:
            message = f"{status.name} is bundled and was linked; pack would ship the copy that replaced the link"
            again = Fix("relink", context.project.start, (status.name,))
            yield _report_error(
                group, Problem("EREPLACED", status.path, message, f"linkpack relink {status.name}"), again
            )
    if not missing:
        yield _report_ok(group, folder, f"{len(manifest.bundle)} bundled dependencies are installed")


# --- what earlier runs left


def _examine_left_overs(context: LinkContext) -> Iterator[Diagnosis]:
    """Examine what earlier runs left: in the state folder, in node_modules.

    That is runs that were cut off, and displaced content that no record knows.
    """
    group = "left-overs"
    # Any link command would take such a run back first. The doctor only says so.
    for journal, path in cut_off_runs(context.store):
        message = f"a run in {journal.scope} was cut off, and has not been taken back yet"
        fix = Fix("relink", journal.scope, ()) if fs.is_dir(journal.scope) else None
        hint = f"any link command there takes it back: linkpack relink -C {quote_word(journal.scope)}"
        yield _report_error(group, Problem("ECUTOFF", path, message, hint), fix)
    links = context.recorded(shared=False)
    folders = list(context.places(shared=False))
    if context.config.fault is None:
        links += context.recorded(shared=True)
        folders += context.places(shared=True)
    # A stash that a record names is needed to undo a link, and only the others are left over.
    known = {
        stash
        for _, _, entry in links
        for stash in (
            *entry.older,
            *(change.before.stash for change in entry.owned if isinstance(change.before, Displaced)),
        )
    }
    for modules in dict.fromkeys(folders):
        # The user decides about it: it was installed or written by somebody, and no command can bring it back.
        for path in _list_stashed(modules):
            if path not in known:
                message = f"{path} was displaced by a link that is not recorded any more"
                yield _report_warning(
                    group, Problem("WSTASH", path, message, f"rm -r {quote_word(path)}, if you do not need it")
                )


def _list_stashed(modules: str) -> list[str]:
    """List what links displaced in the node_modules folder *modules*."""
    folder = f"{modules}/{_STASH}"
    return sorted(entry.path for entry in fs.scan(folder)) if fs.is_dir(folder) else []
