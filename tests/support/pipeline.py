"""A release from pack to run: linkpack packs, `npm publish` uploads the very tarball, every installer takes it.

`python -m tests.support.pipeline` makes the table of docs/pipelines.md anew, from what happens.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from linkpack.packing.pack import pack
from tests.support.installers import INSTALLERS, call, consume, program
from tests.support.registry import serving
from tests.support.trees import FIXTURES, parse_tree

if TYPE_CHECKING:
    from linkpack.bundle.layouts import LayoutName
    from tests.support.installers import Installer, Step
    from tests.support.registry import Registry

LAYOUTS: tuple[LayoutName, ...] = ("bundle", "vendor", "thin")
PAGE = Path(__file__).parents[2] / "docs" / "pipelines.md"
BEGIN, END = "<!-- made by tests/support/pipeline.py -->\n", "<!-- end -->\n"

SAYS = "site, shout words by right left of right, left of right"
SCRIPT = f"""
const found = require('site');
if (found !== {SAYS!r}) throw new Error(found);
"""


def publish(registry: Registry, folder: Path, what: str) -> None:
    """Let npm publish *what*, seen from *folder*."""
    (folder / ".npmrc").write_text(registry.npmrc, encoding="utf-8")
    done = call(folder, [*program("npm"), "publish", what, "--ignore-scripts"])
    assert done.status == 0, done.output


def release(registry: Registry, home: Path, layout: LayoutName) -> bytes:
    """Pack fixtures/trees/ship/site.txt in *layout* and publish it, after the two packages that a registry has.

    The bytes of the tarball that linkpack wrote.
    """
    tree = parse_tree((FIXTURES / "trees" / "ship" / "site.txt").read_text(encoding="utf-8"), "site")
    root = tree.write_to(home / "tree")
    for name in ("right", "left"):
        publish(registry, root / "site" / "node_modules" / name, ".")
    packed = pack(root / "site", destination=home / "out", layout=layout)
    publish(registry, home / "out", f"./{packed.filename}")
    return Path(packed.path).read_bytes()


def outcome(steps: list[Step]) -> str:
    """What the table says of an installer: `yes`, or the command that failed."""
    last = steps[-1]
    return "yes" if last.status == 0 else f"no ({last.command.replace(' APP', '')})"


def try_out(installer: Installer, registry: Registry, home: Path) -> list[Step]:
    """The steps of *installer* with the published package."""
    return consume(installer, registry, home, "site", SCRIPT)


def rows(text: str) -> dict[str, dict[str, str]]:
    """The table in *text*: installer to layout to outcome."""
    lines = text.partition(BEGIN)[2].partition(END)[0].strip().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: dict(zip(cells[0][1:], row[1:], strict=True)) for row in cells[2:]}


def main() -> None:
    """Try every installer with every layout, and write the table."""
    table = [["installer", *LAYOUTS], ["---"] * 4, *([installer.name] for installer in INSTALLERS)]
    for layout in LAYOUTS:
        with tempfile.TemporaryDirectory() as folder, serving() as registry:
            release(registry, Path(folder), layout)
            for i, installer in enumerate(INSTALLERS):
                steps = try_out(installer, registry, Path(folder) / f"consumer{i}")
                table[i + 2].append(outcome(steps))
                if steps[-1].status:
                    print(layout, installer.name, steps[-1].output[-600:])  # noqa: T201 - a script
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    lines = "".join(f"| {' | '.join(row)} |\n" for row in table)
    PAGE.write_text(before + BEGIN + lines + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
