"""Run `linkpack why`, which says why a path ships or does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from linkpack.cli.failures import json_failures
from linkpack.cli.shared_options import bundle_option, layout_option, npm_rules_option, publish_config_option
from linkpack.cli.terminal import print_result
from linkpack.explaining.why import explain
from linkpack.packing.options import PackOptions
from linkpack.report.why import answer_json, answer_text

if TYPE_CHECKING:
    from linkpack.bundle.layouts import LayoutName
    from linkpack.packlist.packlist import Edition


@click.command()
@click.argument("path")
@click.option(
    "-C",
    "folder",
    metavar="DIR",
    default="",
    help="Ask about the project in DIR, and take PATH from there.  [default: the current directory's project]",
)
@npm_rules_option
@bundle_option
@layout_option("Answer for this layout of pack.")
@publish_config_option
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def why(
    path: str,
    folder: str,
    npm_rules: Edition | None,
    bundle: tuple[str, ...] | None,
    layout: LayoutName | None,
    *,
    publish_config: bool | None,
    as_json: bool,
) -> None:
    """Say which rule lets PATH into the tarball or keeps it out.

    PATH is a file or folder, a path in the tarball, or the name of a bundled package. Of a bundled
    package the answer has the chains of dependencies that pull it in, too.
    """
    options = PackOptions(npm_rules=npm_rules, bundle=bundle, layout=layout, publish_config=publish_config)
    with json_failures(wanted=as_json):
        answer = explain(folder or ".", path, options, walk_up=not folder)
    print_result(answer_json(answer) if as_json else answer_text(answer))
