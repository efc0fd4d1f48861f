"""Rectangles for sizes: the squarified treemap of Bruls, Huizing and van Wijk (2000)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence


class Box(Record):
    """A rectangle by its left upper corner, in the units of the whole."""

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
    if not total:
        return [Box(whole.left, whole.top, 0, 0)] * len(sizes)
    scale = whole.width * whole.height / total
    areas = [size * scale for size in sizes]
    boxes: list[Box] = []
    room = whole
    start = 0
    while start < len(areas):
        end = _row_end(areas, start, min(room.width, room.height))
        row = areas[start:end]
        placed, room = _place_row(row, room)
        boxes += placed
        start = end
    return boxes


def _row_end(areas: Sequence[float], start: int, side: float) -> int:
    """Return where the row ends that begins at *start*: when one more area would make its worst box worse."""
    end = start + 1
    total = areas[start]
    worst = _worst(areas[start], areas[start], total, side)
    while end < len(areas):
        grown = total + areas[end]
        next_worst = _worst(areas[start], areas[end], grown, side)
        if next_worst > worst:
            break
        total, worst = grown, next_worst
        end += 1
    return end


def _worst(largest: float, smallest: float, total: float, side: float) -> float:
    """Return the worst ratio of sides in a row of *total* area along *side*."""
    if not smallest or not side:
        return float("inf")
    return max(side * side * largest / (total * total), total * total / (side * side * smallest))


def _place_row(row: Sequence[float], room: Box) -> tuple[list[Box], Box]:
    """Return the boxes of *row* along the shorter side of *room*, and the room that is left."""
    total = sum(row)
    boxes = []
    if room.width >= room.height:
        width = total / room.height if room.height else 0
        top = room.top
        for area in row:
            height = area / width if width else 0
            boxes.append(Box(room.left, top, width, height))
            top += height
        return boxes, Box(room.left + width, room.top, max(room.width - width, 0), room.height)
    height = total / room.width if room.width else 0
    left = room.left
    for area in row:
        width = area / height if height else 0
        boxes.append(Box(left, room.top, width, height))
        left += width
    return boxes, Box(room.left, room.top + height, room.width, max(room.height - height, 0))
