"""Check what Node will find once a link plan is done: ranges, peers, dependencies, commands.

The checks look at all links that will stand, not only at new ones: a link of one package can bring another its
peer, or take it away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import Problem
from linkpack.linking.installed import store_in
from linkpack.linking.installer import find_installer, plug_and_play, quoted
from linkpack.linking.many import sections_of, shortened
from linkpack.linking.package import inside, meets_range
from linkpack.linking.package_tree import runtime_names
from linkpack.project.source import source_of
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from linkpack.linking.package_tree import Found, Loaded, PackageTree

MOST = 2000  # packages that are looked at; the doctor looks at more
PEERS = frozenset({"WPEER", "WPEERHIDDEN", "WPEERTWICE"})


class Standing(NamedTuple):
    """A link that will stand: its package's *name* and real *folder*, its *path*, and whether it has commands."""

    name: str
    folder: str
    path: str
    bin_links: bool = True


class PeerFault(NamedTuple):
    """A peer that a package does not share with the package that loads it.

    *kind* is `missing`, `range`, `hidden` (the package does not find it) or `double` (both find a copy of their
    own). *user* declares the *peer*, asking for *wanted*; *host* is to provide it. *ours* is what the host
    finds, *theirs* what the user finds, *version* that of the latter, or else of the former. *preserving* is
    true if Node finds one copy when it is started with --preserve-symlinks.
    """

    kind: str
    peer: str
    wanted: str
    user: Loaded
    host: Loaded
    ours: Found | None
    theirs: Found | None
    version: str
    preserving: bool


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
        if outside and fs.exists(f"{link.folder}/{manifest.directories_bin}"):
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
    missing = [f"{name} ({scripts[name]})" for name, path in real.items() if path and not fs.exists(path)]
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


def is_of_links(fault: PeerFault, links: Sequence[Standing]) -> bool:
    """True if *fault* comes of a link; the rest of the tree was for the installer to check."""
    roots = {link.folder for link in links}
    if fault.user.found.folder in roots or fault.peer in {link.name for link in links}:
        return True
    at: Loaded | None = fault.user
    while at is not None and at.found.folder not in roots:
        at = at.loader
    return at is not None and fault.kind in {"double", "hidden"}


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


def find_peer_faults(tree: PackageTree, loads: Sequence[Loaded], links: Sequence[Standing]) -> list[PeerFault]:
    """Return the peers that packages among *loads* do not share with what loads them.

    What a package finds for its peer must be what its loader has. A loader that does not depend on the peer
    itself, but perhaps has it for its tests, passes the question on to its own loader: as installed, it would
    not have it. A linked package may also name as a dependency what others have as a peer: an installer would
    share that, too.
    """
    faults: dict[tuple[str, str, str, str], PeerFault] = {}
    for user, peer, wanted, host in (*_peers(loads), *_shared_dependencies(loads, links)):
        fault = _fault(tree, user, peer, wanted, host)
        by_wish = user.manifest is not None and peer in user.manifest.dependencies
        if fault is None or (by_wish and not (fault.kind == "double" and _fits(tree, fault))):
            continue
        ours = fault.ours.folder if fault.ours else host.found.folder
        faults.setdefault((fault.kind, peer, user.found.folder, ours), fault)
    return list(faults.values())


def _peers(loads: Sequence[Loaded]) -> Iterator[tuple[Loaded, str, str, Loaded]]:
    """Yield each package with each of its peers, what it asks for, and the package that is to provide it."""
    for user in loads:
        if user.manifest is not None and user.loader is not None:
            for peer, wanted in user.manifest.peer_dependencies.items():
                yield user, peer, wanted, _host(user.loader, peer)


def _shared_dependencies(
    loads: Sequence[Loaded], links: Sequence[Standing]
) -> Iterator[tuple[Loaded, str, str, Loaded]]:
    """Yield each linked package with those of its dependencies that are a peer of some package, as `_peers` does.

    Such a package, like React, is made to be there once.
    """
    roots = {link.folder for link in links}
    peers = {peer for each in loads if each.manifest is not None for peer in each.manifest.peer_dependencies}
    for user in loads:
        if user.manifest is not None and user.loader is not None and user.found.folder in roots:
            for name in sorted(peers & user.manifest.dependencies.keys()):
                yield user, name, user.manifest.dependencies[name], _host(user.loader, name)


def _fits(tree: PackageTree, fault: PeerFault) -> bool:
    """True if the user of *fault* could share the host's copy, so that an installer would have it so."""
    manifest = tree.manifest(fault.ours.folder) if fault.ours is not None else None
    return manifest is not None and meets_range(manifest.version, fault.wanted)


def _fault(tree: PackageTree, user: Loaded, peer: str, wanted: str, host: Loaded) -> PeerFault | None:
    """Return what is wrong with the *peer* that *host* is to provide to *user*, None if all is well."""
    ours = host.found if _is(host, peer) else tree.find(host.found.folder, peer)
    theirs = tree.find(user.found.folder, peer)
    found = theirs or ours
    manifest = tree.manifest(found.folder) if found else None
    version = manifest.version if manifest is not None else ""
    kind = _kind(ours, theirs, optional=user.manifest is not None and peer in user.manifest.optional_peers)
    kind = kind or ("range" if manifest is not None and not meets_range(version, wanted) else "")
    if not kind:
        return None
    return PeerFault(
        kind=kind,
        peer=peer,
        wanted=wanted,
        user=user,
        host=host,
        ours=ours,
        theirs=theirs,
        version=version,
        preserving=ours is not None and _finds_by_link(tree, user, ours, theirs),
    )


def _kind(ours: Found | None, theirs: Found | None, *, optional: bool) -> str:
    """Return the kind of fault, empty if there is none: where Node finds one copy, all is well."""
    if ours is None and theirs is None:
        return "" if optional else "missing"
    if theirs is None:
        return "hidden"
    return "double" if ours is not None and ours.folder != theirs.folder else ""


def _finds_by_link(tree: PackageTree, user: Loaded, ours: Found, theirs: Found | None) -> bool:
    """True if *user* finds *ours*, and still all else, when Node does not resolve links.

    Node then looks in the folders above the link, not above the package. What lies inside of the package is found
    first, as before; what its own workspace has above it is not found. In a project with a store nothing is.
    """
    own = f"{user.found.folder}/"
    if user.loader is None or user.loader.loader is not None or user.manifest is None:
        return False
    if store_in(f"{ours.folder}/") or store_in(own):
        return False
    if theirs is not None and theirs.slot.startswith(own):
        return False
    slots = [tree.find(user.found.folder, name) for name in user.manifest.dependencies]
    return all(each is None or each.slot.startswith(own) for each in slots)


def _host(loader: Loaded, peer: str) -> Loaded:
    """Return the package at or above *loader* that provides *peer* to what it loads."""
    while loader.loader is not None and not _provides(loader, peer):
        loader = loader.loader
    return loader


def _provides(package: Loaded, peer: str) -> bool:
    manifest = package.manifest
    return manifest is not None and (
        peer in manifest.dependencies or peer in manifest.optional_dependencies or manifest.name == peer
    )


def _is(package: Loaded, name: str) -> bool:
    return package.manifest is not None and package.manifest.name == name


def peer_problems(faults: Iterable[PeerFault]) -> Iterator[Problem]:
    """Yield a warning for each cause among *faults*."""
    yield from (peer_problem(alike) for alike in by_cause(faults))


def by_cause(faults: Iterable[PeerFault]) -> list[list[PeerFault]]:
    """Return *faults* in groups of one cause: packages that find the same wrong copy."""
    causes: dict[tuple[str, ...], list[PeerFault]] = {}
    for fault in faults:
        where = fault.theirs or fault.user.found
        key = (fault.kind, fault.peer, "" if fault.kind == "missing" else where.folder, fault.host.found.folder)
        causes.setdefault(key, []).append(fault)
    return list(causes.values())


def peer_problem(alike: Sequence[PeerFault]) -> Problem:
    """Return the warning about faults of one cause."""
    return _told(alike[0], shortened(list(dict.fromkeys(each.user.label for each in alike))))


def _told(fault: PeerFault, users: str) -> Problem:
    peer, host = fault.peer, fault.host.found.folder
    if fault.kind == "double" and fault.ours and fault.theirs:
        places = f"by {users} from {fault.theirs.folder}, by {host} from {fault.ours.folder}"
        message = f"{peer} would be loaded twice: {places}"
        return Problem("WPEERTWICE", fault.theirs.folder, message, cure_of(fault))
    if fault.kind == "hidden" and fault.ours:
        where = fault.user.found.folder
        message = f"the {peer} of {host} is not found by {users}: Node looks from {where}, where that really is"
        return Problem("WPEERHIDDEN", where, message, cure_of(fault))
    installer = find_installer(host)
    again = f"run {installer.add(peer, fault.wanted)} in {host}, then linkpack relink"
    if fault.kind == "range":
        found = fault.ours or fault.theirs
        where = found.folder if found else host
        message = (
            f"{peer} {fault.wanted} is needed by {users}, and Node finds {fault.version or 'none'} in {where}"
        )
        return Problem("WPEER", where, message, again)
    message = f"{peer} {fault.wanted} is needed by {users}, and {host} does not have it"
    return Problem("WPEER", host, message, again)


def cure_of(fault: PeerFault) -> str:
    """Return what helps against a doubled or hidden peer, as a hint."""
    command = cure_command(fault)
    ways = [f"run linkpack {' '.join(map(quoted, command))}"] if command else []
    if fault.preserving:
        ways.append("start node with --preserve-symlinks")
    if not ways:
        ways.append(f"have your bundler take one copy of {fault.peer} (resolve.dedupe or resolve.alias)")
    return ", or ".join(ways)


def cure_command(fault: PeerFault) -> tuple[str, ...]:
    """Return the linkpack command that has the user find the host's peer, empty if links cannot help.

    The copy that the user finds makes way for a link to the host's, and comes back on `unlink`. In the store of
    a package manager nothing can make way.
    """
    if fault.ours is None or (fault.theirs is not None and fault.theirs.has_stored_slot):
        return ()
    folder = fault.theirs.project if fault.theirs is not None else fault.user.found.folder
    return ("link", "--no-global", "-C", folder, fault.ours.folder)
