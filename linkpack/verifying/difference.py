"""Compare two packages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import unified_diff
from typing import TYPE_CHECKING

from linkpack.arguments import StrPath, check_path, check_texts
from linkpack.bundle.consumer_specs import Mode
from linkpack.bundle.layouts import LayoutName
from linkpack.limits import DEFAULTS, Limits, within
from linkpack.npm import json_text as jsontext
from linkpack.packing.options import PackOptions, check_options
from linkpack.record import Record
from linkpack.verifying.sides import SideFile, read_contents, read_side

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linkpack.verifying.sides import Side

# Comparing lines takes the square of their number. The limits are on the lines of both sides that are left between
# the equal ones at the start and at the end.
_LINES = 4000  # of one file
_LINES_ALL = 20_000  # of all files


class FileChange(Record):
    """A file that differs.

    *old* or *new* is None when only one side has it. *text* is a unified diff.
    """

    path: str
    old: SideFile | None
    new: SideFile | None
    text: str

    @property
    def kind(self) -> str:
        """Return `added`, `removed`, `changed`, or `mode` when only that changed."""
        if self.old is None:
            return "added"
        if self.new is None:
            return "removed"
        return "changed" if self.old.digest != self.new.digest else "mode"


class KeyChange(Record):
    """A changed key of the root manifest, as `dependencies.redis`.

    *old* and *new* are its JSON, "" when absent.
    """

    key: str
    old: str
    new: str


class PackageChange(Record):
    """A changed version of the bundled package in *slot*.

    *old* and *new* are versions, "" when absent.
    """

    slot: str
    old: str
    new: str


class Difference(Record):
    """Everything that differs between two packages.

    *packed* and *unpacked* are bytes, old and new.
    """

    old: str
    new: str
    files: tuple[FileChange, ...]
    manifest: tuple[KeyChange, ...]
    packages: tuple[PackageChange, ...]
    packed: tuple[int, int]
    unpacked: tuple[int, int]
    is_same_file: bool

    @property
    def is_same(self) -> bool:
        """Return True if both hold the same files with the same modes.

        Their compression may differ.
        """
        return not self.files


def diff(
    old: StrPath,
    new: StrPath,
    *,
    text: bool = True,
    npm_rules: str | None = None,
    specs: Mode = "resolve",
    publish_config: bool | None = None,
    bundle: Iterable[str] | None = None,
    layout: LayoutName | None = None,
    limits: Limits = DEFAULTS,
) -> Difference:
    """Compare two packages, each a tarball or a project's directory.

    A directory is compared as it would be packed with *npm_rules*, *specs*, *publish_config*, *bundle* and
    *layout*, as by
    `plan_pack`. With *text* changed files have a unified diff. Raises `PlanRejected` for a tarball that is not
    safe to read (see `verify`), and what `plan_pack` raises.
    """
    selectors = None if bundle is None else check_texts(bundle, "bundle")
    given = PackOptions(specs=specs, publish_config=publish_config, bundle=selectors, layout=layout)
    options = check_options(given, npm_rules)
    with within(limits):
        before = read_side(check_path(old), limits, options)
        after = read_side(check_path(new), limits, options)
        paths = _find_changed_paths(before, after)
        wanted = paths if text else ()
        # Read again: contents are wanted only of what differs, which is known now.
        contents = read_contents(before, wanted, limits), read_contents(after, wanted, limits)
    return Difference(
        old=before.label,
        new=after.label,
        files=tuple(_iter_file_changes(before, after, paths, contents)),
        manifest=tuple(_iter_key_changes(before, after)),
        packages=tuple(_iter_package_changes(before, after)),
        packed=(before.packed, after.packed),
        unpacked=(_add_sizes(before), _add_sizes(after)),
        is_same_file=before.integrity == after.integrity,
    )


def _find_changed_paths(old: Side, new: Side) -> list[str]:
    """Return the paths of files that are not the same on both sides, sorted."""
    paths = old.files.keys() | new.files.keys()
    return sorted(path for path in paths if old.files.get(path) != new.files.get(path))


def _iter_file_changes(
    old: Side, new: Side, paths: Iterable[str], contents: tuple[Mapping[str, bytes], Mapping[str, bytes]]
) -> Iterator[FileChange]:
    """Yield the change of each of *paths*.

    *contents* are those of changed files, old and new.
    """
    before, after = contents
    budget = _LINES_ALL
    for path in paths:
        was, now = old.files.get(path), new.files.get(path)
        text = ""
        if (path in before or path in after) and (was is None or now is None or was.digest != now.digest):
            text, lines = _unify(path, before.get(path), after.get(path), budget)
            budget -= lines
        yield FileChange(path, was, now, text)


def _unify(path: str, before: bytes | None, after: bytes | None, budget: int) -> tuple[str, int]:
    """Return a unified diff, and how many lines were compared.

    Where there is none, a line says why.
    """
    try:
        old, new = ((content or b"").decode() for content in (before, after))
    except UnicodeDecodeError:  # linkpack knows no other encoding, and git takes a NUL for binary
        return "binary files differ", 0
    if "\0" in old or "\0" in new:
        return "binary files differ", 0
    a, b = old.splitlines(keepends=True), new.splitlines(keepends=True)
    size = _count_between(a, b) if a and b else 0  # against nothing, each line is added or removed at once
    if size > min(_LINES, budget):
        return "too many lines to compare", 0
    # As `git diff` names a file that one side lacks.
    names = ("/dev/null" if before is None else f"a/{path}", "/dev/null" if after is None else f"b/{path}")
    lines = unified_diff(a, b, *names)
    # `difflib` runs a last line without a line break into the next. git marks it like this.
    text = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return text, size


def _count_between(a: Sequence[str], b: Sequence[str]) -> int:
    """Return how many lines are left between equal starts and ends.

    Those of both sides are counted.

    >>> _count_between(["1", "2", "3"], ["1", "x", "y", "3"])
    3
    """
    least = min(len(a), len(b))
    start = next((i for i in range(least) if a[i] != b[i]), least)
    end = next((i for i in range(least - start) if a[-1 - i] != b[-1 - i]), least - start)
    return len(a) + len(b) - 2 * (start + end)


def _iter_key_changes(old: Side, new: Side) -> Iterator[KeyChange]:
    """Yield the keys that have another value in the other manifest."""
    was, now = (_flatten_manifest(side) for side in (old, new))
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            yield KeyChange(key, was.get(key, ""), now.get(key, ""))


def _flatten_manifest(side: Side) -> dict[str, str]:
    """Return the JSON of each key of the root manifest.

    A member of an object has a key like `dependencies.redis`.
    """
    flat: dict[str, object] = {}
    for key, value in jsontext.parse(side.manifests[""].raw, "package.json").items():
        if isinstance(value, dict) and value:
            flat.update({f"{key}.{name}": member for name, member in value.items()})
        else:
            flat[key] = value
    return {key: json.dumps(value, ensure_ascii=False) for key, value in flat.items()}


def _iter_package_changes(old: Side, new: Side) -> Iterator[PackageChange]:
    """Yield the slots that hold another version on the other side."""
    was, now = (
        {slot: manifest.version or "(no version)" for slot, manifest in side.manifests.items() if slot}
        for side in (old, new)
    )
    for slot in sorted(was.keys() | now.keys()):
        if was.get(slot) != now.get(slot):
            yield PackageChange(slot, was.get(slot, ""), now.get(slot, ""))


def _add_sizes(side: Side) -> int:
    return sum(file.size for file in side.files.values())
