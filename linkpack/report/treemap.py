"""Lay out sizes as rectangles: a squarified treemap.

Source: Bruls, Huizing and van Wijk, "Squarified Treemaps" (2000). A row of boxes is filled along the shorter side
of the room that is left, as long as that makes its worst box more like a square.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence


class Box(Record):
    """A rectangle, by its left upper corner and its sides."""

    left: float
    top: float
    width: float
    height: float


def lay_out(sizes: Sequence[float], whole: Box) -> list[Box]:
    """Return a box for each of *sizes*, in order, that together fill *whole*.

    Areas are in proportion to *sizes*, which are not negative and sorted, the largest first. Boxes are as near to
    squares as rows of them allow.

    >>> lay_out([3, 1], Box(0, 0, 4, 1))
    [Box(left=0, top=0, width=3.0, height=1.0), Box(left=3.0, top=0, width=1.0, height=1.0)]
    """
    total = sum(sizes)
    if not total:  # nothing but empty files, which have no area
        return [Box(whole.left, whole.top, 0, 0)] * len(sizes)
    scale = whole.width * whole.height / total
    areas = [size * scale for size in sizes]
    boxes: list[Box] = []
    room = whole
    start = 0
    while start < len(areas):
        end = _find_row_end(areas, start, min(room.width, room.height))
        row = areas[start:end]
        placed, room = _place_row(row, room)
        boxes += placed
        start = end
    return boxes


def _find_row_end(areas: Sequence[float], start: int, side: float) -> int:
    """Return the end of the row that begins at *start*.

    It ends where one more area would make its worst box worse. *side* is the length of the row.
    """
    end = start + 1
    total = areas[start]
    worst = _find_worst_ratio(areas[start], areas[start], total, side)
    while end < len(areas):
        grown = total + areas[end]
        next_worst = _find_worst_ratio(areas[start], areas[end], grown, side)
        if next_worst > worst:
            break
        total, worst = grown, next_worst
        end += 1
    return end


def _find_worst_ratio(largest: float, smallest: float, total: float, side: float) -> float:
    """Return the worst ratio of sides in a row of *total* area."""
    if not smallest or not side:  # a box without area has no ratio, and may always join the row
        return float("inf")
    return max(side * side * largest / (total * total), total * total / (side * side * smallest))


def _place_row(row: Sequence[float], room: Box) -> tuple[list[Box], Box]:
    """Return the boxes for the areas of *row*, and the room that is left.

    They are along the shorter side of *room*.
    """
    total = sum(row)
    boxes = []
    if room.width >= room.height:
        width = total / room.height if room.height else 0
        top = room.top
        for area in row:
            height = area / width if width else 0
            boxes.append(Box(room.left, top, width, height))
            top += height
        # Rounding may leave a little less than no room.
        return boxes, Box(room.left + width, room.top, max(room.width - width, 0), room.height)
    height = total / room.width if room.width else 0
    left = room.left
    for area in row:
        width = area / height if height else 0
        boxes.append(Box(left, room.top, width, height))
        left += width
    return boxes, Box(room.left, room.top + height, room.width, max(room.height - height, 0))
