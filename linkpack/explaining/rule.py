"""Which rule decides about one path of a package: the walk of packing, along the way to that path only."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.npm.json_text import parse, position
from linkpack.packlist.editions import NPM_RULES
from linkpack.packlist.ignore import BUILT_IN, FILES
from linkpack.packlist.npm_rules import NEWEST_ONLY
from linkpack.packlist.pathspec_pattern import find_rule_by_pathspec
from linkpack.packlist.precedence import Asked, keeps
from linkpack.packlist.walk import Walk

if TYPE_CHECKING:
    from linkpack.npm.manifest import Manifest
    from linkpack.packlist.npm_rules import Kind, Selection
    from linkpack.packlist.rule_index import Rule
    from linkpack.packlist.walk import Folder, Here

_MANIFEST = "package.json"
_PATCHED = "patchedDependencies"


class Ruling(NamedTuple):
    """What decides about a path: *keeps* it or not, because of *text*, which stands in *source* at *line*.

    *about* is the path that was decided about: the one asked for, or the folder around it that is not entered.
    *why* says in words what the rule is for. *source* is a file, as the package calls it or absolute when it is
    around the package; empty for what is built in. *line* counts from 1, 0: none.
    """

    keeps: bool
    about: str
    why: str
    text: str = ""
    source: str = ""
    line: int = 0


class _Trail(Walk):
    """The walk to one path: what the frames were asked about it and about the folders on the way."""

    def __init__(self, root: str, selection: Selection, path: str) -> None:
        super().__init__(root, selection)
        self.met: dict[str, Asked] = {}
        self.folders: set[str] = set()
        self._path = path

    def enter(self, each: Asked, number: int, folder: Folder) -> Folder | None:
        """The folder *each*, if it is on the way."""
        if f"{self._path}/".startswith(f"{each.path}/"):
            self.met[each.path] = each
            self.folders.add(each.path)
        return super().enter(each, number, folder) if self._path.startswith(f"{each.path}/") else None

    def keeps(self, path: str, parts: tuple[str, ...], here: Here) -> bool:
        """Never: a file is only noted, when it is the one asked for."""
        if path == self._path:
            self.met[path] = Asked(path, parts, here.rules)
        return False


def read_ruling(root: str, manifest: Manifest, selection: Selection, kind: Kind, path: str) -> Ruling | None:
    """The ruling about *path*, relative to the package in *root*; None when the walk does not come to it.

    *selection* is that of the package. What is no matter of rules (links, special files) is not looked at.
    """
    trail = _Trail(root, selection, path)
    trail.run()
    if path in selection.forced and path in trail.met and keeps(trail.met[path], "file"):
        return Ruling(True, path, *_field(manifest, path, ""))
    for at, asked in trail.met.items():
        folder = at != path or at in trail.folders
        kept = keeps(asked, "maybe" if folder else "file")
        if at == path or not kept:
            rule = _naming(asked, folder=folder, kept=kept)
            about = f"{at}/" if folder else at
            return (_opened(manifest, trail) if kept and rule is None else None) or Ruling(
                kept, about, *_told(manifest, rule, kind)
            )
    return None


def _naming(asked: Asked, *, folder: bool, kept: bool) -> Rule | None:
    """The rule that decides; of a folder that is kept the one that names it, before one for something in it."""
    if folder and kept and (named := find_rule_by_pathspec(asked, "folder")) is not None and named.negated:
        return named
    return find_rule_by_pathspec(asked, "maybe" if folder else "file")


def _opened(manifest: Manifest, trail: _Trail) -> Ruling | None:
    """The ruling about the ignored folder on the way that is open all the same, for something forced in."""
    for at, asked in trail.met.items():
        rule = find_rule_by_pathspec(asked, "folder") if at in trail.folders else None
        if rule is not None and not rule.negated:
            _, text, source, line = _told(manifest, rule)
            return Ruling(True, f"{at}/", "ignored, but opened for what is forced in, whole", text, source, line)
    return None


def _told(manifest: Manifest, rule: Rule | None, kind: Kind = "root") -> tuple[str, str, str, int]:
    """Say why *rule* decides: a phrase, the rule's text, its file and its line."""
    if rule is None:
        installed = kind == "installed"
        return "installed: ships as it was published" if installed else "no rule excludes it", "", "", 0
    if rule.where == FILES:
        return _entry(manifest, rule)
    if rule.where == BUILT_IN:
        return _built_in(manifest, rule)
    source, _, line = rule.where.rpartition(":")
    return ("taken back by" if rule.negated else "excluded by"), rule.text, source, int(line)


def _entry(manifest: Manifest, rule: Rule) -> tuple[str, str, str, int]:
    """An entry of `files`: npm 12's rules have the entry as their text, npm 11's have what became of it."""
    if not rule.negated and rule.text == "*":
        return 'not named in "files"', "", _MANIFEST, _line(manifest, "files")
    for index, entry in enumerate(manifest.files or ()):
        pattern = entry.removeprefix(".") if entry.startswith("./") else entry
        texts = {f"!{pattern}", f"!{pattern}/**", f"!{pattern}*", f"!{posixpath.basename(pattern)}"}
        if rule.text == entry or rule.text in texts:
            why = 'named in "files"' if rule.negated else 'taken out by "files"'
            return why, entry, _MANIFEST, _line(manifest, "files", index)
    return 'named in "files"', rule.text, _MANIFEST, _line(manifest, "files")


def _built_in(manifest: Manifest, rule: Rule) -> tuple[str, str, str, int]:
    if rule.negated:
        return _field(manifest, "", rule.text)
    for patch in manifest.patched:
        if rule.text == f"/{_plain(patch)}":
            return f"npm 12 leaves out what {_PATCHED} names", patch, _MANIFEST, _line(manifest, _PATCHED)
    oldest, newest = NPM_RULES
    why = f"npm {newest} never packs it, npm {oldest} does" if rule.text in NEWEST_ONLY else "npm never packs it"
    return why, rule.text, "", 0


def _field(manifest: Manifest, path: str, text: str) -> tuple[str, str, str, int]:
    """The field that forces *path* in, or of whose value the rule *text* was made."""
    whole = isinstance(parse(manifest.raw, _MANIFEST).get("bin"), str)
    fields: list[tuple[str, str | None, tuple[str, ...]]] = [
        ("main", manifest.main, ("main",)),
        ("browser", manifest.browser, ("browser",)),
        *((f"bin {name}", at, ("bin",) if whole else ("bin", name)) for name, at in manifest.bins.items()),
    ]
    for name, value, where in fields:
        if value and (_plain(value) == path or text == f"!/{value}"):
            return f"always ships: it is {name}", value, _MANIFEST, _line(manifest, *where)
    if path and manifest.directories_bin is not None:
        folder = manifest.directories_bin or "."
        return "always ships: it is in directories.bin", folder, _MANIFEST, _line(manifest, "directories", "bin")
    return "npm always ships it", text, "", 0


def _line(manifest: Manifest, *path: str | int) -> int:
    return int(position(manifest.raw, path).partition(":")[0] or 0)


def _plain(path: str) -> str:
    """*path* as the file of the package that it means."""
    return "/".join(part for part in path.replace("\\", "/").split("/") if part not in {"", "."})
