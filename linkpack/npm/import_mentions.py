"""The modules that a source may load: a quick look at its texts, and what a specifier stands for."""

from __future__ import annotations

import re

TYPESCRIPT = (".ts", ".mts", ".cts", ".tsx")
SOURCES = (".js", ".mjs", ".cjs", ".jsx", *TYPESCRIPT)
DECLARATIONS = (".d.ts", ".d.mts", ".d.cts")

# What Node takes for a module of its own though a package may have the name (Node 20 to 26, `builtinModules`).
_BUILTIN_NAMES = (
    "assert assert/strict async_hooks buffer child_process cluster console constants crypto dgram"
    " diagnostics_channel dns dns/promises domain events fs fs/promises http http2 https inspector"
    " inspector/promises module net os path path/posix path/win32 perf_hooks process punycode querystring"
    " readline readline/promises repl stream stream/consumers stream/promises stream/web string_decoder sys"
    " timers timers/promises tls trace_events tty url util util/types v8 vm wasi worker_threads zlib"
)
_BUILTINS = frozenset(_BUILTIN_NAMES.split())

# What may stand between two tokens. Comments are bounded: a source of nothing but their beginnings costs no more.
BLANK = r"(?:\s|/\*(?:[^*]|\*(?!/)){0,300}\*/|//[^\n]{0,300}\n)*"
# One pattern a word: those that begin with a text are searched five times as fast as one for all.
_MENTIONS = tuple(
    re.compile(
        word
        + r"""(?=[\s(?/"'`])(?="""
        + BLANK
        + r"(?:(?:\?\.)?\("
        + BLANK
        + r""")?(?P<quote>["'`])(?P<text>[^"'`\\\n]{1,300})(?P=quote))"""
    )
    for word in ("from", "import", "require", "resolve")
)


def mentioned(source: str) -> set[str]:
    """Return every specifier that *source* may load, and some that only comments and texts have."""
    return {match["text"] for mention in _MENTIONS for match in mention.finditer(source)}


def package_name(specifier: str) -> str:
    """Return the package that a bare specifier names, "" for any other: `@s/a/b.js` -> `@s/a`, `./a` -> "".

    Not bare are modules of Node (`fs`), paths, addresses (`node:fs`, `https://…`), the package's own `#names`, and
    what bundlers make up (`~/a`, `@/a`).
    """
    first, slash, rest = specifier.partition("/")
    if not first or specifier in _BUILTINS or first[0] in ".#~%!?" or ":" in first:
        return ""
    if first[0] != "@":
        return first
    inner = rest.partition("/")[0]
    return f"{first}/{inner}" if slash and inner and len(first) > 1 else ""
