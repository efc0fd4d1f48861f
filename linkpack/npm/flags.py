"""Takes npm's flags out of a command line, so that one made for npm works for a command that has flags of its own.

The flags are those of npm 11.19.1 and 12.2.0 (@npmcli/config, lib/definitions), read as nopt 9 reads them. Unlike
npm 11, a flag that npm does not know and a shortened one (`--pack-dest`) are not taken.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FlagValue: TypeAlias = "str | bool | list[str]"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _pairs(text: str) -> Mapping[str, str]:
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


SWITCHES = _words(
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
"""Flags that say yes or no, and take the next word only when it is `true` or `false`."""

TEXTS = _words(
    """
    call diff-dst-prefix diff-src-prefix editor git heading init-author-email init-author-name init-license
    init-type init.author.email init.author.name init.license message pack-destination patches-dir preid
    save-prefix scope searchexclude searchopts shell tag tag-version-prefix user-agent viewer
    """
)
"""Flags with any text for a value. The next word is not theirs when it begins with a dash."""

VALUES = _words(
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
"""All other flags with a value: the next word, whatever it is."""

LISTS = _words(
    """
    allow-scripts ca cidr diff include min-release-age-exclude noproxy omit orgs package packages scopes workspace
    """
)
"""Those of `VALUES` that may be given several times."""

_ALSO = ("browser", "color")  # switches that take other words as well

_SHORT = _pairs(
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


class Taken(NamedTuple):
    """A command line in two parts: *rest* is for the command, *flags* are npm's by name, without dashes.

    A switch of the command that is denied, or said twice over (`--no-no-json`), is in *flags* where the command
    has no spelling for that.
    """

    rest: tuple[str, ...]
    flags: Mapping[str, FlagValue]


def take_flags(words: Sequence[str], own: Mapping[str, bool]) -> Taken:
    """Take npm's flags out of the command line *words*.

    *own* are the command's options as they are written, each with whether it takes a value: they stay. One that is
    a switch of npm as well is spelt in the one way that parsers agree on:

        --tag next --json=false --out x .  ->  --no-json --out x .  and  {"tag": "next"}

    What is neither stays too, for the command to refuse.
    """
    reader = _Reader(words, own)
    while reader.left:
        reader.read(reader.left.popleft())
    return Taken(tuple(reader.rest), reader.flags)


class _Reader:
    """The words that are *left*, and what was made of those before them."""

    def __init__(self, words: Sequence[str], own: Mapping[str, bool]) -> None:
        self.left = deque(words)
        self.own = own
        self.rest: list[str] = []
        self.flags: dict[str, FlagValue] = {}

    def read(self, word: str) -> None:
        """Read one word, and what belongs to it of those that are left."""
        name, equals, value = word.partition("=")
        bare = name.lstrip("-")
        if _is_end(word):
            self.rest += ["--", *self.left]
            self.left.clear()
        elif word[:1] != "-" or word == "-":
            self.rest.append(word)
        elif name in self.own:
            self._read_own(word, name)
        elif not is_flag(bare) and (short := self._expanded(name, bare)):
            self.left.extendleft(reversed([*short, value] if equals else short))
        elif equals and _is_scoped(bare):
            self.flags[bare] = value
        elif is_flag(bare):
            self._read_flag(bare, value if equals else None)
        else:
            self.rest.append(word)

    def _read_own(self, word: str, name: str) -> None:
        """Keep an option of the command with its value."""
        _, equals, value = word.partition("=")
        key, said = _positive(name[2:])
        if self.own[name]:
            self.rest.append(word)
            if not equals and self.left:
                self.rest.append(self.left.popleft())
        elif key not in SWITCHES:
            self._forget(_SHORT.get(name[1:], ""))
            self.rest.append(word)
        elif equals and value not in _TRUTH:
            self.rest.append(word)  # which the command refuses
        else:
            if equals or (self.left and self.left[0] in _TRUTH):
                said = said == _TRUTH[value if equals else self.left.popleft()]
            spelt = f"--{key}" if said else f"--no-{key}"
            if spelt in self.own:
                self._forget(f"--{key}")
                self.rest.append(spelt)
            else:
                self.flags[key] = said

    def _forget(self, option: str) -> None:
        """Forget what was said before about an *option* of the command, since the last word counts."""
        if option in self.own:
            self.flags.pop(option[2:], None)

    def _expanded(self, name: str, bare: str) -> list[str]:
        """Return what a short option stands for, or several in one word (`-fg`); nothing for anything else."""
        if bare in _SHORT:
            return [_SHORT[bare]]
        first = f"-{bare[:1]}"
        if name[:2] == "--" or self.own.get(first):  # `-wapp` is a value glued to an option of the command
            return []
        letters = [f"-{letter}" for letter in bare]
        known = all(letter in self.own or letter[1:] in _SHORT for letter in letters)
        return letters if known and len(letters) > 1 else []

    def _read_flag(self, bare: str, value: str | None) -> None:
        """Take a flag of npm with its value, *value* being what stands behind a `=`."""
        key, said = _positive(bare)
        if not said or key in SWITCHES or key in _ALSO:
            self.flags[key] = self._truth(key, value, said=said)
            return
        if value is None and self.left and not _is_end(self.left[0]):
            value = "" if key in TEXTS and _looks_like_option(self.left[0]) else self.left.popleft()
        found: FlagValue = value if value is not None else (key not in TEXTS or "")
        if key in LISTS:
            before = self.flags.get(key)
            found = [*(before if isinstance(before, list) else []), *([found] if isinstance(found, str) else [])]
        self.flags[key] = found

    def _truth(self, key: str, value: str | None, *, said: bool) -> FlagValue:
        """Return what a switch says: *said* by itself, or the true or false behind it."""
        following = self.left[0] if value is None and self.left else ""
        if following in _TRUTH or (said and _also_takes(key, following)):
            value = self.left.popleft()
        if value is None:
            return said
        return said == _TRUTH[value] if value in _TRUTH else value


def _is_end(word: str) -> bool:
    """True for `--`, behind which there are no options; npm takes more dashes as well."""
    return len(word) > 1 and not word.strip("-")


def _looks_like_option(word: str) -> bool:
    """True for a word with one or two dashes in front."""
    bare = word.lstrip("-")
    return bool(bare) and 1 <= len(word) - len(bare) <= 2  # noqa: PLR2004 - as the docstring says


def _also_takes(key: str, word: str) -> bool:
    """True if the switch *key* takes another *word* than true and false: `--color always`, `--browser firefox`."""
    if key == "color":
        return word == "always"
    return key == "browser" and word != "" and (word[0] != "-" or word[1:2] in ("", "-"))


def _positive(bare: str) -> tuple[str, bool]:
    """Return the key of a flag without its `no-`, and whether it says yes."""
    said = True
    while bare.lower().startswith("no-"):
        bare, said = bare[3:], not said
    return bare, said


def is_flag(bare: str) -> bool:
    """True if npm has a flag of this name, with or without `no-` in front."""
    key, _ = _positive(bare)
    return key in SWITCHES or key in TEXTS or key in VALUES or key in _ALSO


def _is_scoped(bare: str) -> bool:
    """True for a setting of one scope or registry: `@s:registry`, `//host/:_authToken`."""
    return bare.startswith("//") or (bare.startswith("@") and bare.endswith(":registry"))
