"""Write the report on a tarball as text, as JSON and as a picture."""

from __future__ import annotations

import json
from html import escape as escape_html
from typing import TYPE_CHECKING

from linkpack.report.problems import problem_values
from linkpack.report.text import JSON_SCHEMA, amount, count, escape
from linkpack.report.treemap import Box, lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.verifying.inventory import Inventory, TreeNode

_DEPTH = 2  # folders within each other that the text shows
_SHARE = 0.01  # of all bytes, from which the text shows a folder or file
_PICTURE = Box(0, 0, 960, 600)
_COLOURS = {"package": "#7a8290", "snapshot": "#b7791f"}
_OWN_COLOUR = "#2b6cb0"
_LABEL = (70, 30)  # pixels that a label takes
_LETTER = 7  # pixels of a letter, about: the picture names only a family of fonts


def text_report(inventory: Inventory) -> str:
    """Return the report as lines for a terminal, the tree of folders first."""
    return "\n".join(_write_lines(inventory))


def _write_lines(inventory: Inventory) -> Iterator[str]:
    yield f"{escape(inventory.name)}@{escape(inventory.version)}"
    packages = f", {count(len(inventory.packages) - 1, 'bundled package')}" if len(inventory.packages) > 1 else ""
    yield (
        f"{amount(inventory.packed)} packed, {amount(inventory.unpacked)} unpacked, "
        f"{count(inventory.tree.files, 'file')}{packages}"
    )
    yield from _write_branches(inventory.tree, inventory.unpacked, "", _DEPTH)
    if inventory.largest:
        yield "largest files"
        yield from (f"  {amount(size):>9}  {escape(path)}" for path, size in inventory.largest)
    for title, found in (("packages", inventory.same_packages), ("files", inventory.same_files)):
        if found:
            yield f"{title} that are there more than once"
            for same in found[: len(inventory.largest)]:  # as many as there are largest files
                yield f"  {amount(same.cost):>9}  {escape(same.name)}: {', '.join(map(escape, same.places))}"
    if inventory.snapshots:
        yield "snapshots"
        for snapshot in inventory.snapshots:
            commit = f"  commit {snapshot.commit[:12]}" if snapshot.commit else ""
            changed = " with changes" if snapshot.is_dirty else ""
            yield f"  {escape(snapshot.slot)}  of {escape(snapshot.origin)}{commit}{changed}"


def _write_branches(node: TreeNode, whole: int, indent: str, depth: int) -> Iterator[str]:
    """Yield a line for each large child of *node*, and one for all others.

    *whole* is the bytes of the tarball, and *depth* the levels of folders to show.
    """
    shown = [child for child in node.children if child.size >= _SHARE * whole]
    # One line for the rest, so that the sizes of a folder add up.
    rest = [child for child in node.children if child.size < _SHARE * whole]
    rows = [(f"{escape(child.name)}{'/' if child.kind == 'folder' else ''}", child) for child in shown]
    for number, (name, child) in enumerate(rows, 1):
        is_last = number == len(rows) and not rest
        yield f"{indent}{'└─' if is_last else '├─'} {name}  {amount(child.size)}"
        if depth > 1:
            yield from _write_branches(child, whole, f"{indent}{'   ' if is_last else '│  '}", depth - 1)
    if rest:
        yield f"{indent}└─ {count(len(rest), 'smaller one')}  {amount(sum(child.size for child in rest))}"


def json_report(inventory: Inventory) -> str:
    """Return the report as JSON in ASCII, with sizes in bytes."""
    difference = inventory.difference
    # Sizes and counts have the keys of npm's JSON: size, unpackedSize, entryCount (npm 12.2, lib/utils/tar.js).
    document: dict[str, object] = {
        "schema": JSON_SCHEMA,
        "source": inventory.label,
        "name": inventory.name,
        "version": inventory.version,
        "size": inventory.packed,
        "unpackedSize": inventory.unpacked,
        "entryCount": inventory.tree.files,
        "integrity": inventory.integrity,
        "serves": list(inventory.serves),
        "packages": [
            {
                "place": package.slot,
                "name": package.name,
                "version": package.version,
                "files": package.files,
                "size": package.size,
                "snapshot": package.is_snapshot,
            }
            for package in inventory.packages
        ],
        "largest": [{"path": path, "size": size} for path, size in inventory.largest],
        "sameFiles": [same._asdict() for same in inventory.same_files],
        "samePackages": [same._asdict() for same in inventory.same_packages],
        "snapshots": [
            {
                "place": snapshot.slot,
                "origin": snapshot.origin,
                "commit": snapshot.commit,
                "dirty": snapshot.is_dirty,
            }
            for snapshot in inventory.snapshots
        ],
        "omitted": None if inventory.omissions is None else [each._asdict() for each in inventory.omissions],
        "problems": [problem_values(problem) for problem in inventory.problems],
    }
    if difference is not None:
        document["changes"] = {
            "against": difference.old,
            "packed": list(difference.packed),
            "unpacked": list(difference.unpacked),
            "files": [{"path": change.path, "change": change.kind} for change in difference.files],
            "packages": [change._asdict() for change in difference.packages],
        }
    return json.dumps(document, indent=2)


def svg_report(inventory: Inventory) -> str:
    """Return the treemap of the tarball's top as an SVG picture."""
    tree = inventory.tree
    title = escape_html(escape(f"{tree.name}: {amount(tree.size)} in {count(tree.files, 'file')}"))
    size = f'viewBox="0 0 {_PICTURE.width} {_PICTURE.height}" font-family="sans-serif" font-size="12"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}><title>{title}</title>']
    # The top only: a picture has no links into folders, as the page has (`html`).
    for child, box in zip(tree.children, lay_out([node.size for node in tree.children], _PICTURE), strict=True):
        parts.append(_draw(child, box))
    return "\n".join([*parts, "</svg>"])


def _draw(node: TreeNode, box: Box) -> str:
    colour = _COLOURS.get(node.kind, _OWN_COLOUR)
    name = escape_html(escape(node.name))
    left, top, width, height = (f"{side:.2f}" for side in box)
    shape = f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="{colour}" stroke="#fff"/>'
    fits = box.width >= _LABEL[0] and box.height >= _LABEL[1]
    room = int(box.width / _LETTER)  # letters
    text = escape_html(escape(node.name)[:room])  # cut before HTML's escapes, so that none is cut in two
    label = f'<text x="{box.left + 6:.2f}" y="{box.top + 17:.2f}" fill="#fff">{text}</text>' if fits else ""
    return f"<g><title>{name}, {amount(node.size)}</title>{shape}{label}</g>"
