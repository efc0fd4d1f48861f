"""Read a workspace's members and pnpm's overrides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import LinkpackError
from linkpack.project.workspace import list_members, read_workspace, read_yaml
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Mapping


class WorkspaceFiles:
    """The files of a workspace, each read when it is first needed.

    *root* is the workspace's real directory.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._members: list[str] | None = None
        self._overrides: Mapping[str, str] | None = None

    def list_members(self) -> list[str]:
        """Return the real folders of the workspace's members."""
        if self._members is None:
            workspace = read_workspace(self._root)
            self._members = list_members(workspace) if workspace is not None else []
        return self._members

    def pnpm_overrides(self) -> Mapping[str, str]:
        """Return pnpm's overrides, specs by selector."""
        if self._overrides is None:
            self._overrides = read_pnpm_overrides(self._root)
        return self._overrides


def read_pnpm_overrides(root: str) -> dict[str, str]:
    """Read the `overrides` of pnpm-workspace.yaml, specs by selector.

    A file that cannot be parsed has none.
    """
    # `pnpm link` writes an override there (pnpm 12.21; older ones write it into package.json).
    path = f"{root}/pnpm-workspace.yaml"
    if not fs.is_file(path):
        return {}
    try:
        table = read_yaml(path, (b"overrides",)).get("overrides")
    except LinkpackError:
        return {}
    pairs = table.items() if isinstance(table, dict) else ()
    return {key: spec for key, spec in pairs if isinstance(key, str) and isinstance(spec, str)}
