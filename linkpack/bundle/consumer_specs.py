"""Which dependency specs a consumer could not use, in the root's and in bundled manifests, and what replaces them.

Measured on npm 11.19.1 as the consumer, offline (install, ls --all, install, ci): over a bundled copy only a range
that the copy satisfies, and `npm:` with such a range, pass all four. Over a tag, a URL, a path or an unknown
protocol `npm ls` fails, and in a bundled package `npm ci`, too. What npm does not look at passes: all of
devDependencies, peers that are dependencies, dependencies that are optional ones, too, and the root's own peers.

Without a copy, `npm install` ends at each spec that its parser refuses, in npm 11 at those of optional peers too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from linkpack.errors import Problem
from linkpack.npm.json_edit import REMOVE, replace_values
from linkpack.npm.protocols import (
    Supplied,
    UnresolvableError,
    from_catalog,
    from_jsr,
    from_patch,
    is_inside,
    is_local,
    named,
    no_version,
    without_npm,
)
from linkpack.npm.specs import allows, exact, parse_spec
from linkpack.npm.workspace_specs import WorkspaceSpecs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from linkpack.npm.manifest import Manifest

__all__ = ["Mode", "SpecChange", "SpecPlan", "Subject", "Supplied", "plan_specs", "refused", "rewritten"]

Mode = Literal["resolve", "keep", "error"]

_BEHIND_NPM = "npm reads the name of another package behind npm:"


class Subject(Protocol):
    """What planning needs of a package: `graph.Package` fits."""

    @property
    def label(self) -> str:
        """How messages call it."""

    @property
    def manifest(self) -> Manifest:
        """Its manifest."""

    @property
    def needs(self) -> Mapping[str, str | None]:
        """Names in dependencies and optionalDependencies to package ids; None when absent."""

    @property
    def peers(self) -> Mapping[str, str | None]:
        """The same for peers that are no dependencies."""


class SpecChange(NamedTuple):
    """One spec to replace: *old* by *new* under *key* of *section*; the entry goes when *new* is empty.

    *package* is the id, *label* what messages call it; *reason* says why, as a clause.
    """

    package: str
    label: str
    section: str
    key: str
    old: str
    new: str
    reason: str


class SpecPlan(NamedTuple):
    """The changes, in the order of packages, sections and keys, and the problems that no change can fix."""

    changes: tuple[SpecChange, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


class Surroundings(NamedTuple):
    """What the author's disk says of specs that no registry knows.

    *catalogs* are the specs by catalog and package name, *workspaces* the members by name. *installed* gives what
    Node finds for a name from a package's directory, whether it is bundled or not. *tags* says that `npm:` before
    a word means a tag, as it does in yarn's projects.
    """

    catalogs: Mapping[str, Mapping[str, str]]
    workspaces: Mapping[str, Supplied]
    installed: Callable[[str, str], Supplied | None] = lambda _folder, _name: None
    tags: bool = False


NOWHERE = Surroundings({}, {})
"""The surroundings of a package whose author's disk is not there to be asked."""


class _Context(NamedTuple):
    """The packages in the tarball, by id, and what is around them."""

    packages: Mapping[str, Subject]
    root: str
    around: Surroundings


class _Entry(NamedTuple):
    """One entry of a dependency field, and the package in the tarball that answers it."""

    context: _Context
    package: str
    section: str
    key: str
    spec: str
    answer: Supplied | None

    @property
    def is_seen(self) -> bool:
        """True if npm as the consumer reads the spec; see the module's docstring."""
        manifest = self.context.packages[self.package].manifest
        if self.section == "dependencies":
            return self.key not in manifest.optional_dependencies
        if self.section == "peerDependencies":
            is_other = self.key in manifest.dependencies or self.key in manifest.optional_dependencies
            return not is_other and self.package != self.context.root
        return self.section == "optionalDependencies"

    @property
    def there(self) -> Supplied | None:
        """What is installed under the key on the author's disk."""
        return self.context.around.installed(self.package, self.key)


def plan_specs(packages: Mapping[str, Subject], root: str, *, mode: Mode, around: Surroundings) -> SpecPlan:
    """Plan the specs to replace in the manifests of *packages*: the root and every bundled package, by id.

    What `needs` and `peers` name and *packages* holds comes with the tarball, the root included; its version
    replaces what it does not satisfy and what only this disk resolves. All else comes from elsewhere:
    `workspace:`, `catalog:`, `jsr:` and yarn's `npm:` become what they mean by *around*. What npm cannot parse
    then is a problem, as are paths out of the package. Absent optional dependencies leave the manifests of bundled
    packages. The root's devDependencies are resolved where they can be, those of bundled packages stay.

    Mode `keep` plans nothing; with `error` every change is a problem (ESPEC) instead. Other problems: ESPECLOCAL
    (a path that the consumer does not have), ESPECPATCH (a patch of yarn's), ESPECINVALID (nothing that npm can
    parse), ECATALOG, EWORKSPACESPEC, EJSR (no such thing), ENOVERSION (the package has no version to write). A
    warning is WPRIVATE (a workspace that is not bundled and cannot be published).
    """
    changes: list[SpecChange] = []
    problems: list[Problem] = []
    warnings: list[Problem] = []
    context = _Context(packages, root, around)
    for package in packages if mode != "keep" else ():
        for found in _plan_package(context, package):
            if isinstance(found, Problem):
                (problems if found.code.startswith("E") else warnings).append(found)
            elif mode == "error":
                problems.append(refused(found))
            else:
                changes.append(found)
    return SpecPlan(tuple(changes), tuple(problems), tuple(warnings))


def rewritten(raw: bytes, changes: Sequence[SpecChange]) -> bytes:
    """The manifest *raw* with *changes*, all of them of this one package, made; every other byte stays."""
    edits = [((change.section, change.key), change.new or REMOVE) for change in changes]
    return replace_values(raw, edits) if edits else raw


def refused(change: SpecChange) -> Problem:
    """Return *change* as the problem that it is where no manifest may be changed."""
    what = f'has to be written as "{change.new}"' if change.new else "has to go"
    message = f'{change.label}: {change.section}.{change.key} "{change.old}" {what}: {change.reason}'
    return Problem("ESPEC", f"{change.package}/package.json", message, "change it, or pack with --specs resolve")


def _plan_package(context: _Context, package: str) -> Iterator[SpecChange | Problem]:
    """Yield what changes in one manifest, and what should but cannot."""
    subject = context.packages[package]
    manifest = subject.manifest
    sections = [
        ("dependencies", manifest.dependencies),
        ("optionalDependencies", manifest.optional_dependencies),
        ("peerDependencies", manifest.peer_dependencies),
        ("devDependencies", manifest.dev_dependencies if package == context.root else {}),
    ]
    for section, specs in sections:
        for key, spec in specs.items():
            entry = _Entry(context, package, section, key, spec, _answer(context, subject, key))
            try:
                new, reason = _written(entry)
                yield from _private(entry, subject.label)
            except UnresolvableError as err:
                if not _is_ignored(manifest, section, key):
                    message = f'{subject.label}: {section}.{key} "{spec}" {err.message}'
                    yield Problem(err.code, f"{package}/package.json", message, err.hint)
                continue
            if new != spec:
                yield SpecChange(package, subject.label, section, key, spec, new, reason)


def _private(entry: _Entry, label: str) -> Iterator[Problem]:
    """Warn of a dependency on a private workspace: it is written as a version that no registry will have."""
    manifest = entry.context.packages[entry.package].manifest
    is_needed = entry.section != "devDependencies" and entry.key not in manifest.optional_peers
    if entry.answer is not None or "workspace:" not in entry.spec or not is_needed:
        return
    _, package = _workspace(entry, entry.spec.strip())
    if package is not None and package.private:
        message = f'{label}: {entry.section}.{entry.key} "{entry.spec}" means {package.name}, which is private'
        hint = f"bundle {package.name}, or publish it: no registry has what is private"
        yield Problem("WPRIVATE", f"{entry.package}/package.json", message, hint)


def _is_ignored(manifest: Manifest, section: str, key: str) -> bool:
    """True if npm never looks at the spec: all of devDependencies, and an optional peer at a path."""
    if section == "peerDependencies" and key in manifest.optional_peers:
        return parse_spec(manifest.peer_dependencies[key]).kind == "file"
    return section == "devDependencies"


def _answer(context: _Context, subject: Subject, key: str) -> Supplied | None:
    """Find the package in the tarball that *key* resolves to; the root counts as one."""
    id_ = subject.needs[key] if key in subject.needs else subject.peers.get(key)
    found = None if id_ is None else context.packages.get(id_)
    return Supplied(found.manifest.name, found.manifest.version) if found else None


def _written(entry: _Entry) -> tuple[str, str]:
    """Decide what to write for an entry, "" for nothing, and why."""
    return _unbundled(entry) if entry.answer is None else _bundled(entry, entry.answer)


def _workspace(entry: _Entry, spec: str) -> tuple[str, Supplied | None]:
    """Resolve the `workspace:` alternatives of *spec*; the package that it means, too."""
    return WorkspaceSpecs(
        folder=entry.package,
        key=entry.key,
        workspaces=entry.context.around.workspaces,
        answer=entry.answer,
        there=None if entry.answer else entry.there,
        binding=entry.is_seen and entry.answer is not None,
    ).resolve(spec)


def _bundled(entry: _Entry, copy: Supplied) -> tuple[str, str]:
    """Decide what to write for a dependency that comes with the tarball, and why."""
    asked = entry.spec.strip()
    reason = f"{entry.key} {copy.version} is bundled but package.json asks for {asked}"
    is_nested = entry.package != entry.context.root
    if copy.version == "" and is_nested and entry.is_seen and entry.section != "optionalDependencies":
        # Even under "*" npm's second install looks for it in the registry, unless it lies inside its user.
        raise no_version(f'"{entry.key}"')
    if "workspace:" in asked:
        return _parsed(entry, _workspace(entry, asked)[0], reason)
    spec = without_npm(asked, entry.key, None, tags=False)
    is_dev = entry.section == "devDependencies"
    is_useless = is_local(spec) or bool(parse_spec(spec).fault)
    is_foreign = spec.startswith(("catalog:", "jsr:")) or (is_useless and not is_dev)
    if is_foreign or (entry.is_seen and not allows(spec, copy.version)):
        return named(entry.key, copy, exact(copy.version) or "*"), reason
    return (entry.spec, "") if is_dev and is_useless else _parsed(entry, spec, _BEHIND_NPM)


def _unbundled(entry: _Entry) -> tuple[str, str]:
    """Decide what to write for a dependency that the consumer gets elsewhere, and why."""
    asked = spec = entry.spec.strip()
    is_root = entry.package == entry.context.root
    optional = entry.context.packages[entry.package].manifest.optional_dependencies
    if not is_root and entry.section != "peerDependencies" and entry.key in optional:
        return "", "it is optional and not installed, and npm ci would miss it in the lockfile"
    reason = f"no registry knows what {asked} means"
    if spec.startswith("catalog:"):
        spec = from_catalog(spec, entry.key, entry.context.around.catalogs)
    if "workspace:" in spec:
        spec, _ = _workspace(entry, spec)
    elif spec.startswith("jsr:"):
        spec = from_jsr(spec, entry.key)
    elif spec[:4].lower() == "npm:":
        spec = without_npm(spec, entry.key, entry.there, tags=entry.context.around.tags)
        reason = _BEHIND_NPM if asked.startswith("npm:") else reason
    if fault := from_patch(spec):
        raise fault
    if is_local(spec) and not (is_root and is_inside(spec)):
        what = "is" if spec == asked else f"means {spec},"
        message = f"{what} a path on this disk, which the consumer does not have"
        raise UnresolvableError("ESPECLOCAL", message, "bundle it, publish it, or pack with --specs keep")
    return _parsed(entry, spec, reason)


def _parsed(entry: _Entry, spec: str, reason: str) -> tuple[str, str]:
    """Return *spec* and why it differs from the entry's; the entry's own text where that will do.

    Raises `UnresolvableError` (ESPECINVALID) when npm can parse neither.
    """
    if spec == entry.spec.strip() and not parse_spec(entry.spec).fault:
        return entry.spec, ""
    fault = parse_spec(spec).fault
    if fault:
        what = "" if spec == entry.spec.strip() else f"means {spec}, which "
        hint = "write a version, range, tag, alias, git repository or URL"
        raise UnresolvableError("ESPECINVALID", f"{what}{fault}: npm cannot install it", hint)
    return spec, reason if spec != entry.spec.strip() else "npm counts the white space around it"
