"""Read and check a package.json.

`parse_manifest` reads each field as npm does. `Fields`, below, says what happens to a value of a wrong type. A
`Manifest` keeps the bytes that it was read from, since these are what ships.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NoReturn, TypeGuard

from linkpack.errors import ManifestInvalid, Problem
from linkpack.npm import json_text
from linkpack.npm.json_edit import replace_values
from linkpack.npm.package_names import find_dependency_name_fault, find_name_fault
from linkpack.npm.semver import WHITESPACE, clean_version, find_version_fault
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Role = Literal["root", "linked", "installed"]

_SHOWN = 60  # characters of a wrong value that a message shows
_NAMED = 5  # duplicate keys that a warning names


class Manifest(Record):
    """A package.json, checked.

    Fields that it lacks are empty or None. A name may be in several dependency fields, and npm then goes by the
    optional one.
    """

    raw: bytes  # the file, byte for byte, except for a name or version that publishing cleans
    name: str
    version: str
    dependencies: Mapping[str, str]  # names to specs, as all dependency fields
    optional_dependencies: Mapping[str, str]
    peer_dependencies: Mapping[str, str]
    dev_dependencies: Mapping[str, str]
    optional_peers: frozenset[str]
    bundle: tuple[str, ...]  # the bundled names, from a list, an object or `true`
    bins: Mapping[str, str]  # commands to scripts, both cleaned with `clean_path`
    directories_bin: str | None  # a folder of commands, "" for the package itself; None if there is a bin field
    mans: tuple[str, ...]  # man pages, cleaned with `clean_path`
    directories_man: str | None  # as directories_bin, for man pages
    files: tuple[str, ...] | None  # as written
    main: str | None  # as written
    browser: str | None  # only when it is a text
    scripts: Mapping[str, str]
    workspaces: tuple[str, ...]
    catalogs: Mapping[
        str, Mapping[str, str]
    ]  # of bun: catalog names to names to specs; the unnamed one is `default`
    patched: tuple[str, ...]  # files, the values of patchedDependencies
    private: bool
    package_manager: str
    publish_config: Mapping[str, object]
    members: Mapping[str, object] = {}  # all fields as JSON has them, unchecked
    npm_rules: str = ""  # the version of npm that linkpack is asked to imitate
    npm_range: str = ""  # the npm that it is for by packageManager, else by devEngines: a version or range
    selectors: tuple[str, ...] | None = None  # what linkpack is asked to bundle; None: it is not asked
    may_ship: bool = True  # False if no tarball of another package may hold it
    warnings: tuple[Problem, ...] = ()  # WMANIFEST: what npm reads otherwise than it is written


def parse_manifest(raw: bytes, where: str, role: Role) -> Manifest:
    """Read the manifest in *raw*.

    *where* is the file's name for messages. *role* decides how strict the reading is:

    - a root needs a name and a version by npm's rules, and no field may have a type that npm fails on or ignores;
    - a linked package, the source of another project, may lack name and version;
    - an installed package is read as npm reads it: a field of a wrong type is absent.

    Where npm's reading makes sense there is a warning instead of an error: an empty value of a wrong type is
    absent (see `Fields`), of duplicate keys the last one wins, and a name or version is cleaned as `npm
    publish` cleans it, in *raw* too, ` v1.2.3` to `1.2.3` (@npmcli/package-json 7, lib/normalize.js,
    `normalizeData`).

    Raises `ManifestInvalid` with file, line, key and remedy: EJSON (see `json_text.parse`), ENAME, EVERSION,
    EBUNDLENAME (an entry of bundleDependencies is no package name), EDEPNAME (the same in a dependency field,
    in every role, since a name is a path below node_modules), EMANIFEST (any other field).
    """
    fields = Fields(raw, where, json_text.parse(raw, where), role)
    if role != "installed":
        _warn_of_duplicates(fields)
    name = _read_name(fields)
    version = _read_version(fields)
    dependencies = _read_dependencies(fields, "dependencies")
    edits = [((key,), text) for key, text in (("name", name), ("version", version)) if text]
    edits = [(path, text) for path, text in edits if text != fields.get(*path)]
    raw = replace_values(raw, edits) if edits else raw  # nearly all manifests ship as they are
    return Manifest(
        raw=raw,
        name=name,
        version=version,
        dependencies=dependencies,
        optional_dependencies=_read_dependencies(fields, "optionalDependencies"),
        peer_dependencies=_read_dependencies(fields, "peerDependencies"),
        dev_dependencies=fields.texts("devDependencies"),
        optional_peers=_read_optional_peers(fields),
        bundle=_read_bundle(fields, dependencies),
        bins=_read_bins(fields, name),
        directories_bin=_read_folder(fields, "bin"),
        mans=_read_mans(fields),
        directories_man=_read_folder(fields, "man"),
        files=fields.items("files"),
        main=_read_main(fields),
        browser=_keep_text(fields.get("browser")),
        scripts=_keep_texts(fields.table("scripts")),
        workspaces=_read_workspaces(fields),
        catalogs=_read_catalogs(fields),
        patched=tuple(fields.texts("patchedDependencies", gaps=True).values()),
        private=bool(fields.get("private")),
        package_manager=_keep_text(fields.get("packageManager")) or "",
        publish_config=fields.table("publishConfig"),
        members=fields.members,
        npm_rules=_read_npm_rules(fields),
        npm_range=_read_npm_range(fields),
        selectors=_read_selectors(fields),
        may_ship=fields.get("linkpack", "bundle") is not False,
        warnings=fields.warnings(),  # last: reading the fields adds to them
    )


def clean_path(path: str) -> str:
    r"""Clean a *path* of bin or man as npm does.

    The result is relative to the package. Source: @npmcli/package-json, lib/normalize.js.

    >>> clean_path("../../x"), clean_path("./a//b"), clean_path("a\\b"), clean_path("..")
    ('x', 'a/b', 'a/b', '')
    """
    parts: list[str] = []
    slashed = path.replace("\\", "/").replace(":", "/")
    for part in slashed.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts) + ("/" if parts and slashed.endswith("/") else "")


def _find_base_name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _keep_text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _keep_texts(table: Mapping[str, object]) -> Mapping[str, str]:
    return {key: value for key, value in table.items() if isinstance(value, str)}


def _warn_of_duplicates(fields: Fields) -> None:
    """Warn of all duplicate keys at once."""
    keys = [f'"{key}" ({place})' for key, place in json_text.find_duplicate_keys(fields.raw)]
    if keys:
        named = ", ".join(keys[:_NAMED]) + (f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else "")
        plural = "s" if len(keys) > 1 else ""
        message = f"{fields.where}: duplicate key{plural} {named}: the last one counts, as for npm"
        fields.note(message, "remove the others")


def _read_name(fields: Fields) -> str:
    """Read the name, without white space around it."""
    return _read_checked(fields, "name", find_name_fault, lambda name: name.strip(WHITESPACE))


def _read_version(fields: Fields) -> str:
    """Read the version, cleaned as `npm publish` cleans it."""
    return _read_checked(fields, "version", find_version_fault, clean_version)


def _read_checked(
    fields: Fields, key: str, fault_of: Callable[[str], str], clean: Callable[[str], str | None]
) -> str:
    """Read a text, and refuse a fault that *clean* leaves.

    A cleaned text gives a warning.
    """
    text = _read_required(fields, key)
    fault = fault_of(text) if text and fields.role != "installed" else ""
    if fault:
        # `npm pack` ships such a text as it is (docs/differences-from-npm.md, J1 and J2).
        written, text = text, clean(text) or ""
        if not text or fault_of(text):
            fields.refuse((key,), f"{show(written)} {fault}", f"change {key}", f"E{key.upper()}")
        fields.warn((key,), f"{show(written)} ships as {text}, which npm publish makes of it", f'write "{text}"')
    return text


def _read_required(fields: Fields, key: str) -> str:
    """Read a text that only a root must have."""
    value, code = fields.get(key), f"E{key.upper()}"
    if isinstance(value, str) and value:
        return value
    if value in (None, "") and fields.role == "root":
        fields.refuse((key,), "is missing", f'add "{key}": a package needs a name and a version', code)
    if value not in (None, "") and fields.role != "installed":
        fields.refuse((key,), f"{show(value)} is not a text", f"change {key}", code)
    return ""


def _read_dependencies(fields: Fields, key: str) -> Mapping[str, str]:
    """Read a table of specs, and refuse wrong names in it."""
    specs = fields.texts(key)
    for name in specs:
        fault = find_dependency_name_fault(name)
        if fault:
            fields.refuse((key, name), f"{show(name)} {fault}", f"remove it from {key}", "EDEPNAME")
    return specs


def _read_optional_peers(fields: Fields) -> frozenset[str]:
    """Read which peers are optional by peerDependenciesMeta."""
    meta = fields.table("peerDependenciesMeta")
    return frozenset(name for name, about in meta.items() if isinstance(about, dict) and about.get("optional"))


def _read_bundle(fields: Fields, dependencies: Mapping[str, str]) -> tuple[str, ...]:
    """Read the bundled names, each once, in the order written."""
    key = "bundleDependencies"
    if key not in fields.members:  # as npm: the alias is read only without the real field, whatever that holds
        key = "bundledDependencies"
    value = fields.get(key)
    # `true`, an object and `false` mean what they mean to npm (lib/normalize.js, step bundleDependencies).
    if value is True:
        return tuple(dependencies)
    if isinstance(value, (list, dict)):
        paths: list[str | int] = list(value) if isinstance(value, dict) else list(range(len(value)))
        entries = zip(paths, value, strict=True)
        return tuple(dict.fromkeys(name for place, name in entries if _check_bundled(fields, (key, place), name)))
    if value is not None and value is not False:
        fields.wrong((key,), value, "a list of names", absent=not value)
    return ()


def _check_bundled(fields: Fields, path: tuple[str | int, ...], name: object) -> TypeGuard[str]:
    """Return True if an entry of the bundled names is a package name.

    Others are refused, except in an installed package: its list is not used.
    """
    fault = find_dependency_name_fault(name) if isinstance(name, str) else "is not a text"
    if fault and fields.role != "installed":
        fields.refuse(path, f"{show(name)} {fault}", "list only names of dependencies", "EBUNDLENAME")
    return not fault


def _read_bins(fields: Fields, name: str) -> Mapping[str, str]:
    """Read the commands and their scripts.

    When cleaning gives two commands one name, the last one renamed wins (measured on @npmcli/package-json 7).
    """
    value = fields.get("bin")
    bins: dict[str, object]
    if isinstance(value, str):
        bins = {name: value} if name else {}
    elif isinstance(value, list):
        bins = {_find_base_name(item): item for item in fields.items("bin") or ()}
    else:
        bins = dict(fields.texts("bin", gaps=True))
    # As in npm's loop, a script is looked up in its turn: a command renamed before may have replaced it.
    for key in tuple(bins):
        script = clean_path(str(bins.pop(key)))
        command = _find_base_name(clean_path(key))
        if command and script:
            bins[command] = script
    return _keep_texts(bins)


def _read_mans(fields: Fields) -> tuple[str, ...]:
    """Read the man pages, from a text or a list."""
    value = fields.get("man")
    pages = (value,) if isinstance(value, str) else fields.items("man") or ()
    return tuple(page for page in map(clean_path, pages) if page)


def _read_folder(fields: Fields, kind: str) -> str | None:
    """Read the folder of `directories` for *kind*, cleaned.

    None if there is no folder, or a field *kind* with a value.
    """
    # As in lib/normalize.js, which asks for the folder only where the field itself is empty.
    folder = fields.text("directories", kind) if fields.table("directories") else ""
    return clean_path(folder).rstrip("/") if folder and fields.get(kind) in (None, False, "") else None


def _read_main(fields: Fields) -> str | None:
    """Read `main`.

    A value that is no text is a warning: npm packs such a package, but does not publish it.
    """
    value = fields.get("main")
    is_true = isinstance(value, (list, dict)) or bool(value)  # in JavaScript empty lists and objects are true
    if is_true and not isinstance(value, str) and fields.role != "installed":
        fields.warn(("main",), f"must be a text, not {show(value)}: npm publish will fail", "make it a text")
    return _keep_text(value)


def _read_workspaces(fields: Fields) -> tuple[str, ...]:
    """Read the patterns of workspaces.

    They are a list, or the `packages` of an object.
    """
    # yarn 1 and bun document the object, and npm reads it too (@npmcli/map-workspaces 5, `getPatterns`).
    if isinstance(fields.get("workspaces"), dict):
        return fields.items("workspaces", "packages") or ()
    return fields.items("workspaces") or ()


def _read_npm_rules(fields: Fields) -> str:
    """Read `"linkpack": {"npmRules": "11"}`, text or number."""
    path = ("linkpack", "npmRules")
    value = fields.get(*path)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if value is not None and not isinstance(value, str) and fields.role != "installed":
        # npm does not read this field, so no reading of npm says which wrong values to take as absent.
        fields.refuse(path, f"must be a version of npm, not {show(value)}", 'make it "11" or "12", or remove it')
    return _keep_text(value) or ""


def _read_selectors(fields: Fields) -> tuple[str, ...] | None:
    """Read `"linkpack": {"bundle": ["private", "!@s/secret"]}`.

    None if there is none, or `false`, which keeps the package out of the tarballs of others.
    """
    path = ("linkpack", "bundle")
    value = fields.get(*path)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if value is not None and value is not False and fields.role != "installed":
        fields.refuse(path, f"must be a list of selectors, or false, not {show(value)}", 'write ["private"]')
    return None


def _read_npm_range(fields: Fields) -> str:
    """Read which npm the package is for.

    packageManager says it (`npm@11.6.0+sha512.…`), else devEngines.packageManager.
    """
    name, _, version = (_keep_text(fields.get("packageManager")) or "").partition("@")
    if name == "npm":
        return version
    engines = fields.get("devEngines", "packageManager")
    for engine in engines if isinstance(engines, list) else [engines]:
        if isinstance(engine, dict) and engine.get("name") == "npm":
            return _keep_text(engine.get("version")) or "*"
    return ""


def _read_catalogs(fields: Fields) -> Mapping[str, Mapping[str, str]]:
    """Read the catalogs of bun.

    They are at the top and below `workspaces`, which wins.
    """
    catalogs: dict[str, dict[str, str]] = {}
    for above in ((), ("workspaces",)):
        if not isinstance(fields.get(*above), dict):
            continue
        for name in fields.table(*above, "catalogs"):
            catalogs.setdefault(name, {}).update(fields.texts(*above, "catalogs", name))
        if fields.get(*above, "catalog") is not None:
            catalogs.setdefault("default", {}).update(fields.texts(*above, "catalog"))
    return catalogs


def show(value: object) -> str:
    """Return *value* as JSON, short enough for a message."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # all numbers were read as floats
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


class Fields:
    """The members of a package.json, read by type.

    Each getter takes the path of a field. An absent field, and null, is read as empty. A wrong type is an
    error that names file, line, key and remedy, with two exceptions: in an installed package the field is
    absent, and `false`, `0`, `""` and `[]` are absent with a warning, as npm reads them (measured on npm
    11.19.1 and 12.2.0).
    """

    __slots__ = ("_warnings", "members", "raw", "role", "where")

    def __init__(self, raw: bytes, where: str, members: Mapping[str, object], role: Role) -> None:
        self.raw = raw
        self.where = where
        self.members = members
        self.role = role
        self._warnings: list[Problem] = []

    def locate(self, path: Sequence[str | int], message: str) -> str:
        """Return *message* with file, place and key of a member."""
        place = json_text.find_position(self.raw, path)
        return f"{self.where}{':' if place else ''}{place}: {json_text.format_path(path)} {message}"

    def refuse(self, path: Sequence[str | int], message: str, hint: str, code: str = "EMANIFEST") -> NoReturn:
        """Raise the error about the member at *path*.

        *message* continues a sentence that begins with the key.
        """
        raise ManifestInvalid(self.locate(path, message), code=code, path=self.where, hint=hint)

    def warn(self, path: Sequence[str | int], message: str, hint: str) -> None:
        """Warn that npm reads a member otherwise than written."""
        self.note(self.locate(path, message), hint)

    def note(self, message: str, hint: str) -> None:
        """Keep a warning about the file."""
        self._warnings.append(Problem("WMANIFEST", self.where, message, hint))

    def warnings(self) -> tuple[Problem, ...]:
        """Return the warnings so far, each once.

        A field may be read twice.
        """
        return tuple(dict.fromkeys(self._warnings))

    def wrong(self, path: Sequence[str | int], value: object, wanted: str, *, absent: bool = False) -> None:
        """Raise the error that *value* is not *wanted*.

        It is a warning if npm takes it as *absent*.
        """
        if self.role == "installed":
            return
        message, hint = f"must be {wanted}, not {show(value)}", f"make it {wanted} or remove it"
        if not absent:
            self.refuse(path, message, hint)
        self.warn(path, f"{message}: taken as absent", hint)

    def get(self, *path: str) -> object:
        """Return the value at *path*, None if there is none."""
        value: object = self.members
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def text(self, *path: str) -> str:
        """Return a text, "" if there is none."""
        value = self.get(*path)
        if isinstance(value, str):
            return value
        if value is not None:
            self.wrong(path, value, "a text", absent=_is_empty(value))
        return ""

    def table(self, *path: str) -> Mapping[str, object]:
        """Return an object, empty if there is none."""
        value = self.get(*path)
        if isinstance(value, dict):
            return value
        if value is not None:
            self.wrong(path, value, "an object", absent=_is_empty(value))
        return {}

    def texts(self, *path: str, gaps: bool = False) -> Mapping[str, str]:
        """Return an object of texts, without members of other types.

        With *gaps* null and empty members are no errors.
        """
        table = self.table(*path)
        texts = {key: value for key, value in table.items() if isinstance(value, str)}
        if len(texts) < len(table):
            for key, value in table.items():
                if key not in texts:
                    absent = gaps and (value is None or _is_empty(value))
                    self.wrong((*path, key), value, "a text", absent=absent)
        return texts

    def items(self, *path: str) -> tuple[str, ...] | None:
        """Return a list of texts, None if there is none."""
        value = self.get(*path)
        if not isinstance(value, list):
            if value is not None:
                self.wrong(path, value, "a list of texts", absent=_is_empty(value))
            return None
        items = tuple(item for item in value if isinstance(item, str))
        if len(items) < len(value):
            index = next(i for i, item in enumerate(value) if not isinstance(item, str))
            self.wrong((*path, index), value[index], "a text")
        return items


def _is_empty(value: object) -> bool:
    """Return True for the values of a wrong type that npm takes as absent."""
    return value in (False, "", [])  # 0 is equal to False
