"""Choose the packages of a `link` that names many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import LinkError, LinkpackError, ManifestInvalid, PlanRejected, Problem
from linkpack.linking.package import read_source
from linkpack.linking.request import LinkSpec, list_workspace_members
from linkpack.project.package_json import read_loose
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from linkpack.npm.manifest import Manifest
    from linkpack.project.source import SourcePackage

_LISTED = 5  # names that a message lists


class Spread(Record):
    """Arguments of `link` with workspace roots replaced by their members.

    *done* is true if one was replaced: then `--workspaces` does not mean the project's own workspaces.
    """

    specs: tuple[LinkSpec, ...]
    done: bool
    warnings: tuple[Problem, ...]


def spread_workspaces(specs: Sequence[LinkSpec]) -> Spread:
    """Replace workspace roots among *specs* by their publishable members.

    A member that is private, or has no name or version, is left out with a warning.
    """
    spread: list[LinkSpec] = []
    private: list[str] = []
    done = False
    for spec in specs:
        members = list_workspace_members(spec.folder) if spec.folder else []
        done = done or bool(members)
        if not members:
            spread.append(spec)
        for folder in members:
            manifest = read_loose(folder)
            if manifest is not None and not manifest.private and manifest.name and manifest.version:
                spread.append(LinkSpec(folder, "", ""))
            else:
                private.append(manifest.name if manifest is not None and manifest.name else folder)
    return Spread(tuple(dict.fromkeys(spread)), done, _private_warning(private))


def _private_warning(names: Sequence[str]) -> tuple[Problem, ...]:
    if not names:
        return ()
    message = f"members that cannot be published are left out: {list_names(names)}"
    return (Problem("WPRIVATESKIPPED", names[0], message, "name their folders to link them all the same"),)


def list_names(names: Sequence[str]) -> str:
    """Return the first few of *names* for a message.

    >>> list_names(["a", "b"])
    'a, b'
    >>> list_names("abcdefg")
    'a, b, c, d, e and 2 more'
    """
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


class PackageChoice(Record):
    """A package to link.

    *by_folder* is true if the argument was a folder, false if it named a global package.
    """

    source: SourcePackage
    by_folder: bool


def read_packages(
    specs: Sequence[LinkSpec], find_global: Callable[[LinkSpec], SourcePackage], *, skip_others: bool
) -> tuple[list[PackageChoice], list[Problem]]:
    """Read the packages that *specs* name.

    *find_global* returns the global package of a name. With *skip_others* a folder that is no package is left out,
    with a warning in the second list. Raises every error at once: the error itself if it is the only one, else
    `PlanRejected`.
    """
    chosen: dict[str, PackageChoice] = {}
    skipped: list[Problem] = []
    errors: list[LinkpackError] = []
    for spec in specs:
        try:
            source = read_source(spec.folder) if spec.folder else find_global(spec)
        except LinkpackError as err:
            if skip_others and isinstance(err, ManifestInvalid):
                skipped.append(Problem("WSKIPPED", err.path, f"left out: {err.message}", ""))
            else:
                errors.append(err)
            continue
        # Of several packages of one name the last is linked, as by npm (docs/link.md).
        chosen[source.manifest.name] = PackageChoice(source, bool(spec.folder))
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise PlanRejected([problem for err in errors for problem in err.problems])
    return list(chosen.values()), skipped


def keep_dependencies(
    chosen: Sequence[PackageChoice], manifests: Sequence[Manifest], project: str
) -> list[PackageChoice]:
    """Return those of *chosen* that one of *manifests* names as a dependency.

    Raises `LinkError` (ENODEPENDENCY) if there is none. *project* is a folder for its message.
    """
    wanted = {name for manifest in manifests for section in dependency_sections(manifest) for name in section}
    kept = [choice for choice in chosen if choice.source.manifest.name in wanted]
    if chosen and not kept:
        names = list_names([choice.source.manifest.name for choice in chosen])
        raise LinkError(
            f"{project} depends on none of them: {names}",
            code="ENODEPENDENCY",
            path=project,
            hint="leave --only-dependencies out to link them all the same",
        )
    return kept


def dependency_sections(manifest: Manifest) -> tuple[Mapping[str, str], ...]:
    """Return the four dependency sections of *manifest*."""
    return (
        manifest.dependencies,
        manifest.dev_dependencies,
        manifest.optional_dependencies,
        manifest.peer_dependencies,
    )
