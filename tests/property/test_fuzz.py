"""The targets of tests/fuzz, on their corpus and on what hypothesis makes of it; atheris runs them for longer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import manifest, npmrc, patterns, tarball

if TYPE_CHECKING:
    from collections.abc import Callable

CORPUS = Path(__file__).parents[2] / "fixtures" / "fuzz"
TARGETS: dict[str, Callable[[bytes], None]] = {
    "manifest": manifest.one_input,
    "patterns": patterns.one_input,
    "npmrc": npmrc.one_input,
    "tarball": tarball.one_input,
}
SEEDS = {name: [path.read_bytes() for path in sorted((CORPUS / name).iterdir())] for name in TARGETS}
patches = st.lists(st.tuples(st.integers(0, 1 << 13), st.integers(0, 8), st.binary(max_size=8)), max_size=5)


@pytest.mark.parametrize("name", TARGETS)
def test_corpus(name: str) -> None:
    """Every input of the corpus, those that once found a fault among them, is answered or refused."""
    assert len(SEEDS[name]) >= 5
    for raw in SEEDS[name]:
        TARGETS[name](raw)


@pytest.mark.property
@pytest.mark.parametrize("name", TARGETS)
@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.data())
def test_near_the_corpus(name: str, data: st.DataObject) -> None:
    """So is what the corpus becomes when bytes are put in, taken out and written over."""
    raw = bytearray(data.draw(st.sampled_from(SEEDS[name])))
    for at, gone, more in data.draw(patches):
        raw[at % (len(raw) + 1) : at % (len(raw) + 1) + gone] = more
    TARGETS[name](bytes(raw))
    assert len(raw) < 1 << 14


@pytest.mark.property
@pytest.mark.parametrize("name", TARGETS)
@settings(derandomize=True, deadline=None, max_examples=60)
@given(raw=st.binary(max_size=600) | st.text("{}[]\"',:*!?@+()|/\\.-${}=#; \n\0ab1", max_size=200).map(str.encode))
def test_any_bytes(name: str, raw: bytes) -> None:
    """So are any bytes at all."""
    TARGETS[name](raw)
    assert len(raw) <= 800
