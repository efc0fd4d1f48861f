"""Declare every option of `linkpack pack`.

To add one, write an entry in a list of options here and a field of that name in `PackArguments`, `RunOptions` or
`RecordOptions`. What decides about the tarball's contents is a field of `linkpack.packing.options.PackOptions` as
well, which `linkpack.cli.pack` fills.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

import click

from linkpack.cli.settings import LEVELS
from linkpack.cli.shared_options import (
    ClickCommand,
    OptionValue,
    bundle_option,
    layout_option,
    limit_options,
    npm_rules_option,
    publish_config_option,
)
from linkpack.provenance.record_options import SUFFIXES, RecordOptions
from linkpack.record import Record

if TYPE_CHECKING:
    from linkpack.archive.gzip import GzipLevel
    from linkpack.bundle.consumer_specs import Mode
    from linkpack.bundle.layouts import LayoutName
    from linkpack.limits import Limits
    from linkpack.packlist.packlist import Edition

# An option with the default None leaves it to npm's settings, which `linkpack.cli.settings` reads.
_PACKAGE_OPTIONS = (
    click.option("--dry-run/--no-dry-run", default=None, help="Print the plan and write nothing."),
    click.option(
        "--json/--no-json", "as_json", default=None, help="Print what npm pack --json prints, and more, on stdout."
    ),
    click.option(
        "--json-format",
        type=click.Choice(["npm11", "npm12"]),
        default="npm11",
        show_default=True,
        help="Whose JSON: npm 11's array, or npm 12's object by package name.",
    ),
    click.option(
        "--pack-destination",
        metavar="DIR",
        default="",
        help="Write the tarball there; made when missing.  [default: the current directory]",
    ),
    click.option(
        "--out", metavar="PATTERN", default="", help="Name the tarball: %s is the package's name, %v its version."
    ),
    click.option("--allow-missing", is_flag=True, help="Warn of bundled dependencies that are not installed."),
    click.option(
        "--specs",
        type=click.Choice(["resolve", "keep", "error"]),
        default="resolve",
        show_default=True,
        help="Rewrite dependency specs that a consumer cannot use, keep them, or fail on them.",
    ),
    npm_rules_option,
    bundle_option,
    layout_option("Put bundled packages in node_modules, in a vendor folder, or only the linked ones there."),
    click.option(
        "--gzip-level",
        type=click.Choice(["default", "max"]),
        default="default",
        show_default=True,
        help="Compress for speed, or more for a smaller tarball.",
    ),
    publish_config_option,
    click.option(
        "--dir", "tree", metavar="OUT", default="", help="Write the tarball's files to the new folder OUT, too."
    ),
    click.option(
        "--from-publish-plan",
        metavar="FILE",
        default="",
        help="Pack what this publish plan of changesets publishes.",
    ),
    click.option("--out-dir", metavar="DIR", default="", help="Where the plan and its packages go."),
    click.option("--silent", "-s", "loglevel", flag_value="silent", help="Print only the result and errors."),
    click.option(
        "--quiet", "-q", "loglevel", flag_value="warn", help="Print only the result, warnings and errors."
    ),
    click.option(
        "--verbose",
        "-v",
        "loglevel",
        flag_value="verbose",
        help="List every file, what was left out and why, and flags without effect.",
    ),
    click.option(
        "--loglevel", type=click.Choice(LEVELS), default=None, help="The same by npm's names.  [default: notice]"
    ),
    click.option("-C", "where", metavar="DIR", default="", help="Work as if started in DIR."),
)

_RECORD_OPTIONS = (
    click.option(
        "--snapshot-manifest",
        metavar="FILE",
        default="",
        help="Record there what the tarball was made from. %s is the package's name, %v its version.",
    ),
    click.option(
        "--format",
        "forms",
        type=click.Choice(["json", "intoto", "github"]),
        multiple=True,
        help="json, intoto: the form of the --snapshot-manifest, plain JSON (default) or an in-toto statement. "
        "github: print errors and warnings as annotations of a workflow run. Can be given again.",
    ),
    click.option(
        "--sbom",
        type=click.Choice(list(SUFFIXES)),
        default=None,
        help="Write a bill of materials beside the tarball: CycloneDX 1.6 or SPDX 2.3, as JSON.",
    ),
    click.option(
        "--sbom-file",
        metavar="FILE",
        default="",
        help="Write it there instead. %s is the package's name, %v its version.",
    ),
    click.option(
        "--require-clean",
        is_flag=True,
        help="Refuse when the project or a linked package has uncommitted changes, and name them.",
    ),
)

# -ws and -iwr are npm's (npm 12.2, @npmcli/config, lib/definitions/index.js, shorthands).
_RUN_OPTIONS = (
    click.option(
        "--ignore-scripts/--no-ignore-scripts",
        default=None,
        help="Run no lifecycle scripts.  [default: as npm is set, which is to run them]",
    ),
    click.option(
        "--script-shell",
        metavar="SHELL",
        default="",
        help="Run scripts by this shell.  [default: as npm is set, or sh]",
    ),
    click.option(
        "--run-linked-scripts", is_flag=True, help="First run prepack and prepare of linked bundled packages."
    ),
    click.option(
        "--workspace",
        "-w",
        multiple=True,
        metavar="NAME",
        help="Pack a workspace: its name, path or parent folder.",
    ),
    click.option(
        "--workspaces/--no-workspaces", "-ws", default=None, help="Pack every workspace that is not private."
    ),
    click.option(
        "--include-workspace-root/--no-include-workspace-root",
        "-iwr",
        default=None,
        help="With workspaces, pack their root as well.",
    ),
    click.option(
        "--private/--no-private", default=False, help="With workspaces, pack private ones as well, as npm does."
    ),
    click.option(
        "--jobs",
        "-j",
        metavar="N",
        type=click.IntRange(min=1),
        default=None,
        help="Pack so many packages at a time.  [default: one more than processors, one if they are few]",
    ),
    click.option(
        "--scheduler", metavar="ADDRESS", default="", help="Pack on the Dask cluster there: tcp://host:8786."
    ),
    click.option("--fail-fast", is_flag=True, help="When one of many packages fails, begin no other."),
)


class RunOptions(Record):
    """Which packages one run packs, with which scripts and workers."""

    ignore_scripts: bool | None = None
    script_shell: str = ""
    run_linked_scripts: bool = False
    workspace: tuple[str, ...] = ()
    workspaces: bool | None = None
    include_workspace_root: bool | None = None
    private: bool = False
    jobs: int | None = None
    scheduler: str = ""
    fail_fast: bool = False

    @property
    def asks_for_workspaces(self) -> bool:
        """Return True if workspaces are to be packed."""
        return bool(self.workspace or self.workspaces)

    @property
    def is_batch(self) -> bool:
        """Return True if packages are packed side by side, each by itself."""
        return bool(self.asks_for_workspaces or self.jobs or self.scheduler or self.fail_fast)


class PackArguments(Record):
    """The command line of `pack`, with None or "" where it says nothing."""

    folders: tuple[str, ...]
    dry_run: bool | None
    as_json: bool | None
    json_format: str
    pack_destination: str
    out: str
    allow_missing: bool
    specs: Mode
    npm_rules: Edition | None
    bundle: tuple[str, ...] | None
    layout: LayoutName | None
    gzip_level: GzipLevel
    publish_config: bool | None
    tree: str
    from_publish_plan: str
    out_dir: str
    loglevel: str | None
    annotates: bool
    where: str
    record: RecordOptions
    run: RunOptions
    limits: Limits


def pack_options(command: ClickCommand) -> ClickCommand:
    """Add the options to *command*, which gets them as one value."""

    @limit_options(tarballs=False)
    @wraps(command)
    def call(**given: OptionValue) -> object:
        # --format says two things: the form of the record, and whether problems are annotations.
        forms = given.pop("forms")
        given["annotates"] = "github" in forms
        given["record_format"] = next((form for form in reversed(forms) if form != "github"), "json")
        record = RecordOptions(**{name: given.pop(name) for name in RecordOptions._fields})
        run = RunOptions(**{name: given.pop(name) for name in RunOptions._fields})
        return command(PackArguments(record=record, run=run, **given))

    # The last option that is added comes first in the help.
    for add in reversed((*_PACKAGE_OPTIONS, *_RECORD_OPTIONS, *_RUN_OPTIONS)):
        call = add(call)
    return call
