"""What differs between two packages: files, modes, manifest keys, bundled versions, bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from linkpack.arguments import StrPath, path_text
from linkpack.bundle.consumer_specs import Mode
from linkpack.bundle.layouts import LayoutName
from linkpack.limits import DEFAULTS, Limits, within
from linkpack.npm import json_text as jsontext
from linkpack.packing.options import PackOptions, given_options
from linkpack.verifying.sides import SideFile, read_contents, read_side

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.verifying.sides import Side

_LINES = 2000  # of one file between the lines that are the same at both ends: comparing them takes their square
_LINES_ALL = 20_000  # of all files


class FileChange(NamedTuple):
    """A file that is not the same: *old* or *new* is None when only one side has it; *text* is a unified diff."""

    path: str
    old: SideFile | None
    new: SideFile | None
    text: str

    @property
    def kind(self) -> str:
        """`added`, `removed`, `changed`, or `mode` when only that changed."""
        if self.old is None:
            return "added"
        if self.new is None:
            return "removed"
        return "changed" if self.old.digest != self.new.digest else "mode"


class KeyChange(NamedTuple):
    """A key of the package's manifest, `dependencies.redis`, with its JSON before and after; "" when absent."""

    key: str
    old: str
    new: str


class PackageChange(NamedTuple):
    """A bundled package in *slot*, with its version before and after; "" when absent."""

    slot: str
    old: str
    new: str


class Difference(NamedTuple):
    """Everything that differs; *packed* and *unpacked* are bytes before and after."""

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
        """True if both hold the same files with the same modes, however they are compressed."""
        return not self.files


def changed_paths(old: Side, new: Side) -> tuple[str, ...]:
    """The paths of files that are not the same on both sides, sorted."""
    paths = old.files.keys() | new.files.keys()
    return tuple(sorted(path for path in paths if old.files.get(path) != new.files.get(path)))


def compare(old: Side, new: Side, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Difference:
    """What differs between *old* and *new*; *before* and *after* are contents of changed files."""
    budget = _LINES_ALL
    files = []
    for path in changed_paths(old, new):
        was, now = old.files.get(path), new.files.get(path)
        text = ""
        if (path in before or path in after) and (was is None or now is None or was.digest != now.digest):
            text, used = _unified(path, before.get(path), after.get(path), budget)
            budget -= used
        files.append(FileChange(path, was, now, text))
    return Difference(
        old.label,
        new.label,
        tuple(files),
        tuple(_keys(old, new)),
        tuple(_packages(old, new)),
        (old.packed, new.packed),
        (_total(old), _total(new)),
        old.integrity == new.integrity,
    )


def _total(side: Side) -> int:
    return sum(file.size for file in side.files.values())


def _unified(path: str, before: bytes | None, after: bytes | None, budget: int) -> tuple[str, int]:
    """A unified diff, or a line that says why there is none; and how many lines were compared."""
    try:
        old, new = ((each or b"").decode() for each in (before, after))
    except UnicodeDecodeError:
        return "binary files differ", 0
    if "\0" in old or "\0" in new:
        return "binary files differ", 0
    a, b = old.splitlines(keepends=True), new.splitlines(keepends=True)
    size = _middle(a, b) if a and b else 0
    if size > min(2 * _LINES, budget):
        return "too many lines to compare", 0
    from difflib import unified_diff  # noqa: PLC0415 - only for text that differs

    names = ("/dev/null" if before is None else f"a/{path}", "/dev/null" if after is None else f"b/{path}")
    lines = unified_diff(a, b, *names)
    text = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return text, size


def _middle(a: list[str], b: list[str]) -> int:
    """How many lines of both remain between those that are the same at the beginning and at the end."""
    least = min(len(a), len(b))
    start = next((i for i in range(least) if a[i] != b[i]), least)
    end = next((i for i in range(least - start) if a[-1 - i] != b[-1 - i]), least - start)
    return len(a) + len(b) - 2 * (start + end)


def _keys(old: Side, new: Side) -> Iterator[KeyChange]:
    """The keys of the two manifests whose values differ, those of an object one by one."""
    was, now = (_flat(side) for side in (old, new))
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            yield KeyChange(key, was.get(key, ""), now.get(key, ""))


def _flat(side: Side) -> dict[str, str]:
    flat: dict[str, object] = {}
    for key, value in jsontext.parse(side.manifests[""].raw, "package.json").items():
        if isinstance(value, dict) and value:
            flat.update({f"{key}.{name}": each for name, each in value.items()})
        else:
            flat[key] = value
    return {key: json.dumps(value, ensure_ascii=False) for key, value in flat.items()}


def _packages(old: Side, new: Side) -> Iterator[PackageChange]:
    was, now = (
        {slot: each.version or "(no version)" for slot, each in side.manifests.items() if slot}
        for side in (old, new)
    )
    for slot in sorted(was.keys() | now.keys()):
        if was.get(slot) != now.get(slot):
            yield PackageChange(slot, was.get(slot, ""), now.get(slot, ""))


def diff(
    old: StrPath,
    new: StrPath,
    *,
    text: bool = True,
    npm_rules: str | None = None,
    specs: Mode = "resolve",
    publish_config: bool | None = None,
    layout: LayoutName = "bundle",
    limits: Limits = DEFAULTS,
) -> Difference:
    """What differs between *old* and *new*, each a tarball or the directory of a project, as it would be packed.

    With *text* changed files have a unified diff. A directory is packed with *npm_rules*, *specs*,
    *publish_config* and *layout*, as by `plan_pack`. Raises `PlanRejected` for a tarball that is not safe to read
    (see `verify`), and what `plan_pack` raises.
    """
    how = given_options(PackOptions(specs=specs, publish_config=publish_config, layout=layout), npm_rules)
    with within(limits):
        before, after = read_side(path_text(old), limits, how), read_side(path_text(new), limits, how)
        paths = changed_paths(before, after) if text else ()
        texts = read_contents(before, paths, limits), read_contents(after, paths, limits)
    return compare(before, after, *texts)
