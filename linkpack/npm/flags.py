"""Take npm's flags out of a command line.

So a line that was written for npm works here. The flags are those of npm 11.19.1 and 12.2.0 (@npmcli/config,
lib/definitions), read as nopt 9 reads them. Unlike in npm 11, unknown flags and shortened ones (`--pack-dest`)
are not taken.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeAlias

from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FlagValue: TypeAlias = "str | bool | list[str]"


def _split_words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _split_pairs(text: str) -> Mapping[str, str]:
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


SWITCHES = _split_words(
    """
    all allow-same-version allow-scripts-pending allow-scripts-pin allow-unused-patches audit bin-links
    bypass-2fa commit-hooks dangerously-allow-all-scripts description dev diff-ignore-all-space
    diff-name-only diff-no-prefix diff-text dry-run engine-strict expect-results force foreground-scripts
    format-package-lock fund git-tag-version global global-style if-present ignore-existing ignore-extension
    ignore-patch-failures ignore-scripts include-attestations include-staged include-workspace-root
    init-private install-links json keep-edit-dir legacy-bundling legacy-peer-deps link long offline
    omit-lockfile-registry-resolved optional package-lock package-lock-only packages-all parseable
    prefer-dedupe prefer-offline prefer-online production progress provenance read-only rebuild-bundle save
    save-bundle save-dev save-exact save-optional save-peer save-prod shrinkwrap sign-git-commit sign-git-tag
    strict-allow-scripts strict-npmrc strict-peer-deps strict-ssl timing unicode update-notifier usage
    version versions workspaces workspaces-update yes
    """
)
"""Flags for yes or no. The next word is the value only if it is `true` or `false`."""

TEXTS = _split_words(
    """
    call diff-dst-prefix diff-src-prefix editor git heading init-author-email init-author-name init-license
    init-type init.author.email init.author.name init.license message pack-destination patches-dir preid
    save-prefix scope searchexclude searchopts shell tag tag-version-prefix user-agent viewer
    """
)
"""Flags with a text as value, which is the next word unless that begins with a dash."""

VALUES = _split_words(
    """
    _auth access allow-directory allow-file allow-git allow-remote allow-scripts also audit-level auth-type
    before ca cache cache-max cache-min cafile cert cidr cpu depth diff diff-unified edit-dir
    expect-result-count expires extension-file fetch-retries fetch-retry-factor fetch-retry-maxtimeout
    fetch-retry-mintimeout fetch-timeout global-ignore-file globalconfig https-proxy include init-author-url
    init-module init-version init.author.url init.module init.version install-strategy key libc local-address
    location lockfile-version loglevel logs-dir logs-max maxsockets min-release-age min-release-age-exclude
    name node-gyp node-options noproxy omit only orgs orgs-permission os otp package packages
    packages-and-scopes-permission password prefix provenance-file proxy registry replace-registry-host
    sbom-format sbom-type scopes script-shell searchlimit searchstaleness to token-description umask
    userconfig which workspace
    """
)
"""All other flags with a value, which is the next word in any case."""

LISTS = _split_words(
    """
    allow-scripts ca cidr diff include min-release-age-exclude noproxy omit orgs package packages scopes workspace
    """
)
"""Those of `VALUES` that collect a list when they are given several times."""

_ALSO = ("browser", "color")  # switches that take other words too, see `_may_take`

# What short options and other shorthands mean (`shorthands` in lib/definitions/index.js).
_SHORT = _split_pairs(
    """
    a --all  c --call  f --force  g --global  L --location  l --long  m --message  p --parseable  C --prefix
    S --save  B --save-bundle  D --save-dev  E --save-exact  O --save-optional  P --save-prod
    ? --usage  H --usage  h --usage  help --usage  v --version  w --workspace  y --yes  n --no-yes  no --no-yes
    d --loglevel=info  dd --loglevel=verbose  ddd --loglevel=silly  verbose --loglevel=verbose
    q --loglevel=warn  quiet --loglevel=warn  s --loglevel=silent  silent --loglevel=silent
    desc --description  enjoy-by --before  iwr --include-workspace-root  local --no-global
    porcelain --parseable  readonly --read-only  reg --registry  ws --workspaces
    """
)

_TRUTH = {"true": True, "false": False}


class Taken(Record):
    """A command line in two parts.

    *rest* is for the command. *flags* are npm's, by name without dashes. A switch of the command that is off is
    among them too, if the command has `--x` and no `--no-x`.
    """

    rest: tuple[str, ...]
    flags: Mapping[str, FlagValue]


def take_flags(words: Sequence[str], own: Mapping[str, bool], long: Mapping[str, str] | None = None) -> Taken:
    """Take npm's flags out of the command line *words*.

    *own* are the command's own options as they are written, with whether each takes a value. They stay, and so
    do unknown ones, for the command to refuse. An own option that is a switch of npm too is written as `--x`
    or `--no-x`. *long* has own options by names that are to be written as another: `-q` as `--quiet`.

    >>> own = {"--out": True, "--json": False, "--no-json": False}
    >>> take_flags(["--tag", "next", "--json=false", "--out", "x", "."], own)
    Taken(rest=('--no-json', '--out', 'x', '.'), flags={'tag': 'next'})
    """
    reader = _Reader(words, own, long or {})
    while reader.left:
        reader.read(reader.left.popleft())
    return Taken(tuple(reader.rest), reader.flags)


class _Reader:
    """The words *left* of a command line, and the results so far."""

    def __init__(self, words: Sequence[str], own: Mapping[str, bool], long: Mapping[str, str]) -> None:
        self.left = deque(words)
        self.own = own
        self.long = long
        self.rest: list[str] = []
        self.flags: dict[str, FlagValue] = {}

    def read(self, word: str) -> None:
        """Read one word with its value among the words left."""
        name, equals, value = word.partition("=")
        bare = name.lstrip("-")
        if _is_end(word):
            self.rest += ["--", *self.left]
            self.left.clear()
        elif word[:1] != "-" or word == "-":  # a path, or standard input
            self.rest.append(word)
        elif name in self.own:
            self._read_own(word, name)
        elif not is_flag(bare) and (options := self._expand_short(name, bare)):
            self.left.extendleft(reversed([*options, value] if equals else options))
        elif equals and _is_scoped(bare):
            self.flags[bare] = value
        elif is_flag(bare):
            self._read_flag(bare, value if equals else None)
        else:
            self.rest.append(word)

    def _read_own(self, word: str, name: str) -> None:
        """Keep an option of the command with its value."""
        _, equals, value = word.partition("=")
        key, is_on = _strip_no(name[2:])
        if self.own[name]:  # with a value, which may look like an option
            if equals or not self.left:
                self.rest.append(word)
            else:
                self.rest += [self.long.get(word, word), self.left.popleft()]
        elif key not in SWITCHES:
            self._forget(_SHORT.get(name[1:], ""))
            self.rest.append(self.long.get(word, word))
        elif equals and value not in _TRUTH:
            self.rest.append(word)  # which the command refuses
        else:
            if equals or (self.left and self.left[0] in _TRUTH):
                is_on = is_on == _TRUTH[value if equals else self.left.popleft()]
            option = f"--{key}" if is_on else f"--no-{key}"
            if option in self.own:
                self._forget(f"--{key}")
                self.rest.append(option)
            else:
                self.flags[key] = is_on

    def _forget(self, option: str) -> None:
        """Remove an earlier value of *option*, since the last one wins."""
        if option in self.own:
            self.flags.pop(option[2:], None)

    def _expand_short(self, name: str, bare: str) -> list[str]:
        """Return what short options mean, of which `-fg` is two.

        The list is empty for anything else.
        """
        if bare in _SHORT:
            return [_SHORT[bare]]
        first = f"-{bare[:1]}"
        if name.startswith("--") or self.own.get(first):  # `-wapp` is an option of the command with its value
            return []
        letters = [f"-{letter}" for letter in bare]
        known = all(letter in self.own or letter[1:] in _SHORT for letter in letters)
        return letters if known and len(letters) > 1 else []

    def _read_flag(self, bare: str, value: str | None) -> None:
        """Take a flag of npm with its value.

        That is *value*, from behind its `=`, or for None the next word.
        """
        key, is_on = _strip_no(bare)
        # With `no-` in front every flag is a switch.
        if not is_on or key in SWITCHES or key in _ALSO:
            self.flags[key] = self._read_switch(key, value, is_on=is_on)
            return
        if value is None and self.left and not _is_end(self.left[0]):
            value = "" if key in TEXTS and _looks_like_option(self.left[0]) else self.left.popleft()
        # Without a value a text is empty, and any other flag is on.
        taken: FlagValue = value if value is not None else (key not in TEXTS or "")
        if key in LISTS:
            before = self.flags.get(key)
            taken = [*(before if isinstance(before, list) else []), *([taken] if isinstance(taken, str) else [])]
        self.flags[key] = taken

    def _read_switch(self, key: str, value: str | None, *, is_on: bool) -> FlagValue:
        """Return the value of a switch.

        A true or false behind it may reverse the value.
        """
        following = self.left[0] if value is None and self.left else ""
        if following in _TRUTH or (is_on and _may_take(key, following)):
            value = self.left.popleft()
        if value is None:
            return is_on
        return is_on == _TRUTH[value] if value in _TRUTH else value


def _is_end(word: str) -> bool:
    """Return True for `--`, after which there are no options."""
    # Three and more dashes mean the same (nopt 9, lib/nopt-lib.js, `/^-{2,}$/`).
    return len(word) > 1 and not word.strip("-")


def _looks_like_option(word: str) -> bool:
    """Return True for a word with one or two dashes in front."""
    # nopt 9, lib/nopt-lib.js, `/^-{1,2}[^-]+/`: such a word is no text for the flag before it.
    bare = word.lstrip("-")
    return bool(bare) and len(word) - len(bare) in {1, 2}


def _may_take(key: str, word: str) -> bool:
    """Return True if the switch *key* takes *word*: `--color always`."""
    if key == "color":
        return word == "always"  # of its other values, true and false are read as those of a switch
    return key == "browser" and word != "" and (word[0] != "-" or word[1:2] in ("", "-"))


def _strip_no(bare: str) -> tuple[str, bool]:
    """Return the key of a flag without `no-`, and if it is on.

    >>> _strip_no("json"), _strip_no("no-json"), _strip_no("no-no-json")
    (('json', True), ('json', False), ('json', True))
    """
    is_on = True
    while bare.lower().startswith("no-"):
        bare, is_on = bare[3:], not is_on
    return bare, is_on


def is_flag(bare: str) -> bool:
    """Return True if npm has the flag *bare*, also with `no-` in front."""
    key, _ = _strip_no(bare)
    return key in SWITCHES or key in TEXTS or key in VALUES or key in _ALSO


def _is_scoped(bare: str) -> bool:
    """Return True for a setting of one scope or registry.

    Examples are `@s:registry` and `//host/:_authToken`.
    """
    return bare.startswith("//") or (bare.startswith("@") and bare.endswith(":registry"))
