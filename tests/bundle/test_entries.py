"""The archive plan: which entry is where, and which paths are faults or worth a word."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkpack.archive.entry import Entry
from linkpack.archive.portable_names import has_control, windows_lacks
from linkpack.bundle import entries as archive
from linkpack.bundle.entries import ArchivePlan, plan_archive
from linkpack.errors import Problem
from linkpack.limits import DEFAULTS
from linkpack.packlist.packlist import Omission, PackedFile, Packlist

SLOTS = {"": "/app", "node_modules/a": "/a", "node_modules/b/node_modules/a": "/a"}


def packlist(*paths: str) -> Packlist:
    """Files of nine bytes at these *paths*."""
    return Packlist(tuple(PackedFile(path, f"/src/{path}", 9, 0o644, 1, 2) for path in paths), (), (), ())


def plan(*paths: str) -> ArchivePlan:
    """The plan for a project alone with files at *paths*."""
    return plan_archive({"": "/app"}, {"/app": packlist(*paths)}, {"/app": b"{}"})


def test_files_are_below_each_slot_in_npms_order() -> None:
    """Each package's files stand below each of its slots, in npm's order; manifests are the bytes given."""
    found = plan_archive(
        SLOTS,
        {"/app": packlist("package.json", "b.js", "sub/package.json"), "/a": packlist("package.json", "a.js")},
        {"/app": b'{"app": 1}', "/a": b"{}"},
    )
    assert [(entry.path, entry.source, entry.size) for entry in found.entries] == [
        ("package/node_modules/a/a.js", "/src/a.js", 9),
        ("package/node_modules/b/node_modules/a/a.js", "/src/a.js", 9),
        ("package/b.js", "/src/b.js", 9),
        ("package/node_modules/a/package.json", b"{}", 2),
        ("package/node_modules/b/node_modules/a/package.json", b"{}", 2),
        ("package/package.json", b'{"app": 1}', 10),
        ("package/sub/package.json", "/src/sub/package.json", 9),
    ]
    assert found.entries[0] == Entry("package/node_modules/a/a.js", "/src/a.js", 9, 0o644, 1, 2)
    assert (found.problems, found.warnings, found.omissions) == ((), (), ())


def test_what_packlists_say_goes_on() -> None:
    """Problems and warnings of a package are there once however often it is placed, omissions once a slot."""
    one, two = Problem("E", "p", "m"), Problem("W", "p", "m")
    lists = {"/app": packlist(), "/a": Packlist((), (Omission("x.js", "why"),), (two,), (one,))}
    found = plan_archive(SLOTS, lists, {})
    assert (found.problems, found.warnings) == ((one,), (two,))
    assert [each.path for each in found.omissions] == ["node_modules/a/x.js", "node_modules/b/node_modules/a/x.js"]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (("plain", "../x"), "../x is not a path inside the package"),
        (("/x",), "/x is not a path inside the package"),
        (("a//x",), "a//x is not a path inside the package"),
        (("a/./x",), "a/./x is not a path inside the package"),
        (("a/..",), "a/.. is not a path inside the package"),
        (("a/",), "a/ is not a path inside the package"),
        (("",), " is not a path inside the package"),
        (("a", "a"), "a is in the tarball twice"),
        (("a", "a/b"), "a is both a file and a folder"),
        (("x/y", "x/y/z/b"), "x/y is both a file and a folder"),
    ],
)
def test_a_path_that_no_tarball_may_hold_is_a_problem(paths: tuple[str, ...], message: str) -> None:
    """A path that no tarball may hold is a problem, whoever let it through."""
    assert [(one.code, one.message) for one in plan(*paths).problems] == [("EPATH", message)]


@pytest.mark.parametrize(("size", "codes"), [(DEFAULTS.file, []), (DEFAULTS.file + 1, ["ETOOLARGE"])])
def test_a_file_beyond_the_limit_is_a_problem(size: int, codes: list[str]) -> None:
    """A file beyond the limit is a problem, one byte less is none."""
    whole = Packlist((PackedFile("big", "/src/big", size, 0o644, 1, 2),), (), (), ())
    found = plan_archive({"": "/app"}, {"/app": whole}, {})
    assert [(one.code, one.path) for one in found.problems] == [(code, "big") for code in codes]


CAUTIONS = {
    "control": ("a\nb", "a\x1bb", "\x7f", "a\x85b", "a\u200bb", "a\u202eb", "a\u2066b", "\ufeffa"),
    "Windows": (
        "a:b", "a<b", "a|b", 'a"b', "a?b", "a.", "a /b", "a./b", "con", "CON.txt", "x/nul/y", "aux.a.b", "com1",
        "lpt9.log", "COM¹", "x/lpt³",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "path"), [(kind, path) for kind, paths in CAUTIONS.items() for path in paths])
def test_names_that_some_systems_refuse(kind: str, path: str) -> None:
    """A name that Windows cannot hold, or that nobody can see whole, ships with a warning that says so."""
    found = plan(path)
    assert [(one.code, one.path, kind in one.message) for one in found.warnings] == [("WNAME", path, True)]
    assert len(found.entries) == 1


@pytest.mark.parametrize(
    "path",
    [
        "a.js",
        "@s/a b/[x](y){z}!#$%&'+,;=~^`",
        "é",
        "日本",
        "\U0001f600",
        "console",
        "com",
        "com10",
        "auxiliary/x",
        "nul_",
        ".a",
        "..a",
        "-x",
    ],
)
def test_names_that_all_systems_take(path: str) -> None:
    """Ordinary names, in any script, give no warning."""
    assert plan(path).warnings == ()


@pytest.mark.parametrize(
    ("paths", "pairs"),
    [
        (("a.js", "A.js"), [("A.js", "a.js")]),
        (("lib/a", "LIB/b"), [("LIB", "lib")]),
        (("x/a", "x/A", "X/a"), [("x/A", "x/a"), ("X", "x")]),
        (("é", "e\u0301"), [("e\u0301", "é")]),
        (("É", "e\u0301"), [("e\u0301", "É")]),
        (("straße", "STRASSE"), [("STRASSE", "straße")]),
        (("a", "a.js", "b/a", "ab"), []),
    ],
)
def test_names_that_some_systems_confuse(paths: tuple[str, ...], pairs: list[tuple[str, str]]) -> None:
    """Names that differ in case or in Unicode's composition are warned of once, where they part."""
    found = [one for one in plan(*paths).warnings if one.code == "WCASE"]
    messages = [f"{one} and {other} are one name on Windows and macOS" for one, other in pairs]
    assert sorted(one.message for one in found) == sorted(messages)


@settings(derandomize=True, deadline=None, max_examples=400)
@given(
    st.lists(
        st.text(st.sampled_from("acomnulprx19.:|/ \n\x7fé\u200b¹"), min_size=1, max_size=9)
        | st.sampled_from(["con", "x/CON.y", "com1/a", "a/lpt9", "nul/b", "d/" * 255 + "a", "index.js"]),
        max_size=4,
    )
)
def test_no_odd_path_among_plain_ones_is_missed(paths: list[str]) -> None:
    """What is asked of all paths together finds at least what is asked of each."""
    odd = [
        path for path in paths if has_control(path) or windows_lacks(path) or path.count("/") + 2 > DEFAULTS.depth
    ]
    assert archive._may_have_odd_names(paths) or not odd  # noqa: SLF001 - what it saves cannot be seen from outside
    assert not archive._may_have_odd_names(["a/index.js", "lib/b.d.ts"])  # noqa: SLF001


def test_deep_paths_are_linear() -> None:
    """Thousands of deep paths are planned without counting each folder again."""
    paths = [f"{'d/' * 300}{number}" for number in range(2000)]
    assert plan(*paths).problems == ()
