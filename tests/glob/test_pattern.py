"""npm's pattern dialect: portions, whole paths, the three questions, and bounds on the work."""

from __future__ import annotations

import pytest

from linkpack.errors import LinkpackError
from linkpack.glob.pattern import compile_glob, matches_file, matches_folder, may_hold
from linkpack.glob.portion_matcher import fold, to_units
from linkpack.glob.portion_parser import compile_portion


def parts(path: str) -> tuple[str, ...]:
    """The folded portions of *path*."""
    return tuple(fold(path).split("/"))


@pytest.mark.parametrize(
    ("pattern", "fits", "not_fits"),
    [
        ("a.js", ["a.js", "A.JS"], ["ab.js", "a.jsx"]),
        ("*", ["a", ".a", "é"], [""]),
        ("*.js", [".js", "a.js", "😀.js"], ["js", "a.jsx"]),
        ("a*", ["a", "abc"], ["ba"]),
        ("a*c", ["ac", "abc"], ["a", "c", "aca"]),
        ("aa*aa", ["aaaa", "aaxaa"], ["aaa"]),
        ("a**c", ["ac", "abbc"], ["ab"]),
        ("?", ["a", "é"], ["", "ab", "😀"]),
        ("??", ["ab", "😀"], ["a"]),
        ("*a*b", ["ab", "xaxb", "aab"], ["ba", "abx"]),
        ("*a?c*", ["abc", "aabcc"], ["ac"]),
        ("[ab]", ["a", "B"], ["c", "ab"]),
        ("[!ab]", ["c"], ["a", "B", ""]),
        ("[^ab]", ["c"], ["a"]),
        ("[a-c]", ["b", "B"], ["d", "-"]),
        ("[B-B]", ["b"], ["a"]),
        ("[a-]", ["a", "-"], ["b"]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[!]a]", ["b"], ["]", "a"]),
        ("[\\]a]", ["]", "a"], ["\\"]),
        ("[\\", ["[\\"], ["["]),
        ("[a", ["[a"], ["a"]),
        ("[b-a]", [], ["a", "b", "[b-a]"]),
        ("[b-ac]", ["c"], ["a", "b"]),
        ("x[]", ["x[]"], ["x"]),
        ("[[]a]", ["[a]"], ["a"]),
        ("[[:alpha:]]", ["a", "é", "Z"], ["1", "_"]),
        ("[![:digit:]]", ["a"], ["1"]),
        ("[[:lower:]]", ["a", "A"], ["1"]),
        ("[[:word:]-]", ["a", "_", "-"], ["."]),
        ("[[:graph:]]", ["a"], [" "]),
        ("[[:print:]]", ["a", " "], ["\x01"]),
        ("[[:blank:]]", [" ", "\t"], ["a"]),
        ("[[:space:]]", [" ", "\n"], ["a"]),
        ("[[:xdigit:]]", ["f", "F", "9"], ["g"]),
        ("[[:ascii:]]", ["a"], ["é"]),
        ("[[:alpha:]é]?", ["é😀"], ["é"]),
        ("[a-[:alpha:]]", [], ["a", "]"]),
        ("[[:nope:]]", [":]", "n]", "[]"], ["a]", "n"]),
        ("x[[:digit:]]-b", ["x1-b"], ["xa-b"]),
        ("\\*", ["*"], ["a"]),
        ("a\\", ["a\\"], ["a"]),
        ("*\\.js", ["a.js"], ["ajs"]),
        ("a\\|b", ["a|b"], ["a", "b", "axx"]),
        ("(a)", ["(a)"], ["a"]),
        ("+(a|b)c", ["ac", "abc", "ABC"], ["c", "a"]),
        ("*(a|b)c", ["c", "abac"], ["a"]),
        ("?(a)b", ["b", "ab"], ["aab"]),
        ("@(a|b[12])", ["a", "b1"], ["b", "b3", ""]),
        ("!(a)", ["b", "aa", ""], ["a"]),
        ("!(a).js", ["b.js", ".js"], ["a.js"]),
        ("!(*.test).js", ["a.js"], ["a.test.js"]),
        ("x!(a|b)y", ["xy", "xcy"], ["xay"]),
        ("!(a)*", ["a", "b"], ["ab"]),
        ("!(a)!(b)*", ["c", "b", "bc"], []),
        ("!(@(a))*", ["b"], ["a", "ab"]),
        ("!()", ["a", "b"], [""]),
        ("!(|)", ["a", ""], []),
        ("!(a*(b))", ["c"], ["a", "abb"]),
        ("@()", ["@()"], [""]),
        ("@(|a)", ["a"], [""]),
        ("?(*)", ["a", ""], []),
        ("+(a", ["+(a"], ["a"]),
        ("+(a|@(b)", ["+(a|@(b)"], ["b"]),
        ("@(a)+(b", ["a+(b"], ["ab"]),
        ("@(a|\\))", ["a", ")"], ["\\)"]),
        ("@([|)]|b)", ["|", ")", "b"], ["["]),
        ("*(*(a)b)", ["", "b", "aabab"], ["a"]),
        ("+(?(a))b", ["b", "aab"], ["c"]),
        ("é@(a|😀)", ["Éa", "é😀"], ["e"]),
        ("\u017f", ["\u017f"], ["s"]),
    ],
)
def test_a_portion_fits_the_names_that_npms_does(pattern: str, fits: list[str], not_fits: list[str]) -> None:
    """They differ only by a fault of minimatch (row D11 of docs/differences-from-npm.md)."""
    portion = compile_portion(pattern)
    assert [name for name in fits + not_fits if portion.fits(fold(name))] == fits


@pytest.mark.parametrize(
    ("pattern", "fits", "not_fits"),
    [
        ("a.js", ["a.js"], ["A.js"]),
        ("[a-c]*", ["b1"], ["B1"]),
        ("@(a|[[:lower:]])", ["a", "b"], ["A"]),
        ("😀*", ["😀x"], ["x"]),
    ],
)
def test_case_matters_where_npm_12_expands_files(pattern: str, fits: list[str], not_fits: list[str]) -> None:
    portion = compile_portion(pattern, blind=False)
    assert [name for name in fits + not_fits if portion.fits(to_units(name))] == fits


@pytest.mark.parametrize(
    ("pattern", "files", "not_files"),
    [
        ("a.js", ["a.js", "x/a.js"], ["a.js/x"]),
        ("/a.js", ["a.js"], ["x/a.js"]),
        ("x/a.js", ["x/a.js"], ["y/x/a.js"]),
        ("x//a.js", ["x/a.js"], ["x/y/a.js"]),
        ("x/y/../a.js", ["x/a.js"], ["x/y/a.js"]),
        ("../a.js", [], ["a.js"]),
        ("./a.js", [], ["a.js"]),
        ("x/..", [], ["x"]),
        ("**", ["a", "x/a"], []),
        ("/**", ["a", "x/a"], []),
        ("x/**", ["x/a", "x/y/a"], ["x", "y/x/a"]),
        ("**/a", ["a", "x/a", "x/y/a"], ["b"]),
        ("**/**/a", ["a", "x/a"], ["b"]),
        ("x/**/a", ["x/a", "x/y/z/a"], ["a", "y/x/a", "x"]),
        ("**/x/**", ["x/a", "y/x/a"], ["x", "y/x"]),
        ("**/a/b/**/c/**/d", ["a/b/c/d", "a/b/x/c/d", "y/a/b/c/x/d"], ["a/b/d", "a/b/c"]),
        ("**/x*/**/y*/**", ["x/y/a", "x1/a/y1/b"], ["x/y", "y/x/a"]),
        ("x/**/y/**/z", ["x/y/z"], ["x/z", "y/z"]),
        ("*(a)/b", ["b", "a/b"], ["c/b", "x/a/b"]),
        ("**/*(a)/b", ["b", "a/b"], ["x/c"]),
        ("{a,x/b}", ["a", "y/a", "x/b"], ["b"]),
        ("a/", [], ["a"]),
    ],
)
def test_a_pattern_matches_the_files_that_npms_does(pattern: str, files: list[str], not_files: list[str]) -> None:
    glob = compile_glob(pattern)
    assert [path for path in files + not_files if matches_file(glob, parts(path))] == files


@pytest.mark.parametrize(
    ("pattern", "folders", "not_folders"),
    [
        ("x", ["x", "y/x"], ["y"]),
        ("x/", ["x"], ["y/x"]),
        ("x/**", ["x", "x/y"], ["y"]),
        ("**/x", ["x", "y/x"], ["x/y"]),
        ("x/*", ["x/y"], ["x"]),
        ("x/**/", ["x", "x/y"], ["y"]),
        ("x/**/y/**", ["x/y", "x/z/y"], ["x"]),
    ],
)
def test_a_pattern_matches_the_folders_that_npms_does(
    pattern: str, folders: list[str], not_folders: list[str]
) -> None:
    glob = compile_glob(pattern)
    assert [path for path in folders + not_folders if matches_folder(glob, parts(path))] == folders


@pytest.mark.parametrize(
    ("pattern", "folders", "not_folders"),
    [
        ("x/y/a", ["x", "x/y", "x/y/a"], ["y", "x/y/a/b"]),
        ("/x/y", ["x"], ["y"]),
        ("a", ["a", "x/a"], ["x"]),
        ("x/**", ["x", "x/y/z"], ["y"]),
        ("**/a", ["x", "x/y"], []),
        ("*(a)/b/c", ["a", "b"], ["c"]),
    ],
)
def test_folders_that_may_hold_a_match_are_known(pattern: str, folders: list[str], not_folders: list[str]) -> None:
    glob = compile_glob(pattern)
    assert [path for path in folders + not_folders if may_hold(glob, parts(path))] == folders


@pytest.mark.parametrize(
    ("pattern", "relative"),
    [("a", True), ("a/", True), ("/", True), ("/a", False), ("a/b", False), ("{a/b,c}", True)],
)
def test_patterns_of_one_portion_are_asked_about_base_names(pattern: str, relative: bool) -> None:  # noqa: FBT001 - a table
    """A slash may be behind the portion."""
    assert compile_glob(pattern).relative is relative


@pytest.mark.parametrize(
    "pattern",
    [
        "*a" * 24 + "*b",
        "**/a/" * 24 + "b",
        "**/" * 400 + "z",
        "**/*a*/" * 16 + "zz",
        "+(+(+(+(+(a)))))b",
        "*(a|aa|aaa|*a)" * 6 + "c",
        "!(!(!(!(a*)*)*)*)z",
        "*(*(*(*(a|b)*)*)*)*z",
        "+(" * 20_000,
        "[" * 50_000,
        "[[:alpha:]" * 5_000,
        "(a+)+$",
        "?" * 3_000 + "*" * 3_000,
    ],
)
def test_patterns_that_make_a_matcher_backtrack_are_answered(pattern: str) -> None:
    """They do not match."""
    glob = compile_glob(pattern)
    assert not matches_file(glob, parts("a" * 200))
    assert not matches_file(glob, parts("a/" * 40 + "d"))


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("a" * 70_000, "characters"),
        ("@(" * 5_000 + "a" + ")" * 5_000, "nest"),
        ("@(" + "a" * 1_500 + ")", "complicated"),
        ("{1..1000000}", "stands for"),
    ],
)
def test_a_pattern_that_is_too_large_is_refused(pattern: str, why: str) -> None:
    """Patterns past all use are refused."""
    with pytest.raises(LinkpackError, match=why) as caught:
        compile_glob(pattern)
    assert caught.value.code == "EPATTERN"
