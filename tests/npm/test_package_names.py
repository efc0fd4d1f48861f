from __future__ import annotations

import pytest

from linkpack.errors import LinkpackError
from linkpack.npm.package_names import (
    fill_pattern,
    find_dependency_name_fault,
    find_name_fault,
    make_slug,
    make_tarball_name,
)

FINE = [
    "a",
    "A.b-c_d~",
    "a~'!()*",
    "http",
    "0",
    "constructor",
    "a..b",
    "@s/n",
    "@S/N",
    "@.s/n",
    "@s/-n",
    "@s/_n",
]
NO_NAME = [  # name, and what its fault says
    ("", "is empty"),
    (".", 'starts with "."'),
    ("..", 'starts with "."'),
    (".bin", 'starts with "."'),
    ("../a", 'starts with "."'),
    ("node_modules", "is a reserved name"),
    ("Node_Modules", "is a reserved name"),
    ("/a", 'has a "/" but no scope'),
    ("a/b", 'has a "/" but no scope'),
    ("a/../b", 'has a "/" but no scope'),
    ("a/", 'has a "/" but no scope'),
    ("@", 'not of the form "@scope/name"'),
    ("@s", 'not of the form "@scope/name"'),
    ("@s/", 'not of the form "@scope/name"'),
    ("@/n", 'not of the form "@scope/name"'),
    ("@s/n/x", 'not of the form "@scope/name"'),
    ("@s/../../x", 'not of the form "@scope/name"'),
    ("@./n", 'has the scope "@."'),
    ("@../n", 'has the scope "@.."'),
    ("@s/.n", 'starts with "." after its scope'),
    ("@s/..", 'starts with "." after its scope'),
    (" a", "' '"),
    ("a\n", r"'\n'"),
    ("a\0", r"'\x00'"),
    ("..\\a", 'starts with "."'),
    ("a\\b", r"'\\'"),
    ("a:b", "':'"),
    ("a%2fb", "'%'"),
    ("a@b", "'@'"),
    ("@@s/n", "'@'"),
    ("$(x)", "'$'"),
    ("\u00e9", r"'\xe9'"),
    ("a\u200b", r"'\u200b'"),
    ("\u202ea", r"'\u202e'"),
    ("a\ud800", r"'\ud800'"),
]


@pytest.mark.parametrize("name", [*FINE, "a" * 214])
def test_good_names_have_no_fault(name: str) -> None:
    """Names of old and new packages have no fault, neither as one's own nor as a dependency's."""
    assert find_name_fault(name) == ""
    assert find_dependency_name_fault(name) == ""


@pytest.mark.parametrize(("name", "want"), NO_NAME)
def test_bad_names_have_a_fault_everywhere(name: str, want: str) -> None:
    """What is a path, or has characters that no package name has, is faulted everywhere, with the reason."""
    assert want in find_name_fault(name)
    assert want in find_dependency_name_fault(name)


@pytest.mark.parametrize(
    ("name", "own", "dependency"),
    [
        ("-", 'starts with "-"', ""),
        ("_a", 'starts with "_"', ""),
        ("favicon.ico", "is a reserved name", ""),
        ("a" * 215, "is longer than 214 characters", ""),
        ("a" * 256, "is longer than 214 characters", "is longer than 255 characters"),
        ("@s/node_modules", "", "is a reserved name"),
    ],
)
def test_a_dependency_may_have_names_that_npm_no_longer_gives(name: str, own: str, dependency: str) -> None:
    """An installed package may have names that npm no longer gives, as long as they are safe folders."""
    assert find_name_fault(name) == own
    assert find_dependency_name_fault(name) == dependency


@pytest.mark.parametrize(
    ("name", "version", "want"),
    [
        ("n", "1.2.3", "n-1.2.3.tgz"),
        ("@s/n", "1.2.3", "s-n-1.2.3.tgz"),
        ("@S/N", "1.2.3-a+b.1", "S-N-1.2.3-a+b.1.tgz"),
    ],
)
def test_a_tarball_is_named_as_npm_names_it(name: str, version: str, want: str) -> None:
    """A tarball is named as npm names it, build metadata included; the usual pattern gives the same name."""
    assert make_tarball_name(name, version) == want
    assert fill_pattern("%s-%v.tgz", name, version) == want
    assert make_slug(name) + f"-{version}.tgz" == want


@pytest.mark.parametrize(
    ("pattern", "want"),
    [
        ("out.tgz", "out.tgz"),
        ("%s.tgz", "s-n.tgz"),
        ("%s-%s-%v-%v", "s-n-s-n-1.2.3+b-1.2.3+b"),
        ("a/../%s/%v.tgz", "a/../s-n/1.2.3+b.tgz"),
        ("/%v/%s", "/1.2.3+b/s-n"),
        ("%%s%", "%s-n%"),
        ("%x-%S-%%", "%x-%S-%%"),
        ("\udcff%s", "\udcffs-n"),
    ],
)
def test_a_pattern_is_filled_in(pattern: str, want: str) -> None:
    """Each %s and %v is replaced, everything else stays, folders too."""
    assert fill_pattern(pattern, "@s/n", "1.2.3+b") == want


@pytest.mark.parametrize("pattern", ["", "dir/", "/", ".", "..", "%s/..", "%s\0", "\ud800"])
def test_a_pattern_that_names_no_file_is_refused(pattern: str) -> None:
    """A pattern that names no file, or one that no disk takes, is refused."""
    with pytest.raises(LinkpackError) as raised:
        fill_pattern(pattern, "n", "1.0.0")
    assert raised.value.code == "EOUTPATTERN"
    assert pattern in raised.value.message
