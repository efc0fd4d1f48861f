"""Run `linkpack doctor`, which looks for what is wrong with links."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from linkpack.cli.link_options import absolute_folder, link_command, link_options
from linkpack.cli.npm_command import NpmCommand
from linkpack.cli.terminal import print_result
from linkpack.explaining.doctor import examine, run_fixes
from linkpack.linking.command import read_settings
from linkpack.report.doctor import count_severity, diagnosis_json, diagnosis_text

if TYPE_CHECKING:
    from linkpack.cli.shared_options import OptionValue


@click.command(cls=NpmCommand)
@click.option("--fix", is_flag=True, help="Run the commands that mend something and can be undone.")
@click.option("--json", "as_json", is_flag=True, default=None, help="Print JSON.")
@click.option(
    "--strict-peer-deps/--no-strict-peer-deps", default=None, help="Take all faults of linked peers for errors."
)
@link_command
def doctor(*, fix: bool, as_json: bool | None, cwd: str, **given: OptionValue) -> int:
    """Look for what keeps links from working.

    Examines prefix, PATH, links, doubled peers and the bundle. Exits 1 when there are errors.
    """
    folder = absolute_folder(cwd)
    options = link_options({**given, "json": as_json})
    diagnoses = examine(folder, options)
    fixes, failures = run_fixes(diagnoses, options) if fix else ([], [])
    if fixes:  # examined again, as one fix may be the end of several faults, or bring another one to light
        diagnoses = examine(folder, options)
    diagnoses += failures
    as_json = read_settings(folder, options).flag("json", default=False)
    print_result(diagnosis_json(diagnoses, fixes) if as_json else diagnosis_text(diagnoses, fixes))
    return int(count_severity(diagnoses, "error") > 0)
