"""Write the report on a tarball as one HTML page.

The page needs no network and no script: folders of the treemap are links, and the style sheet shows the map that
the address names. Its content security policy forbids everything but that style sheet. Names are escaped twice:
characters that are not printable (`text.escape`), then those of HTML.
"""

from __future__ import annotations

from collections import defaultdict
from html import escape as escape_html
from importlib.resources import files
from typing import TYPE_CHECKING

from linkpack.report.text import amount, count, escape
from linkpack.report.treemap import Box, lay_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from linkpack.packlist.builder import Omission
    from linkpack.verifying.difference import Difference
    from linkpack.verifying.inventory import Duplicate, Inventory, PackageSize, TreeNode

_MAP = Box(0, 0, 160, 100)  # the map's proportions
_SMALLEST_VIEW = 2000  # a folder has a map of its own if it holds at least one part in so many of all bytes
_LABELLED = 0.006  # share of the map from which a tile has room for a label
_PREVIEWED = 0.03  # … and for a preview of what is in it
_KINDS = {"own": "own files", "package": "bundled packages", "snapshot": "snapshots of linked packages"}
_ROWS = 10  # of a table, or paths in a cell, that are shown at once
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def html_report(inventory: Inventory) -> str:
    """Return the report on a tarball as an HTML page."""
    # The style sheet is put into the page, which may load nothing.
    style = files("linkpack.report").joinpath("report.css").read_text(encoding="utf-8")
    title = _text(f"{inventory.name}@{inventory.version}")
    body = "\n".join(_write_body(inventory))
    return _PAGE.format(title=title, style=style.strip(), body=body)


def _text(name: str) -> str:
    """Return *name* escaped for HTML."""
    return escape_html(escape(name))


def _write_body(inventory: Inventory) -> Iterator[str]:
    bundled = len(inventory.packages) - 1
    facts = [
        ("packed", amount(inventory.packed)),
        ("unpacked", amount(inventory.unpacked)),
        ("files", f"{inventory.tree.files:,}"),
        ("bundled packages", f"{bundled:,}"),
    ]
    yield f"<header><h1>{_text(inventory.name)} <small>{_text(inventory.version)}</small></h1>"
    yield f'<p class="from">{_text(inventory.label)}</p>'
    yield '<dl class="facts">'
    yield from (f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    yield "</dl>"
    if inventory.serves:
        yield f'<p class="from">installs with {_text(", ".join(inventory.serves))}</p>'
    yield f'<p class="digest">{_text(inventory.integrity)}</p></header>'
    if inventory.difference is not None:
        yield from _write_comparison(inventory.difference)
    yield from _write_map(inventory.tree)
    yield from _write_packages(inventory)
    yield from _write_snapshots(inventory)
    yield from _write_largest(inventory)
    yield from _write_duplicates(inventory)
    yield from _write_omissions(inventory.omissions)
    yield from _write_problems(inventory)


# --- the map


def _write_map(tree: TreeNode) -> Iterator[str]:
    """Yield the section with a treemap for each large folder."""
    # Small folders have none: the page would grow with every folder of a bundle.
    nodes = list(_walk(tree))
    chosen = [(node, trail) for node, trail in nodes if node.children and node.size * _SMALLEST_VIEW >= tree.size]
    numbers = {node.path: number for number, (node, _) in enumerate(chosen)}
    yield '<section id="map"><h2>Where the bytes are</h2>'
    kinds = {node.kind for node, _ in nodes if node.path}
    keys = [
        f'<span class="key {kind}">{title}</span>' for kind, title in _KINDS.items() if kind in {"own", *kinds}
    ]
    if len(keys) > 1:
        yield f'<p class="legend">{" ".join(keys)}</p>'
    # The root's map comes last: `:target ~ .root` in report.css hides it only behind the map that is shown.
    for node, trail in (*chosen[1:], chosen[0]):
        yield from _write_view(node, numbers, trail)
    yield "</section>"


def _walk(tree: TreeNode) -> Iterator[tuple[TreeNode, tuple[TreeNode, ...]]]:
    """Yield each node with the folders around it, the root first.

    A folder comes before what it holds.
    """
    waiting: list[tuple[TreeNode, tuple[TreeNode, ...]]] = [(tree, ())]
    while waiting:
        node, trail = waiting.pop()
        yield node, trail
        waiting += [(child, (*trail, node)) for child in reversed(node.children)]


def _find_address(node: TreeNode, numbers: Mapping[str, int]) -> str:
    """Return the address of the map of *node*, "" if it has none.

    *numbers* are those of the maps, by the path of the folder.
    """
    return f"#map-{numbers[node.path]}" if node.children and node.path in numbers else ""


def _write_view(node: TreeNode, numbers: Mapping[str, int], trail: Sequence[TreeNode]) -> Iterator[str]:
    kind = "view root" if not node.path else "view"
    yield f'<div class="{kind}" id="map-{numbers[node.path]}">'
    steps = [f'<a href="{_find_address(above, numbers)}">{_text(above.name)}</a>' for above in trail]
    here = f'<b aria-current="page">{_text(node.name)}</b>'
    trail_links = " / ".join([*steps, here])
    yield f'<nav class="trail" aria-label="Folder">{trail_links} <small>{_describe_size(node)}</small></nav>'
    yield '<ul class="tiles">'
    owner = _find_owner_kind(node, trail)
    boxes = lay_out([child.size for child in node.children], _MAP)
    for child, box in zip(node.children, boxes, strict=True):
        yield _write_tile(child, box, numbers, owner)
    yield "</ul>"
    yield "<details><summary>The same as a list</summary><table><tbody>"
    for child in node.children:
        name = _text(child.name)
        address = _find_address(child, numbers)
        linked = f'<a href="{address}">{name}</a>' if address else name
        files = f" <small>{count(child.files, 'file')}</small>" if child.kind != "file" else ""
        yield _write_row(linked + files, child.size, node.size)
    yield "</tbody></table></details></div>"


def _find_owner_kind(node: TreeNode, trail: Sequence[TreeNode]) -> str:
    """Return the kind of the package around *node*, a key of `_KINDS`."""
    # The root is the project's own package, and has no colour of a bundled one.
    packages = [above.kind for above in (*trail, node) if above.kind in {"package", "snapshot"} and above.path]
    return packages[-1] if packages else "own"


def _write_tile(node: TreeNode, box: Box, numbers: Mapping[str, int], owner: str) -> str:
    share = box.width * box.height / (_MAP.width * _MAP.height)
    kind = node.kind if node.kind in {"package", "snapshot"} else owner
    # In a `style` attribute, which the policy allows by 'unsafe-inline'.
    place = (
        f"left:{100 * box.left / _MAP.width:.3f}%;top:{100 * box.top / _MAP.height:.3f}%;"
        f"width:{100 * box.width / _MAP.width:.3f}%;height:{100 * box.height / _MAP.height:.3f}%"
    )
    title = f"{_text(node.name)}, {_describe_size(node)}"
    label = f"<span>{_text(node.name)}<br><small>{amount(node.size)}</small></span>" if share >= _LABELLED else ""
    preview = _write_preview(node, box) if share >= _PREVIEWED and node.children else ""
    address = _find_address(node, numbers)
    inner = (
        f'<a href="{address}" title="{title}" aria-label="{title}">{preview}{label}</a>'
        if address
        else f'<div title="{title}">{preview}{label}</div>'
    )
    return f'<li class="{kind}" style="{place}">{inner}</li>'


def _write_preview(node: TreeNode, box: Box) -> str:
    """Return what is in the folder of a tile, as boxes without names."""
    inner = lay_out([child.size for child in node.children], Box(0, 0, box.width, box.height))
    parts = [
        f'<i style="left:{100 * part.left / box.width:.2f}%;top:{100 * part.top / box.height:.2f}%;'
        f'width:{100 * part.width / box.width:.2f}%;height:{100 * part.height / box.height:.2f}%"></i>'
        for part in inner
        if part.width * part.height > 1  # smaller ones cannot be seen
    ]
    return f'<em aria-hidden="true">{"".join(parts)}</em>'


def _describe_size(node: TreeNode) -> str:
    return f"{amount(node.size)}, {count(node.files, 'file')}"


# --- the tables

_BYTES = '<span class="number">bytes</span>'
_SIZED = ('<span class="bar"></span>', _BYTES)  # heads of the columns that `_write_row` makes


def _write_row(name: str, size: int, whole: int) -> str:
    """Return a row with *size* as a bar and as a number.

    The bar is full when *size* is *whole*.
    """
    share = 100 * size / whole if whole else 0
    return (
        f"<tr><th scope=row>{name}</th>"
        f'<td class="bar"><i style="width:{share:.1f}%"></i></td><td class="number">{amount(size)}</td></tr>'
    )


def _write_table(head: Sequence[str], rows: Sequence[str]) -> Iterator[str]:
    """Yield a table of *rows*, all after the first few folded away."""
    titles = "".join(f"<th scope=col>{title}</th>" for title in head)
    yield f"<table><thead><tr>{titles}</tr></thead><tbody>"
    yield from rows[:_ROWS]
    # `details` folds without a script, which the page's policy forbids.
    yield "</tbody></table>"
    if len(rows) > _ROWS:
        yield f"<details><summary>{len(rows) - _ROWS:,} more</summary><table><tbody>"
        yield from rows[_ROWS:]
        yield "</tbody></table></details>"


def _open_section(name: str, title: str, note: str = "") -> str:
    return f'<section id="{name}"><h2>{title}</h2>' + (f"<p>{note}</p>" if note else "")


def _write_packages(inventory: Inventory) -> Iterator[str]:
    bundled = inventory.packages[1:]
    if not bundled:
        return
    whole = bundled[0].size
    own = inventory.packages[0]
    note = f"The package's own {count(own.files, 'file')} have {amount(own.size)}, the bundled packages"
    yield _open_section("packages", "Bundled packages", f"{note} {amount(sum(each.size for each in bundled))}.")
    rows = [
        _write_row(
            f"{_text(package.name)} <small>{_text(package.version)}{_describe_place(package)}</small>",
            package.size,
            whole,
        )
        for package in bundled
    ]
    yield from _write_table(("package", *_SIZED), rows)
    yield "</section>"


def _describe_place(package: PackageSize) -> str:
    """Return whether *package* is a snapshot, and its place.

    The place is left out if it is the usual one, at the top of node_modules.
    """
    place = "" if package.slot == f"node_modules/{package.name}" else f" in {_text(package.slot)}"
    return f"{' snapshot' if package.is_snapshot else ''}{place}"


def _write_snapshots(inventory: Inventory) -> Iterator[str]:
    if not inventory.snapshots:
        return
    yield _open_section("snapshots", "Snapshots", "Copies of packages that were linked, and where they come from.")
    rows = [
        f"<tr><th scope=row><code>{_text(snapshot.slot)}</code></th><td>{_text(snapshot.origin)}</td>"
        f"<td><code>{_text(snapshot.commit[:12])}</code>{' with changes' if snapshot.is_dirty else ''}</td></tr>"
        for snapshot in inventory.snapshots
    ]
    yield from _write_table(("place", "folder", "commit"), rows)
    yield "</section>"


def _write_largest(inventory: Inventory) -> Iterator[str]:
    if not inventory.largest:
        return
    yield _open_section("largest", "Largest files")
    whole = inventory.largest[0][1]
    yield from _write_table(
        ("file", *_SIZED),
        [_write_row(f"<code>{_text(path)}</code>", size, whole) for path, size in inventory.largest],
    )
    yield "</section>"


def _write_duplicates(inventory: Inventory) -> Iterator[str]:
    found = (("packages", inventory.same_packages), ("files", inventory.same_files))
    if not any(same for _, same in found):
        return
    cost = sum(duplicate.cost for duplicate in inventory.same_files)
    yield _open_section(
        "twice", "More than once", f"Files with the same contents cost {amount(cost)} before compression."
    )
    for title, same in found:
        if same:
            yield f"<h3>{title}</h3>"
            yield from _write_table(
                ("name and places", *_SIZED), [_write_same_row(duplicate, same[0].cost) for duplicate in same]
            )
    yield "</section>"


def _write_same_row(duplicate: Duplicate, whole: int) -> str:
    places = "<br>".join(f"<code>{_text(place)}</code>" for place in duplicate.places[:_ROWS])
    more = len(duplicate.places) - _ROWS
    detail = places + (f"<br>and {more} more" if more > 0 else "")
    return _write_row(f"{_text(duplicate.name)}<br>{detail}", duplicate.cost, whole)


def _write_omissions(omissions: Sequence[Omission] | None) -> Iterator[str]:
    if not omissions:
        return
    reasons: dict[str, list[str]] = defaultdict(list)
    for omission in omissions:
        reasons[omission.reason].append(omission.path)
    yield _open_section("omitted", "Left out", f"{count(len(omissions), 'path')} of the packages did not ship.")
    rows = [
        f"<tr><th scope=row>{_text(reason)}</th><td>{_write_paths(paths)}</td></tr>"
        for reason, paths in sorted(reasons.items(), key=lambda each: (-len(each[1]), each[0]))
    ]
    yield from _write_table(("rule", "paths"), rows)
    yield "</section>"


def _write_paths(paths: Iterable[str]) -> str:
    listed = sorted(paths)
    shown = "<br>".join(f"<code>{_text(path)}</code>" for path in listed[:_ROWS])
    rest = listed[_ROWS:]
    if not rest:
        return shown
    folded = "<br>".join(f"<code>{_text(path)}</code>" for path in rest)
    return f"{shown}<details><summary>{len(rest):,} more</summary>{folded}</details>"


def _write_problems(inventory: Inventory) -> Iterator[str]:
    if not inventory.problems:
        return
    yield _open_section("problems", "Errors and warnings")
    yield '<ul class="problems">'
    for problem in inventory.problems:
        kind = "error" if problem.code.startswith("E") else "warning"
        hint = f"<br><small>{_text(problem.hint)}</small>" if problem.hint else ""
        yield f'<li class="{kind}"><b>{_text(problem.code)}</b> {_text(problem.message)}{hint}</li>'
    yield "</ul></section>"


# --- the comparison

_CHANGES = {"added": "added", "removed": "removed", "changed": "changed", "mode": "mode changed"}


def _write_comparison(difference: Difference) -> Iterator[str]:
    """Yield what changed since the tarball that this one is compared with."""
    yield _open_section("changes", "Changes", f"Compared with <code>{_text(difference.old)}</code>.")
    if difference.is_same:
        yield "<p>All files are the same.</p></section>"
        return
    (packed_before, packed), (unpacked_before, unpacked) = difference.packed, difference.unpacked
    yield '<dl class="facts">'
    for name, before, after in (("packed", packed_before, packed), ("unpacked", unpacked_before, unpacked)):
        sizes = f"{amount(before)} to {amount(after)}"
        yield f"<div><dt>{name}</dt><dd>{_write_growth(after - before)}</dd><dd>{sizes}</dd></div>"
    kinds = [change.kind for change in difference.files]
    for kind, title in _CHANGES.items():
        if kind in kinds:
            yield f"<div><dt>files {title}</dt><dd>{kinds.count(kind):,}</dd></div>"
    yield "</dl>"
    if difference.packages:
        yield "<h3>packages</h3>"
        yield from _write_table(
            ("place", "before", "after"), [_write_change_row(*change) for change in difference.packages]
        )
    yield "<h3>files</h3>"
    # What grew or shrank most is what a reader looks for.
    changes = sorted(
        ((_count_growth(change.old, change.new), change) for change in difference.files),
        key=lambda each: (-abs(each[0]), each[1].path),
    )
    rows = [
        f"<tr><th scope=row><code>{_text(change.path)}</code></th>"
        f'<td class="short {change.kind}">{_CHANGES[change.kind]}</td>'
        f'<td class="number">{_write_growth(grown)}</td></tr>'
        for grown, change in changes
    ]
    yield from _write_table(("file", "change", _BYTES), rows)
    yield "</section>"


def _write_change_row(slot: str, old: str, new: str) -> str:
    versions = "".join(f'<td class="short">{_text(version)}</td>' for version in (old, new))
    return f"<tr><th scope=row><code>{_text(slot)}</code></th>{versions}</tr>"


def _count_growth(old: object, new: object) -> int:
    return getattr(new, "size", 0) - getattr(old, "size", 0)  # None, on the side without the file, has no size


def _write_growth(difference: int) -> str:
    """Return a signed size, as `+1.2 kB` or `-3 B`."""
    sign = "+" if difference > 0 else "-" if difference else ""
    return f"{sign}{amount(abs(difference))}"
