"""The options of packing one package, as one value.

The command line and the library's functions build it from what they are given. From there on it travels whole: to
the plan, the tarball, the comparison with a source, and to other processes.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, get_args

from linkpack.archive.gzip import GzipLevel
from linkpack.arguments import check_choice, check_count
from linkpack.bundle.consumer_specs import Mode
from linkpack.bundle.layouts import LayoutName
from linkpack.bundle.selectors import parse_selectors
from linkpack.npm.package_names import fill_pattern, make_tarball_name
from linkpack.packlist.editions import find_edition
from linkpack.record import Record

if TYPE_CHECKING:
    from linkpack.limits import Limits
    from linkpack.npm.manifest import Manifest
    from linkpack.packlist.packlist import Edition


class PackOptions(Record):
    """Options of packing one package, with the defaults of `linkpack pack`.

    The same options and the same files give the same tarball, whatever *threads* is.
    """

    npm_rules: Edition | None = None
    """Edition of npm's rules by which files are selected. None: the edition that the project names."""

    specs: Mode = "resolve"
    """What happens to dependency specs that a consumer cannot use. By default they are replaced."""

    allow_missing: bool = False
    """Whether a bundled dependency that is not installed is a warning. By default it is an error."""

    bundle: tuple[str, ...] | None = None
    """Selectors of what is bundled besides what the manifest names. None: those that the manifest has, if any."""

    layout: LayoutName | None = None
    """Where bundled packages go. None: into node_modules, as npm has them, or into a vendor folder when members of
    the workspace are selected."""

    publish_config: bool | None = None
    """Whether publishConfig is applied. None: only when the project is pnpm's or yarn's."""

    out: str = ""
    """Pattern of the tarball's name, with `%s` for the package's name and `%v` for its version. "": npm's name."""

    destination: str = "."
    """Folder that the tarball is written into, made when missing. By default the current directory."""

    gzip_level: GzipLevel = "default"
    """How hard the tarball is compressed. `"max"` makes a smaller file in more time."""

    threads: int = 0
    """How many threads compress at a time. 0: one for each processor, at most eight."""

    link_state: str = ""
    """State folder of the link commands, with the record of the project's links. "": links are not looked up."""

    limits: Limits | None = None
    """How much is read before it is refused. None: the limits already in force, else the defaults."""

    def filename(self, manifest: Manifest) -> str:
        """Return the name of the tarball for the package of *manifest*."""
        if self.out:
            return fill_pattern(self.out, manifest.name, manifest.version)
        return make_tarball_name(manifest.name, manifest.version)

    def target(self, filename: str) -> str:
        """Return the path of the tarball *filename* in the destination.

        >>> PackOptions(destination="dist").target("lib-1.0.0.tgz")
        'dist/lib-1.0.0.tgz'
        """
        return posixpath.join(self.destination, filename)


def check_options(options: PackOptions, npm_rules: str | None = None) -> PackOptions:
    """Return *options* checked, with the edition of rules for *npm_rules*.

    *options* are as a Python caller gave them, and *npm_rules* is a version of npm, if the caller named one.
    Raises `LinkpackError`: ERULES for a version of npm without known rules, EBUNDLESELECTOR for an unknown
    selector, EOPTION for any other unusable value.

    >>> check_options(PackOptions(threads=2), "11.19.1").npm_rules
    '11'
    """
    if options.bundle is not None:
        parse_selectors(options.bundle, "bundle")
    check_choice(options.specs, get_args(Mode), "specs")
    check_choice(options.layout, (*get_args(LayoutName), None), "layout")
    check_choice(options.gzip_level, get_args(GzipLevel), "gzip_level")
    check_choice(options.publish_config, (True, False, None), "publish_config")
    check_count(options.threads, "threads")
    return options if npm_rules is None else options._replace(npm_rules=find_edition(npm_rules))
