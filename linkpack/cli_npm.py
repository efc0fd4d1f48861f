"""Read a command line that was made for npm: its options, its shorthands, and its way to say yes and no.

npm takes every one of its settings as an option of every command. Those that mean nothing here are dropped, so
that scripts made for `npm link` work; `--audit false` and `--save=true` are understood as npm understands them.
Sources: nopt and @npmcli/config of npm 11.19.1 and 12.2.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# npm's settings that are yes or no (`color` and `browser` take other values as well), and those with a value.
BOOLEANS = frozenset(  # as text: a hundred names are read more easily so
    """
    all allow-same-version allow-scripts-pending allow-scripts-pin allow-unused-patches audit bin-links browser
    bypass-2fa color commit-hooks dangerously-allow-all-scripts description dev diff-ignore-all-space
    diff-name-only diff-no-prefix diff-text dry-run engine-strict expect-results force foreground-scripts
    format-package-lock fund git-tag-version global global-style if-present ignore-existing ignore-extension
    ignore-patch-failures ignore-scripts include-attestations include-staged include-workspace-root init-private
    install-links json keep-edit-dir legacy-bundling legacy-peer-deps link long offline
    omit-lockfile-registry-resolved optional package-lock package-lock-only packages-all parseable prefer-dedupe
    prefer-offline prefer-online production progress provenance read-only rebuild-bundle save save-bundle
    save-dev save-exact save-optional save-peer save-prod shrinkwrap sign-git-commit sign-git-tag
    strict-allow-scripts strict-npmrc strict-peer-deps strict-ssl timing unicode update-notifier workspaces
    workspaces-update yes
    """.split()  # noqa: SIM905 - as above
)
VALUES = frozenset(
    """
    _auth access allow-directory allow-file allow-git allow-remote allow-scripts also audit-level auth-type
    before ca cache cache-max cache-min cafile call cert cidr cpu depth diff diff-dst-prefix diff-src-prefix
    diff-unified edit-dir editor expect-result-count expires extension-file fetch-retries fetch-retry-factor
    fetch-retry-maxtimeout fetch-retry-mintimeout fetch-timeout git global-ignore-file globalconfig heading
    https-proxy include init-author-email init-author-name init-author-url init-license init-module init-type
    init-version init.author.email init.author.name init.author.url init.license init.module init.version
    install-strategy key libc local-address location lockfile-version loglevel logs-dir logs-max maxsockets
    message min-release-age min-release-age-exclude name node-gyp node-options noproxy omit only orgs
    orgs-permission os otp pack-destination package packages packages-and-scopes-permission password patches-dir
    prefix preid provenance-file proxy registry replace-registry-host save-prefix sbom-format sbom-type scope
    scopes script-shell searchexclude searchlimit searchopts searchstaleness shell tag tag-version-prefix to
    token-description umask user-agent userconfig viewer which workspace
    """.split()  # noqa: SIM905 - as above
)
# npm's shorthands that have no option of their own here. `--local` is npm's `--no-global`, which is its default.
_SHORTHANDS = {
    **dict.fromkeys(("d", "dd", "ddd", "verbose"), ("--loglevel", "verbose")),
    **dict.fromkeys(("q", "quiet"), ("--loglevel", "warn")),
    "silent": ("--loglevel", "silent"),
    "desc": ("--description",),
    "local": ("--no-yes",),
    **dict.fromkeys(("n", "no"), ("--no-yes",)),
    "y": ("--yes",),
    **dict.fromkeys(("p", "porcelain"), ("--parseable",)),
    "readonly": ("--read-only",),
    "reg": ("--registry",),
    "a": ("--all",),
    "l": ("--long",),
    "L": ("--location",),
    "m": ("--message",),
    "c": ("--call",),
    "enjoy-by": ("--before",),
}
# Values of npm's settings that mean as much as a flag.
_IMPLIED = {("location", "global"): "--global", ("loglevel", "silent"): "--silent"}


class NpmCommand(click.Command):
    """A command that takes every option of npm beside its own, and reads its own as npm does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read *args* into the parameters of *ctx*."""
        own = {
            name: option
            for option in self.params
            if isinstance(option, click.Option)
            for name in (*option.opts, *option.secondary_opts)
        }
        own |= {name: option for name in ctx.help_option_names for option in [self.get_help_option(ctx)] if option}
        words, negated = own_words(args, own)
        left = super().parse_args(ctx, words)
        ctx.params.update(dict.fromkeys(negated, False))
        return left


def own_words(words: Sequence[str], own: Mapping[str, click.Option]) -> tuple[list[str], list[str]]:
    """Return the *words* that are for our *own* options and arguments, and the parameters that are denied.

    *own* maps `--save` and `-S` to their option. The denied parameters are those of flags that have no negative
    name of their own.

        --no-audit --omit dev ../lib    ->  ../lib
        --save=true --fund false ../lib ->  --save ../lib
    """
    line = _Line(words, own)
    while line.left:
        line.read()
    return line.kept, line.denied


class _Line:
    """A command line while it is read; *left* holds the words to come, the next one last."""

    def __init__(self, words: Sequence[str], own: Mapping[str, click.Option]) -> None:
        self.own = own
        self.left = list(reversed(words))
        self.kept: list[str] = []
        self.denied: list[str] = []

    def read(self) -> None:
        """Read the next word, and its value if it has one."""
        word = self.left.pop()
        if word == "--":
            self.kept += [word, *reversed(self.left)]
            self.left.clear()
            return
        if not word.startswith("-") or word == "-":
            self.kept.append(word)
            return
        name, equals, value = word.partition("=")
        option = self.own.get(name)
        if option is not None and not option.is_flag:
            self.kept.append(word)
            if not equals and self.left:
                self.kept.append(self.left.pop())
            return
        given = value if equals else None
        if given is None and self.left and self.left[-1] in {"true", "false"} and self._is_flag(name):
            given = self.left.pop()
        if name == "--color" and self.left and self.left[-1] == "always":
            self.left.pop()
        elif option is not None:
            self._keep_flag(option, name, no=given == "false")
        else:
            self._read_npms(name, given)

    def _is_flag(self, name: str) -> bool:
        """Return whether the option *name* takes no value but yes or no."""
        if name in self.own:
            return self.own[name].is_flag
        negative, setting = _setting_of(name)
        return negative or setting in BOOLEANS

    def _keep_flag(self, option: click.Option, name: str, *, no: bool) -> None:
        """Keep the flag *name* of ours, or with *no* what denies it."""
        if not no:
            self.kept.append(name)
        elif name in option.secondary_opts:
            self.kept.append(option.opts[0])
        elif option.secondary_opts:
            self.kept.append(option.secondary_opts[0])
        elif option.name:
            self.denied.append(option.name)

    def _read_npms(self, name: str, given: str | None) -> None:
        """Read the option *name*, which is not ours, with the value *given* to it."""
        meant = _SHORTHANDS.get(name.lstrip("-"))
        if meant:
            self.left += reversed(meant if given is None else (f"{meant[0]}={given}",))
            return
        negative, setting = _setting_of(name)
        positive = self.own.get(f"--{setting}")
        if positive is not None and positive.is_flag:
            self._keep_flag(positive, f"--{setting}", no=negative != (given == "false"))
        elif setting in VALUES and not negative:
            if given is None and self.left and not self.left[-1].startswith("-"):
                given = self.left.pop()
            implied = _IMPLIED.get((setting, given or ""), "")
            if implied in self.own:
                self.kept.append(implied)
        elif setting not in BOOLEANS | VALUES:
            self.kept.append(name if given is None else f"{name}={given}")


def _setting_of(name: str) -> tuple[bool, str]:
    """Return whether the option *name* says no, and npm's setting that it is about.

    --no-audit  ->  (True, "audit")        -x  ->  (False, "")
    """
    if not name.startswith("--"):
        return False, ""
    setting, negative = name.removeprefix("--"), False
    while setting.startswith("no-"):
        setting, negative = setting[3:], not negative
    return negative, "package-lock" if setting == "shrinkwrap" else setting
