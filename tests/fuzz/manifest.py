"""Any bytes as a package.json, in each of the three roles that a manifest can have."""

from __future__ import annotations

import json

from linkpack.errors import ManifestInvalid
from linkpack.npm.manifest import Manifest, Role, parse_manifest
from linkpack.report.problems import error_text

ROLES: tuple[Role, ...] = ("root", "linked", "installed")


def one_input(data: bytes) -> None:
    """A manifest or a refusal; what is accepted is what Python's reader sees too, and no name in it is a path."""
    for role in ROLES:
        _in_role(data, role)


def _in_role(data: bytes, role: Role) -> None:
    try:
        found = parse_manifest(data, "package.json", role)
    except ManifestInvalid as err:
        _refused(err)
    else:
        _accepted(found, data, role)


def _refused(err: ManifestInvalid) -> None:
    assert err.code.startswith("E"), err.code
    assert err.hint, err.message
    text = error_text(err.problems)
    assert "package.json" in text
    assert all(char.isprintable() or char == "\n" for char in text), text


def _accepted(found: Manifest, data: bytes, role: Role) -> None:
    assert found.raw == data or "ships as" in str(found.warnings)
    members = json.loads(found.raw.decode("utf-8-sig", "surrogateescape"))
    assert isinstance(members, dict)
    if role == "root":
        assert (found.name, found.version) == (members["name"], members["version"])
    names = (*found.dependencies, *found.optional_dependencies, *found.peer_dependencies, *found.bundle)
    for name in names:
        scope, slash, last = name.rpartition("/")
        assert last not in {"", ".", ".."}, name
        assert scope[:1] == slash.replace("/", "@"), name
        assert "/" not in scope, name
        assert "\0" not in name, name
    for path in (*found.bins, *found.bins.values(), *found.mans):
        assert not path.startswith("/"), path
        assert ".." not in path.split("/"), path
