"""Warn of links that will not work.

`link`, `relink`, `ls` and the doctor look at all links that will be in place, not only at new ones: a link of one
package can bring another its peer, or take it away. `peers` has the warnings about peers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.linking.package import meets_range, resolve_inside
from linkpack.linking.package_choice import dependency_sections, list_names
from linkpack.linking.package_manager import find_installer, find_pnp_file, quote_word
from linkpack.linking.package_tree import PackageTree, PlacedLink, list_runtime_needs
from linkpack.linking.peers import PEER_CODES, find_peer_faults, is_caused_by_links, warn_of_peers
from linkpack.project.source import read_source_package
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.context import LinkContext
    from linkpack.linking.package_tree import LoadedPackage
    from linkpack.linking.states import Edit, RecordedLink
    from linkpack.npm.manifest import Manifest

_MOST = 2000  # packages for each folder whose needs are followed; the doctor follows more
_AGAIN = ", then linkpack relink"  # part of hints; of no use where nothing is linked


def warn_of_state_after(
    builder: PlanBuilder, context: LinkContext, links: Iterable[PlacedLink], *, shared: bool
) -> None:
    """Add warnings about the links after a plan.

    *links* are the present ones, of the project or with *shared* of the global folder. With npm's
    `strict-peer-deps` a fault of a peer is a conflict instead.
    """
    planned = [edit for edit in builder.edits.values() if is_shared(edit) == shared]
    strict = is_strict(context)
    after = _apply_edits(links, planned)
    for problem in find_problems(PackageTree(builder.changes, builder.copied), context, after, shared=shared):
        if strict and problem.code in PEER_CODES:
            hint = problem.hint.removesuffix(_AGAIN)
            builder.refuse(_strict_code(problem.code), problem.path, problem.message, hint)
        else:
            builder.warn(*problem)


def is_shared(edit: Edit) -> bool:
    """Return True if *edit* is about a global link."""
    return not any(entry.project for entry in (edit.before, edit.after) if entry is not None)


def is_strict(context: LinkContext) -> bool:
    """Return True if faults of peers are errors."""
    # npm documents both so, and does not look at peers with legacy-peer-deps (@npmcli/config 10.12.0,
    # definitions.js).
    flag = context.config.flag
    return flag("strict-peer-deps", default=False) and not flag("legacy-peer-deps", default=False)


def _strict_code(code: str) -> str:
    """Return a warning's code as that of an error.

    >>> _strict_code("WPEERTWICE")
    'EPEERTWICE'
    """
    return f"E{code[1:]}"


def _apply_edits(links: Iterable[PlacedLink], planned: Sequence[Edit]) -> list[PlacedLink]:
    """Return *links* as they will be after *planned*, sorted by path."""
    by_path = {link.path: link for link in links}
    for edit in planned:
        if edit.before is not None:
            by_path.pop(edit.before.path, None)
        if edit.after is not None:
            by_path[edit.after.path] = to_placed(edit.after)
    return [by_path[path] for path in sorted(by_path)]


def to_placed(link: RecordedLink) -> PlacedLink:
    """Return the recorded *link* as one that is in place."""
    return PlacedLink(name=link.name, folder=link.target, path=link.path, bin_links=link.bin_links)


def find_problems(
    tree: PackageTree, context: LinkContext, links: Iterable[PlacedLink], *, shared: bool
) -> list[Problem]:
    """Return the warnings about *links* that are in place on *tree*."""
    # A link that an install took away is `dropped`: `relink` looks at it again.
    placed = [link for link in links if tree.folder(link.path) == link.folder]
    problems = list(_warn_of_packages(tree, placed, context.config.modules))
    if not shared:
        problems += _warn_of_loading(tree, placed, list_loading_folders(tree, context, placed))
    return list(dict.fromkeys(problems))


def list_loading_folders(tree: PackageTree, context: LinkContext, links: Iterable[PlacedLink]) -> list[str]:
    """Return the project's folders that load *links*.

    These are the root, the chosen workspaces, and the members that name one of the packages.
    """
    names = {link.name for link in links}
    folders = [context.project.root, *context.picked]
    if names:
        folders += [
            folder
            for folder in context.installed.members()
            if names & list_dependency_names(tree.manifest(folder)).keys()
        ]
    return list(dict.fromkeys(folders))


def list_dependency_names(manifest: Manifest | None) -> dict[str, None]:
    """Return the names of all dependencies of a manifest."""
    if manifest is None:
        return {}
    return dict.fromkeys(name for section in dependency_sections(manifest) for name in section)


# --- the linked packages by themselves


def _warn_of_packages(tree: PackageTree, links: Iterable[PlacedLink], modules: str) -> Iterator[Problem]:
    """Yield warnings about the linked packages by themselves.

    *modules* is the global node_modules, or empty.
    """
    # Once for each package, however many links lead to it.
    for link in {link.folder: link for link in links}.values():
        manifest = tree.manifest(link.folder)
        if manifest is None:
            continue
        yield from _warn_of_missing_dependencies(tree, link, manifest)
        if link.bin_links:
            yield from _warn_of_unbuilt_commands(tree, link, manifest, modules)
        yield from _warn_of_outside_commands(link, manifest)


def _warn_of_missing_dependencies(tree: PackageTree, link: PlacedLink, manifest: Manifest) -> Iterator[Problem]:
    """Warn of dependencies that a linked package lacks (WDEPENDENCIES)."""
    # Node looks for them above the package's real folder, not above the link (npm/cli#2339).
    needed = manifest.dependencies.keys() - manifest.optional_dependencies.keys()
    missing = sorted(name for name in needed if tree.find(link.folder, name) is None)
    if not missing:
        return
    names = list_names(missing)
    if find_pnp_file(link.folder):
        message = (
            f"{link.name} is installed with Plug'n'Play, so that Node does not find its {names} from elsewhere"
        )
        hint = f"set nodeLinker: node-modules in its .yarnrc.yml, and run yarn install in {link.folder}"
    else:
        installer = find_installer(link.folder)
        message = f"{link.name} needs {names}, not installed where it is linked from"
        hint = f"run {installer.install} in {installer.folder}"
    yield Problem(code="WDEPENDENCIES", path=link.folder, message=message, hint=hint)


def _warn_of_unbuilt_commands(
    tree: PackageTree, link: PlacedLink, manifest: Manifest, modules: str
) -> Iterator[Problem]:
    """Warn of commands that are not linked, as they have no scripts (WBIN).

    Most likely they are not built yet. The hint is to make the local link, the global one or both again
    afterwards.
    """
    scripts = read_source_package(link.folder, manifest).commands
    real = {name: resolve_inside(link.folder, script) for name, script in scripts.items()}
    missing = [f"{name} ({scripts[name]})" for name, path in real.items() if path and not fs.exists(path)]
    if not missing:
        return
    message = f"commands of {link.name} whose scripts do not exist yet are not linked: {list_names(missing)}"
    commands = []
    if not modules or not link.path.startswith(f"{modules}/"):
        commands.append("linkpack relink")
    if modules and tree.folder(f"{modules}/{link.name}") == link.folder:
        commands.append("linkpack relink -g")
    hint = f"build {link.name}, then run {' and '.join(commands)}"
    yield Problem(code="WBIN", path=link.folder, message=message, hint=hint)


def _warn_of_outside_commands(link: PlacedLink, manifest: Manifest) -> Iterator[Problem]:
    """Warn of a `directories.bin` that leads out of its package (WOUTSIDE).

    The package has no commands then.
    """
    folder = manifest.directories_bin
    if folder and resolve_inside(link.folder, folder) is None and fs.exists(f"{link.folder}/{folder}"):
        message = f'"{folder}" of {link.name} leads out of the package; it has no commands'
        hint = "let directories.bin name a folder of the package"
        yield Problem(code="WOUTSIDE", path=link.folder, message=message, hint=hint)


# --- what loads them


def _warn_of_loading(tree: PackageTree, links: Sequence[PlacedLink], folders: Sequence[str]) -> Iterator[Problem]:
    """Yield warnings about how the project's *folders* load *links*."""
    # Without node_modules nothing else is worth a warning.
    pnp = list(_warn_of_plug_and_play(links, folders))
    if pnp:
        yield from pnp
        return
    loads = list(_find_loads(tree, links, folders))
    yield from _warn_of_ranges(loads, links)
    faults = find_peer_faults(tree, loads, links)
    yield from warn_of_peers(fault for fault in faults if is_caused_by_links(fault, links))


def _warn_of_plug_and_play(links: Sequence[PlacedLink], folders: Sequence[str]) -> Iterator[Problem]:
    """Warn of links without effect, as Node reads no node_modules (WPNP)."""
    file = find_pnp_file(folders[0]) if links else ""
    if file:
        message = f"{file} has Node take packages from elsewhere, so that links in node_modules have no effect"
        hint = f"use yarn link {quote_word(links[0].folder)}, or set nodeLinker: node-modules and run yarn install"
        yield Problem(code="WPNP", path=file, message=message, hint=hint)


def _find_loads(tree: PackageTree, links: Sequence[PlacedLink], folders: Sequence[str]) -> Iterator[LoadedPackage]:
    """Yield the packages that *links* may matter to.

    These are the packages that *folders* load through a link, at any depth, the others that they load directly,
    and the linked packages that those load.
    """
    roots = {link.folder for link in links}
    for folder in folders:
        start = tree.start(folder)
        # A project need not name what is linked into it: the code that is being written comes before the manifest.
        at_home = {link.name for link in links if link.path == f"{folder}/node_modules/{link.name}"}
        copies = {
            name: tree.find(folder, name)
            for name in sorted(list_dependency_names(start.manifest).keys() | at_home)
        }
        linked = [name for name, copy in copies.items() if copy is not None and copy.folder in roots]
        yield from tree.loaded(start, linked, most=_MOST)
        for package in tree.loaded(start, [name for name in copies if name not in linked], most=0):
            yield package
            needed = list_runtime_needs(package.manifest).keys() & {link.name for link in links}
            yield from tree.loaded(package, sorted(needed), most=0)


def _warn_of_ranges(loads: Iterable[LoadedPackage], links: Sequence[PlacedLink]) -> Iterator[Problem]:
    """Warn of packages that ask for another version than linked (WRANGE)."""
    roots = {link.folder for link in links}
    for package in loads:
        loader = package.loader
        if loader is None or loader.manifest is None or package.manifest is None:
            continue
        if package.copy.folder not in roots:
            continue
        # A project also uses what it names for its development; a package that it loads does not.
        sections = (
            dependency_sections(loader.manifest)
            if loader.loader is None
            else (list_runtime_needs(loader.manifest),)
        )
        version = package.manifest.version
        for wanted in dict.fromkeys(section[package.name] for section in sections if package.name in section):
            if not meets_range(version, wanted):
                who = loader.copy.folder if loader.loader is None else loader.label
                message = (
                    f"{who} wants {package.name} {wanted}, and the linked one is {version or 'without a version'}"
                )
                hint = f"change its version, or the range in {loader.copy.folder}/package.json"
                yield Problem(code="WRANGE", path=package.copy.folder, message=message, hint=hint)
