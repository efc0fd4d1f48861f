"""What a source loads: comments, texts, templates, patterns, elements and types are kept apart from code."""

from __future__ import annotations

import pytest

from linkpack.npm.import_mentions import find_mentions, find_package_name
from linkpack.npm.imports import Import, find_imports
from tests.support.trees import FIXTURES


def loads(source: str, extension: str = ".js") -> list[str]:
    """Each load as `line kind specifier`, with `?` behind what may fail and `~` behind what is lazy."""
    found = find_imports(source, extension) or ()
    assert {each.specifier for each in found} <= find_mentions(source)
    return [_line(each) for each in found]


def _line(each: Import) -> str:
    return f"{each.line} {each.kind} {each.specifier}{'?' if each.guarded else ''}{'~' if each.lazy else ''}"


def cases(name: str) -> dict[str, tuple[str, list[str]]]:
    """The cases of a file of fixtures/sources: a heading `== name`, a source, and lines `-> ` as of `loads`."""
    text = (FIXTURES / "sources" / f"{name}.txt").read_text(encoding="utf-8")
    found = {}
    for case in text.split("== ")[1:]:
        title, _, body = case.partition("\n")
        lines = body.rstrip("\n").split("\n")
        source = "\n".join(line for line in lines if not line.startswith("-> "))
        found[title] = (source, [line[3:] for line in lines if line.startswith("-> ")])
    return found


CODE, TYPED = cases("scripts"), cases("typescript")


@pytest.mark.parametrize("name", CODE)
def test_scripts_give_what_they_load_with_the_line(name: str) -> None:
    """Scripts give what they load, with the line, and nothing else."""
    source, want = CODE[name]
    assert loads(source) == want


@pytest.mark.parametrize("extension", [".ts", ".tsx", ".mts"])
@pytest.mark.parametrize("name", TYPED)
def test_imports_for_type_checkers_are_left_out(name: str, extension: str) -> None:
    """What only type checkers read is not loaded, and generics are no elements."""
    source, want = TYPED[name]
    assert loads(source, extension) == want


@pytest.mark.parametrize("extension", [".jsx", ".tsx", ".js"])
def test_text_of_elements_is_no_code(extension: str) -> None:
    """The text of elements is no code, and what is in their braces is."""
    source = (
        "const a = <A.B c=\"require('no')\" d={require('x1')} e={<i/>}>\n"
        "don't {require('x2')} <></> it's <br/></A.B>;\n"
        'f(<><p title=\'"\'>{/* require("no") */}</p></>); require("x3")'
    )
    assert loads(source, extension) == ["1 require x1", "2 require x2", "3 require x3"]


def test_types_of_flow_are_no_elements() -> None:
    """A script in which type parameters look like an element is read once more without elements."""
    assert loads('const f = <T>(a: T) => a;\nrequire("x")') == ["2 require x"]


@pytest.mark.parametrize(
    ("specifier", "name"),
    [
        ("a", "a"),
        ("a/b/c.js", "a"),
        ("@s/a/b", "@s/a"),
        ("punycode/", "punycode"),
        ("fs/x", "fs"),
        *((each, "") for each in ("", ".", "./a", "../a", "/a", "#a", "fs", "fs/promises", "node:test")),
        *((each, "") for each in ("https://a/b", "npm:a", "@/a", "@s", "~/a", "bun:ffi", "!a")),
    ],
)
def test_only_bare_specifiers_name_a_package(specifier: str, name: str) -> None:
    assert find_package_name(specifier) == name


HOSTILE = ["from/*", "import ", "from//", "=/[ ", "import{", "export type {", "`${", '="', "<a b="]
HOSTILE += ["(require('a'),", "try{", "<>", "a ", "f(()=>{", "/*"]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_sources_are_read_to_their_end(piece: str) -> None:
    """A source that repeats what takes long to refute is read all the same: nothing takes quadratic time."""
    source = piece * ((1 << 18) // len(piece))
    assert {each.specifier for each in find_imports(source, ".tsx") or ()} <= find_mentions(source)
