"""Runs one target under atheris: `python -m tests.fuzz.run TARGET [OPTION|FOLDER]...`, as `make fuzz` does.

Options are libFuzzer's (`-max_total_time=600`, `-runs=100000`); new inputs go to the first FOLDER. Needs the extra
`fuzz`.
"""

from __future__ import annotations

import importlib
import sys

import atheris  # type: ignore[import-untyped]  # it has no types

TARGETS = ("manifest", "patterns", "npmrc", "tarball")


def main() -> None:
    """Fuzz the target named first on the command line until it fails or its time is up."""
    name = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        sys.exit(f"name one of {', '.join(TARGETS)}")
    with atheris.instrument_imports(include=["linkpack", "tests.fuzz"]):
        target = importlib.import_module(f"tests.fuzz.{name}")
    atheris.Setup(sys.argv, target.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
