"""What the manifest's `files` asks for, as ignore rules, by the rules of npm 11 and of npm 12.

npm 11 looks whether each entry exists and else takes it as a pattern; npm 12 expands each entry against the disk.
Measured on npm 11.19.1 (npm-packlist 10.0.4) and npm 12.2.0 (npm-packlist 11.3.0).
"""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING, NamedTuple

from linkpack import limits
from linkpack.disk import fs
from linkpack.select.braces import expand_braces
from linkpack.select.glob import split_portions
from linkpack.select.portion import compile_portion
from linkpack.select.wildcard import units

if TYPE_CHECKING:
    from collections.abc import Iterable

    from linkpack.select.portion import Portion
_OPENING = 50  # steps that opening a folder is worth


class Named(NamedTuple):
    """What npm 11 makes of `files`: rule texts.

    *rules* follow the `*` of the files set; *strict* stand first in the strict set of the root; *required* are
    the entries that are files, as paths. The entry that comes last in `files` stands first in *strict*.
    """

    rules: tuple[str, ...]
    strict: tuple[str, ...]
    required: tuple[str, ...]


class Found(NamedTuple):
    """One path that an entry of npm 12's `files` leads to: *negated* entries take away."""

    path: str
    folder: bool
    negated: bool
    entry: str


def named_files(root: str, files: Iterable[str]) -> Named:
    """The rules of npm 11 for `files`, whose entries are looked up below *root*."""
    rules: list[str] = []
    strict: list[str] = []
    required: list[str] = []
    for entry in files:
        pattern = entry.removeprefix(".") if entry.startswith("./") else entry
        if pattern.endswith("/*"):
            pattern += "*"
        mode = _mode(root, pattern.lstrip("!").replace("\\", "/"))
        if mode is not None and stat.S_ISREG(mode):
            strict.append(f"!{pattern}")
            required.append(pattern.removeprefix("/"))
        elif mode is not None and stat.S_ISDIR(mode):
            rules += [f"!{pattern}", f"!{pattern}/**"]
        else:
            # npm passes over a link or a pipe without a word; the walk says what becomes of it.
            rules.append(f"!{pattern}")
    return Named(tuple(rules), tuple(reversed(strict)), tuple(required))


def _mode(root: str, path: str) -> int | None:
    """The mode of what is at *path* below *root*, a link not followed; None when nothing is."""
    # A slash at the end counts: `a.js/` is no file.
    full = posixpath.normpath(f"{root}/{path}") + ("/" if path.endswith("/") else "")
    found = fs.answer(fs.lstat, full)
    return None if found is None else found.st_mode


def found_files(root: str, entry: str) -> list[Found]:
    """What npm 12 finds below *root* for one *entry* of `files`, by path.

    Case counts, links are not followed, and below a folder that was found nothing more is listed. `LinkpackError`
    with code EPATTERN for an entry that cannot be used.
    """
    pattern = entry.lstrip("!")
    negated = pattern != entry
    cut = 2 if pattern.startswith("./") else int(pattern.startswith("/"))
    pattern = pattern[cut:].rstrip("/")
    if not pattern:
        return []
    hits = {hit for one in expand_braces(pattern) for hit in _expand(root, one)}
    return [Found(path, folder, negated, entry) for path, folder in sorted(hits)]


def _expand(root: str, pattern: str) -> list[tuple[str, bool]]:
    """The (path, is it a folder) that *pattern*, free of braces, leads to below *root*."""
    portions = _simplified(split_portions(pattern))
    if not portions or not portions[0] or portions[0] == "..":
        return []  # the root itself, or nothing below it
    compiled = [None if one == "**" else compile_portion(one, blind=False) for one in portions]
    hits: list[tuple[str, bool]] = []
    todo = [("", 0)]
    seen = set(todo)
    while todo:
        folder, index = todo.pop()
        for step in _steps(root, folder, index, compiled, hits):
            if step not in seen:
                seen.add(step)
                todo.append(step)
    return hits


def _simplified(portions: list[str]) -> list[str]:
    """*portions* as the glob package takes them: without `.`, and with `x/..` gone."""
    kept: list[str] = []
    for portion in portions:
        if portion == "." or (portion == "**" and kept[-1:] == ["**"]):
            continue
        if portion == ".." and kept and kept[-1] not in ("..", "**"):
            kept.pop()
            continue
        kept.append(portion)
    return kept


def _steps(
    root: str, folder: str, index: int, portions: list[Portion | None], hits: list[tuple[str, bool]]
) -> list[tuple[str, int]]:
    """Where to go on from *folder* when the portions from *index* on are left; what is reached goes to *hits*."""
    if index == len(portions):
        hits.append((folder, True))
        return []
    portion = portions[index]
    last = index + 1 == len(portions)
    if portion is None and last and folder:
        hits.append((folder, True))
        return []
    # A file named in full matches before a closing `**` too: "a.js/**" is a.js, "*.js/**" nothing (glob 13.0.6).
    names_file = last or (portion is not None and portion.literal is not None and portions[index + 1 :] == [None])
    steps = [(folder, index + 1)] if portion is None and not last else []
    for name, is_folder in _entries(root, folder, portion):
        path = f"{folder}/{name}" if folder else name
        if is_folder:
            steps.append((path, index if portion is None and not last else index + 1))
        elif names_file:
            hits.append((path, False))
    return steps


def _entries(root: str, folder: str, portion: Portion | None) -> list[tuple[str, bool]]:
    """The (name, is it a folder) in *folder* that fit *portion*; a link is no folder, wherever it leads."""
    here = f"{root}/{folder}" if folder else root
    if portion is not None and portion.literal is not None:
        # As typed: a surrogate pair of the pattern is one character of a name.
        name = portion.literal.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        mode = _mode(here, name)
        return [] if mode is None else [(name, stat.S_ISDIR(mode))]
    try:
        entries = fs.scan(here)
        limits.spend(_OPENING + len(entries))
    except OSError:
        return []  # the walk comes here too, if it matters, and says so
    return [
        (entry.name, entry.is_dir(follow_symlinks=False))
        for entry in entries
        if portion is None or portion.fits(units(entry.name))
    ]
