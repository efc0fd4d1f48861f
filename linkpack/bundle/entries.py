"""Plan the entries of the tarball in npm's order, and check their paths."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from linkpack import limits
from linkpack.archive.entry import ROOT, Entry
from linkpack.archive.portable_names import PLAIN, fold_name, has_control, windows_lacks
from linkpack.archive.tar_header import FILE_MAX, may_be_lost
from linkpack.errors import Problem
from linkpack.npm.sorting import order_entries
from linkpack.packlist.secrets import find_secret_files
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from linkpack.packlist.packlist import Omission, Packlist

_LONG = 64  # characters: the bytes of shorter paths are not measured


class ArchivePlan(Record):
    """The files that will be written, and those that will not.

    *entries* are in the tarball's order. *omissions* have the paths that they would have in the tarball.
    """

    entries: tuple[Entry, ...]
    omissions: tuple[Omission, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


_PLAIN_LINES = f"{PLAIN}\n".encode()
_DEVICE = r"[/\n](?:con|prn|aux|nul|com[0-9]|lpt[0-9])[./\n]"  # among plain paths in lower case, one a line


def plan_archive(
    slots: Mapping[str, str],
    packlists: Mapping[str, Packlist],
    manifests: Mapping[str, bytes],
    moved: Mapping[str, str] = {},
    commands: Collection[str] = (),
) -> ArchivePlan:
    """Put each package's files below its slots.

    *slots* maps slots to package ids, and *packlists* and *manifests* are by id. A package.json ships as the bytes
    in *manifests*. *moved* maps paths in node_modules that the root names to where the layout has these files.
    *commands* are the scripts of the root's commands, and executable. Paths that only some systems cannot hold are
    warnings.
    """
    entries: list[tuple[str, Entry]] = []
    omissions: list[Omission] = []
    supplied = _find_supplied(slots, packlists) | moved.keys()
    executable = {moved.get(command, command) for command in commands}
    for slot, id_ in slots.items():
        below = f"{slot}/" if slot else ""
        packlist = packlists[id_]
        for file in packlist.files:
            path = f"{below}{file.path}"
            # `main` or `bin` may force in a file of a bundled package, which ships with that package.
            if supplied and not slot and path in supplied:
                continue
            mode = 0o755 if path in executable else file.mode
            if file.path == "package.json":
                # The bytes that were checked and rewritten, whatever is on disk when the tarball is written.
                raw = manifests[id_]
                entry = Entry(f"{ROOT}{path}", raw, len(raw), mode, own=packlist.own)
            else:
                entry = Entry(
                    f"{ROOT}{path}", file.source, file.size, mode, file.dev, ino=file.ino, own=packlist.own
                )
            entries.append((path, entry))
        omissions += [omission._replace(path=f"{below}{omission.path}") for omission in packlist.omissions]
    entries = [entries[index] for index in order_entries([path for path, _ in entries])]
    paths = [path for path, _ in entries]
    folders = _list_folders(paths)
    shipped = [packlists[id_] for id_ in dict.fromkeys(slots.values())]
    return ArchivePlan(
        tuple(entry for _, entry in entries),
        tuple(omissions),
        (
            *(problem for packlist in shipped for problem in packlist.problems),
            *_find_limit_faults(entries),
            *_find_path_faults(paths, folders),
        ),
        (
            *(warning for packlist in shipped for warning in packlist.warnings),
            *_warn_of_names(paths, folders),
            *_warn_of_large(entries),
        ),
    )


def _find_supplied(slots: Mapping[str, str], packlists: Mapping[str, Packlist]) -> set[str]:
    """Return the root's own paths that a bundled package supplies."""
    bundled = {slot: id_ for slot, id_ in slots.items() if slot}
    # Few roots have own files below a top folder of the slots, so most calls end early.
    tops = tuple({f"{slot.partition('/')[0]}/" for slot in bundled})
    own = {file.path for file in packlists[slots[""]].files if file.path.startswith(tops)} if tops else set()
    if not own:
        return own
    return own.intersection(
        f"{slot}/{file.path}" for slot, id_ in bundled.items() for file in packlists[id_].files
    )


def _find_limit_faults(entries: list[tuple[str, Entry]]) -> Iterator[Problem]:
    """Yield what is beyond the limits: all files together, and each."""
    most = limits.current()
    total = sum([entry.size for _, entry in entries])
    if len(entries) > most.entries:
        message = f"the tarball would hold {len(entries)} files, the limit is {most.entries}"
        yield Problem("ELIMIT", "", message, "leave some out, or raise --max-entries")
    if total > most.unpacked:
        message = f"the files are too large: {total} bytes together, the limit is {most.unpacked}"
        yield Problem("ELIMIT", "", message, "leave some out, or raise --max-unpacked")
    for path, entry in entries:
        if entry.size > most.file:
            message = f"{path} is too large: {entry.size} bytes, the limit is {most.file}"
            yield Problem("ETOOLARGE", path, message, "leave it out, or raise --max-file")
        if len(path) > _LONG and len(entry.path.encode("utf-8", "surrogateescape")) > most.path:
            message = f"{path} is too long: the limit is {most.path} bytes"
            yield Problem("EPATHLONG", path, message, "shorten it, or raise --max-path")


def _warn_of_large(entries: list[tuple[str, Entry]]) -> Iterator[Problem]:
    """Warn of files that pnpm 8 to 11 cannot read."""
    for path, entry in entries:
        if entry.size > FILE_MAX:
            message = (
                f"{path} has {entry.size} bytes: pnpm before 12 cannot read it, and linkpack verify refuses it"
            )
            yield Problem("WLARGE", path, message, "ship files of 2 GiB and more in another way")


def _find_path_faults(paths: list[str], folders: set[str]) -> Iterator[Problem]:
    """Yield the paths that no tarball may hold.

    Only a fault in planning can cause them, and they are never written.
    """
    joined = f"/{'/'.join(paths)}/"  # one text to search, in place of a split of each
    if "//" in joined or "/./" in joined or "/../" in joined:
        for path in paths:
            if not {"", ".", ".."}.isdisjoint(path.split("/")):
                yield Problem("EPATH", path, f"{path} is not a path inside the package")
    seen = set(paths)
    if len(seen) < len(paths):
        for path, count in Counter(paths).items():
            if count > 1:
                yield Problem("EPATH", path, f"{path} is in the tarball twice")
    for folder in sorted(folders & seen):
        yield Problem("EPATH", folder, f"{folder} is both a file and a folder")


def _list_folders(paths: list[str]) -> set[str]:
    folders: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders


def _warn_of_names(paths: list[str], folders: set[str]) -> Iterator[Problem]:
    """Warn of names that some systems cannot hold, or hold as one."""
    if _may_have_odd_names(paths):
        yield from _warn_of_odd_names(paths)
    yield from find_secret_files(paths)
    yield from _find_collisions([*paths, *folders])


def _warn_of_odd_names(paths: list[str]) -> Iterator[Problem]:
    """Warn of names that Windows, terminals, npm or `verify` refuse."""
    for path in paths:
        if has_control(path):
            yield Problem("WNAME", path, f"{path} has invisible or control characters in its name")
        elif windows_lacks(path):
            yield Problem("WNAME", path, f"{path} cannot be created on Windows under this name")
        # node-tar reads an extended header in pieces (docs/differences-from-npm.md, L5).
        if may_be_lost(f"{ROOT}{path}"):
            message = (
                f"{path} is so long that npm may lose its name, as it is not ASCII: linkpack verify refuses it"
            )
            yield Problem("WNAME", path, message, "shorten it")
        if path.count("/") + 2 > limits.DEFAULTS.depth:
            message = f"{path} lies too deep: linkpack verify refuses it without a larger --max-depth"
            yield Problem("WNAME", path, message, "use fewer folders")


def _may_have_odd_names(paths: list[str]) -> bool:
    """Return True if `_warn_of_odd_names` may have something to warn of."""
    # One look at all paths together takes far less time than a look at each.
    text = "\n".join(["", *paths, ""])
    return (
        text.count("\n") != len(paths) + 1  # a path with a line break in it
        or text.encode("utf-8", "surrogatepass").translate(None, _PLAIN_LINES) != b""
        or any(end in text for end in ("./", " /", ".\n", " \n"))
        or re.search(_DEVICE, text.lower()) is not None
        or max(map(len, paths), default=0) >= limits.DEFAULTS.depth
    )


def _find_collisions(paths: list[str]) -> Iterator[Problem]:
    """Warn of names that are one where case or composition is ignored."""
    # For ASCII `casefold` gives the same, and is quicker.
    folded = [path.casefold() if path.isascii() else fold_name(path) for path in paths]
    if len(set(folded)) == len(folded):
        return
    first: dict[tuple[str, str], str] = {}
    # Only within one folder: if two folders collide, their files need no warnings of their own.
    for path, fold in sorted(zip(paths, folded, strict=True)):
        other = first.setdefault((path.rpartition("/")[0], fold), path)
        if other != path:
            yield Problem(
                "WCASE", path, f"{other} and {path} are one name on Windows and macOS", "rename one of them"
            )
