"""Secrets in a package: files that are one by their name, and tokens by the prefixes that issuers gave them."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PRIVATE_KEY = "a private key"

_OVERLAP = 512  # bytes looked at again with the next piece: more than any pattern needs to begin


class _Token(NamedTuple):
    """A kind of token: the bytes it cannot be without, and its whole shape, of bounded length."""

    label: str
    prefix: bytes
    shape: re.Pattern[bytes]


def _token(label: str, prefix: bytes, rest: bytes) -> _Token:
    return _Token(label, prefix, re.compile(rb"(?<![A-Za-z0-9_])" + re.escape(prefix) + rest))


_TOKENS = (
    # A heading alone is in many a parser's source: a key has contents, also when its line ends are escaped.
    _token(
        PRIVATE_KEY,
        b"-----BEGIN ",
        rb"(?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\\r|\\n|[\s\"'+,]){1,40}"
        rb"(?:[A-Za-z-]{4,16}: [^\n\\]{1,80}(?:\\r|\\n|\s){1,4}){0,4}[A-Za-z0-9+/]{40}",
    ),
    _token("an npm token", b"npm_", rb"[A-Za-z0-9]{36}(?![A-Za-z0-9_])"),
    _token("a registry login", b"_authToken=", rb"[\"']?[A-Za-z0-9+/=_.-]{16}"),
    *(
        _token("a registry login", prefix, rb"[\"']?[A-Za-z0-9+/]{12,200}={0,2}[\"']?[ \t\r]{0,9}(?:\n|\Z)")
        for prefix in (b":_password=", b":_auth=")
    ),
    *(_token("a GitHub token", prefix, rb"[A-Za-z0-9]{36}") for prefix in (b"ghp_", b"gho_", b"ghu_", b"ghs_")),
    _token("a GitHub token", b"github_pat_", rb"[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    _token("a GitLab token", b"glpat-", rb"[A-Za-z0-9_-]{20}(?![A-Za-z0-9_-]{80})"),
    *(
        _token("an AWS key id", prefix, rb"(?![A-Z0-9]{9}EXAMPLE)[A-Z0-9]{16}(?![A-Za-z0-9])")
        for prefix in (b"AKIA", b"ASIA")
    ),
    _token("a Slack token", b"xoxb-", rb"[0-9]{10,13}-[0-9A-Za-z-]{20}"),
    _token("a Slack token", b"xoxp-", rb"[0-9]{10,13}-[0-9A-Za-z-]{20}"),
    _token("a Stripe key", b"sk_live_", rb"[0-9A-Za-z]{24}"),
    _token("a SendGrid key", b"SG.", rb"[\w-]{22}\.[\w-]{43}(?![\w-])"),
    _token("a PyPI token", b"pypi-AgEIcHlwaS5vcmc", rb"[\w-]{50}"),
    _token("an OpenAI key", b"sk-proj-", rb"[\w-]{40}"),
    _token("an Anthropic key", b"sk-ant-", rb"[\w-]{40}"),
)

_NAMES = re.compile(
    r"(?:^|/)(?:id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|\.netrc|_netrc|\.git-credentials|\.htpasswd|\.pgpass|\.pypirc"
    r"|\.aws/credentials|\.docker/config\.json|\.kube/config|\.ssh/[^/]+|\.gnupg/.+|\.dockercfg"
    r"|[^/]+\.(?:p12|pfx|jks|keystore|ppk|kdbx))$",
    re.IGNORECASE,
)
_TESTS = re.compile(r"(?:^|/)(?:tests?|__tests__|specs?|fixtures?|examples?)/", re.IGNORECASE)
_ENV = re.compile(r"\.env(?:\.[\w.-]{1,64})?", re.IGNORECASE)
_ENV_SAMPLE = re.compile(r"\b(?:example|sample|template|dist|defaults?|schema)\b", re.IGNORECASE)


def secret_name(path: str) -> str:
    """What the file at *path* is by its name alone, when that is a secret; "" when it is not.

    `.env` and its kin, private keys and keystores, credentials of tools. Samples of `.env` are not secret, and
    `.npmrc` is judged by its contents.
    """
    base = posixpath.basename(path)
    if _ENV.fullmatch(base) and not _ENV_SAMPLE.search(base):
        return "a file of environment settings"
    return "a file of keys or credentials" if _NAMES.search(path) else ""


def is_fixture(path: str, labels: Iterable[str]) -> bool:
    """Whether *path* lies among tests or examples, and all that was found there are keys or files of settings.

    Such are made for a test and kept on purpose, in ssh2, node-forge and dotenv for instance; a token never is.
    """
    return _TESTS.search(path) is not None and set(labels) <= {PRIVATE_KEY}


class Scanner:
    """Looks for tokens in the contents of one file, given in pieces; *labels* is what was found, each once."""

    def __init__(self) -> None:
        self._tail = b""
        self.labels: dict[str, None] = {}

    def feed(self, piece: bytes) -> None:
        """Look at the next *piece*."""
        text = self._tail + piece
        self.labels.update(dict.fromkeys(_found(text)))
        self._tail = text[-_OVERLAP:]


def _found(text: bytes) -> Iterator[str]:
    for token in _TOKENS:
        if token.prefix in text and token.shape.search(text):
            yield token.label
