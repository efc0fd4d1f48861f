"""Make the record of a tarball: its sources, the rules, its digests.

The same record is written as plain JSON or as an in-toto statement (in-toto attestation v1, SLSA provenance v1).
It names no time, user or machine: packing the same sources again gives the same bytes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from linkpack._version import __version__
from linkpack.provenance.components import make_purl
from linkpack.provenance.contents import digest_files, group_by_slot
from linkpack.provenance.places import known_homes, shown_path, shown_spec
from linkpack.record import Record
from linkpack.report.pack_json import graph_values
from linkpack.report.text import clean_json

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


class SourceRecord(Record):
    """A packed tarball and what is known about it.

    *origins* are those of its sources, the project's first. *own* are the files of the package in each slot, as
    `group_by_slot` gives them. *homes* are home folders, above which no path in the record may lead.
    """

    plan: PackPlan
    tarball: Tarball
    shipped: Shipped
    origins: tuple[Origin, ...]
    own: Mapping[str, Mapping[str, str]]
    homes: tuple[str, ...]


def make_record(plan: PackPlan, tarball: Tarball, shipped: Shipped, origins: tuple[Origin, ...]) -> SourceRecord:
    """Return the record of *tarball*, which was packed by *plan*."""
    slots = ["", *(slot for package in plan.bundled for slot in package.slots)]
    return SourceRecord(
        plan=plan,
        tarball=tarball,
        shipped=shipped,
        origins=origins,
        own=group_by_slot(shipped.files, slots),
        homes=known_homes(),
    )


def snapshot_manifest(record: SourceRecord) -> str:
    """Return *record* as plain JSON, with the keys of docs/provenance.md."""
    plan, tarball = record.plan, record.tarball
    project, *snapshots = record.origins
    return dump_json(
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
            "snapshots": [{**_source(record, snapshot), "slots": list(snapshot.slots)} for snapshot in snapshots],
            "installed": [_installed(record, package) for package in plan.bundled if not package.linked],
            "rewrittenSpecs": _changes(record),
            "rules": {"linkpack": __version__, "npmRules": plan.rules, "compressor": tarball.compressor},
            "runtimeGraph": graph_values(plan),
        }
    )


def make_statement(record: SourceRecord) -> str:
    """Return *record* as an unsigned in-toto statement.

    Its predicate is SLSA's provenance. The subject is named as npm names it when it publishes with provenance: by
    package URL.
    """
    plan, tarball, shipped = record.plan, record.tarball, record.shipped
    subject = make_purl(plan.manifest.name, plan.manifest.version)
    installed = [package for package in plan.bundled if not package.linked]
    return dump_json(
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
                        *(_source_resource(record, origin) for origin in record.origins),
                        *(_installed_resource(record, package) for package in installed),
                    ],
                },
                "runDetails": {"builder": {"id": BUILDER, "version": {"linkpack": __version__}}},
            },
        }
    )


def dump_json(document: object) -> str:
    """Return the JSON text of *document*, ASCII only and `clean_json`."""
    return json.dumps(clean_json(document), indent=2) + "\n"


def _changes(record: SourceRecord) -> list[dict[str, object]]:
    """Return the rewritten specs, as far as the record may name them."""
    root = record.plan.root
    changes = []
    for change in record.plan.changes:
        old = shown_spec(change.old, change.package, root, record.homes)
        reason = change.reason if old == change.old else change.reason.replace(change.old.strip(), old.strip())
        package = shown_path(change.package, root, record.homes) or None
        changes.append({**change._asdict(), "package": package, "old": old, "reason": reason})
    return changes


def _source(record: SourceRecord, origin: Origin) -> dict[str, object]:
    """Return what plain JSON says of a source directory."""
    slot = origin.slots[0]
    git = origin.git
    return {
        "name": origin.name,
        "version": origin.version,
        "path": origin.place or None,
        "content": f"sha256:{digest_files(record.own[slot])}",
        "files": len(record.own[slot]),
        "commit": git.commit or None,
        "dirty": list(git.dirty),
        "unversioned": _list_unversioned(record, origin),
        **({"unknown": git.fault} if git.fault else {}),
    }


def _list_unversioned(record: SourceRecord, origin: Origin) -> list[str]:
    """Return the files that ship and that git ignores, such as built files."""
    if origin.git.fault:
        return []
    known = origin.git.tracked | frozenset(origin.git.dirty)  # new files that git does not ignore are dirty
    return [path for path in record.own[origin.slots[0]] if path not in known]


def _installed(record: SourceRecord, package: Bundled) -> dict[str, object]:
    """Return what plain JSON says of an installed package."""
    return {
        "name": package.name,
        "version": package.version,
        "path": shown_path(package.source, record.plan.root, record.homes) or None,
        "content": f"sha256:{digest_files(record.own[package.slots[0]])}",
        "files": package.files,
        "slots": list(package.slots),
    }


def _source_resource(record: SourceRecord, origin: Origin) -> dict[str, object]:
    """Return a source directory as a resource of SLSA."""
    git = origin.git
    digest = {"dirHash": digest_files(record.own[origin.slots[0]])}
    if git.commit and not git.dirty:  # else the commit is not what the directory has
        digest["gitCommit"] = git.commit
    annotations = {
        "path": origin.place,
        "slots": list(origin.slots),
        "commit": git.commit,
        "dirty": list(git.dirty),
        "unversioned": _list_unversioned(record, origin),
        "unknown": git.fault,
    }
    return {
        "name": origin.label,
        "digest": digest,
        "annotations": {key: value for key, value in annotations.items() if value},
    }


def _installed_resource(record: SourceRecord, package: Bundled) -> dict[str, object]:
    """Return an installed package as a resource of SLSA."""
    path = shown_path(package.source, record.plan.root, record.homes)
    annotations = {"path": path, "slots": list(package.slots)}
    return {
        "name": f"{package.name}@{package.version}",
        "uri": make_purl(package.name, package.version),
        "digest": {"dirHash": digest_files(record.own[package.slots[0]])},
        "annotations": {key: value for key, value in annotations.items() if value},
    }
