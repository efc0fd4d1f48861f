"""Which files of a package ship, found by asking every rule about every file: slow, short, close to npm's code.

The structure is that of npm-packlist 10.0.4 and 11.3.0 with ignore-walk: a frame for each folder, which asks its
parent first. Only the compiled patterns are linkpack's, as other tests hold them against minimatch. Where linkpack
differs from npm on purpose (rows F10, M1, M3, P4, B1 and B12 of docs/differences-from-npm.md), so does this.
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
from typing import TYPE_CHECKING, NamedTuple

from linkpack.glob.braces import expand_braces
from linkpack.glob.pattern import Alternative, Glob, make_literal_glob, split_portions
from linkpack.glob.portion_matcher import fold, to_units
from linkpack.glob.portion_parser import compile_portion
from linkpack.packlist.ignore import make_rules
from linkpack.packlist.rule_index import Rule, applies

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from linkpack.packlist.npm_rules import Edition, Kind, ManifestView
    from linkpack.packlist.rule_index import Question

DEFAULT = """
.npmignore .gitignore **/.git **/.svn **/.hg **/CVS **/.git/** **/.svn/** **/.hg/** **/CVS/** /.lock-wscript
/.wafpickle-* /build/config.gypi npm-debug.log **/.npmrc .*.swp .DS_Store **/.DS_Store/** ._* **/._*/** *.orig
/archived-packages/**
"""
STRICT = """
/.git !/package.json !/readme{,.*[^~$]} !/copying{,.*[^~$]} !/license{,.*[^~$]} !/licence{,.*[^~$]} /.git
/node_modules .npmrc /package-lock.json /yarn.lock /pnpm-lock.yaml /bun.lockb
"""
STRICT_12 = "/npm-shrinkwrap.json /bun.lock /.npm-extension.mjs /.npm-extension.cjs"


class Package(NamedTuple):
    """What is packed: the folder, its manifest, what it is to the tarball, and the ignore files around it.

    With *rereads* the paths that npm 12's `files` finds are read as patterns again, as npm does (row F10), and a
    command in node_modules opens all of that (row B12).
    """

    root: Path
    manifest: ManifestView
    kind: Kind
    edition: Edition
    outer: tuple[tuple[str, str], ...] = ()
    rereads: bool = False


class _Frame(NamedTuple):
    """What a folder called *name* says; *is_open*: it was let in by name, and may take back its parents' no."""

    parent: _Frame | None
    name: str
    sets: tuple[list[Rule], ...]
    is_open: bool

    def ask(self, parts: tuple[str, ...], question: Question) -> bool:
        kept = True
        if self.parent is not None:
            kept = self.parent.ask((self.name, *parts), question)
            if not kept and not self.is_open:
                return False
        for rules in self.sets:
            for rule in rules:
                if rule.negated != kept and applies(rule, parts, question):
                    kept = rule.negated
        return kept


def naive_list(package: Package) -> list[str]:
    """The paths that ship from *package*, sorted; its tree has no links and nothing unreadable."""
    return sorted(_below(package, "", None, is_open=True))


def _below(package: Package, folder: str, parent: _Frame | None, *, is_open: bool) -> Iterator[str]:
    frame = _Frame(parent, fold(posixpath.basename(folder)), _sets(package, folder), is_open)
    for name in [path.name for path in (package.root / folder).iterdir()]:
        path = f"{folder}/{name}" if folder else name
        parts = (fold(name),)
        if "*" in name or (path == "node_modules" and package.kind != "root"):
            continue
        if (package.root / path).is_dir():
            if frame.ask(parts, "maybe"):
                opened = frame.ask(parts, "file") or frame.ask(parts, "folder")
                yield from _below(package, path, frame, is_open=opened)
        elif frame.ask(parts, "file") and (
            package.rereads
            or not path.startswith("node_modules/")
            or path in map(posixpath.normpath, _wanted(package))
        ):
            yield path


def _sets(package: Package, folder: str) -> tuple[list[Rule], ...]:
    default = _rules(*DEFAULT.split()) if package.kind != "installed" else []
    own = [] if package.kind == "installed" else _ignore_file(package.root / folder)
    if folder:
        return default, own, _rules("/.git", *_required(package, folder))
    outer = [rule for _, text in package.outer for rule in _rules(*text.split("\n"))]
    files = None if package.kind == "installed" else package.manifest.files
    if files is None:
        return default, outer, own, _strict(package, [])
    if package.edition == "12":
        return default, outer, _found(package, files), _strict(package, [])
    named, strict = _named(package.root, files)
    return default, outer, named, _strict(package, strict)


def _rules(*texts: str) -> list[Rule]:
    return make_rules(texts, "")


def _ignore_file(folder: Path) -> list[Rule]:
    for name in (".npmignore", ".gitignore"):
        if (folder / name).exists():
            return _rules(*(folder / name).read_text(encoding="utf-8").split("\n"))
    return []


def _strict(package: Package, first: list[Rule]) -> list[Rule]:
    manifest, edition = package.manifest, package.edition
    wanted = _wanted(package)
    patched = manifest.patched if (edition, package.kind) == ("12", "root") else ()
    return [
        *first,
        *_rules(*STRICT.split(), *(STRICT_12.split() if edition == "12" else ())),
        *_rules(*[f"!/{path}" for path in wanted]),
        *[Rule(path, "", negated=True, glob=make_literal_glob(fold(posixpath.normpath(path)))) for path in wanted],
        *_rules(*[f"/{path.removeprefix('./')}" for path in patched if path]),
    ]


def _wanted(package: Package) -> list[str]:
    """The files that fields of the manifest let in."""
    manifest = package.manifest
    bins = [*manifest.bins.values(), *_folder_bins(package)]
    return [re.sub("^(\\./+)+", "", path) for path in (manifest.browser, manifest.main, *bins) if path]


def _folder_bins(package: Package) -> list[str]:
    folder = package.manifest.directories_bin
    if folder is None:
        return []
    paths = [
        path.relative_to(package.root / folder) for path in (package.root / folder).rglob("*") if path.is_file()
    ]
    return [f"{folder}/{path}" for path in paths if not any(name.startswith(".") for name in path.parts)]


def _named(root: Path, files: tuple[str, ...]) -> tuple[list[Rule], list[Rule]]:
    """The rules of npm 11, and what goes to the front of its strict set."""
    rules = ["*"]
    strict: list[str] = []
    for pattern, mode in _entries(root, files):
        if mode is not None and stat.S_ISREG(mode):
            strict.insert(0, f"!{pattern}")
        elif mode is not None:
            rules += [f"!{pattern}", f"!{pattern}/**"]
        else:
            rules.append(f"!{pattern}")
    return _rules(*rules), _rules(*strict)


def _required(package: Package, folder: str) -> list[str]:
    """The files that npm 11 lets in again in a folder of the first level."""
    if package.edition == "12" or package.kind == "installed" or "/" in folder:
        return []
    found = []
    for pattern, mode in _entries(package.root, package.manifest.files or ()):
        path = posixpath.normpath(pattern.removeprefix("/"))
        if mode is not None and stat.S_ISREG(mode) and posixpath.dirname(path) == folder:
            found.append(f"!{posixpath.basename(path)}")
    return found


def _entries(root: Path, files: tuple[str, ...]) -> Iterator[tuple[str, int | None]]:
    """Each entry as npm 11 takes it, with the mode of what is there; None when nothing is."""
    for entry in files:
        pattern = entry[1:] if entry.startswith("./") else entry
        pattern += "*" if pattern.endswith("/*") else ""
        path = os.path.normpath(f"{root}/{pattern.lstrip('!')}") + ("/" if pattern.endswith("/") else "")
        yield pattern, os.lstat(path).st_mode if os.path.lexists(path) else None


def _found(package: Package, files: tuple[str, ...]) -> list[Rule]:
    """The rules of npm 12: one or two for every path that an entry finds."""
    root = package.root
    rules = _rules("*")
    paths = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    for entry in files:
        pattern = entry.lstrip("!")
        pattern = pattern[2 if pattern.startswith("./") else int(pattern.startswith("/")) :].rstrip("/")
        ways = [_simplified(split_portions(each)) for each in expand_braces(pattern)] if pattern else []
        for path in paths:
            folder = (root / path).is_dir()
            if not any(way and way[0] and _finds(way, path.split("/"), folder=folder) for way in ways):
                continue
            sign = "" if entry.startswith("!") else "!"
            if package.rereads:
                rules += _rules(f"{sign}/{path}", *([f"{sign}/{path}/**"] if folder else []))
            else:
                globs = [make_literal_glob(fold(path))]
                if folder:
                    globs.append(_below_glob(fold(path)))
                rules += [Rule(entry, "", bool(sign), glob) for glob in globs]
    return rules


def _below_glob(path: str) -> Glob:
    (only,) = make_literal_glob(path).alternatives
    return Glob((Alternative((*only.stretches, ()), base=False, rooted=True),), relative=False)


def _simplified(portions: list[str]) -> list[str]:
    kept: list[str] = []
    for portion in portions:
        if portion == ".." and kept and kept[-1] not in {"..", "**"}:
            kept.pop()
        elif portion != "." and not (portion == "**" and kept[-1:] == ["**"]):
            kept.append(portion)
    return kept


def _finds(way: list[str], parts: list[str], *, folder: bool) -> bool:
    """Whether the glob package finds *parts* by *way*; what lies below a folder that it finds may be missing."""
    if not way or not parts:
        return not way and not parts
    if way[0] != "**":
        if not _fits(way[0], parts[0]):
            return False
        if way[1:] == ["**"] and parts[1:] == []:
            return folder or compile_portion(way[0], blind=False).literal is not None
        return _finds(way[1:], parts[1:], folder=folder)
    return way[1:] == [] or _finds(way[1:], parts, folder=folder) or _finds(way, parts[1:], folder=folder)


def _fits(portion: str, name: str) -> bool:
    return compile_portion(portion, blind=False).fits(to_units(name))
