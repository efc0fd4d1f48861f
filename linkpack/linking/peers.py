"""Find peers that a package does not share with the package that loads it.

React and its like work only when Node finds one copy of them. Node looks above the real folder of a linked
package, where it may find another copy than the project's, or none (react#13991, npm/cli#2339).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.linking.installed import match_store
from linkpack.linking.package import meets_range
from linkpack.linking.package_choice import list_names
from linkpack.linking.package_manager import find_installer, quote_word
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from linkpack.linking.package_tree import FoundPackage, LoadedPackage, PackageTree, PlacedLink

PEER_CODES = frozenset({"WPEER", "WPEERHIDDEN", "WPEERTWICE"})


class PeerFault(Record):
    """A peer that a package does not share with its loader.

    *user* declares the *peer* and asks for *wanted*, *host* is to provide it. *kind* is `missing` (neither finds
    it), `range` (its version does not fit), `hidden` (only the host finds it) or `double` (each has its own).
    *ours* is the copy that the host finds, *theirs* the copy that the user finds. *version* is that of *theirs*,
    or without it that of *ours*. *preserving* is true if Node started with --preserve-symlinks finds one copy.
    """

    kind: str
    peer: str
    wanted: str
    user: LoadedPackage
    host: LoadedPackage
    ours: FoundPackage | None
    theirs: FoundPackage | None
    version: str
    preserving: bool


class _PeerUse(Record):
    """A *peer* that *user* asks for in the range *wanted*.

    *host* is to provide it.
    """

    user: LoadedPackage
    peer: str
    wanted: str
    host: LoadedPackage


# --- find them


def find_peer_faults(
    tree: PackageTree, loads: Sequence[LoadedPackage], links: Sequence[PlacedLink]
) -> list[PeerFault]:
    """Return the peers that *loads* do not share with their loaders.

    A package has to find the same copy of its peer as its host. The host is the loader, if that depends on the
    peer. Else it is the loader's own loader, and so on: a copy that the loader has for its tests would not be
    installed with it. A linked package that depends on a peer of others, instead of declaring it, is looked at
    too.
    """
    faults: dict[tuple[str, str, str, str], PeerFault] = {}
    for use in (*_list_peers(loads), *_list_shared_dependencies(loads, links)):
        fault = _find_fault(tree, use)
        # A dependency may have a copy of its own. It is a fault only if an installer would have shared the host's.
        is_dependency = use.user.manifest is not None and use.peer in use.user.manifest.dependencies
        if fault is None or (is_dependency and not (fault.kind == "double" and _is_sharable(tree, fault))):
            continue
        # A package may be loaded in several ways: one fault for each copy that the host has.
        provider = fault.ours.folder if fault.ours else use.host.copy.folder
        faults.setdefault((fault.kind, use.peer, use.user.copy.folder, provider), fault)
    return list(faults.values())


def _list_peers(loads: Sequence[LoadedPackage]) -> Iterator[_PeerUse]:
    """Yield the declared peers of all packages."""
    for user in loads:
        if user.manifest is not None and user.loader is not None:
            for peer, wanted in user.manifest.peer_dependencies.items():
                yield _PeerUse(user=user, peer=peer, wanted=wanted, host=_find_host(user.loader, peer))


def _list_shared_dependencies(loads: Sequence[LoadedPackage], links: Sequence[PlacedLink]) -> Iterator[_PeerUse]:
    """Yield dependencies of linked packages that are peers of others."""
    # A package that some declare as a peer, like React, is made to be loaded once.
    roots = {link.folder for link in links}
    peers = {peer for load in loads if load.manifest is not None for peer in load.manifest.peer_dependencies}
    for user in loads:
        if user.manifest is not None and user.loader is not None and user.copy.folder in roots:
            for name in sorted(peers & user.manifest.dependencies.keys()):
                wanted = user.manifest.dependencies[name]
                yield _PeerUse(user=user, peer=name, wanted=wanted, host=_find_host(user.loader, name))


def _find_host(loader: LoadedPackage, peer: str) -> LoadedPackage:
    """Return the package that is to provide *peer* to what *loader* loads.

    That is *loader* or the nearest loader above it that depends on the peer, and at the end the project.
    """
    while loader.loader is not None and not _provides(loader, peer):
        loader = loader.loader
    return loader


def _provides(package: LoadedPackage, peer: str) -> bool:
    manifest = package.manifest
    return manifest is not None and (
        peer in manifest.dependencies or peer in manifest.optional_dependencies or manifest.name == peer
    )


def _find_fault(tree: PackageTree, use: _PeerUse) -> PeerFault | None:
    """Return the fault of one use of a peer, or None."""
    user, host = use.user, use.host
    # A plug-in that is loaded by its peer: the host is the copy.
    is_host = host.manifest is not None and host.manifest.name == use.peer
    ours = host.copy if is_host else tree.find(host.copy.folder, use.peer)
    theirs = tree.find(user.copy.folder, use.peer)
    copy = theirs or ours
    manifest = tree.manifest(copy.folder) if copy else None
    version = manifest.version if manifest is not None else ""
    is_optional = user.manifest is not None and use.peer in user.manifest.optional_peers
    kind = _compare_copies(ours, theirs, is_optional=is_optional)
    if not kind and manifest is not None and not meets_range(version, use.wanted):
        kind = "range"
    if not kind:
        return None
    return PeerFault(
        kind=kind,
        peer=use.peer,
        wanted=use.wanted,
        user=user,
        host=host,
        ours=ours,
        theirs=theirs,
        version=version,
        preserving=ours is not None and _is_cured_by_preserving(tree, user, ours, theirs),
    )


def _compare_copies(ours: FoundPackage | None, theirs: FoundPackage | None, *, is_optional: bool) -> str:
    """Return the kind of fault, or "" for one copy."""
    if ours is None and theirs is None:
        return "" if is_optional else "missing"
    if theirs is None:
        return "hidden"
    return "double" if ours is not None and ours.folder != theirs.folder else ""


def _is_cured_by_preserving(
    tree: PackageTree, user: LoadedPackage, ours: FoundPackage, theirs: FoundPackage | None
) -> bool:
    """Return True if *user* finds *ours* when Node does not resolve links.

    With --preserve-symlinks Node looks above the link instead of above the package.
    """
    own = f"{user.copy.folder}/"
    if user.loader is None or user.loader.loader is not None or user.manifest is None:
        return False  # the project does not load it directly
    if match_store(f"{ours.folder}/") or match_store(own):
        return False  # in a store packages find each other by their real paths only
    if theirs is not None and theirs.slot.startswith(own):
        return False  # a copy inside of the package is found first, with the option as without it
    # Dependencies from above the package, as in its own workspace, would no longer be found
    # (test_preserve_symlinks_is_no_cure_above_a_workspace).
    copies = [tree.find(user.copy.folder, name) for name in user.manifest.dependencies]
    return all(copy is None or copy.slot.startswith(own) for copy in copies)


def _is_sharable(tree: PackageTree, fault: PeerFault) -> bool:
    """Return True if the host's copy fits the user.

    A package manager would have installed one copy for both then.
    """
    manifest = tree.manifest(fault.ours.folder) if fault.ours is not None else None
    return manifest is not None and meets_range(manifest.version, fault.wanted)


def is_caused_by_links(fault: PeerFault, links: Sequence[PlacedLink]) -> bool:
    """Return True if a link is the cause of *fault*."""
    # Peers between installed packages are the package manager's to check.
    roots = {link.folder for link in links}
    if fault.user.copy.folder in roots or fault.peer in {link.name for link in links}:
        return True
    loader: LoadedPackage | None = fault.user
    while loader is not None and loader.copy.folder not in roots:
        loader = loader.loader
    return loader is not None and fault.kind in {"double", "hidden"}


# --- warnings


def warn_of_peers(faults: Iterable[PeerFault]) -> Iterator[Problem]:
    """Yield a warning for each cause among *faults*."""
    yield from (describe_faults(alike) for alike in group_by_cause(faults))


def group_by_cause(faults: Iterable[PeerFault]) -> list[list[PeerFault]]:
    """Group *faults* by cause, such as the same wrong copy."""
    causes: dict[tuple[str, ...], list[PeerFault]] = {}
    for fault in faults:
        where = fault.theirs or fault.user.copy
        # A peer that is missing is one cause, in whatever packages.
        key = (fault.kind, fault.peer, "" if fault.kind == "missing" else where.folder, fault.host.copy.folder)
        causes.setdefault(key, []).append(fault)
    return list(causes.values())


def describe_faults(alike: Sequence[PeerFault]) -> Problem:
    """Return the warning about faults of one cause.

    A `double` peer will be loaded twice (WPEERTWICE). A `hidden` one is not found, though the host has it
    (WPEERHIDDEN). A `missing` one, or one out of `range`, has to be installed for the host (WPEER).
    """
    fault = alike[0]
    users = list_names(list(dict.fromkeys(other.user.label for other in alike)))
    if fault.kind == "double" and fault.ours and fault.theirs:
        return _warn_of_double(fault, users, fault.ours.folder, fault.theirs.folder)
    if fault.kind == "hidden" and fault.ours:
        return _warn_of_hidden(fault, users)
    return _warn_of_unmet(fault, users)


def _warn_of_double(fault: PeerFault, users: str, ours: str, theirs: str) -> Problem:
    places = f"by {users} from {theirs}, by {fault.host.copy.folder} from {ours}"
    message = f"{fault.peer} would be loaded twice: {places}"
    return Problem(code="WPEERTWICE", path=theirs, message=message, hint=_hint_at_cure(fault))


def _warn_of_hidden(fault: PeerFault, users: str) -> Problem:
    where = fault.user.copy.folder
    owner = fault.host.copy.folder
    message = f"the {fault.peer} of {owner} is not found by {users}: Node looks from {where}, where that really is"
    return Problem(code="WPEERHIDDEN", path=where, message=message, hint=_hint_at_cure(fault))


def _warn_of_unmet(fault: PeerFault, users: str) -> Problem:
    """Return the warning of a missing or wrong peer."""
    host = fault.host.copy.folder
    needed = f"{fault.peer} {fault.wanted} is needed by {users}"
    path, message = host, f"{needed}, and {host} does not have it"
    if fault.kind == "range":
        copy = fault.ours or fault.theirs
        path = copy.folder if copy else host
        message = f"{needed}, and Node finds {fault.version or 'none'} in {path}"
    add = find_installer(host).add(fault.peer, fault.wanted)
    return Problem(code="WPEER", path=path, message=message, hint=f"run {add} in {host}, then linkpack relink")


def _hint_at_cure(fault: PeerFault) -> str:
    """Return the hint for a double or hidden peer."""
    command = find_cure(fault)
    ways = [f"run linkpack {' '.join(map(quote_word, command))}"] if command else []
    if fault.preserving:
        ways.append("start node with --preserve-symlinks")
    if not ways:
        ways.append(f"have your bundler take one copy of {fault.peer} (resolve.dedupe or resolve.alias)")
    return ", or ".join(ways)


def find_cure(fault: PeerFault) -> tuple[str, ...]:
    """Return the arguments of the command that cures a fault.

    They link the host's copy into the user's node_modules. The user's own copy makes way, and comes back on
    `unlink`. Empty without a copy of the host's, or if the user's is in a package manager's store, which may not
    be changed.
    """
    if fault.ours is None or (fault.theirs is not None and fault.theirs.has_stored_slot):
        return ()
    folder = fault.theirs.project if fault.theirs is not None else fault.user.copy.folder
    return ("link", "--no-global", "-C", folder, fault.ours.folder)
