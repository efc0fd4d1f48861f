"""The archive plan: every entry of the tarball in npm's order, and every fault that its paths have."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from linkpack import limits
from linkpack.archive.tar_header import FILE_MAX, may_be_lost
from linkpack.errors import Problem
from linkpack.npm.order import entry_key
from linkpack.select.secrets import named_secrets

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from linkpack.bundle.layout import Layout
    from linkpack.select.packlist import Omission, Packlist

ROOT = "package/"  # the one folder of an npm tarball
_LONG = 64  # characters of a path whose bytes are counted


class Entry(NamedTuple):
    """A regular file of the tarball.

    *path* is its whole name there, *source* the path to read or the very bytes, *size* in bytes, *mode* 0o644 or
    0o755; *dev* and *ino* say which file *source* was when it was planned. *own* files come from a source
    directory, not from an installed package.
    """

    path: str
    source: str | bytes
    size: int
    mode: int
    dev: int = 0
    ino: int = 0
    own: bool = False


class ArchivePlan(NamedTuple):
    """What will be written: *entries* in order, *omissions* with the tarball paths they would have had."""

    entries: tuple[Entry, ...]
    omissions: tuple[Omission, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


# What some system or tool cannot hold in a name, and why. Linux and npm can: they are shipped, and said.
_CONTROL = r"[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
_WINDOWS = r'(?i)[<>:"|?]|[ .](?:/|$)|(?:^|/)(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.[^/]*)?(?:/|$)'
_PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./@+=,#~!$%&'()[]{};^`* -"
_PLAIN_LINES = f"{_PLAIN}\n".encode()
_DEVICES = ("con", "prn", "aux", "nul", "com", "lpt")
_DEVICE = r"[/\n](?:con|prn|aux|nul|com[0-9]|lpt[0-9])[./\n]"  # among plain paths in lower case, one a line


def has_control(path: str) -> bool:
    """Whether *path* has characters that control a terminal or cannot be seen."""
    return bool(path.strip(_PLAIN)) and re.search(_CONTROL, path) is not None


def windows_lacks(path: str) -> bool:
    """Whether Windows cannot hold *path*: by its characters, the ending of a portion, or a device's name."""
    # Nearly every path is plain, which costs a fifth of the pattern to see.
    if not path.strip(_PLAIN) and "./" not in path and " /" not in path and path[-1:] not in {" ", "."}:
        lower = f"/{path.lower()}"
        if not any(f"/{device}" in lower for device in _DEVICES):
            return False
    return re.search(_WINDOWS, path) is not None


def plan_archive(
    layout: Layout,
    packlists: Mapping[str, Packlist],
    manifests: Mapping[str, bytes],
    moved: Mapping[str, str] = {},
    commands: Collection[str] = (),
) -> ArchivePlan:
    """The plan that puts each package's files below its slots.

    *packlists* and *manifests* are by package id; a package.json ships as the bytes in *manifests*, whatever
    is on disk by then. A path that the root forces in and a bundled package supplies is that package's; what
    *moved* maps is supplied under another path. *commands* are the root's, and executable wherever they come from.
    Entries are in npm's order. Paths that only some systems cannot hold are warnings.
    """
    entries: list[tuple[str, Entry]] = []
    omissions: list[Omission] = []
    supplied = _supplied(layout, packlists) | moved.keys()
    executable = {moved.get(command, command) for command in commands}
    for slot, at in layout.slots.items():
        below = f"{slot}/" if slot else ""
        packlist = packlists[at]
        for file in packlist.files:
            path = f"{below}{file.path}"
            if supplied and not slot and path in supplied:
                continue
            mode = 0o755 if path in executable else file.mode
            if file.path == "package.json":
                raw = manifests[at]
                entry = Entry(f"{ROOT}{path}", raw, len(raw), mode, own=packlist.own)
            else:
                entry = Entry(f"{ROOT}{path}", file.source, file.size, mode, file.dev, file.ino, packlist.own)
            entries.append((path, entry))
        omissions += [each._replace(path=f"{below}{each.path}") for each in packlist.omissions]
    entries.sort(key=_key)
    paths = [path for path, _ in entries]
    folders = _folders(paths)
    found = [packlists[at] for at in dict.fromkeys(layout.slots.values())]
    return ArchivePlan(
        tuple(entry for _, entry in entries),
        tuple(omissions),
        (
            *(problem for packlist in found for problem in packlist.problems),
            *_beyond(entries),
            *_faults(paths, folders),
        ),
        (
            *(warning for packlist in found for warning in packlist.warnings),
            *_cautions(paths, folders),
            *_large(entries),
        ),
    )


def _supplied(layout: Layout, packlists: Mapping[str, Packlist]) -> set[str]:
    """Return the paths of the root's own packlist that a bundled package supplies."""
    slots = {slot: at for slot, at in layout.slots.items() if slot}
    tops = tuple({f"{slot.partition('/')[0]}/" for slot in slots})
    own = (
        {file.path for file in packlists[layout.slots[""]].files if file.path.startswith(tops)} if tops else set()
    )
    if not own:
        return own
    return own.intersection(f"{slot}/{file.path}" for slot, at in slots.items() for file in packlists[at].files)


def _key(item: tuple[str, Entry]) -> tuple[bytes, bytes, bytes]:
    return entry_key(item[0])


def _beyond(entries: list[tuple[str, Entry]]) -> Iterator[Problem]:
    """What is beyond the limits: of all files together, and of each."""
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


def _large(entries: list[tuple[str, Entry]]) -> Iterator[Problem]:
    """Warn of files that pnpm 8 to 11 cannot read."""
    for path, entry in entries:
        if entry.size > FILE_MAX:
            message = (
                f"{path} has {entry.size} bytes: pnpm before 12 cannot read it, and linkpack verify refuses it"
            )
            yield Problem("WLARGE", path, message, "ship files of 2 GiB and more in another way")


def _faults(paths: list[str], folders: set[str]) -> Iterator[Problem]:
    """Paths that no tarball may hold: they can only come from a fault in planning, and are never written."""
    whole = f"/{'/'.join(paths)}/"
    if "//" in whole or "/./" in whole or "/../" in whole:
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


def _folders(paths: list[str]) -> set[str]:
    folders: set[str] = set()
    for path in paths:
        at = path.rpartition("/")[0]
        while at and at not in folders:
            folders.add(at)
            at = at.rpartition("/")[0]
    return folders


def _cautions(paths: list[str], folders: set[str]) -> Iterator[Problem]:
    """What a consumer on another system will miss: names that it cannot hold, or holds as one."""
    for path in paths if _any_odd(paths) else ():
        if has_control(path):
            yield Problem("WNAME", path, f"{path} has invisible or control characters in its name")
        elif windows_lacks(path):
            yield Problem("WNAME", path, f"{path} cannot be created on Windows under this name")
        if may_be_lost(f"{ROOT}{path}"):
            message = (
                f"{path} is so long that npm may lose its name, as it is not ASCII: linkpack verify refuses it"
            )
            yield Problem("WNAME", path, message, "shorten it")
        if path.count("/") + 2 > limits.DEFAULTS.depth:
            message = f"{path} lies too deep: linkpack verify refuses it without a larger --max-depth"
            yield Problem("WNAME", path, message, "use fewer folders")
    yield from named_secrets(paths)
    yield from _collisions([*paths, *folders])


def _any_odd(paths: list[str]) -> bool:
    """False only where no path has anything that `_cautions` looks for: asked of all, in far less time."""
    text = "\n".join(["", *paths, ""])
    return (
        text.count("\n") != len(paths) + 1
        or text.encode("utf-8", "surrogatepass").translate(None, _PLAIN_LINES) != b""
        or any(end in text for end in ("./", " /", ".\n", " \n"))
        or re.search(_DEVICE, text.lower()) is not None
        or max(map(len, paths), default=0) >= limits.DEFAULTS.depth
    )


def _collisions(paths: list[str]) -> Iterator[Problem]:
    """Names that are one on a system that ignores case or Unicode's composition."""
    folded = [path.casefold() if path.isascii() else folded_name(path) for path in paths]
    if len(set(folded)) == len(folded):
        return
    first: dict[tuple[str, str], str] = {}
    for path, fold in sorted(zip(paths, folded, strict=True)):
        other = first.setdefault((path.rpartition("/")[0], fold), path)
        if other != path:
            yield Problem(
                "WCASE", path, f"{other} and {path} are one name on Windows and macOS", "rename one of them"
            )


def folded_name(path: str) -> str:
    """*path* as a system sees it that ignores case and Unicode's composition: equal for what is one name there."""
    from unicodedata import normalize  # noqa: PLC0415 - only for names that are not ASCII

    return normalize("NFC", normalize("NFC", path).casefold())
