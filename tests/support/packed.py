"""What packing gave: a plan as the lines of a tree file, and tarballs as values, read without linkpack."""

from __future__ import annotations

import json
import subprocess
import tarfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import linkpack
from tests.support.npm import node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.trees import Tree

PROBE = Path(__file__).with_name("probe.cjs")


def folder(tree: Tree, root: Path) -> Path:
    """The folder of *tree*, laid out at *root*, that is packed."""
    return root / "".join(tree.settings("pack") or ["blog"])


def options(tree: Tree) -> dict[str, Any]:
    """The options of `plan_pack` that *tree* asks for."""
    given = dict(line.split("=") for line in tree.settings("with"))
    return {name: value == "true" if value in {"true", "false"} else value for name, value in given.items()}


def outcome(tree: Tree, root: Path) -> list[str]:
    """What planning says of *tree*, laid out at *root*, in the lines of a tree file, settings left out."""

    def below(path: str) -> str:
        return path.replace(f"{root}/", "", 1) if path != str(root) else "."

    try:
        plan = linkpack.plan_pack(folder(tree, root), **options(tree))
    except linkpack.LinkpackError as err:
        return [f"error: {problem.code} {below(problem.path)}" for problem in err.problems]
    changes = [
        f"spec: {each.label} {each.section}.{each.key} {each.old} -> {each.new or '(dropped)'}"
        for each in plan.changes
    ]
    warnings = [f"warning: {problem.code} {below(problem.path)}" for problem in plan.warnings]
    return [f"{entry.path} {entry.mode:o}" for entry in plan.entries] + changes + warnings


class Packed(NamedTuple):
    """A tarball as a consumer reads it: the tar *stream*, and (*path*, mode, contents) of its members in order."""

    stream: bytes
    members: tuple[tuple[str, int, bytes], ...]

    @property
    def files(self) -> dict[str, bytes]:
        """Contents by path below `package/`."""
        return {path.removeprefix("package/"): data for path, _, data in self.members}

    @property
    def manifest(self) -> dict[str, Any]:
        """The package.json."""
        found: dict[str, Any] = json.loads(self.files["package.json"])
        return found

    def extract(self, where: Path) -> Path:
        """Lay the package out in *where*, which is made."""
        for path, data in self.files.items():
            target = where / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return where


def read_packed(path: Path | str) -> Packed:
    """The tarball at *path*; it must be one gzip member and hold regular files only."""
    unzip = zlib.decompressobj(wbits=31)
    stream = unzip.decompress(Path(path).read_bytes()) + unzip.flush()
    assert unzip.eof
    assert unzip.unused_data == b""
    with tarfile.open(fileobj=BytesIO(stream)) as archive:
        return Packed(stream, tuple(_members(archive)))


def _members(archive: tarfile.TarFile) -> Iterator[tuple[str, int, bytes]]:
    for member in archive:
        found = archive.extractfile(member)
        assert member.isreg()
        assert found is not None
        yield member.name, member.mode, found.read()


class Graph(NamedTuple):
    """What Node finds: identities by "identity name" for dependencies and for peers, folders by identity."""

    edges: dict[str, list[str]]
    peers: dict[str, list[str]]
    places: dict[str, int]

    def differences(self, other: Graph) -> list[str]:
        """What another place of the same packages finds differently.

        Optional dependencies that were dropped from a manifest are gone there; a peer counts when its supplier is
        in the graph, for a consumer brings the others.
        """
        edges = {edge: found for edge, found in self.edges.items() if found != ["absent"] or edge in other.edges}
        peers = {edge: found for edge, found in self.peers.items() if set(found) <= self.places.keys()}
        return [
            *(
                f"{edge}: {edges.get(edge)}, {other.edges.get(edge)}"
                for edge in sorted(edges.keys() | other.edges)
                if edges.get(edge) != other.edges.get(edge)
            ),
            *(
                f"{edge}: {found}, {other.peers.get(edge)}"
                for edge, found in peers.items()
                if other.peers.get(edge) != found
            ),
            *sorted(self.places.keys() ^ other.places.keys()),
        ]


def runtime_graph(package: Path, names: list[str]) -> Graph:
    """What Node finds from the package in the folder *package*, its own edges being *names*."""
    script = [node(), str(PROBE), str(package), json.dumps(names)]
    done = subprocess.run(script, capture_output=True, text=True, check=True)
    return Graph(**json.loads(done.stdout))
