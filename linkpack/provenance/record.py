"""The record of one tarball: what it was made from, by which rules, and its digests.

The same record is given as plain JSON and as an in-toto statement (in-toto attestation v1, SLSA provenance v1).
It has no time, user or machine in it: packing the same sources again gives the same bytes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from linkpack._version import __version__
from linkpack.provenance.components import purl
from linkpack.provenance.contents import by_slot, content_digest
from linkpack.provenance.places import known_homes, shown_path, shown_spec
from linkpack.report.pack_json import graph_json
from linkpack.report.text import cleaned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.archive.writer import Tarball
    from linkpack.packing.plan import Bundled, PackPlan
    from linkpack.provenance.contents import Shipped
    from linkpack.provenance.sources import Origin

SCHEMA = 1  # of the plain form: goes up when a key changes its meaning
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:linkpack:pack:1"
BUILDER = "urn:linkpack:builder:local"


class Record(NamedTuple):
    """A packed tarball and what is known of it.

    *origins* are those of its sources, the project's first; *own* are the files of the package in each slot.
    *homes* are home folders, which it must not name.
    """

    plan: PackPlan
    tarball: Tarball
    shipped: Shipped
    origins: tuple[Origin, ...]
    own: Mapping[str, Mapping[str, str]]
    homes: tuple[str, ...]


def make_record(plan: PackPlan, tarball: Tarball, shipped: Shipped, origins: tuple[Origin, ...]) -> Record:
    """Return the record of *tarball*, which was packed by *plan*."""
    slots = ["", *(slot for each in plan.bundled for slot in each.slots)]
    return Record(plan, tarball, shipped, origins, own=by_slot(shipped.files, slots), homes=known_homes())


def snapshot_manifest(record: Record) -> str:
    """The record as plain JSON; see docs/provenance.md for its keys."""
    plan, tarball = record.plan, record.tarball
    project, *snapshots = record.origins
    return dumped(
        {
            "schema": SCHEMA,
            "tarball": {
                "filename": tarball.filename,
                "size": tarball.size,
                "unpackedSize": tarball.unpacked_size,
                "files": len(tarball.files),
                "shasum": tarball.shasum,
                "sha256": record.shipped.sha256,
                "integrity": tarball.integrity,
            },
            "project": _source(record, project),
            "snapshots": [{**_source(record, each), "slots": list(each.slots)} for each in snapshots],
            "installed": [_installed(record, each) for each in plan.bundled if not each.linked],
            "rewrittenSpecs": _changes(record),
            "rules": {"linkpack": __version__, "npmRules": plan.rules, "compressor": tarball.compressor},
            "runtimeGraph": graph_json(plan),
        }
    )


def statement(record: Record) -> str:
    """The record as an in-toto statement about the tarball, with SLSA's provenance as the predicate.

    Unsigned. The subject is named as npm names it when it publishes with provenance: by package URL.
    """
    plan, tarball, shipped = record.plan, record.tarball, record.shipped
    subject = purl(plan.manifest.name, plan.manifest.version)
    installed = [each for each in plan.bundled if not each.linked]
    return dumped(
        {
            "_type": STATEMENT,
            "subject": [{"name": subject, "digest": {"sha512": shipped.sha512, "sha256": shipped.sha256}}],
            "predicateType": PREDICATE,
            "predicate": {
                "buildDefinition": {
                    "buildType": BUILD_TYPE,
                    "externalParameters": {"package": subject, "npmRules": plan.rules},
                    "internalParameters": {
                        "compressor": tarball.compressor,
                        "rewrittenSpecs": _changes(record),
                    },
                    "resolvedDependencies": [
                        *(_resolved(record, each) for each in record.origins),
                        *(_resolved_installed(record, each) for each in installed),
                    ],
                },
                "runDetails": {"builder": {"id": BUILDER, "version": {"linkpack": __version__}}},
            },
        }
    )


def dumped(document: object) -> str:
    """The JSON text of *document*, ASCII only and `cleaned`."""
    return json.dumps(cleaned(document), indent=2) + "\n"


def _changes(record: Record) -> list[dict[str, object]]:
    root = record.plan.root
    changes = []
    for each in record.plan.changes:
        old = shown_spec(each.old, each.package, root, record.homes)
        reason = each.reason.replace(each.old.strip(), old.strip()) if old != each.old else each.reason
        package = shown_path(each.package, root, record.homes) or None
        changes.append({**each._asdict(), "package": package, "old": old, "reason": reason})
    return changes


def _source(record: Record, origin: Origin) -> dict[str, object]:
    slot = origin.slots[0]
    git = origin.git
    return {
        "name": origin.name,
        "version": origin.version,
        "path": origin.place or None,
        "content": f"sha256:{content_digest(record.own[slot])}",
        "files": len(record.own[slot]),
        "commit": git.commit or None,
        "dirty": list(git.dirty),
        "unversioned": _unversioned(record, origin),
        **({"unknown": git.fault} if git.fault else {}),
    }


def _unversioned(record: Record, origin: Origin) -> list[str]:
    """The files that ship, are not in git, and are no change either: those git ignores, as what is built."""
    if origin.git.fault:
        return []
    known = origin.git.tracked | frozenset(origin.git.dirty)
    return [path for path in record.own[origin.slots[0]] if path not in known]


def _installed(record: Record, each: Bundled) -> dict[str, object]:
    return {
        "name": each.name,
        "version": each.version,
        "path": shown_path(each.source, record.plan.root, record.homes) or None,
        "content": f"sha256:{content_digest(record.own[each.slots[0]])}",
        "files": each.files,
        "slots": list(each.slots),
    }


def _resolved(record: Record, origin: Origin) -> dict[str, object]:
    """A source directory as a resource. A commit is its digest only when the directory is what the commit says."""
    git = origin.git
    digest = {"dirHash": content_digest(record.own[origin.slots[0]])}
    if git.commit and not git.dirty:
        digest["gitCommit"] = git.commit
    about = {
        "path": origin.place,
        "slots": list(origin.slots),
        "commit": git.commit,
        "dirty": list(git.dirty),
        "unversioned": _unversioned(record, origin),
        "unknown": git.fault,
    }
    return {
        "name": origin.label,
        "digest": digest,
        "annotations": {key: each for key, each in about.items() if each},
    }


def _resolved_installed(record: Record, each: Bundled) -> dict[str, object]:
    about = {"path": shown_path(each.source, record.plan.root, record.homes), "slots": list(each.slots)}
    return {
        "name": f"{each.name}@{each.version}",
        "uri": purl(each.name, each.version),
        "digest": {"dirHash": content_digest(record.own[each.slots[0]])},
        "annotations": {key: value for key, value in about.items() if value},
    }
