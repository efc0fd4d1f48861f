"""Choose the packages of a `link` that names many: workspaces of another project, lists of folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import LinkError, LinkpackError, ManifestInvalid, PlanRejected, Problem
from linkpack.linking.package import read_source
from linkpack.linking.places import Spec
from linkpack.project.source import read_loose

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from linkpack.npm.manifest import Manifest
    from linkpack.project.source import Source

_LISTED = 5  # names that a message lists


class Spread(NamedTuple):
    """Arguments of `link` with workspace roots replaced by their members.

    *done* is true if there was such a root, so that `--workspaces` is about it and not about the project.
    """

    specs: tuple[Spec, ...]
    done: bool
    warnings: tuple[Problem, ...]


class Chosen(NamedTuple):
    """A package to link; *by_folder* is true if a folder was named, not a global package."""

    source: Source
    by_folder: bool


def spread_workspaces(specs: Sequence[Spec]) -> Spread:
    """Replace each folder in *specs* that is a workspace root by those of its members that can be published.

    A member that is private, or has no name or version, is left out with a warning.
    """
    found: list[Spec] = []
    private: list[str] = []
    done = False
    for spec in specs:
        members = _members(spec.folder) if spec.folder else []
        done = done or bool(members)
        if not members:
            found.append(spec)
        for folder in members:
            manifest = read_loose(folder)
            if manifest is not None and not manifest.private and manifest.name and manifest.version:
                found.append(Spec(folder, "", ""))
            else:
                private.append(manifest.name if manifest is not None and manifest.name else folder)
    return Spread(tuple(dict.fromkeys(found)), done, _private_warning(private))


def _members(folder: str) -> list[str]:
    """Return the member folders of the workspace whose root *folder* is, none if it is no root."""
    from linkpack.project.workspace import member_folders, read_workspace  # noqa: PLC0415 - only with --workspaces
    from linkpack.system.links import canonical  # noqa: PLC0415 - as above

    workspace = read_workspace(canonical(folder))
    return member_folders(workspace) if workspace is not None else []


def _private_warning(names: Sequence[str]) -> tuple[Problem, ...]:
    if not names:
        return ()
    message = f"members that cannot be published are left out: {shortened(names)}"
    return (Problem("WPRIVATESKIPPED", names[0], message, "name their folders to link them all the same"),)


def shortened(names: Sequence[str]) -> str:
    """Return *names* as a list for a message, the first few of them.

    ["a", "b"]  ->  "a, b"
    """
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def choose_packages(
    specs: Sequence[Spec], find_global: Callable[[Spec], Source], *, skip_others: bool
) -> tuple[list[Chosen], list[Problem]]:
    """Read the packages that *specs* name; *find_global* gives the global package of a name.

    Of several packages of one name the last one is taken, as npm does. With *skip_others* a folder that is no
    package is left out with a warning, which comes second.

    Raises every error at once: the error itself if it is one, else `PlanRejected`.
    """
    chosen: dict[str, Chosen] = {}
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
        chosen[source.manifest.name] = Chosen(source, bool(spec.folder))
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise PlanRejected([problem for err in errors for problem in err.problems])
    return list(chosen.values()), skipped


def only_dependencies(chosen: Sequence[Chosen], manifests: Sequence[Manifest], project: str) -> list[Chosen]:
    """Return those of *chosen* that one of *manifests*, of the project or its workspaces, names as a dependency.

    Raises `LinkError` (ENODEPENDENCY) if there is none.
    """
    wanted = {name for manifest in manifests for section in sections_of(manifest) for name in section}
    found = [each for each in chosen if each.source.manifest.name in wanted]
    if chosen and not found:
        names = shortened([each.source.manifest.name for each in chosen])
        raise LinkError(
            f"{project} depends on none of them: {names}",
            code="ENODEPENDENCY",
            path=project,
            hint="leave --only-dependencies out to link them all the same",
        )
    return found


def sections_of(manifest: Manifest) -> tuple[Mapping[str, str], ...]:
    """Return the four dependency sections of *manifest*."""
    return (
        manifest.dependencies,
        manifest.dev_dependencies,
        manifest.optional_dependencies,
        manifest.peer_dependencies,
    )
