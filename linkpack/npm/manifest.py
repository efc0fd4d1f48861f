"""Read a package.json into a checked `Manifest`, which keeps the bytes it was read from: those are what ships."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn, TypeGuard

from linkpack.errors import ManifestInvalid, Problem
from linkpack.npm import json_text as jsontext
from linkpack.npm.json_edit import replace_values
from linkpack.npm.package_names import dependency_name_fault, name_fault
from linkpack.npm.semver import WHITESPACE, clean_version, find_version_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Manifest", "Role", "cleaned", "parse_manifest"]

Role = Literal["root", "linked", "installed"]

_SHOWN = 60  # characters of a wrong value that a message shows
_NAMED = 5  # duplicate keys that a warning names


class Manifest(NamedTuple):
    """A package.json, checked; fields that it lacks are empty or None.

    *raw* is the file, byte for byte, but for a name or version that publishing cleans. Dependency fields map names
    to specs; a name may be in several of them, and npm then goes by the optional one. *bundle* holds the bundled
    names, whatever form they had. *bins* maps commands to scripts, *mans* are man pages, both cleaned of `./` and
    of what leads out of the package; *directories_bin* and *directories_man* are folders of them ("" is the
    package itself), which count only when there is no bin or man field. *files* and *main* are as written,
    *browser* only when it is text. *catalogs* maps catalog names to names to specs; the unnamed one is `default`.
    *patched* are files: the values of patchedDependencies. *npm_rules* is the version of npm whose rules it asks
    linkpack to go by, *npm_range* the version or range of npm that it is for by packageManager, else by
    devEngines; both are empty when it names none. *members* are all fields as JSON has them, unchecked. *warnings*
    (WMANIFEST) say what npm reads otherwise than it is written.
    """

    raw: bytes
    name: str
    version: str
    dependencies: Mapping[str, str]
    optional_dependencies: Mapping[str, str]
    peer_dependencies: Mapping[str, str]
    dev_dependencies: Mapping[str, str]
    optional_peers: frozenset[str]
    bundle: tuple[str, ...]
    bins: Mapping[str, str]
    directories_bin: str | None
    mans: tuple[str, ...]
    directories_man: str | None
    files: tuple[str, ...] | None
    main: str | None
    browser: str | None
    scripts: Mapping[str, str]
    workspaces: tuple[str, ...]
    catalogs: Mapping[str, Mapping[str, str]]
    patched: tuple[str, ...]
    private: bool
    package_manager: str
    publish_config: Mapping[str, object]
    members: Mapping[str, object] = {}
    npm_rules: str = ""
    npm_range: str = ""
    warnings: tuple[Problem, ...] = ()


def parse_manifest(raw: bytes, where: str, role: Role) -> Manifest:
    """Read the manifest in *raw*; *where* is the file's name for messages.

    A *root* needs a name and a version by npm's rules, and no field may have a type that npm would choke on or
    ignore. A *linked* package is somebody's source: the same, but it may lack name and version. An *installed* one
    is read as npm reads it: what has a wrong type is as if absent.

    Lenient where npm's answer makes sense, with a warning: an empty value of a wrong type is as if absent (see
    `Fields`), of duplicate keys the last one counts, and a version like ` v1.2.3` becomes the 1.2.3 that
    `npm publish` files it under, in *raw* too, as a name loses white space around it (normalize.js of
    @npmcli/package-json 7, `normalizeData`).

    Raises `ManifestInvalid`, which names file, line, key and remedy: EJSON (see `jsontext.parse`), ENAME,
    EVERSION, EBUNDLENAME (an entry of bundleDependencies that is no package name), EDEPNAME (the same in the
    dependency fields, in every role: such names are paths), EMANIFEST (any other field).
    """
    fields = Fields(raw, where, jsontext.parse(raw, where), role)
    if role != "installed":
        _warn_of_duplicates(fields)
    name = _name(fields)
    version = _version(fields)
    dependencies = _dependencies(fields, "dependencies")
    edits = [((key,), text) for key, text in (("name", name), ("version", version)) if text]
    edits = [(path, text) for path, text in edits if text != fields.get(*path)]
    raw = replace_values(raw, edits) if edits else raw
    return Manifest(
        raw=raw,
        name=name,
        version=version,
        dependencies=dependencies,
        optional_dependencies=_dependencies(fields, "optionalDependencies"),
        peer_dependencies=_dependencies(fields, "peerDependencies"),
        dev_dependencies=fields.texts("devDependencies"),
        optional_peers=_optional_peers(fields),
        bundle=_bundle(fields, dependencies),
        bins=_bins(fields, name),
        directories_bin=_folder(fields, "bin"),
        mans=_mans(fields),
        directories_man=_folder(fields, "man"),
        files=fields.items("files"),
        main=_main(fields),
        browser=_text_or_none(fields.get("browser")),
        scripts=_texts_only(fields.table("scripts")),
        workspaces=_workspaces(fields),
        catalogs=_catalogs(fields),
        patched=tuple(fields.texts("patchedDependencies", gaps=True).values()),
        private=bool(fields.get("private")),
        package_manager=_text_or_none(fields.get("packageManager")) or "",
        publish_config=fields.table("publishConfig"),
        members=fields.members,
        npm_rules=_npm_rules(fields),
        npm_range=_npm_range(fields),
        warnings=fields.told(),  # last: reading the fields adds to them
    )


def cleaned(path: str) -> str:
    """*path* below the package's root: `../../x` is `x`, `./a//b` is `a/b`; backslashes and colons are slashes.

    Empty when nothing is left. As npm cleans the values of bin and man (normalize.js of @npmcli/package-json).
    """
    parts: list[str] = []
    slashed = path.replace("\\", "/").replace(":", "/")
    for part in slashed.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts) + ("/" if parts and slashed.endswith("/") else "")


def _base_name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts_only(table: Mapping[str, object]) -> Mapping[str, str]:
    return {key: value for key, value in table.items() if isinstance(value, str)}


def _warn_of_duplicates(fields: Fields) -> None:
    """Note the duplicate keys of the file, all of them in one warning."""
    found = [f'"{key}" ({place})' for key, place in jsontext.duplicate_keys(fields.raw)]
    if found:
        named = ", ".join(found[:_NAMED]) + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")
        message = f"{fields.where}: duplicate key{'s'[: len(found) > 1]} {named}: the last one counts, as for npm"
        fields.note(message, "remove the others")


def _name(fields: Fields) -> str:
    """Read the name, without white space around it; "" in a package that may lack it."""
    return _checked(fields, "name", name_fault, lambda name: name.strip(WHITESPACE))


def _version(fields: Fields) -> str:
    """Read the version, cleaned as `npm publish` cleans it; "" in a package that may lack it."""
    return _checked(fields, "version", find_version_fault, clean_version)


def _checked(fields: Fields, key: str, fault_of: Callable[[str], str], clean: Callable[[str], str | None]) -> str:
    """Read a text without a fault; one that *clean* makes faultless is cleaned, with a warning."""
    text = _given(fields, key)
    fault = fault_of(text) if text and fields.role != "installed" else ""
    if fault:
        written, text = text, clean(text) or ""
        if not text or fault_of(text):
            fields.refuse((key,), f"{shown(written)} {fault}", f"change {key}", f"E{key.upper()}")
        fields.warn((key,), f"{shown(written)} ships as {text}, which npm publish makes of it", f'write "{text}"')
    return text


def _given(fields: Fields, key: str) -> str:
    """Read a text that a root must have; "" when it is missing elsewhere."""
    value, code = fields.get(key), f"E{key.upper()}"
    if isinstance(value, str) and value:
        return value
    if value in (None, "") and fields.role == "root":
        fields.refuse((key,), "is missing", f'add "{key}": a package needs a name and a version', code)
    if value not in (None, "") and fields.role != "installed":
        fields.refuse((key,), f"{shown(value)} is not a text", f"change {key}", code)
    return ""


def _dependencies(fields: Fields, key: str) -> Mapping[str, str]:
    """Names to specs; a name that is none would be a path out of node_modules, so no package may have it."""
    specs = fields.texts(key)
    for name in specs:
        fault = dependency_name_fault(name)
        if fault:
            fields.refuse((key, name), f"{shown(name)} {fault}", f"remove it from {key}", "EDEPNAME")
    return specs


def _optional_peers(fields: Fields) -> frozenset[str]:
    meta = fields.table("peerDependenciesMeta")
    return frozenset(name for name, about in meta.items() if isinstance(about, dict) and about.get("optional"))


def _bundle(fields: Fields, dependencies: Mapping[str, str]) -> tuple[str, ...]:
    """The bundled names, each once, in the order written."""
    key = "bundleDependencies"
    if key not in fields.members:  # as npm: the alias counts only without the real one, whatever that holds
        key = "bundledDependencies"
    value = fields.get(key)
    if value is True:
        return tuple(dependencies)
    if isinstance(value, (list, dict)):
        paths: list[str | int] = list(value) if isinstance(value, dict) else list(range(len(value)))
        found = zip(paths, value, strict=True)
        return tuple(dict.fromkeys(name for at, name in found if _is_bundled(fields, (key, at), name)))
    if value is not None and value is not False:
        fields.wrong((key,), value, "a list of names", absent=not value)
    return ()


def _is_bundled(fields: Fields, path: tuple[str | int, ...], name: object) -> TypeGuard[str]:
    """Whether an entry is a package name; an installed package, whose list counts for nothing, may have others."""
    fault = dependency_name_fault(name) if isinstance(name, str) else "is not a text"
    if fault and fields.role != "installed":
        fields.refuse(path, f"{shown(name)} {fault}", "list only names of dependencies", "EBUNDLENAME")
    return not fault


def _bins(fields: Fields, name: str) -> Mapping[str, str]:
    """Commands to scripts. Measured on @npmcli/package-json 7: where names meet, the last renamed one wins."""
    value = fields.get("bin")
    bins: dict[str, object]
    if isinstance(value, str):
        bins = {name: value} if name else {}
    elif isinstance(value, list):
        bins = {_base_name(item): item for item in fields.items("bin") or ()}
    else:
        bins = dict(fields.texts("bin", gaps=True))
    for key in tuple(bins):
        script = cleaned(str(bins.pop(key)))
        command = _base_name(cleaned(key))
        if command and script:
            bins[command] = script
    return _texts_only(bins)


def _mans(fields: Fields) -> tuple[str, ...]:
    value = fields.get("man")
    pages = (value,) if isinstance(value, str) else fields.items("man") or ()
    return tuple(page for page in map(cleaned, pages) if page)


def _folder(fields: Fields, kind: str) -> str | None:
    """The folder that directories names for *kind*, cleaned; None without one, or when a field *kind* is there."""
    folder = fields.text("directories", kind) if fields.table("directories") else ""
    return cleaned(folder).rstrip("/") if folder and fields.get(kind) in (None, False, "") else None


def _main(fields: Fields) -> str | None:
    """Read the entry point; npm packs a package without one that is a text, but will not publish it."""
    value = fields.get("main")
    is_true = isinstance(value, (list, dict)) or bool(value)  # in JavaScript
    if is_true and not isinstance(value, str) and fields.role != "installed":
        fields.warn(("main",), f"must be a text, not {shown(value)}: npm publish will fail", "make it a text")
    return _text_or_none(value)


def _workspaces(fields: Fields) -> tuple[str, ...]:
    """The patterns, from a list or, as bun and yarn 1 have it, from the packages of an object."""
    if isinstance(fields.get("workspaces"), dict):
        return fields.items("workspaces", "packages") or ()
    return fields.items("workspaces") or ()


def _npm_rules(fields: Fields) -> str:
    """Read the version of npm in `"linkpack": {"npmRules": "11"}`, which may be a number too."""
    path = ("linkpack", "npmRules")
    value = fields.get(*path)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if value is not None and not isinstance(value, str) and fields.role != "installed":
        # No npm reads the field, so that none says which wrong values count as absent.
        fields.refuse(path, f"must be a version of npm, not {shown(value)}", 'make it "11" or "12", or remove it')
    return _text_or_none(value) or ""


def _npm_range(fields: Fields) -> str:
    """Read the npm of packageManager (`npm@11.6.0+sha512.…`), else of devEngines.packageManager."""
    name, _, version = (_text_or_none(fields.get("packageManager")) or "").partition("@")
    if name == "npm":
        return version
    named = fields.get("devEngines", "packageManager")
    for each in named if isinstance(named, list) else [named]:
        if isinstance(each, dict) and each.get("name") == "npm":
            return _text_or_none(each.get("version")) or "*"
    return ""


def _catalogs(fields: Fields) -> Mapping[str, Mapping[str, str]]:
    """Bun's catalogs, at the top or below workspaces, where an entry at the top loses."""
    found: dict[str, dict[str, str]] = {}
    for above in ((), ("workspaces",)):
        if not isinstance(fields.get(*above), dict):
            continue
        for name in fields.table(*above, "catalogs"):
            found.setdefault(name, {}).update(fields.texts(*above, "catalogs", name))
        if fields.get(*above, "catalog") is not None:
            found.setdefault("default", {}).update(fields.texts(*above, "catalog"))
    return found


def shown(value: object) -> str:
    """*value* as JSON, short enough for a message."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # all numbers were read as floats
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


class Fields:
    """The members of a manifest: its bytes, its file's name for messages, what was parsed, and whose it is.

    Every getter takes the path of a field. A field that is absent or null is empty. A wrong type is as if absent
    in an installed package. In a root or linked one it is an error, but for `false`, `0`, `""` and `[]`: npm takes
    them for nothing (measured on npm 11.19.1 and 12.2.0), and so do we, with a warning.
    """

    __slots__ = ("_warnings", "members", "raw", "role", "where")

    def __init__(self, raw: bytes, where: str, members: Mapping[str, object], role: Role) -> None:
        self.raw = raw
        self.where = where
        self.members = members
        self.role = role
        self._warnings: list[Problem] = []

    def at(self, path: Sequence[str | int], message: str) -> str:
        """Write *message* about the member at *path*, with file and place before it."""
        place = jsontext.position(self.raw, path)
        return f"{self.where}{':' if place else ''}{place}: {jsontext.key_path(path)} {message}"

    def refuse(self, path: Sequence[str | int], message: str, hint: str, code: str = "EMANIFEST") -> NoReturn:
        """Raise the error about the member at *path*; *message* goes on where its name ends."""
        raise ManifestInvalid(self.at(path, message), code=code, path=self.where, hint=hint)

    def warn(self, path: Sequence[str | int], message: str, hint: str) -> None:
        """Note that npm reads the member at *path* otherwise than it is written."""
        self.note(self.at(path, message), hint)

    def note(self, message: str, hint: str) -> None:
        """Note a warning about the file."""
        self._warnings.append(Problem("WMANIFEST", self.where, message, hint))

    def told(self) -> tuple[Problem, ...]:
        """Return the warnings so far, each once: a field may be read twice."""
        return tuple(dict.fromkeys(self._warnings))

    def wrong(self, path: Sequence[str | int], value: object, wanted: str, *, absent: bool = False) -> None:
        """Raise the error that *value* is not *wanted*; only warn where it counts as *absent*."""
        if self.role == "installed":
            return
        message, hint = f"must be {wanted}, not {shown(value)}", f"make it {wanted} or remove it"
        if not absent:
            self.refuse(path, message, hint)
        self.warn(path, f"{message}: taken as absent", hint)

    def get(self, *path: str) -> object:
        """Return whatever is at *path*; None when nothing is."""
        value: object = self.members
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def text(self, *path: str) -> str:
        """Return a text; "" when there is none."""
        value = self.get(*path)
        if isinstance(value, str):
            return value
        if value is not None:
            self.wrong(path, value, "a text", absent=_is_empty(value))
        return ""

    def table(self, *path: str) -> Mapping[str, object]:
        """Return an object."""
        value = self.get(*path)
        if isinstance(value, dict):
            return value
        if value is not None:
            self.wrong(path, value, "an object", absent=_is_empty(value))
        return {}

    def texts(self, *path: str, gaps: bool = False) -> Mapping[str, str]:
        """Return an object of texts; with *gaps* its members may be null or empty, and are left out then."""
        table = self.table(*path)
        texts = {key: value for key, value in table.items() if isinstance(value, str)}
        if len(texts) < len(table):
            for key, value in table.items():
                if key not in texts:
                    absent = gaps and (value is None or _is_empty(value))
                    self.wrong((*path, key), value, "a text", absent=absent)
        return texts

    def items(self, *path: str) -> tuple[str, ...] | None:
        """Return a list of texts; None when there is none."""
        value = self.get(*path)
        if not isinstance(value, list):
            if value is not None:
                self.wrong(path, value, "a list of texts", absent=_is_empty(value))
            return None
        items = tuple(item for item in value if isinstance(item, str))
        if len(items) < len(value):
            at = next(i for i, item in enumerate(value) if not isinstance(item, str))
            self.wrong((*path, at), value[at], "a text")
        return items


def _is_empty(value: object) -> bool:
    return value in (False, "", [])  # 0 is equal to False
