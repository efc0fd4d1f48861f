"""Pack npm projects and their linked dependencies reproducibly.

    plan = linkpack.plan_pack("packages/app")  # reads only
    tarball = linkpack.pack("packages/app", destination="dist")
    tarball.integrity

Names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from linkpack._version import __version__

if TYPE_CHECKING:
    from linkpack.archive.entry import Entry
    from linkpack.archive.findings import Finding
    from linkpack.archive.writer import Tarball, TarballFile
    from linkpack.copying.commands import link, plan_link, plan_relink, relink
    from linkpack.copying.sync_command import Synced, plan_sync, sync
    from linkpack.errors import (
        BundleError,
        ConfigError,
        LinkConflict,
        LinkError,
        LinkMissing,
        LinkpackError,
        ManifestInvalid,
        PlanRejected,
        Problem,
        ProjectError,
        ProjectNotFound,
        ScriptFailed,
        SnapshotError,
        SourceChanged,
        StalePlan,
        UnplaceableGraph,
        VerifyFailed,
    )
    from linkpack.limits import Limits
    from linkpack.linking.command import LinkOptions
    from linkpack.linking.journal import Journal
    from linkpack.linking.list_command import links
    from linkpack.linking.states import Change, LinkPlan
    from linkpack.linking.status import Status
    from linkpack.linking.undo_command import undo
    from linkpack.linking.unlink_command import plan_unlink, unlink
    from linkpack.packing.pack import pack, write_pack
    from linkpack.packing.plan import Bundled, PackPlan, plan_pack
    from linkpack.verifying.difference import Difference, diff
    from linkpack.verifying.unpack import Unpacked, unpack
    from linkpack.verifying.verdict import Verdict, verify

_HOMES = {
    "linkpack.packing.pack": ("pack", "write_pack"),
    "linkpack.packing.plan": ("Bundled", "PackPlan", "plan_pack"),
    "linkpack.archive.entry": ("Entry",),
    "linkpack.errors": (
        "BundleError",
        "ConfigError",
        "LinkConflict",
        "LinkError",
        "LinkMissing",
        "LinkpackError",
        "ManifestInvalid",
        "PlanRejected",
        "Problem",
        "ProjectError",
        "ProjectNotFound",
        "ScriptFailed",
        "SnapshotError",
        "SourceChanged",
        "StalePlan",
        "UnplaceableGraph",
        "VerifyFailed",
    ),
    "linkpack.verifying.verdict": ("Verdict", "verify"),
    "linkpack.verifying.difference": ("Difference", "diff"),
    "linkpack.verifying.unpack": ("Unpacked", "unpack"),
    "linkpack.archive.findings": ("Finding",),
    "linkpack.limits": ("Limits",),
    "linkpack.linking.journal": ("Journal",),
    "linkpack.linking.command": ("LinkOptions",),
    "linkpack.copying.commands": ("link", "plan_link", "plan_relink", "relink"),
    "linkpack.copying.sync_command": ("Synced", "plan_sync", "sync"),
    "linkpack.linking.list_command": ("links",),
    "linkpack.linking.undo_command": ("undo",),
    "linkpack.linking.unlink_command": ("plan_unlink", "unlink"),
    "linkpack.linking.status": ("Status",),
    "linkpack.linking.states": ("Change", "LinkPlan"),
    "linkpack.archive.writer": ("Tarball", "TarballFile"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "BundleError",
    "Bundled",
    "Change",
    "ConfigError",
    "Difference",
    "Entry",
    "Finding",
    "Journal",
    "Limits",
    "LinkConflict",
    "LinkError",
    "LinkMissing",
    "LinkOptions",
    "LinkPlan",
    "LinkpackError",
    "ManifestInvalid",
    "PackPlan",
    "PlanRejected",
    "Problem",
    "ProjectError",
    "ProjectNotFound",
    "ScriptFailed",
    "SnapshotError",
    "SourceChanged",
    "StalePlan",
    "Status",
    "Synced",
    "Tarball",
    "TarballFile",
    "Unpacked",
    "UnplaceableGraph",
    "Verdict",
    "VerifyFailed",
    "__version__",
    "diff",
    "link",
    "links",
    "pack",
    "plan_link",
    "plan_pack",
    "plan_relink",
    "plan_sync",
    "plan_unlink",
    "relink",
    "sync",
    "undo",
    "unlink",
    "unpack",
    "verify",
    "write_pack",
]


def __getattr__(name: str) -> object:
    """Load the public *name* from its module."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return sorted(__all__)
