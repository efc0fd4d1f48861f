"""Plan, apply and print, for every command that changes links."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.cli.link_options import absolute_folder, link_options
from linkpack.cli.terminal import apply_settings, print_report, print_result
from linkpack.linking.command import local_folder, read_settings, reject_conflicts
from linkpack.report.links import done_text, plan_json, planned_text
from linkpack.report.problems import warning_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from linkpack.cli.shared_options import OptionValue
    from linkpack.errors import Problem
    from linkpack.linking.command import LinkOptions
    from linkpack.linking.journal import Journal
    from linkpack.linking.states import LinkPlan


def run_command(
    given: dict[str, OptionValue],
    plan: Callable[[LinkOptions], LinkPlan],
    act: Callable[[LinkOptions], Journal],
    more_warnings: Callable[[LinkPlan, LinkOptions], tuple[Problem, ...]] | None = None,
    drop: Sequence[str] = (),
) -> LinkPlan:
    """Plan, or plan and act, and print the result.

    Returns the plan. *given* are the command's options. *plan* asks the library what would be done, and *act*
    does it. *more_warnings* looks for further warnings afterwards. Warnings with a code in *drop* are not printed.
    """
    silent, cwd = given.pop("silent"), given.pop("cwd")
    absolute, copy = bool(given.pop("absolute", False)), bool(given.pop("copy", False))
    as_json, dry_run = given.pop("as_json"), given.pop("dry_run")
    options = link_options(given | {"json": as_json, "dry-run": dry_run}, absolute=absolute, copy=copy)
    folder = absolute_folder(cwd)
    config = read_settings(folder, options)
    apply_settings(config)
    dry_run = config.flag("dry-run", default=False)
    result = plan(options) if dry_run else act(options).plan
    if dry_run:  # a dry run fails where the command would
        reject_conflicts(result)
    warnings = [*result.warnings, *(more_warnings(result, options) if more_warnings else ())]
    result = result._replace(warnings=tuple(problem for problem in warnings if problem.code not in drop))
    if silent or config.is_silent:
        return result
    roots = (local_folder("prefix", folder),)
    print_warnings(result.warnings)
    if config.flag("json", default=False):
        text = plan_json(result, roots)
    else:
        text = planned_text(result, roots) if dry_run else done_text(result, roots)
    if text:
        print_result(text)
    return result


def print_warnings(warnings: Sequence[Problem]) -> None:
    """Print *warnings*, all of them, on stderr."""
    if warnings:
        print_report(warning_text(warnings, verbose=True))
