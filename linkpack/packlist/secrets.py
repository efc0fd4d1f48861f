"""Find secrets in a package, by file names and by the shapes of tokens."""

from __future__ import annotations

import posixpath
import re
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PRIVATE_KEY = "a private key"
HINT = "leave it out; linkpack verify refuses such a tarball"

_LOGIN = "a registry login"
_LONG = 1 << 15  # bytes of a text that is worth compiling patterns for
_OVERLAP = 1024  # bytes searched again with the next piece: no match of a pattern is longer


class Token(Record):
    """A kind of token.

    *prefix* is what it begins with, and *shape* a pattern for all of it, of bounded length.
    """

    label: str
    prefix: bytes
    shape: bytes


def _make_token(label: str, prefix: bytes, rest: bytes) -> Token:
    return Token(label, prefix, rb"(?<![A-Za-z0-9_])" + re.escape(prefix) + rest)


# These patterns search untrusted text, and so none may try a second way to match what it has matched. Where two
# parts that repeat follow each other, no character fits both, or the text between them fits neither
# (tests/packlist/test_secrets.py counts the steps).
_LINE_END = rb"(?:\\[rn]|[\r\n])(?:\\[rn]|\s){0,3}(?!\s)"  # as it is, or escaped in a string
_TOKENS = (
    # The heading alone is in the source of many parsers. A key has contents, and its line ends may be escaped.
    _make_token(
        PRIVATE_KEY,
        b"-----BEGIN ",
        rb"(?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\\[rn]|[\s\"'+,]){1,40}(?![\s\"'+,])"
        rb"(?:[A-Za-z-]{4,16}: [^\n\r\\]{1,80}" + _LINE_END + rb"){0,4}"
        rb"(?:[A-Za-z0-9+/]{40}|[A-Za-z0-9+/]{24,39}={0,2}(?:\\[rn]|\s){1,4}-----END )",
    ),
    _make_token("an npm token", b"npm_", rb"[A-Za-z0-9]{36}(?![A-Za-z0-9_])"),
    _make_token(_LOGIN, b"_authToken=", rb"[\"']?[A-Za-z0-9+/=_.-]{16,200}"),
    *(
        _make_token(_LOGIN, prefix, rb"[\"']?[A-Za-z0-9+/]{12,200}={0,2}[\"']?[ \t\r]{0,9}(?:\n|\Z)")
        for prefix in (b":_password=", b":_auth=")
    ),
    *(
        _make_token("a GitHub token", prefix, rb"[A-Za-z0-9]{36}")
        for prefix in (b"ghp_", b"gho_", b"ghu_", b"ghs_")
    ),
    _make_token("a GitHub token", b"github_pat_", rb"[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    _make_token("a GitLab token", b"glpat-", rb"[A-Za-z0-9_-]{20}(?![A-Za-z0-9_-]{80})"),
    *(
        # AKIAIOSFODNN7EXAMPLE is the key of AWS's own documentation.
        _make_token("an AWS key id", prefix, rb"(?![A-Z0-9]{9}EXAMPLE)[A-Z0-9]{16}(?![A-Za-z0-9])")
        for prefix in (b"AKIA", b"ASIA")
    ),
    _make_token("a Slack token", b"xoxb-", rb"[0-9]{10,13}-[0-9A-Za-z-]{20}"),
    _make_token("a Slack token", b"xoxp-", rb"[0-9]{10,13}-[0-9A-Za-z-]{20}"),
    _make_token("a Stripe key", b"sk_live_", rb"[0-9A-Za-z]{24}"),
    _make_token("a SendGrid key", b"SG.", rb"[\w-]{22}\.[\w-]{43}(?![\w-])"),
    # Every token of PyPI begins with these characters: a macaroon in base 64, made by pypi.org.
    _make_token("a PyPI token", b"pypi-AgEIcHlwaS5vcmc", rb"[\w-]{50}"),
    _make_token("an OpenAI key", b"sk-proj-", rb"[\w-]{40}"),
    _make_token("an Anthropic key", b"sk-ant-", rb"[\w-]{40}"),
)

_SUMMED = (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"npm_")  # tokens that end in a check sum
_BASE_62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAGES = (".md", ".markdown", ".mdx", ".rst")
# These patterns are text: hardly any package needs one of them, and `re` keeps those that it has compiled.
_NAMES = (
    r"(?i)(?:^|/)(?:id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|\.netrc|_netrc|\.git-credentials|\.htpasswd|\.pgpass|\.pypirc"
    r"|\.aws/credentials|\.docker/config\.json|\.kube/config|\.ssh/[^/]+|\.gnupg/.+|\.dockercfg"
    r"|[^/]+\.(?:p12|pfx|jks|keystore|ppk|kdbx))$"
)
# The name of a secret begins or ends with one of these: tried before the patterns, as most names have none.
_STARTS = (".", "id_", "_netrc", "#")
_ENDS = (
    "/_netrc",
    ".p12",
    ".pfx",
    ".jks",
    ".keystore",
    ".ppk",
    ".kdbx",
    "~",
    "#",
    ".bak",
    ".old",
    ".orig",
    ".save",
)
_BACKUP = r"(?i)(?:~|#|\.bak|\.old|\.orig|\.save|\.sw[a-z])$"
_TESTS = r"(?i)(?:^|/)(?:tests?|__tests__|specs?|fixtures?|examples?)/"
_ENV = r"(?i)\.env(?:rc|\.[\w.-]{1,64})?"
_ENV_SAMPLE = r"(?i)\b(?:example|sample|template|dist|defaults?|schema)\b"


def identify_secret(path: str) -> str:
    """Return what secret the file at *path* is by its name, or "".

    Secret are `.env` and its variants, private keys and keystores, credentials of tools, and backups of these by
    editors. Samples of `.env` are not, and `.npmrc` is judged by its contents.

    >>> identify_secret("a/.env.local"), identify_secret(".env.example"), identify_secret("home/.ssh/config~")
    ('a file of environment settings', '', 'a file of keys or credentials')
    """
    if not _may_be_secret(path):
        return ""
    plain = re.sub(_BACKUP, "", path)
    folder, _, base = plain.rpartition("/")
    for name in (base,) if plain == path else (base, base[1:]):  # #a#, .a.swp: one character more in front
        if re.fullmatch(_ENV, name) and not re.search(_ENV_SAMPLE, name):
            return "a file of environment settings"
        if re.search(_NAMES, f"{folder}/{name}"):
            return "a file of keys or credentials"
    return ""


def _may_be_secret(path: str) -> bool:
    """Return True for names of secrets, for `.npmrc`, and for few others."""
    lower = path.lower()
    return "/." in path or lower.startswith(_STARTS) or "/id_" in lower or lower.endswith(_ENDS)


def find_secret_files(paths: Iterable[str]) -> Iterator[Problem]:
    """Warn of each of *paths* that has the name of a secret."""
    for path in filter(_may_be_secret, paths):
        what = identify_secret(path)
        if what:
            yield Problem("WSECRET", path, f"{path} is {what}, and ships: it may hold secrets", HINT)
        elif posixpath.basename(path) == ".npmrc":
            yield Problem("WSECRET", path, f"{path} is npm's settings file, and ships: it may hold logins", HINT)


def is_fixture(path: str, labels: Iterable[str]) -> bool:
    """Return True if *path* is of a test, and *labels* are private keys only.

    An example is like a test. Such keys are made for one and kept on purpose, in ssh2 and node-forge for instance.
    A token never is.
    """
    return re.search(_TESTS, path) is not None and set(labels) <= {PRIVATE_KEY}


def find_tokens(text: bytes, among: tuple[Token, ...] = _TOKENS) -> tuple[Token, ...]:
    """Return the tokens of *among* that have their prefix in *text*.

    In a long text, prefixes that end alike are looked for at once.
    """
    absent: frozenset[bytes] = frozenset()
    if len(text) >= _LONG and among is _TOKENS:
        absent = frozenset([end for end, screen in _make_screens() if screen.search(text) is None])
    return tuple([token for token in among if token.prefix[-1:] not in absent and token.prefix in text])


@lru_cache(maxsize=1)
def _make_screens() -> tuple[tuple[bytes, re.Pattern[bytes]], ...]:
    """Return patterns for prefixes that end alike, with their last character.

    A pattern begins with that character, for which `re` searches fast. A space or a dot, of which texts are
    full, is the end of one prefix only.
    """
    ends: dict[bytes, list[bytes]] = {}
    for token in _TOKENS:
        ends.setdefault(token.prefix[-1:], []).append(b"(?<=" + re.escape(token.prefix) + b")")
    return tuple(
        [
            (end, re.compile(re.escape(end) + b"(?:" + b"|".join(behind) + b")"))
            for end, behind in ends.items()
            if len(behind) > 1
        ]
    )


class Scanner:
    """A search for *tokens* in the file *name*, which is fed in pieces.

    *labels* has the label of each token found, once.
    """

    def __init__(self, name: str = "", tokens: tuple[Token, ...] = _TOKENS) -> None:
        self._tokens = tokens
        self._tail = b""
        self._before = (b"", b"")
        self._is_settings = posixpath.basename(name) == ".npmrc"
        self._is_page = name.lower().endswith(_PAGES)
        self.labels: dict[str, None] = {}

    def feed(self, piece: bytes) -> None:
        """Search the next *piece*."""
        if (self._tail, piece) == self._before:  # as in a file of nothing but zeros
            return
        self._before = self._tail, piece
        # A token can begin in one piece and end in the next.
        text = self._tail + piece
        for token in find_tokens(text, self._tokens):
            if any(map(self._is_meant, re.finditer(token.shape, text))):
                self.labels[token.label] = None
        self._tail = text[-_OVERLAP:]

    def _is_meant(self, match: re.Match[bytes]) -> bool:
        """Return True if what has the shape of a token may be one.

        In code a login without a digit is a word (`secretVerdaccioToken`). On a page of documentation a token with
        a wrong check sum is an example: GitHub or npm could not have issued it.
        """
        text = match[0]
        if text.startswith(b"_authToken="):
            return self._is_settings or re.search(rb"[0-9]", text) is not None
        return not (self._is_page and text.startswith(_SUMMED)) or _is_issued(text)


def _is_issued(token: bytes) -> bool:
    """Return True if the check sum of *token* is right.

    Its last six characters are the CRC-32 of the thirty before, in base 62. The source is GitHub's "Behind
    GitHub's new authentication token formats" (2021). npm makes its tokens alike.
    """
    body = token.partition(b"_")[2]
    value = 0
    for digit in body[30:36]:
        value = value * 62 + _BASE_62.index(digit)
    return value == zlib.crc32(body[:30])
