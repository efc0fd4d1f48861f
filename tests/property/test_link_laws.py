"""Laws of the link commands: edits, plans and journals."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linkpack
from linkpack.linking.states import (
    ABSENT,
    Change,
    CreatedDirectory,
    Displaced,
    File,
    Link,
    ManifestEdit,
    Mode,
    RecordedLink,
    State,
    change_from_json,
    change_to_json,
    edits_from_json,
    edits_to_json,
    link_from_json,
    link_to_json,
    state_to_json,
)
from linkpack.npm.json_edit import get_raw, set_raw
from tests.support.linkbox import LinkBox

if TYPE_CHECKING:
    from linkpack.linking.journal import Journal

TEXTS = st.text(st.characters(codec=None), max_size=6)
LINK_TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from("\udc80\udcff"), min_size=1
)
PATHS = LINK_TEXTS.map("/".__add__)
STATES = st.one_of(
    st.just(ABSENT), st.just(CreatedDirectory()), st.builds(Link, LINK_TEXTS),
    st.builds(Mode, st.integers(0, 0o7777)),
    st.builds(File, st.binary(max_size=9), st.integers(0, 0o7777)),
    st.builds(Displaced, PATHS, st.integers(0, 1 << 60)),
)  # fmt: skip
CHANGES = st.builds(Change, PATHS, STATES, STATES)
JSON_TEXTS = st.none() | TEXTS.map(json.dumps)
ENTRIES = st.tuples(st.lists(TEXTS, min_size=1, max_size=2).map(tuple), JSON_TEXTS, JSON_TEXTS)
SAVED = st.builds(
    ManifestEdit,
    PATHS,
    st.none() | st.binary(max_size=5),
    st.binary(max_size=5),
    st.lists(ENTRIES, max_size=2).map(tuple),
)
LINKED = st.builds(
    RecordedLink, TEXTS, TEXTS, PATHS, PATHS, TEXTS, st.booleans(), st.lists(CHANGES, max_size=3).map(tuple),
    st.lists(PATHS, max_size=2).map(tuple), TEXTS, st.lists(PATHS, max_size=2).map(tuple),
)  # fmt: skip


@pytest.mark.property
@settings(derandomize=True, deadline=None, max_examples=150)
@given(CHANGES, LINKED, st.lists(SAVED, max_size=2).map(tuple))
def test_values_survive_json(change: Change, entry: RecordedLink, saved: tuple[ManifestEdit, ...]) -> None:
    """Changes and record entries come back from JSON as they were, whatever characters paths have."""
    back = change_from_json(json.loads(json.dumps(change_to_json(change))))
    assert back == change
    assert link_from_json(json.loads(json.dumps(link_to_json(entry)))) == entry
    assert edits_from_json(json.loads(json.dumps(edits_to_json(saved)))) == saved
    assert change.inverse().inverse() == change


@pytest.mark.property
@settings(derandomize=True, deadline=None, max_examples=150)
@given(STATES, STATES)
def test_states_are_equal_when_kind_and_values_are(left: State, right: State) -> None:
    """Two states are equal exactly when they say the same, and then hash alike; no plain tuple equals one."""
    assert (left == right) == (state_to_json(left) == state_to_json(right))
    assert left != right or hash(left) == hash(right)
    assert left != tuple(state_to_json(left)[1:])


def test_kinds_of_states_differ() -> None:
    """States of different kinds are never equal, whatever their values."""
    every = [ABSENT, CreatedDirectory(), Mode(1), Link("a"), File(b"a", 1), Displaced("a", 1)]
    assert [[one == other for other in every].count(True) for one in every] == [1] * 6
    assert repr(Displaced("a", 1)) == "Displaced('a', 1)"


KEYS = st.sampled_from(["a", "b", "c", "é"])
DOCUMENTS = st.dictionaries(
    KEYS, st.one_of(st.integers(), st.dictionaries(KEYS, st.integers(), min_size=1)), max_size=4
)


@pytest.mark.property
@settings(derandomize=True, deadline=None, max_examples=200)
@given(DOCUMENTS, st.tuples(KEYS, KEYS), st.sampled_from([None, 1, 2, "\t"]), st.booleans())
def test_an_edit_is_what_it_says_and_can_be_taken_back(
    document: dict[str, object],
    path: tuple[str, str],
    indent: int | str | None,
    ascii_only: bool,  # noqa: FBT001
) -> None:
    """A member that is set has its value and all else stays; one that was added is gone again when removed."""
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    inner = document.get(path[0], {})
    after = set_raw(text, path, '"new"', lambda key: key)
    wanted = {**document, path[0]: {**inner, path[1]: "new"} if isinstance(inner, dict) else {path[1]: "new"}}
    assert json.loads(after) == wanted
    assert get_raw(after, path) == '"new"'
    if not isinstance(inner, dict):
        return
    old = get_raw(text, path)
    assert json.loads(set_raw(after, path, old, lambda key: key)) == document
    if old is not None or (document and path[0] not in document):
        assert set_raw(after, path, old, lambda key: key) == text


PLACES = st.sampled_from(["nothing", "package", "published", "link", "file"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["link", "unlink", "save", "relink", "drop"]),
        st.sampled_from([("a",), ("b",), ("a", "b"), ("b", "a")]),
    ),
    max_size=6,
)


@pytest.mark.property
@settings(derandomize=True, deadline=None, max_examples=40)
@given(PLACES, PLACES, STEPS)
def test_any_commands_then_unlink_is_the_identity(
    first: str, second: str, steps: list[tuple[str, tuple[str, ...]]]
) -> None:
    """After any commands, undoing the last brings its tree back, and unlinking all the first one."""
    root = Path(tempfile.mkdtemp(prefix="link-law-"))
    try:
        box = LinkBox(root)
        app = box.package("app", "app", dependencies={"b": "1"})
        libs = {name: box.command(name, name, bin={"tool": "cli.js", name: "cli.js"}) for name in "ab"}
        for name, there in (("a", first), ("b", second)):
            _lay(box, app, name, there)
        old = box.tree(app)
        for step, names in steps:
            _step(box, app, [libs[name] for name in names], step)
        linkpack.relink((), app, box.options())
        linkpack.unlink((), app, box.options(), every=True)
        assert box.tree(app) == old
    finally:
        shutil.rmtree(root)


@pytest.mark.property
@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    PLACES,
    PLACES,
    st.lists(
        st.tuples(
            st.sampled_from(["link", "unlink", "save", "relink"]),
            st.sampled_from([("a",), ("b",), ("a", "b"), ("b", "a")]),
            st.booleans(),  # in which checkout
            st.booleans(),  # which of two folders of that name
        ),
        max_size=7,
    ),
    st.booleans(),
)
def test_any_commands_in_checkouts_that_share_a_node_modules_then_unlink_is_the_identity(
    first: str,
    second: str,
    steps: list[tuple[str, tuple[str, ...], bool, bool]],
    backwards: bool,  # noqa: FBT001
) -> None:
    """Whatever each of two checkouts links, when both have unlinked all is as it was, in whatever order."""
    root = Path(tempfile.mkdtemp(prefix="link-law-"))
    try:
        box = LinkBox(root)
        one, two = (box.package(name, "app", dependencies={"b": "1"}) for name in ("one", "two"))
        libs = {
            (name, other): box.command(f"{name}{other}", name, bin={"tool": "cli.js", name: "cli.js"})
            for name in "ab"
            for other in (False, True)
        }
        shutil.copytree(libs["a", False], box.work / "a")
        shutil.copytree(libs["b", False], box.work / "b")
        for name, there in (("a", first), ("b", second)):
            _lay(box, one, name, there)
        Path(one, "node_modules").mkdir(exist_ok=True)
        Path(two, "node_modules").symlink_to("../one/node_modules")
        old = box.tree(box.work)
        for step, names, in_two, other in steps:
            checkout = two if in_two else one
            if step == "unlink":
                linked = {link.name for link in linkpack.links(checkout, box.options())}
                linkpack.unlink(
                    [name for name in names if name in linked], checkout, box.options(), every=not linked
                )
            else:
                _run(box, checkout, [libs[name, other] for name in names], [], step)
        for checkout in (two, one) if backwards else (one, two):
            for name in "ab":
                while any(link.name == name for link in linkpack.links(checkout, box.options()) if link.ours):
                    linkpack.unlink([name], checkout, box.options())
            linkpack.unlink((), checkout, box.options(), every=True)
        assert box.tree(box.work) == old
    finally:
        shutil.rmtree(root)


def _lay(box: LinkBox, app: str, name: str, there: str) -> None:
    """What is in the project's node_modules before: a *published* package has the commands of its checkout."""
    path = Path(app, "node_modules", name)
    if there == "package":
        box.installed(app, name)
    elif there == "published":
        shutil.copytree(box.work / name, path)
        commands = path.parent / ".bin"
        commands.mkdir(exist_ok=True)
        for command in ("tool", name):
            if not os.path.lexists(commands / command):
                (commands / command).symlink_to(f"../{name}/cli.js")
    elif there != "nothing":
        path.parent.mkdir(exist_ok=True)
        path.write_text("x") if there == "file" else path.symlink_to("nowhere")


def _step(box: LinkBox, app: str, libs: list[str], step: str) -> None:
    before = box.tree()
    linked = [Path(lib).name for lib in libs if box.leads(app, Path(lib).name) == lib]
    if step == "drop":
        for name in linked:
            Path(app, "node_modules", name).unlink()
        return
    if step == "unlink" and not linked:
        return
    journal = _run(box, app, libs, linked, step)
    if journal.run:
        after = box.tree()
        linkpack.undo(journal, app, box.options())
        assert box.tree() == before
        _run(box, app, libs, linked, step)
        assert box.tree() == after


def _run(box: LinkBox, app: str, libs: list[str], linked: list[str], step: str) -> Journal:
    if step == "unlink":
        return linkpack.unlink(linked, app, box.options())
    if step == "relink":
        return linkpack.relink((), app, box.options())
    return linkpack.link(libs, app, box.options(save=step == "save", force=True))
