from __future__ import annotations

import posixpath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkpack.npm.package_names import find_dependency_name_fault, find_name_fault, make_tarball_name

pytestmark = pytest.mark.property

NEAR_NAMES = st.text(st.sampled_from("aZ0.@/_-~\\: %\n\0\ud800é"), max_size=12)
TESTED = settings(derandomize=True, deadline=None, max_examples=300)


@TESTED
@given(NEAR_NAMES | st.text(max_size=20))
def test_safe_folder(name: str) -> None:
    """A name without fault is a path of one or two folders that leads down, in printable ASCII."""
    if find_dependency_name_fault(name) == "":
        assert posixpath.normpath(name) == name
        assert name.count("/") == name.startswith("@")
        assert not any(part.startswith(".") for part in name.split("/"))
        assert name.isascii()
        assert name.isprintable()


@TESTED
@given(NEAR_NAMES)
def test_file_name(name: str) -> None:
    """The tarball of an acceptable name is a file name without folders."""
    if find_name_fault(name) == "":
        assert posixpath.basename(make_tarball_name(name, "1.0.0")) == make_tarball_name(name, "1.0.0")
