"""Decide which specs a consumer could not use, and what replaces them.

Measured on npm 11.19.1 as the consumer, offline (install, ls --all, install, ci). For a bundled dependency only a
range that the copy satisfies, and `npm:` with such a range, pass all four. With a tag, a URL, a path or an unknown
protocol `npm ls` fails, and in a bundled package `npm ci` fails too. npm does not look at four kinds of entries:
devDependencies, peers that are dependencies too, dependencies that are optional too, and the root's own peers.

For a dependency from elsewhere, `npm install` ends at each spec that its parser refuses, and in npm 11 at those of
optional peers too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from linkpack.errors import Problem
from linkpack.npm.json_edit import REMOVE, replace_values
from linkpack.npm.protocols import (
    Supplied,
    UnresolvableError,
    add_alias,
    find_patch_error,
    is_inside,
    is_local,
    make_version_error,
    resolve_catalog,
    resolve_jsr,
    strip_npm,
)
from linkpack.npm.specs import allows, make_exact, parse_spec
from linkpack.npm.workspace_specs import WorkspaceSpecs
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from linkpack.npm.manifest import Manifest

__all__ = ["Mode", "SpecChange", "SpecPlan", "Subject", "Supplied", "plan_specs", "refuse_change", "rewrite_specs"]

Mode = Literal["resolve", "keep", "error"]

_BEHIND_NPM = "npm reads the name of another package behind npm:"


class Subject(Protocol):
    """A package as planning needs it: `graph.Package` fits."""

    @property
    def label(self) -> str:
        """Return the name of the package in messages."""

    @property
    def manifest(self) -> Manifest:
        """Return its manifest."""

    @property
    def needs(self) -> Mapping[str, str | None]:
        """Map dependencies, optional ones included, to ids, None when absent."""

    @property
    def peers(self) -> Mapping[str, str | None]:
        """Map peers that are no dependencies to ids, None when absent."""


class SpecChange(Record):
    """One spec to replace in a manifest.

    Under *key* of *section* it replaces *old* by *new*, or removes the entry if *new* is empty. *package* is the
    package's id and *label* its name in messages. *reason* says why, as a clause.
    """

    package: str
    label: str
    section: str
    key: str
    old: str
    new: str
    reason: str


class SpecPlan(Record):
    """The changes, and the problems that no change can fix.

    Both are in the order of packages, then sections, then keys.
    """

    changes: tuple[SpecChange, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


class AuthorDisk(Record):
    """The author's disk, which explains specs that no registry knows.

    *catalogs* are the specs by catalog and package name, and *workspaces* the members by name. *installed* takes a
    package's directory and a name, and returns the package that Node finds, bundled or not. With *tags*, a word
    behind `npm:` is a tag, as in yarn's projects.
    """

    catalogs: Mapping[str, Mapping[str, str]]
    workspaces: Mapping[str, Supplied]
    installed: Callable[[str, str], Supplied | None] = lambda _folder, _name: None
    tags: bool = False


NOWHERE = AuthorDisk({}, {})
"""For a package from a tarball, away from its author's disk."""


class _Context(Record):
    """The packages in the tarball, by id, and the disk that they are on.

    *supplied* are the dependencies, by id and name, that the root will ask for in place of the package.
    """

    packages: Mapping[str, Subject]
    root: str
    disk: AuthorDisk
    supplied: Collection[tuple[str, str]]


class _Entry(Record):
    """One entry of a dependency field.

    *answer* is the package in the tarball that it resolves to, if any.
    """

    context: _Context
    package: str
    section: str
    key: str
    spec: str
    answer: Supplied | None

    @property
    def is_seen(self) -> bool:
        """Return True if npm, as the consumer, looks at the spec."""
        # The four exceptions are listed at the top of the module.
        manifest = self.context.packages[self.package].manifest
        if self.section == "dependencies":
            return self.key not in manifest.optional_dependencies
        if self.section == "peerDependencies":
            is_other = self.key in manifest.dependencies or self.key in manifest.optional_dependencies
            return not is_other and self.package != self.context.root
        return self.section == "optionalDependencies"

    @property
    def installed(self) -> Supplied | None:
        """Return what is installed under the key on the author's disk."""
        return self.context.disk.installed(self.package, self.key)


def plan_specs(
    packages: Mapping[str, Subject],
    root: str,
    supplied: Collection[tuple[str, str]] = (),
    *,
    mode: Mode,
    disk: AuthorDisk,
) -> SpecPlan:
    """Plan the specs to replace in the manifests of *packages*.

    *packages*, by id, are the root and every bundled package. *supplied* are optional dependencies, by package id
    and name, that the root asks for.

    - A dependency on one of them comes with the tarball. Its version replaces a range that it does not satisfy,
      and a spec that only this disk resolves.
    - Any other dependency comes from elsewhere. `workspace:`, `catalog:`, `jsr:` and yarn's `npm:` become what
      they mean by *disk*. A spec that npm cannot parse after that is a problem, as is a path out of the package.
    - An absent optional dependency leaves the manifest of a bundled package.
    - The root's devDependencies are resolved if they can be. Those of bundled packages stay as they are.

    Mode `keep` plans nothing. With `error` every change is a problem (ESPEC) instead. Other problems are
    ESPECLOCAL (a path that the consumer does not have), ESPECPATCH (a patch of yarn's), ESPECINVALID (nothing that
    npm can parse), ECATALOG, EWORKSPACESPEC and EJSR (no such thing), and ENOVERSION (the package has no version
    to write). The only warning is WPRIVATE (a workspace that is not bundled and cannot be published).
    """
    changes: list[SpecChange] = []
    problems: list[Problem] = []
    warnings: list[Problem] = []
    context = _Context(packages=packages, root=root, disk=disk, supplied=supplied)
    if mode == "keep":
        return SpecPlan((), ())
    for package in packages:
        for item in _plan_package(context, package):
            if isinstance(item, Problem):
                (problems if item.code.startswith("E") else warnings).append(item)
            elif mode == "error":
                problems.append(refuse_change(item))
            else:
                changes.append(item)
    return SpecPlan(tuple(changes), tuple(problems), tuple(warnings))


def rewrite_specs(raw: bytes, changes: Sequence[SpecChange]) -> bytes:
    """Make *changes*, all of one package, in its manifest *raw*.

    Every other byte stays.

    >>> change = SpecChange("/a", "a@1.0.0", "dependencies", "b", old="workspace:^", new="^2.0.0", reason="")
    >>> rewrite_specs(b'{ "dependencies": {"b": "workspace:^"} }', [change])
    b'{ "dependencies": {"b": "^2.0.0"} }'
    """
    edits = [((change.section, change.key), change.new or REMOVE) for change in changes]
    return replace_values(raw, edits) if edits else raw


def refuse_change(change: SpecChange) -> Problem:
    """Return the problem for *change* in mode `error`."""
    needed = f'has to be written as "{change.new}"' if change.new else "has to go"
    message = f'{change.label}: {change.section}.{change.key} "{change.old}" {needed}: {change.reason}'
    return Problem("ESPEC", f"{change.package}/package.json", message, "change it, or pack with --specs resolve")


def _plan_package(context: _Context, package: str) -> Iterator[SpecChange | Problem]:
    """Yield the changes in one manifest, and the problems with it."""
    subject = context.packages[package]
    manifest = subject.manifest
    sections = [
        ("dependencies", manifest.dependencies),
        ("optionalDependencies", manifest.optional_dependencies),
        ("peerDependencies", manifest.peer_dependencies),
        # Nobody installs those of a bundled package.
        ("devDependencies", manifest.dev_dependencies if package == context.root else {}),
    ]
    for section, specs in sections:
        for key, spec in specs.items():
            entry = _Entry(
                context=context,
                package=package,
                section=section,
                key=key,
                spec=spec,
                answer=_find_answer(context, subject, key),
            )
            try:
                new, reason = _decide_spec(entry)
                yield from _warn_of_private(entry, subject.label)
            except UnresolvableError as err:
                if not _is_ignored(manifest, section, key):
                    message = f'{subject.label}: {section}.{key} "{spec}" {err.message}'
                    yield Problem(err.code, f"{package}/package.json", message, err.hint)
                continue
            if new != spec:
                yield SpecChange(
                    package=package,
                    label=subject.label,
                    section=section,
                    key=key,
                    old=spec,
                    new=new,
                    reason=reason,
                )


def _warn_of_private(entry: _Entry, label: str) -> Iterator[Problem]:
    """Warn of a dependency on a private workspace, which no registry has."""
    manifest = entry.context.packages[entry.package].manifest
    is_needed = entry.section != "devDependencies" and entry.key not in manifest.optional_peers
    # What is bundled need not be fetched, and what is optional or for developers may be missing.
    if entry.answer is not None or "workspace:" not in entry.spec or not is_needed:
        return
    _, package = _resolve_workspace(entry, entry.spec.strip())
    if package is not None and package.private:
        message = f'{label}: {entry.section}.{entry.key} "{entry.spec}" means {package.name}, which is private'
        hint = f"bundle {package.name}, or publish it: no registry has what is private"
        yield Problem("WPRIVATE", f"{entry.package}/package.json", message, hint)


def _is_ignored(manifest: Manifest, section: str, key: str) -> bool:
    """Return True if npm never looks at a spec that has a fault.

    It does not look at devDependencies, nor at an optional peer at a path.
    """
    if section == "peerDependencies" and key in manifest.optional_peers:
        return parse_spec(manifest.peer_dependencies[key]).kind == "file"
    return section == "devDependencies"


def _find_answer(context: _Context, subject: Subject, key: str) -> Supplied | None:
    """Find the package in the tarball, or the root, that *key* resolves to."""
    id_ = subject.needs[key] if key in subject.needs else subject.peers.get(key)
    package = None if id_ is None else context.packages.get(id_)
    return Supplied(package.manifest.name, package.manifest.version) if package else None


def _decide_spec(entry: _Entry) -> tuple[str, str]:
    """Decide what to write for an entry ("" removes it), and why."""
    return _decide_unbundled(entry) if entry.answer is None else _decide_bundled(entry, entry.answer)


def _resolve_workspace(entry: _Entry, spec: str) -> tuple[str, Supplied | None]:
    """Resolve the `workspace:` alternatives of *spec*, and find their package."""
    return WorkspaceSpecs(
        folder=entry.package,
        key=entry.key,
        workspaces=entry.context.disk.workspaces,
        answer=entry.answer,
        installed=None if entry.answer else entry.installed,
        binding=entry.is_seen and entry.answer is not None,
    ).resolve(spec)


def _decide_bundled(entry: _Entry, copy: Supplied) -> tuple[str, str]:
    """Decide what to write for a dependency in the tarball, and why."""
    asked = entry.spec.strip()
    reason = f"{entry.key} {copy.version} is bundled but package.json asks for {asked}"
    is_nested = entry.package != entry.context.root
    if copy.version == "" and is_nested and entry.is_seen and entry.section != "optionalDependencies":
        # Even for "*" npm's second install then looks in the registry, unless the copy is inside of its user.
        raise make_version_error(f'"{entry.key}"')
    if "workspace:" in asked:
        return _check_spec(entry, _resolve_workspace(entry, asked)[0], reason)
    spec = strip_npm(asked, entry.key, None, tags=False)
    is_dev = entry.section == "devDependencies"
    is_useless = is_local(spec) or bool(parse_spec(spec).fault)
    # For its developers a path may be right: in devDependencies it stays.
    is_foreign = spec.startswith(("catalog:", "jsr:")) or (is_useless and not is_dev)
    if is_foreign or (entry.is_seen and not allows(spec, copy.version)):
        return add_alias(entry.key, copy, make_exact(copy.version) or "*"), reason
    return (entry.spec, "") if is_dev and is_useless else _check_spec(entry, spec, _BEHIND_NPM)


def _decide_unbundled(entry: _Entry) -> tuple[str, str]:
    """Decide what to write for a dependency from elsewhere, and why."""
    # In this order, as a catalog may say `workspace:`, `jsr:` or `npm:`.
    asked = spec = entry.spec.strip()
    is_root = entry.package == entry.context.root
    # Such an entry in a bundled manifest makes the consumer's `npm ci` fail (docs/differences-from-npm.md, B8).
    optional = entry.context.packages[entry.package].manifest.optional_dependencies
    is_supplied = (entry.package, entry.key) in entry.context.supplied
    if not is_root and entry.section != "peerDependencies" and entry.key in optional and not is_supplied:
        return "", "it is optional and not installed, and npm ci would miss it in the lockfile"
    reason = f"no registry knows what {asked} means"
    if spec.startswith("catalog:"):
        spec = resolve_catalog(spec, entry.key, entry.context.disk.catalogs)
    if "workspace:" in spec:
        spec, _ = _resolve_workspace(entry, spec)
    elif spec.startswith("jsr:"):
        spec = resolve_jsr(spec, entry.key)
    elif spec.lower().startswith("npm:"):
        spec = strip_npm(spec, entry.key, entry.installed, tags=entry.context.disk.tags)
        reason = _BEHIND_NPM if asked.startswith("npm:") else reason
    if fault := find_patch_error(spec):
        raise fault
    if is_local(spec) and not (is_root and is_inside(spec)):
        verb = "is" if spec == asked else f"means {spec},"
        message = f"{verb} a path on this disk, which the consumer does not have"
        raise UnresolvableError("ESPECLOCAL", message, "bundle it, publish it, or pack with --specs keep")
    return _check_spec(entry, spec, reason)


def _check_spec(entry: _Entry, spec: str, reason: str) -> tuple[str, str]:
    """Return *spec*, and why it differs from the entry's own text, if it does.

    Raises `UnresolvableError` (ESPECINVALID) when npm cannot parse it.
    """
    # npm strips no white space before it looks for `npm:`, a path or a URL (npm-package-arg, lib/npa.js).
    if spec == entry.spec.strip() and not parse_spec(entry.spec).fault:
        return entry.spec, ""
    fault = parse_spec(spec).fault
    if fault:
        meaning = "" if spec == entry.spec.strip() else f"means {spec}, which "
        hint = "write a version, range, tag, alias, git repository or URL"
        raise UnresolvableError("ESPECINVALID", f"{meaning}{fault}: npm cannot install it", hint)
    return spec, reason if spec != entry.spec.strip() else "npm takes the white space around it for a part of it"
