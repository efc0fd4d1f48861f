"""Check what Node will find once a link plan is done: ranges, peers, dependencies, commands.

The checks look at all links that will stand, not only at new ones: a link of one package can bring another its
peer, or take it away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.linking.many import sections_of, shortened
from linkpack.linking.package import inside, meets_range
from linkpack.linking.package_manager import find_installer, plug_and_play, quoted
from linkpack.linking.package_tree import PackageTree, Standing, runtime_names
from linkpack.linking.peers import PEERS, find_peer_faults, is_of_links, peer_problems
from linkpack.project.source import source_of
from linkpack.system import links as fslinks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.context import LinkContext
    from linkpack.linking.package_tree import Loaded
    from linkpack.linking.states import Edit, RecordedLink

MOST = 2000  # packages that are looked at; the doctor looks at more


# --- what to know of links


def package_problems(tree: PackageTree, links: Iterable[Standing], modules: str) -> Iterator[Problem]:
    """Yield what is wrong with the linked packages by themselves: dependencies and commands.

    *modules* is the global node_modules, or empty; hints say whether a global link has to be made again, too.
    """
    for link in {each.folder: each for each in links}.values():
        manifest = tree.manifest(link.folder)
        if manifest is None:
            continue
        needed = manifest.dependencies.keys() - manifest.optional_dependencies.keys()
        missing = sorted(name for name in needed if tree.find(link.folder, name) is None)
        if missing:
            yield _not_installed(link, missing)
        if link.bin_links:
            yield from _unbuilt(tree, link, modules)
        outside = manifest.directories_bin and inside(link.folder, manifest.directories_bin) is None
        if outside and fslinks.exists(f"{link.folder}/{manifest.directories_bin}"):
            message = f'"{manifest.directories_bin}" of {link.name} leads out of the package; it has no commands'
            yield Problem("WOUTSIDE", link.folder, message, "let directories.bin name a folder of the package")


def _not_installed(link: Standing, missing: Sequence[str]) -> Problem:
    shown = shortened(missing)
    if plug_and_play(link.folder):
        message = (
            f"{link.name} is installed with Plug'n'Play, so that Node does not find its {shown} from elsewhere"
        )
        hint = f"set nodeLinker: node-modules in its .yarnrc.yml, and run yarn install in {link.folder}"
    else:
        installer = find_installer(link.folder)
        message = f"{link.name} needs {shown}, not installed where it is linked from"
        hint = f"run {installer.install} in {installer.folder}"
    return Problem("WDEPENDENCIES", link.folder, message, hint)


def _unbuilt(tree: PackageTree, link: Standing, modules: str) -> Iterator[Problem]:
    """Yield a warning if scripts of commands do not exist, most likely as they are not built yet."""
    manifest = tree.manifest(link.folder)
    if manifest is None:
        return
    scripts = source_of(link.folder, manifest).commands
    real = {name: inside(link.folder, script) for name, script in scripts.items()}
    missing = [f"{name} ({scripts[name]})" for name, path in real.items() if path and not fslinks.exists(path)]
    if missing:
        message = f"commands of {link.name} whose scripts do not exist yet are not linked: {shortened(missing)}"
        at_global = bool(modules) and tree.folder(f"{modules}/{link.name}") == link.folder
        at_local = not link.path.startswith(f"{modules}/") if modules else True
        again = ["linkpack relink"] * at_local + ["linkpack relink -g"] * at_global
        yield Problem("WBIN", link.folder, message, f"build {link.name}, then run {' and '.join(again)}")


def project_problems(tree: PackageTree, links: Sequence[Standing], folders: Sequence[str]) -> Iterator[Problem]:
    """Yield what is wrong with *links* for the project's *folders* that load them: Plug'n'Play, ranges, peers."""
    file = plug_and_play(folders[0]) if links else ""
    if file:
        message = f"{file} has Node take packages from elsewhere, so that links in node_modules have no effect"
        hint = f"use yarn link {quoted(links[0].folder)}, or set nodeLinker: node-modules and run yarn install"
        yield Problem("WPNP", file, message, hint)
        return
    loads = list(_loads_of_links(tree, links, folders))
    yield from range_problems(loads, links)
    yield from peer_problems(each for each in find_peer_faults(tree, loads, links) if is_of_links(each, links))


def _loads_of_links(tree: PackageTree, links: Sequence[Standing], folders: Sequence[str]) -> Iterator[Loaded]:
    """Yield what *folders* load through *links*, what else they load directly, and what of that loads a link.

    A project need not name what is linked into it.
    """
    roots = {link.folder for link in links}
    for folder in folders:
        start = tree.start(folder)
        named = {name for section in sections_of(start.manifest) for name in section} if start.manifest else set()
        at_home = {link.name for link in links if link.path == f"{folder}/node_modules/{link.name}"}
        found = {name: tree.find(folder, name) for name in sorted(named | at_home)}
        linked = [name for name, each in found.items() if each is not None and each.folder in roots]
        yield from tree.loaded(start, linked, most=MOST)
        for package in tree.loaded(start, [name for name in found if name not in linked], most=0):
            yield package
            needed = runtime_names(package.manifest).keys() & {link.name for link in links}
            yield from tree.loaded(package, sorted(needed), most=0)


# --- ranges


def range_problems(loads: Iterable[Loaded], links: Sequence[Standing]) -> Iterator[Problem]:
    """Yield a warning for each package that loads a linked one in a version it does not ask for."""
    roots = {link.folder for link in links}
    for package in loads:
        by = package.loader
        if by is None or by.manifest is None or package.manifest is None or package.found.folder not in roots:
            continue
        sections = sections_of(by.manifest) if by.loader is None else (runtime_names(by.manifest),)
        version = package.manifest.version
        for wanted in dict.fromkeys(section[package.name] for section in sections if package.name in section):
            if not meets_range(version, wanted):
                who = by.found.folder if by.loader is None else by.label
                message = (
                    f"{who} wants {package.name} {wanted}, and the linked one is {version or 'without a version'}"
                )
                hint = f"change its version, or the range in {by.found.folder}/package.json"
                yield Problem("WRANGE", package.found.folder, message, hint)


# --- peers

_AGAIN = ", then linkpack relink"  # of no use where nothing is linked


def warn_of_state_after(
    builder: PlanBuilder, context: LinkContext, links: Iterable[Standing], *, shared: bool
) -> None:
    """Add warnings about the links of the project, or with *shared* of the global folder, once *builder* is done.

    *links* are those that stand now. With npm's `strict-peer-deps` a fault of a peer is a conflict instead.
    """
    planned = [edit for edit in builder.edits.values() if is_shared(edit) == shared]
    strict = is_strict(context)
    for problem in problems_of(PackageTree(builder.changes), context, _standing(links, planned), shared=shared):
        if strict and problem.code in PEERS:
            hint = problem.hint.removesuffix(_AGAIN)
            builder.refuse(strict_code(problem), problem.path, problem.message, hint)
        else:
            builder.warn(*problem)


def is_shared(edit: Edit) -> bool:
    """True if *edit* is about a global link."""
    return not any(entry.project for entry in (edit.before, edit.after) if entry is not None)


def is_strict(context: LinkContext) -> bool:
    """True if faults of peers are errors, as npm documents `strict-peer-deps`."""
    flag = context.config.flag
    return flag("strict-peer-deps", default=False) and not flag("legacy-peer-deps", default=False)


def strict_code(problem: Problem) -> str:
    """Return the code of a fault of a peer where such faults are errors.

    WPEERTWICE  ->  EPEERTWICE
    """
    return f"E{problem.code[1:]}"


def _standing(links: Iterable[Standing], planned: Sequence[Edit]) -> list[Standing]:
    """Return *links* with what is planned, by path."""
    found = {link.path: link for link in links}
    for edit in planned:
        if edit.before is not None:
            found.pop(edit.before.path, None)
        if edit.after is not None:
            found[edit.after.path] = standing(edit.after)
    return [found[path] for path in sorted(found)]


def standing(entry: RecordedLink) -> Standing:
    """Return the recorded link *entry* as one that stands."""
    return Standing(entry.name, entry.target, entry.path, entry.bin_links)


def problems_of(
    tree: PackageTree, context: LinkContext, links: Iterable[Standing], *, shared: bool
) -> list[Problem]:
    """Return what to know of *links*, of the project or the global folder, on *tree*.

    A link that is not there, dropped by an install, is left out.
    """
    there = [link for link in links if tree.folder(link.path) == link.folder]
    found = list(package_problems(tree, there, context.config.modules))
    if not shared:
        found += project_problems(tree, there, project_folders(tree, context, there))
    return list(dict.fromkeys(found))


def project_folders(tree: PackageTree, context: LinkContext, links: Iterable[Standing]) -> list[str]:
    """Return the project's folders that load *links*: root, workspaces chosen, and members that name one."""
    root = context.project.root
    folders = [root, *context.picked]
    names = {link.name for link in links}
    if names:
        from linkpack.project.workspace import member_folders, read_workspace  # noqa: PLC0415 - few projects have any

        workspace = read_workspace(root)
        for folder in member_folders(workspace) if workspace is not None else ():
            manifest = tree.manifest(folder)
            if manifest is not None and names & {name for section in sections_of(manifest) for name in section}:
                folders.append(folder)
    return list(dict.fromkeys(folders))
