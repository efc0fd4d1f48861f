"""Boxes of a treemap fill the whole, in proportion, without overlaps."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkpack.report.treemap import Box, lay_out

pytestmark = pytest.mark.property

WHOLE = Box(10, 20, 160, 100)
SIZES = st.lists(st.integers(0, 10**9), min_size=1, max_size=40).map(lambda sizes: sorted(sizes, reverse=True))


@given(SIZES)
def test_areas_are_in_proportion_to_sizes(sizes: list[int]) -> None:
    boxes = lay_out(sizes, WHOLE)
    total = sum(sizes)
    for size, box in zip(sizes, boxes, strict=True):
        share = size / total if total else 0
        assert math.isclose(box.width * box.height, 16_000 * share, rel_tol=1e-6, abs_tol=1e-6)


@given(SIZES)
def test_boxes_stay_inside_and_do_not_overlap(sizes: list[int]) -> None:
    boxes = [box for box in lay_out(sizes, WHOLE) if box.width * box.height > 1e-3]
    for box in boxes:
        assert box.left >= WHOLE.left - 1e-6
        assert box.top >= WHOLE.top - 1e-6
        assert box.left + box.width <= WHOLE.left + WHOLE.width + 1e-6
        assert box.top + box.height <= WHOLE.top + WHOLE.height + 1e-6
    for one, other in combinations(boxes, 2):
        across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
        down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
        assert min(across, down) < 1e-6


def test_equal_sizes_give_boxes_near_to_squares() -> None:
    boxes = lay_out([1] * 16, Box(0, 0, 160, 100))
    assert max(max(box.width / box.height, box.height / box.width) for box in boxes) < 2
