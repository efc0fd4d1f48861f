"""Write the JSON of `pack`: npm's keys, and our own in `linkpack`."""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING

from linkpack.npm.sorting import listing_key
from linkpack.report.problems import error_values, problem_values
from linkpack.report.text import JSON_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from linkpack.archive.writer import Tarball
    from linkpack.errors import Problem
    from linkpack.packing.plan import Bundled, PackPlan

_BUNDLED = r"node_modules/((?:@[^/]+/)?[^/]+)"


def packages_json(results: Iterable[tuple[PackPlan, Tarball]], *, npm12: bool = False) -> str:
    """Return the JSON of packages that were all packed."""
    return document((package_values(plan, tarball) for plan, tarball in results), npm12=npm12)


def document(packages: Iterable[Mapping[str, object]], *, npm12: bool = False) -> str:
    """Return the values of packages as JSON, in ASCII.

    That is npm 11's array, or with *npm12* that version's object by package name.
    """
    # lib/commands/pack.js of npm: the key is an index in 11.19, and the name in 12.2.
    value: object = {str(package["name"]): package for package in packages} if npm12 else list(packages)
    return json.dumps(value, indent=2)


def failure_values(name: str, problems: Sequence[Problem]) -> dict[str, object]:
    """Return what the JSON says of a package that could not be packed."""
    return {"name": name, **error_values(problems)}


def package_values(plan: PackPlan, tarball: Tarball) -> dict[str, object]:
    """Return what `npm pack --json` says of one package, with our own keys."""
    manifest = plan.manifest
    files = sorted(tarball.files, key=lambda file: listing_key(file.path))
    # As npm/lib/utils/tar.js finds them: every package at the top of node_modules, scoped or not.
    tops = (re.match(_BUNDLED, file.path) for file in tarball.files)
    return {
        "id": f"{manifest.name}@{manifest.version}",
        "name": manifest.name,
        "version": manifest.version,
        "size": tarball.size,
        "unpackedSize": tarball.unpacked_size,
        "shasum": tarball.shasum,
        "integrity": tarball.integrity,
        "filename": tarball.filename,
        "files": [file._asdict() for file in files],
        "entryCount": len(tarball.files),
        "bundled": list(dict.fromkeys(top[1] for top in tops if top)),
        "linkpack": _own_values(plan, tarball),
    }


def _own_values(plan: PackPlan, tarball: Tarball) -> dict[str, object]:
    return {
        "schema": JSON_SCHEMA,
        "path": tarball.path,
        "npmRules": plan.rules,
        "compressor": tarball.compressor,
        "layout": plan.layout,
        "installers": list(plan.installers),
        "publishConfig": {"fields": list(plan.publish_fields), "applied": plan.publish_config},
        "snapshots": [_bundled_values(plan, package) for package in plan.bundled if package.linked],
        "bundled": [_bundled_values(plan, package) for package in plan.bundled if not package.linked],
        "rewrittenSpecs": [change._asdict() for change in plan.changes],
        "omitted": [omission._asdict() for omission in plan.omissions],
        "warnings": [problem_values(problem) for problem in (*plan.warnings, *tarball.warnings)],
        "runtimeGraph": graph_values(plan),
        "checks": plan.checks._asdict(),
    }


def _bundled_values(plan: PackPlan, package: Bundled) -> dict[str, object]:
    return {
        "name": package.name,
        "version": package.version,
        "slots": list(package.slots),
        "source": posixpath.relpath(package.source, plan.root),
        "files": package.files,
        "size": package.size,
    }


def graph_values(plan: PackPlan) -> dict[str, object]:
    """Return what was checked of the runtime graph.

    It is `verified` if nothing was left open.
    """
    return {"packages": plan.packages, "edges": plan.edges, "verified": plan.checks.verified}
