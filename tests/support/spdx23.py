"""What SPDX 2.3 allows in the parts of a document that we write, as a JSON schema of our own making.

The official schema is no file of this project. With its path in LINKPACK_SPDX_SCHEMA it is asked as well.
Source: "Software Package Data Exchange 2.3", clauses 6, 7 and 11.
"""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any

_TEXT = {"type": "string", "minLength": 1}
_ID = {"type": "string", "pattern": "^SPDXRef-[A-Za-z0-9.-]+$"}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """The schema of an object that has *required* members, may have *optional* ones, and no others."""
    members = {**required, **(optional or {})}
    return {"type": "object", "properties": members, "required": [*required], "additionalProperties": False}


def _list(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


_CHECKSUM = _object(
    {
        "algorithm": {"enum": ["SHA1", "SHA256", "SHA512"]},
        "checksumValue": {"type": "string", "pattern": "^([0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})$"},
    }
)
_REFERENCE = _object(
    {
        "referenceCategory": {"const": "PACKAGE-MANAGER"},
        "referenceType": {"const": "purl"},
        "referenceLocator": {"type": "string", "pattern": "^pkg:npm/"},
    }
)
_PACKAGE = _object(
    {"SPDXID": _ID, "name": _TEXT, "downloadLocation": _TEXT},
    {
        "versionInfo": _TEXT,
        "packageFileName": _TEXT,
        "filesAnalyzed": {"const": False},
        "checksums": _list(_CHECKSUM),
        "sourceInfo": _TEXT,
        "licenseConcluded": _TEXT,
        "licenseDeclared": _TEXT,
        "licenseComments": _TEXT,
        "copyrightText": _TEXT,
        "externalRefs": _list(_REFERENCE),
    },
)
_RELATION = _object(
    {
        "spdxElementId": _ID,
        "relationshipType": {"enum": ["DESCRIBES", "CONTAINS", "DEPENDS_ON"]},
        "relatedSpdxElement": _ID,
    }
)
SCHEMA = _object(
    {
        "spdxVersion": {"const": "SPDX-2.3"},
        "SPDXID": {"const": "SPDXRef-DOCUMENT"},
        "dataLicense": {"const": "CC0-1.0"},
        "name": _TEXT,
        "documentNamespace": {"type": "string", "pattern": "^[^#]+$"},
        "creationInfo": _object(
            {
                "created": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
                "creators": _list({"type": "string", "pattern": "^(Tool|Person|Organization): "}),
            }
        ),
    },
    {"packages": _list(_PACKAGE), "relationships": _list(_RELATION)},
)


def faults(document: object) -> list[str]:
    """What the schema, and the official one where it is at hand, finds wrong with *document*."""
    validator: Any = import_module("jsonschema").Draft7Validator
    schemas = [SCHEMA]
    if os.environ.get("LINKPACK_SPDX_SCHEMA"):
        schemas.append(json.loads(Path(os.environ["LINKPACK_SPDX_SCHEMA"]).read_text(encoding="utf-8")))
    return [each.message for schema in schemas for each in validator(schema).iter_errors(document)]
