from __future__ import annotations

import json
import re
from typing import Any, Literal

import pytest

from linkpack.errors import ManifestInvalid
from linkpack.npm.manifest import Manifest, clean_path, parse_manifest

Role = Literal["root", "linked", "installed"]
STRICT: tuple[Role, ...] = ("root", "linked")
ROLES: tuple[Role, ...] = ("root", "linked", "installed")


def read(role: Role = "root", /, **fields: object) -> Manifest:
    """The manifest of a package `@s/p` with *fields* on top."""
    raw = json.dumps({"name": "@s/p", "version": "1.2.3", **fields}).encode()
    return parse_manifest(raw, "p/package.json", role)


def refusal(raw: bytes, role: Role) -> ManifestInvalid:
    """The error that *raw* ends in."""
    with pytest.raises(ManifestInvalid) as caught:
        parse_manifest(raw, "p/package.json", role)
    return caught.value


def test_a_bare_manifest_is_empty() -> None:
    """Fields that are not there are empty or None, and the bytes are kept."""
    raw = b'\xef\xbb\xbf{"name":"p","version":"1.0.0-rc.1+b"}\r\n'
    none: Any = {}
    assert parse_manifest(raw, "package.json", "root") == Manifest(
        raw=raw,
        name="p",
        version="1.0.0-rc.1+b",
        dependencies=none,
        optional_dependencies=none,
        peer_dependencies=none,
        dev_dependencies=none,
        optional_peers=frozenset(),
        bundle=(),
        bins=none,
        directories_bin=None,
        mans=(),
        directories_man=None,
        files=None,
        main=None,
        browser=None,
        scripts=none,
        workspaces=(),
        catalogs=none,
        patched=(),
        private=False,
        package_manager="",
        publish_config=none,
        members={"name": "p", "version": "1.0.0-rc.1+b"},
    )


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("fields", "attribute", "want"),
    [
        ({"dependencies": {"a": "^1", "@s/b": ""}}, "dependencies", {"a": "^1", "@s/b": ""}),
        (
            {"dependencies": {"constructor": "1", "JSONStream": "1"}},
            "dependencies",
            {"constructor": "1", "JSONStream": "1"},
        ),
        ({"dependencies": None}, "dependencies", {}),
        ({"optionalDependencies": {"a": "1"}, "dependencies": {"a": "2"}}, "optional_dependencies", {"a": "1"}),
        ({"optionalDependencies": {"a": "1"}, "dependencies": {"a": "2"}}, "dependencies", {"a": "2"}),
        ({"peerDependencies": {"a": "1"}}, "peer_dependencies", {"a": "1"}),
        ({"devDependencies": {"a": "1"}}, "dev_dependencies", {"a": "1"}),
        (
            {"peerDependenciesMeta": {"a": {"optional": True}, "b": {"optional": False}, "c": {}, "d": 5}},
            "optional_peers",
            {"a"},
        ),
        ({"bundleDependencies": ["b", "a", "b", "@s/c"]}, "bundle", ("b", "a", "@s/c")),
        ({"bundledDependencies": ["a"]}, "bundle", ("a",)),
        ({"bundledDependencies": ["a"], "bundleDependencies": ["b"]}, "bundle", ("b",)),
        ({"bundledDependencies": ["a"], "bundleDependencies": None}, "bundle", ()),
        ({"bundleDependencies": True, "dependencies": {"b": "1", "a": "1"}}, "bundle", ("b", "a")),
        ({"bundleDependencies": True}, "bundle", ()),
        ({"bundleDependencies": False, "dependencies": {"a": "1"}}, "bundle", ()),
        ({"bundleDependencies": []}, "bundle", ()),
        ({"bundleDependencies": {"b": "1", "a": False}}, "bundle", ("b", "a")),
        ({"bin": "./cli.js"}, "bins", {"p": "cli.js"}),
        ({"bin": ["./bin/a", "b.js"]}, "bins", {"a": "bin/a", "b.js": "b.js"}),
        (
            {"bin": {"a": "../../x", "../../b": "/y", "c\\d:e": "a\\b:c", "..": "z", "f": "./"}},
            "bins",
            {"a": "x", "b": "y", "e": "a/b/c"},
        ),
        ({"bin": {"x/a": "1.js", "a": "2.js"}}, "bins", {"a": "1.js"}),
        ({"bin": ""}, "bins", {}),
        ({"bin": None}, "bins", {}),
        ({"directories": {"bin": "./s/"}}, "directories_bin", "s"),
        ({"directories": {"bin": "../"}}, "directories_bin", ""),
        ({"directories": {"bin": "s"}, "bin": ""}, "directories_bin", "s"),
        ({"directories": {"bin": "s"}, "bin": {}}, "directories_bin", None),
        ({"directories": {"bin": ""}}, "directories_bin", None),
        ({"directories": {"man": "../man"}}, "directories_man", "man"),
        ({"directories": {"man": "../man"}, "man": "x.1"}, "directories_man", None),
        ({"man": "./a.1"}, "mans", ("a.1",)),
        ({"man": ["a.1", "../../b.1", ".."]}, "mans", ("a.1", "b.1")),
        ({"files": ["lib", "lib", ""]}, "files", ("lib", "lib", "")),
        ({"files": []}, "files", ()),
        ({"files": None}, "files", None),
        ({"main": "./x.js"}, "main", "./x.js"),
        ({"main": 0}, "main", None),
        ({"browser": "b.js"}, "browser", "b.js"),
        ({"browser": {"./a": False}}, "browser", None),
        ({"scripts": {"a": "b", "//": ["note"]}}, "scripts", {"a": "b"}),
        ({"workspaces": ["packages/*"]}, "workspaces", ("packages/*",)),
        ({"workspaces": {"packages": ["a"]}}, "workspaces", ("a",)),
        ({"workspaces": {}}, "workspaces", ()),
        (
            {"catalog": {"a": "^1"}, "catalogs": {"x": {"a": "^2"}}},
            "catalogs",
            {"default": {"a": "^1"}, "x": {"a": "^2"}},
        ),
        (
            {
                "catalog": {"a": "^1", "b": "1"},
                "workspaces": {"catalog": {"a": "^3"}, "catalogs": {"default": {"c": "1"}}},
            },
            "catalogs",
            {"default": {"a": "^3", "b": "1", "c": "1"}},
        ),
        ({"patchedDependencies": {"a@1": "patches/a.patch"}}, "patched", ("patches/a.patch",)),
        ({"private": True}, "private", True),
        ({"packageManager": "pnpm@10.0.0"}, "package_manager", "pnpm@10.0.0"),
        ({"packageManager": {}}, "package_manager", ""),
        ({"publishConfig": {"directory": "dist"}}, "publish_config", {"directory": "dist"}),
    ],
)
def test_every_form_of_a_field_gives_one_value(
    fields: dict[str, object], attribute: str, want: object, role: Role
) -> None:
    """Every form that npm takes of a field gives one value, in every role."""
    assert getattr(read(role, **fields), attribute) == want


WRONG: list[tuple[dict[str, object], str, str, object]] = [
    ({"dependencies": ["a"]}, 'dependencies must be an object, not ["a"]', "dependencies", {}),
    (
        {"dependencies": {"a": None, "b": "1"}},
        "dependencies.a must be a text, not null",
        "dependencies",
        {"b": "1"},
    ),
    ({"devDependencies": {"a": {"version": 1}}}, "devDependencies.a", "dev_dependencies", {}),
    ({"optionalDependencies": "x"}, "optionalDependencies must be", "optional_dependencies", {}),
    ({"peerDependenciesMeta": ["a"]}, "peerDependenciesMeta must be", "optional_peers", set()),
    ({"bundleDependencies": "dep"}, 'bundleDependencies must be a list of names, not "dep"', "bundle", ()),
    ({"bundleDependencies": 42}, "bundleDependencies must be a list of names, not 42", "bundle", ()),
    ({"bin": 5}, "bin must be", "bins", {}),
    ({"bin": {"x": 5, "y": "y"}}, "bin.x must be a text, not 5", "bins", {"y": "y"}),
    ({"bin": ["x", None]}, "bin[1] must be a text, not null", "bins", {"x": "x"}),
    ({"directories": "x"}, "directories must be", "directories_bin", None),
    ({"directories": {"bin": 5}}, "directories.bin must be a text, not 5", "directories_bin", None),
    ({"man": [5, "x"]}, "man[0] must be", "mans", ("x",)),
    ({"files": "index.js"}, "files must be a list of texts", "files", None),
    ({"files": {"a": "index.js"}}, "files must be a list of texts", "files", None),
    ({"files": ["a", None]}, "files[1] must be a text, not null", "files", ("a",)),
    ({"scripts": "x"}, "scripts must be an object", "scripts", {}),
    ({"workspaces": 5}, "workspaces must be", "workspaces", ()),
    ({"workspaces": {"packages": "a"}}, "workspaces.packages must be", "workspaces", ()),
    ({"catalog": [1]}, "catalog must be", "catalogs", {"default": {}}),
    ({"catalogs": {"x": 1}}, "catalogs.x must be", "catalogs", {"x": {}}),
    ({"patchedDependencies": ["a"]}, "patchedDependencies must be", "patched", ()),
    (
        {"publishConfig": "x" * 100},
        'publishConfig must be an object, not "' + "x" * 59 + "…",
        "publish_config",
        {},
    ),
]


@pytest.mark.parametrize("role", STRICT)
@pytest.mark.parametrize(("fields", "words"), [case[:2] for case in WRONG])
def test_wrong_types_are_refused(fields: dict[str, object], words: str, role: Role) -> None:
    """In a root or linked package a wrong type is refused; file, place, key, value and remedy are named."""
    raw = json.dumps({"name": "p", "version": "1.0.0", **fields}, indent=1).encode()
    error = refusal(raw, role)
    assert (error.code, error.path) == ("EMANIFEST", "p/package.json")
    assert re.match(r"p/package\.json:(4:2|5:3|6:3): ", error.message)
    assert words in error.message
    assert error.hint


@pytest.mark.parametrize(("fields", "attribute", "want"), [(case[0], *case[2:]) for case in WRONG])
def test_wrong_types_in_installed_packages_are_as_if_absent(
    fields: dict[str, object], attribute: str, want: object
) -> None:
    """What is published is what it is: an installed package with a wrong type loses that field only."""
    assert getattr(read("installed", **fields), attribute) == want


@pytest.mark.parametrize("key", ["name", "version"])
@pytest.mark.parametrize("value", [None, ""])
def test_only_roots_need_name_and_version(key: str, value: object) -> None:
    """A package that is packed needs name and version; a bundled one is known by its folder."""
    raw = json.dumps({"name": "p", "version": "1.0.0", key: value}).encode()
    error = refusal(raw, "root")
    assert error.code == "E" + key.upper()
    assert f"{key} is missing" in error.message
    assert [getattr(parse_manifest(raw, "", role), key) for role in ROLES[1:]] == ["", ""]
    raw = json.dumps({"name": "p", "version": "1.0.0", "x": key}).replace(f'"{key}":', '"y":').encode()
    assert refusal(raw, "root").message.startswith(f"p/package.json: {key} is missing")


@pytest.mark.parametrize("role", STRICT)
@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[
            ("name", value)
            for value in ["../x", "/etc/x", "@s/../x", "a/b/c", "a\\b", "ev\0il", "a b", "é", ".a", "\ud800"]
        ],
        *[("name", value) for value in ["node_modules", "a" * 215, 1, [], {"toString": "x"}, True]],
        *[("version", value) for value in ["1.0", "latest", "1.0.0/../x", "1.0.0-a/b", 1, [], {}]],
        *[
            ("version", value)
            for value in ["99999999999999999999.0.0", "1.0.0-" + "a" * 300, "\u0661.\u0660.\u0660"]
        ],
    ],
)
def test_names_and_versions_follow_the_grammar(key: str, value: object, role: Role) -> None:
    """A name or version that npm's grammar refuses is refused, with the value and the line."""
    raw = json.dumps({"version": "1.0.0", "name": "p", key: value}).encode()
    error = refusal(raw, role)
    assert (error.code, error.hint) == ("E" + key.upper(), f"change {key}")
    assert f"p/package.json:1:{2 if key == 'version' else 22}: {key} " in error.message
    assert getattr(parse_manifest(raw, "", "installed"), key) == (
        str(value).replace("\ud800", "\ufffd") if isinstance(value, str) else ""
    )


@pytest.mark.parametrize(
    "name", ["../../x", "/etc", ".bin", "a/../../x", "..", ".", "", "de\0p", "de\np", None, 7, ["dep"]]
)
def test_bundled_names_are_names(name: object) -> None:
    """An entry of bundleDependencies that is no package name is refused, but for where the list is not used."""
    raw = json.dumps({"name": "p", "version": "1.0.0", "bundleDependencies": ["ok", name]}).encode()
    for role in STRICT:
        error = refusal(raw, role)
        assert error.code == "EBUNDLENAME"
        assert f"bundleDependencies[1] {json.dumps(name)} " in error.message
    assert parse_manifest(raw, "", "installed").bundle == ("ok",)
    if isinstance(name, str):
        assert refusal(raw.replace(b'["ok", ', b'{"ok": 1, ').replace(b"]", b": 1}"), "root").code == "EBUNDLENAME"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("key", ["dependencies", "optionalDependencies", "peerDependencies"])
@pytest.mark.parametrize("name", ["../../x", "/etc", ".bin", "", "a/b", "@s/../x"])
def test_dependency_names_are_names(name: str, key: str, role: Role) -> None:
    """A dependency's name becomes a path below node_modules, so in every role it must be one."""
    error = refusal(json.dumps({"name": "p", "version": "1.0.0", key: {name: "1"}}).encode(), role)
    assert error.code == "EDEPNAME"
    assert f"{key}.{name} {json.dumps(name)} " in error.message


NOTHING: tuple[object, ...] = ([], "", False, 0)
TABLES = {
    "dependencies": "dependencies",
    "optionalDependencies": "optional_dependencies",
    "peerDependencies": "peer_dependencies",
    "devDependencies": "dev_dependencies",
    "scripts": "scripts",
    "publishConfig": "publish_config",
}
EMPTY: list[tuple[dict[str, object], str, str, object]] = [
    *[
        ({key: value}, f"{key} must be an object, not {json.dumps(value)}", attribute, {})
        for key, attribute in TABLES.items()
        for value in NOTHING
    ],
    (
        {"peerDependenciesMeta": []},
        "peerDependenciesMeta must be an object, not []",
        "optional_peers",
        frozenset(),
    ),
    ({"directories": ""}, 'directories must be an object, not ""', "directories_bin", None),
    ({"patchedDependencies": []}, "patchedDependencies must be an object, not []", "patched", ()),
    ({"patchedDependencies": {"a": None}}, "patchedDependencies.a must be a text, not null", "patched", ()),
    ({"bundleDependencies": ""}, 'bundleDependencies must be a list of names, not ""', "bundle", ()),
    ({"files": ""}, 'files must be a list of texts, not ""', "files", None),
    ({"files": False}, "files must be a list of texts, not false", "files", None),
    ({"man": False}, "man must be a list of texts, not false", "mans", ()),
    ({"bin": False}, "bin must be an object, not false", "bins", {}),
    ({"bin": {"x": None, "y": "y"}}, "bin.x must be a text, not null", "bins", {"y": "y"}),
    ({"bin": {"x": False}}, "bin.x must be a text, not false", "bins", {}),
]


@pytest.mark.parametrize("role", STRICT)
@pytest.mark.parametrize(("fields", "words", "attribute", "want"), EMPTY)
def test_empty_values_of_a_wrong_type_count_as_absent(
    fields: dict[str, object], words: str, attribute: str, want: object, role: Role
) -> None:
    """What npm takes for nothing is no reason to refuse, and is warned of once, with place and remedy."""
    found = read(role, **fields)
    assert getattr(found, attribute) == want
    (warning,) = found.warnings
    assert (warning.code, warning.path) == ("WMANIFEST", "p/package.json")
    assert re.match(r"p/package\.json:1:\d+: ", warning.message)
    assert f"{words}: taken as absent" in warning.message
    assert warning.hint
    assert read("installed", **fields)._replace(raw=b"") == found._replace(raw=b"", warnings=())


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("key", ["files", "man"])
def test_a_gap_in_a_list_is_no_text(key: str, role: Role) -> None:
    """An entry that is null or false ends `npm pack`, so it is refused."""
    for value in (None, False):
        raw = json.dumps({"name": "p", "version": "1.0.0", key: ["a", value]}).encode()
        if role == "installed":
            assert parse_manifest(raw, "", role).warnings == ()
        else:
            assert refusal(raw, role).code == "EMANIFEST"


@pytest.mark.parametrize("role", STRICT)
@pytest.mark.parametrize(
    ("version", "want"),
    [
        ("v1.2.3", "1.2.3"),
        (" 1.2.3", "1.2.3"),
        ("1.2.3\n", "1.2.3"),
        ("=1.2.3", "1.2.3"),
        ("01.2.3", "1.2.3"),
        ("1.2.3beta", "1.2.3-beta"),
        ("v1.2.3-rc.01+b", "1.2.3-rc.1"),
    ],
)
def test_versions_are_cleaned_as_npm_publish_does(version: str, want: str, role: Role) -> None:
    """The cleaned version is the package's, in the bytes that ship too, and there is a warning."""
    raw = json.dumps({"name": "p", "version": version, "x": " v1.2.3 "}, indent=2).encode()
    found = parse_manifest(raw, "p/package.json", role)
    assert (found.version, json.loads(found.raw)) == (want, {"name": "p", "version": want, "x": " v1.2.3 "})
    (warning,) = found.warnings
    message = f"p/package.json:3:3: version {json.dumps(version)} ships as {want}, which npm publish makes of it"
    assert (warning.code, warning.message, warning.hint) == ("WMANIFEST", message, f'write "{want}"')
    assert parse_manifest(raw, "", "installed").version == version


@pytest.mark.parametrize("role", STRICT)
def test_white_space_around_a_name_is_cut_off(role: Role) -> None:
    """A name is trimmed as by npm publish, since npm install refuses the white space."""
    found = parse_manifest(b'{"name": "\\ufeff@s/p ", "version": "v1.0.0"}', "package.json", role)
    assert (found.name, found.raw) == ("@s/p", b'{"name": "@s/p", "version": "1.0.0"}')
    assert [warning.hint for warning in found.warnings] == ['write "@s/p"', 'write "1.0.0"']


@pytest.mark.parametrize("value", [5, True, ["a.js"], [], {}])
def test_a_main_that_is_no_text_cannot_be_published(value: object) -> None:
    """`npm pack` passes over it, `npm publish` ends with it, so there is a warning."""
    (warning,) = read(main=value).warnings
    assert (warning.code, "npm publish will fail" in warning.message) == ("WMANIFEST", True)
    assert read("installed", main=value).warnings == ()
    assert read(main=False).warnings == read(main="").warnings == ()


def test_of_duplicate_keys_the_last_one_wins() -> None:
    """As for npm the last one wins; in a package's own source all of them are named in one warning."""
    raw = b'{"name":"a","version":"1.0.0",\n"name":"b","scripts":{"x":"1","x":"2"}}'
    for role in ROLES:
        found = parse_manifest(raw, "p/package.json", role)
        assert (found.name, found.scripts, found.raw) == ("b", {"x": "2"}, raw)
        assert [warning.message for warning in found.warnings] == (
            []
            if role == "installed"
            else [
                'p/package.json: duplicate keys "name" (2:1), "scripts.x" (2:31): the last one counts, as for npm'
            ]
        )
    many = b'{"name":"a","version":"1.0.0"' + b"".join(b',"%d":1,"%d":2' % (i, i) for i in range(9)) + b"}"
    assert parse_manifest(many, "", "root").warnings[0].message.count("(") == 5
    assert " and 4 more: " in parse_manifest(many, "", "root").warnings[0].message


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b'{"a":', b'{"a":"\xff"}', b'{"a":NaN}', b"[" * 100_000])
def test_what_is_no_json_object_is_refused_in_every_role(raw: bytes, role: Role) -> None:
    """No role makes a manifest of what is no JSON object."""
    assert refusal(raw, role).code == "EJSON"


@pytest.mark.parametrize(
    ("path", "want"),
    [
        ("a", "a"),
        ("./a/", "a/"),
        ("/", ""),
        ("", ""),
        ("a/../../b", "b"),
        ("a//b/.", "a/b"),
        ("C:\\x", "C/x"),
        ("...", "..."),
    ],
)
def test_a_cleaned_path_is_below_the_package(path: str, want: str) -> None:
    """A cleaned path is below the package, whatever it was."""
    assert clean_path(path) == want
