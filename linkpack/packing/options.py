"""How a package is packed, as one value.

The command line and the library's functions build it from what they are given. From there on it travels whole: to
the plan, the tarball, the comparison with a source, and to other processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, get_args

from linkpack.arguments import check_choice, check_count
from linkpack.bundle.specs import Mode
from linkpack.select.editions import rules_edition
from linkpack.ship.form import LayoutName
from linkpack.tarballs.deflate import GzipLevel

if TYPE_CHECKING:
    from linkpack.limits import Limits
    from linkpack.select.packlist import Edition


class PackOptions(NamedTuple):
    """Options of packing one package; each default is that of `linkpack pack`.

    The same options and the same files give the same tarball. Only *threads* never shows in it.
    """

    npm_rules: Edition | None = None
    """Edition of npm's rules by which files are selected. None, the default: what the project names."""

    specs: Mode = "resolve"
    """What happens to dependency specs that a consumer cannot use. By default they are replaced."""

    allow_missing: bool = False
    """Whether a bundled dependency that is not installed is a warning. By default it is an error."""

    layout: LayoutName = "bundle"
    """Where bundled packages go. By default into node_modules, as npm has them."""

    publish_config: bool | None = None
    """Whether publishConfig is applied. None, the default: when the project is pnpm's or yarn's."""

    out: str = ""
    """Pattern of the tarball's name, `%s` being the package's name and `%v` its version. "": npm's name."""

    destination: str = "."
    """Folder that the tarball is written into, made when missing. By default the current directory."""

    gzip_level: GzipLevel = "default"
    """How hard the tarball is compressed: `"default"`, or `"max"` for a smaller one in more time."""

    threads: int = 0
    """Threads that compress at a time. 0, the default: one a processor, at most eight."""

    link_state: str = ""
    """State folder of the link commands, whose record tells which links were replaced. "": nobody looks."""

    limits: Limits | None = None
    """How much is read before it is refused. None, the default: the limits that hold already."""


def given_options(options: PackOptions, npm_rules: str | None = None) -> PackOptions:
    """Check *options* that a Python caller gave, and put in the edition for the version *npm_rules*, if any.

    `LinkpackError`: ERULES for a version of npm without known rules, EOPTION for any other unusable value.
    """
    check_choice(options.specs, get_args(Mode), "specs")
    check_choice(options.layout, get_args(LayoutName), "layout")
    check_choice(options.gzip_level, get_args(GzipLevel), "gzip_level")
    check_choice(options.publish_config, (True, False, None), "publish_config")
    check_count(options.threads, "threads")
    return options if npm_rules is None else options._replace(npm_rules=rules_edition(npm_rules))
