"""Find the rule that decides about one path of a package.

The walk of packing is walked along the way to that path only.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.npm.json_text import find_position, parse
from linkpack.packlist.editions import NPM_RULES
from linkpack.packlist.ignore import BUILT_IN, FILES
from linkpack.packlist.npm_rules import NEWEST_ONLY
from linkpack.packlist.pathspec_pattern import find_rule_by_pathspec
from linkpack.packlist.precedence import Candidate, keeps
from linkpack.packlist.walk import Walk
from linkpack.record import Record

if TYPE_CHECKING:
    from linkpack.npm.manifest import Manifest
    from linkpack.packlist.npm_rules import Kind, Selection
    from linkpack.packlist.rule_index import Rule
    from linkpack.packlist.walk import Folder, VisitedFolder

_MANIFEST = "package.json"
_PATCHED = "patchedDependencies"


class Ruling(Record):
    """The rule that decides about a path, which it *keeps* or not.

    *about* is the path that was decided about: the one asked for, or the folder around it that is not entered.
    *why* says in words what the rule is for, *text* is the rule. *source* is its file, as the package calls it, or
    absolute when it is around the package, and empty for built-in rules. *line* is its line, 0 for none.
    """

    keeps: bool
    about: str
    why: str
    text: str = ""
    source: str = ""
    line: int = 0


class _Trail(Walk):
    """The walk to one path.

    *met* are the questions about the path and the folders on the way to it, as the ignore rules are asked them.
    *folders* are those of the paths that are folders.
    """

    def __init__(self, root: str, selection: Selection, path: str) -> None:
        super().__init__(root, selection)
        self.met: dict[str, Candidate] = {}
        self.folders: set[str] = set()
        self._path = path

    def enter(self, each: Candidate, number: int, folder: Folder) -> Folder | None:
        """Enter the folder if it is on the way."""
        if f"{self._path}/".startswith(f"{each.path}/"):
            self.met[each.path] = each
            self.folders.add(each.path)
        # Folders beside the way say nothing about the path, and may be large.
        return super().enter(each, number, folder) if self._path.startswith(f"{each.path}/") else None

    def keeps(self, path: str, parts: tuple[str, ...], here: VisitedFolder) -> bool:
        """Keep nothing, and note the file that was asked for."""
        if path == self._path:
            self.met[path] = Candidate(path, parts, here.rules)
        return False


def read_ruling(root: str, manifest: Manifest, selection: Selection, kind: Kind, path: str) -> Ruling | None:
    """Find what decides about *path*, relative to the package in *root*.

    *selection* is that of the package. None when the walk does not come to the path, or no rule is asked, as about
    links and special files.
    """
    trail = _Trail(root, selection, path)
    trail.run()
    # A file that a field forces in has a better reason than the rule made of the field.
    if path in selection.forced and path in trail.met and keeps(trail.met[path], "file"):
        return _make_ruling(_explain_field(manifest, path, ""), path, keeps=True)
    # From the root on: a folder that is not entered decides about everything below it.
    for met, asked in trail.met.items():
        is_folder = met != path or met in trail.folders
        kept = keeps(asked, "maybe" if is_folder else "file")
        if met == path or not kept:
            rule = _find_deciding_rule(asked, is_folder=is_folder, kept=kept)
            opened = _find_opened_folder(manifest, trail) if kept and rule is None else None
            about = f"{met}/" if is_folder else met
            return opened or _make_ruling(_explain_rule(manifest, rule, kind), about, keeps=kept)
    return None


class _Reason(Record):
    """Why a rule decides: a phrase, the rule's text, its file and its line."""

    why: str
    text: str
    source: str = ""
    line: int = 0


def _make_ruling(reason: _Reason, about: str, *, keeps: bool) -> Ruling:
    return Ruling(
        keeps=keeps, about=about, why=reason.why, text=reason.text, source=reason.source, line=reason.line
    )


def _find_deciding_rule(asked: Candidate, *, is_folder: bool, kept: bool) -> Rule | None:
    """Return the rule that decides.

    Of a folder that is kept it is the rule that names the folder, before one for something in it.
    """
    if is_folder and kept and (named := find_rule_by_pathspec(asked, "folder")) is not None and named.negated:
        return named
    return find_rule_by_pathspec(asked, "maybe" if is_folder else "file")


def _find_opened_folder(manifest: Manifest, trail: _Trail) -> Ruling | None:
    """Return the ruling about a folder that is opened for a forced file."""
    for path, asked in trail.met.items():
        rule = find_rule_by_pathspec(asked, "folder") if path in trail.folders else None
        if rule is not None and not rule.negated:
            reason = _explain_rule(manifest, rule)._replace(why="ignored, but opened for what is forced in, whole")
            return _make_ruling(reason, f"{path}/", keeps=True)
    return None


def _explain_rule(manifest: Manifest, rule: Rule | None, kind: Kind = "root") -> _Reason:
    """Say why *rule* decides."""
    if rule is None:
        is_installed = kind == "installed"
        return _Reason("installed: ships as it was published" if is_installed else "no rule excludes it", "")
    if rule.where == FILES:
        return _explain_files_entry(manifest, rule)
    if rule.where == BUILT_IN:
        return _explain_built_in(manifest, rule)
    source, _, line = rule.where.rpartition(":")  # .npmignore:3
    return _Reason("taken back by" if rule.negated else "excluded by", rule.text, source, int(line))


def _explain_files_entry(manifest: Manifest, rule: Rule) -> _Reason:
    """Name the entry of `files` that *rule* was made of.

    npm 12's rules have the entry as their text, npm 11's have what became of it.
    """
    if not rule.negated and rule.text == "*":
        return _Reason('not named in "files"', "", _MANIFEST, _find_line(manifest, "files"))
    for index, entry in enumerate(manifest.files or ()):
        pattern = entry.removeprefix(".") if entry.startswith("./") else entry
        # The forms that `files_field` and `make_required_rules` give to an entry, as npm 11 does.
        texts = {f"!{pattern}", f"!{pattern}/**", f"!{pattern}*", f"!{posixpath.basename(pattern)}"}
        if rule.text == entry or rule.text in texts:
            why = 'named in "files"' if rule.negated else 'taken out by "files"'
            return _Reason(why, entry, _MANIFEST, _find_line(manifest, "files", index))
    return _Reason('named in "files"', rule.text, _MANIFEST, _find_line(manifest, "files"))


def _explain_built_in(manifest: Manifest, rule: Rule) -> _Reason:
    """Say why npm's own *rule* decides."""
    if rule.negated:
        return _explain_field(manifest, "", rule.text)
    for patch in manifest.patched:
        if rule.text == f"/{_normalize(patch)}":
            why = f"npm 12 leaves out what {_PATCHED} names"
            return _Reason(why, patch, _MANIFEST, _find_line(manifest, _PATCHED))
    oldest, newest = NPM_RULES  # the rule may be one that only npm 12 has
    why = f"npm {newest} never packs it, npm {oldest} does" if rule.text in NEWEST_ONLY else "npm never packs it"
    return _Reason(why, rule.text)


def _explain_field(manifest: Manifest, path: str, text: str) -> _Reason:
    """Name the field that forces *path* in, or that *text* was made of."""
    # A text as `bin` has no key for each command, so that the whole field has to be shown.
    is_single = isinstance(parse(manifest.raw, _MANIFEST).get("bin"), str)
    fields: list[tuple[str, str | None, tuple[str, ...]]] = [
        ("main", manifest.main, ("main",)),
        ("browser", manifest.browser, ("browser",)),
        *(
            (f"bin {name}", script, ("bin",) if is_single else ("bin", name))
            for name, script in manifest.bins.items()
        ),
    ]
    for name, value, where in fields:
        if value and (_normalize(value) == path or text == f"!/{value}"):
            return _Reason(f"always ships: it is {name}", value, _MANIFEST, _find_line(manifest, *where))
    if path and manifest.directories_bin is not None:
        folder = manifest.directories_bin or "."
        line = _find_line(manifest, "directories", "bin")
        return _Reason("always ships: it is in directories.bin", folder, _MANIFEST, line)
    return _Reason("npm always ships it", text)


def _find_line(manifest: Manifest, *path: str | int) -> int:
    return int(find_position(manifest.raw, path).partition(":")[0] or 0)


def _normalize(path: str) -> str:
    """Write *path* as the package's file that it means.

    >>> _normalize("./lib/a.js"), _normalize("lib//b.js")
    ('lib/a.js', 'lib/b.js')
    """
    return "/".join(part for part in path.replace("\\", "/").split("/") if part not in {"", "."})
