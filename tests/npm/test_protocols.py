"""Specs of other package managers, and what npm gets to see of them."""

from __future__ import annotations

import pytest

from linkpack.npm.protocols import (
    Supplied,
    UnresolvableError,
    add_alias,
    find_patch_error,
    is_inside,
    is_local,
    resolve_catalog,
    resolve_jsr,
    strip_npm,
)

CATALOGS = {"default": {"a": " ^1 ", "b": "catalog:other"}, "old": {"a": "^0.9"}}


def test_a_catalog_is_asked_by_its_name() -> None:
    """Without a name it is the default one."""
    assert resolve_catalog("catalog:", "a", CATALOGS) == "^1"
    assert resolve_catalog("catalog:old", "a", CATALOGS) == "^0.9"


@pytest.mark.parametrize(("spec", "key"), [("catalog:none", "a"), ("catalog:", "c"), ("catalog:", "b")])
def test_a_catalog_without_the_key_is_an_error(spec: str, key: str) -> None:
    """A catalog that is missing, or leads to another one, means nothing."""
    with pytest.raises(UnresolvableError) as caught:
        resolve_catalog(spec, key, CATALOGS)
    assert caught.value.code == "ECATALOG"


@pytest.mark.parametrize(
    ("spec", "there", "tags", "want"),
    [
        ("npm:^1.2.0", None, False, "^1.2.0"),
        ("npm:1.2.0", None, False, "1.2.0"),
        ("npm:other@^1", None, True, "npm:other@^1"),
        ("npm:latest", None, True, "latest"),
        ("npm:latest", None, False, "npm:latest"),
        ("npm:latest", Supplied("a", "1.0.0"), False, "latest"),
        ("npm:latest", Supplied("latest", "1.0.0"), True, "npm:latest"),
        ("^1", None, True, "^1"),
    ],
)
def test_npm_is_removed_before_ranges_and_tags(
    spec: str, there: Supplied | None, want: str, *, tags: bool
) -> None:
    """`npm:` is removed before a range, and before a word that is a tag of the package itself."""
    assert strip_npm(spec, "a", there, tags=tags) == want


def test_a_patch_is_named_by_the_spec_below_it() -> None:
    """The message has the spec as it is without the patch, decoded."""
    fault = find_patch_error("patch:@s/a@npm%3A%5E4.17.21%20%C3%A9#~/.yarn/patches/a.patch")
    assert fault is not None
    assert fault.code == "ESPECPATCH"
    assert "@s/a ^4.17.21 é with a patch" in fault.message
    assert find_patch_error("^1") is None


@pytest.mark.parametrize("spec", ["jsr:^1", "jsr:@std", "jsr:@a/.b@1"])
def test_a_jsr_package_has_a_scope(spec: str) -> None:
    """Without one, in the spec or the key, JSR has no such package."""
    with pytest.raises(UnresolvableError) as caught:
        resolve_jsr(spec, "path")
    assert caught.value.code == "EJSR"


def test_paths_and_their_protocols_are_local() -> None:
    """Paths and the protocols for them are local; inside the package are those that do not leave it."""
    specs = ["./a", "file:a", "portal:../a", "exec:./a.js", "^1", "a/b"]
    assert [is_local(spec) for spec in specs] == [True, True, True, True, False, False]
    paths = ["./a/b", "FILE:a", "a/../../b", ".", "/a", "~/a", "c:/a"]
    assert [is_inside(path) for path in paths] == [True, True, False, False, False, False, False]


def test_an_alias_is_written_only_for_another_name() -> None:
    """A name is written only where it differs from the key, and is one."""
    packages = [Supplied("a", ""), Supplied("", ""), Supplied("../b", ""), Supplied("b", "")]
    assert [add_alias("a", package, "1") for package in packages] == ["1", "1", "1", "npm:b@1"]
