"""The record of a tarball, its in-toto statement, and the bills of materials."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementPb
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from linkpack import __version__
from linkpack.archive.gzip import COMPRESSOR
from linkpack.errors import LinkpackError, SourceChanged
from linkpack.packing.pack import write_pack
from linkpack.packing.plan import plan_pack
from linkpack.provenance.components import make_purl, plan_parts
from linkpack.provenance.contents import digest_files, read_shipped
from linkpack.provenance.record import SourceRecord, make_record, make_statement, snapshot_manifest
from linkpack.provenance.sbom import make_bill
from linkpack.provenance.sources import read_origins
from linkpack.report.text import clean_json
from linkpack.system import read as fs
from tests.support import spdx23
from tests.support.gitbox import committed
from tests.support.trees import FIXTURES, parse_tree

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.bundle.layouts import LayoutName

TREE = """
-- app/package.json --
{"name": "@s/app", "version": "1.0.0+b", "license": "(MIT OR ISC)", "files": ["dist", "*.js"],
 "dependencies": {"redis": "file:../redis", "deep": "1"},
 "bundleDependencies": ["redis", "deep", "extra"]}
-- app/index.js --
-- app/dist/built.js --
-- app/node_modules/redis -> ../../redis --
-- app/node_modules/deep/package.json --
{"name": "deep", "version": "1.0.0", "license": "UNLICENSED", "peerDependencies": {"redis": "*"}}
-- app/node_modules/extra/package.json --
{"version": "2.0.0", "license": "LicenseRef-Own", "dependencies": {"deep": 5}}
-- redis/package.json --
{"name": "redis", "version": "3.1.2", "license": "MIT", "dependencies": {"is-odd": "1", "gone": "1"},
 "optionalDependencies": {"gone": "1"}}
-- redis/lib/index.js --
1
-- redis/B.js --
-- redis/a.js --
-- redis/node_modules/is-odd/package.json --
{"name": "is-odd", "version": "1.0.0", "license": "GPL-2.0+", "dependencies": []}
-- redis/node_modules/is-odd/index.js --
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A project and a linked package, each in a repository of its own and committed."""
    root = parse_tree(TREE, "").write_to(tmp_path / "t")
    committed(root / "redis")
    committed(root / "app", "node_modules\ndist\n")
    return root / "app"


def packed(app: Path, out: Path, layout: LayoutName = "bundle") -> SourceRecord:
    """The record of the project, packed into *out*."""
    plan = plan_pack(app, destination=out, layout=layout)
    origins = read_origins(plan, ())
    tarball = write_pack(plan, out)
    return make_record(plan, tarball, read_shipped(tarball), origins)


def test_the_snapshot_manifest(app: Path, tmp_path: Path) -> None:
    """The record names the tarball's digests, each source with commit and digest, and the rules."""
    (app.parent / "redis" / "a.js").write_text("changed", encoding="utf-8")
    record = packed(app, tmp_path)
    found: dict[str, Any] = json.loads(snapshot_manifest(record))
    raw = (tmp_path / "s-app-1.0.0+b.tgz").read_bytes()
    assert found["tarball"] == {
        "filename": "s-app-1.0.0+b.tgz",
        "size": len(raw),
        "unpackedSize": record.tarball.unpacked_size,
        "files": 11,
        "shasum": hashlib.sha1(raw, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(raw).hexdigest(),
        "integrity": "sha512-" + base64.b64encode(hashlib.sha512(raw).digest()).decode(),
    }
    assert found["project"]["unversioned"] == ["dist/built.js"]
    assert (found["project"]["path"], found["project"]["dirty"], found["project"]["files"]) == (".", [], 3)
    [redis] = found["snapshots"]
    assert (redis["path"], redis["dirty"], redis["slots"]) == ("../redis", ["a.js"], ["node_modules/redis"])
    assert redis["commit"] == record.origins[1].git.commit
    assert sorted(each["name"] for each in found["installed"]) == ["deep", "extra", "is-odd"]
    assert found["rules"] == {"linkpack": __version__, "npmRules": "12", "compressor": COMPRESSOR}
    assert found["rewrittenSpecs"][0]["package"] == "."


def test_no_time_and_no_place(app: Path, tmp_path: Path) -> None:
    """Packing again, elsewhere, gives the same documents byte for byte, without a path of the machine."""
    first = packed(app, tmp_path / "1")
    app.parent.rename(tmp_path / "moved")
    second = packed(tmp_path / "moved" / "app", tmp_path / "2")
    for write in (snapshot_manifest, make_statement):
        assert write(first) == write(second)
        assert str(tmp_path) not in write(first)
    assert make_bill(first, "cyclonedx") == make_bill(second, "cyclonedx")
    assert make_bill(first, "spdx") == make_bill(second, "spdx")


def test_the_content_digest_is_what_sha256sum_gives(app: Path, tmp_path: Path) -> None:
    """Standard tools compute the content digest of a snapshot from the unpacked tarball, large ones too."""
    large = "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(1000))
    (app.parent / "redis" / "a.js").write_text(large, encoding="utf-8")
    record = packed(app, tmp_path)
    with tarfile.open(record.tarball.path) as archive:
        archive.extractall(tmp_path / "x", filter="data")
    listed = "find . -type f ! -path './node_modules/*' | cut -c3- | LC_ALL=C sort"
    script = f"{listed} | xargs sha256sum | sha256sum | cut -c-64"
    folder = tmp_path / "x" / "package" / "node_modules" / "redis"
    done = subprocess.run(["sh", "-c", script], cwd=folder, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == digest_files(record.own["node_modules/redis"])


def test_without_git(app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What git cannot say is null in the record, with the reason, and left out of statement and bills."""
    monkeypatch.setenv("PATH", "/nonexistent")
    record = packed(app, tmp_path)
    found = json.loads(snapshot_manifest(record))
    assert (found["project"]["commit"], found["project"]["unversioned"]) == (None, [])
    assert found["project"]["unknown"].startswith("git is not installed")
    source = json.loads(make_statement(record))["predicate"]["buildDefinition"]["resolvedDependencies"][0]
    assert list(source["digest"]) == ["dirHash"]
    assert "pedigree" not in make_bill(record, "cyclonedx")
    assert "git is not installed" in json.loads(make_bill(record, "spdx"))["packages"][0]["sourceInfo"]


def test_the_statement(app: Path, tmp_path: Path) -> None:
    """The statement is one by in-toto's own checks, its predicate by SLSA's, and its subject the tarball."""
    (app.parent / "redis" / "a.js").write_text("changed", encoding="utf-8")
    record = packed(app, tmp_path)
    found: dict[str, Any] = json.loads(make_statement(record))
    Statement.copy_from_pb(ParseDict(found, StatementPb())).validate()
    predicate = ParseDict(found["predicate"], Provenance())
    assert predicate.run_details.builder.id == "urn:linkpack:builder:local"
    raw = (tmp_path / "s-app-1.0.0+b.tgz").read_bytes()
    assert found["subject"] == [
        {
            "name": "pkg:npm/%40s/app@1.0.0%2Bb",
            "digest": {"sha512": hashlib.sha512(raw).hexdigest(), "sha256": hashlib.sha256(raw).hexdigest()},
        }
    ]
    project, redis, *_ = found["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert project["digest"]["gitCommit"] == record.origins[0].git.commit
    assert project["annotations"]["unversioned"] == ["dist/built.js"]
    # a commit is no digest of what has changed since
    assert list(redis["digest"]) == ["dirHash"]
    assert (redis["annotations"]["dirty"], redis["annotations"]["commit"]) == (
        ["a.js"],
        record.origins[1].git.commit,
    )


def valid_cyclonedx(text: str) -> dict[str, Any]:
    """The document, which CycloneDX's own schema accepts."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found: dict[str, Any] = json.loads(text)
    return found


def valid_spdx(text: str) -> dict[str, Any]:
    """The document, which has the form of SPDX 2.3, and which SPDX's own tools accept."""
    found: dict[str, Any] = json.loads(text)
    assert spdx23.faults(found) == []
    parser: Any = JsonLikeDictParser  # it has no types
    assert validate_full_spdx_document(parser().parse(found)) == []
    return found


def test_cyclonedx(app: Path, tmp_path: Path) -> None:
    """The bill lists every package with license, place and commit, and who needs whom."""
    (app.parent / "redis" / "a.js").write_text("changed", encoding="utf-8")
    record = packed(app, tmp_path)
    found = valid_cyclonedx(make_bill(record, "cyclonedx"))
    own = found["metadata"]["component"]
    assert (own["group"], own["name"], own["version"]) == ("@s", "app", "1.0.0+b")
    assert own["licenses"] == [{"expression": "(MIT OR ISC)"}]
    assert own["hashes"][2] == {"alg": "SHA-512", "content": record.shipped.sha512}
    parts = {each["bom-ref"]: each for each in found["components"]}
    assert parts["node_modules/redis"]["licenses"] == [{"license": {"id": "MIT"}}]
    assert parts["node_modules/redis"]["pedigree"]["notes"] == "with uncommitted changes: a.js"
    assert parts["node_modules/deep"]["licenses"] == [{"license": {"name": "UNLICENSED"}}]
    assert parts["node_modules/extra"]["licenses"] == [{"expression": "LicenseRef-Own"}]
    assert {each["ref"]: each["dependsOn"] for each in found["dependencies"]} == {
        "package": ["node_modules/deep", "node_modules/extra", "node_modules/redis"],
        "node_modules/deep": ["node_modules/redis"],
        "node_modules/extra": ["node_modules/deep"],
        "node_modules/redis": ["node_modules/redis/node_modules/is-odd"],
        "node_modules/redis/node_modules/is-odd": [],
    }


def test_spdx(app: Path, tmp_path: Path) -> None:
    """The bill lists every package; what is no SPDX expression stands in a comment."""
    (app.parent / "redis" / "a.js").write_text("changed", encoding="utf-8")
    record = packed(app, tmp_path)
    found = valid_spdx(make_bill(record, "spdx"))
    packages = {each["name"]: each for each in found["packages"]}
    assert packages["@s/app"]["checksums"][1]["checksumValue"] == record.shipped.sha256
    assert packages["redis"]["licenseDeclared"] == "MIT"
    assert packages["redis"]["sourceInfo"].endswith("with uncommitted changes: a.js")
    assert packages["deep"]["licenseComments"] == "package.json says: UNLICENSED"
    assert packages["extra"]["licenseComments"] == "package.json says: LicenseRef-Own"
    kinds = [each["relationshipType"] for each in found["relationships"]]
    assert [kinds.count(kind) for kind in ("DESCRIBES", "CONTAINS", "DEPENDS_ON")] == [1, 4, 6]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"packages": [{"SPDXID": "SPDXRef-1", "name": "a"}]}, "'downloadLocation' is a required property"),
        ({"extra": 1}, "Additional properties are not allowed ('extra' was unexpected)"),
        ({"spdxVersion": "SPDX-2.2"}, "'SPDX-2.3' was expected"),
    ],
)
def test_the_schema_finds_faults(app: Path, tmp_path: Path, change: dict[str, object], said: str) -> None:
    """The schema that bills are held to refuses what is not in the specification."""
    found = valid_spdx(make_bill(packed(app, tmp_path), "spdx"))
    assert said in spdx23.faults({**found, **change})


@pytest.mark.parametrize("layout", ["vendor", "thin"])
def test_other_layouts(app: Path, tmp_path: Path, layout: LayoutName) -> None:
    """Where bundled packages lie in a folder of the tarball, they and their edges are listed as well."""
    manifest = app / "package.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace(', "extra"', ""), encoding="utf-8")
    record = packed(app, tmp_path, layout)
    found = valid_cyclonedx(make_bill(record, "cyclonedx"))
    valid_spdx(make_bill(record, "spdx"))
    edges = {each["ref"]: each["dependsOn"] for each in found["dependencies"]}
    assert "vendor/redis" in edges["package"]
    assert edges["vendor/redis"] == (["vendor/is-odd"] if layout == "vendor" else [])
    assert "index.js" in record.own[""]
    assert not any(path.startswith("vendor/") for path in record.own[""])


@pytest.mark.parametrize("name", sorted(path.stem for path in (FIXTURES / "trees" / "layouts").glob("*.txt")))
def test_bills_of_real_installations(name: str, tmp_path: Path) -> None:
    """Whatever installed the tree, both bills are valid and have each package, which something in it needs."""
    tree = parse_tree((FIXTURES / "trees" / "layouts" / f"{name}.txt").read_text(encoding="utf-8"), name)
    start = tree.write_to(tmp_path / "t") / (tree.settings("pack") or ["blog"])[0]
    record = packed(start, tmp_path)
    found = valid_cyclonedx(make_bill(record, "cyclonedx"))
    valid_spdx(make_bill(record, "spdx"))
    assert len(found["components"]) == len(record.plan.bundled)
    reached = {slot for part in plan_parts(record.plan) for slot in part.needs}
    assert reached == {each.slots[0] for each in record.plan.bundled}


def test_a_tarball_that_changed(app: Path, tmp_path: Path) -> None:
    """No record is made of a file that is not what was written: changed, cut, replaced or gone."""
    record = packed(app, tmp_path)
    target = tmp_path / record.tarball.filename
    other = packed(app, tmp_path / "2", "vendor")
    for raw in (other, target.read_bytes()[:-20], b"no gzip", target.read_bytes() + bytes(1 << 20)):
        target.write_bytes(raw if isinstance(raw, bytes) else (tmp_path / "2" / target.name).read_bytes())
        with pytest.raises(SourceChanged):
            read_shipped(record.tarball)
    target.unlink()
    with pytest.raises(LinkpackError, match="cannot be read"):
        read_shipped(record.tarball)
    assert not fs.is_file(str(target))


def test_names_that_are_no_text() -> None:
    """A stray byte in a file name becomes an escape: JSON holds only characters."""
    assert clean_json({"a": ["b\udcff", 1, None, ("é",)]}) == {"a": ["b\\xff", 1, None, ["é"]]}
    assert make_purl("a b", "") == "pkg:npm/a%20b"
