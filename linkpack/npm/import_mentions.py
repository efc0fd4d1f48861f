"""Find the modules that a source may load, by a quick look.

`imports` then says which of them it does load, and takes 100 times as long. `find_package_name` says which package
a specifier names.
"""

from __future__ import annotations

import re

TYPESCRIPT = (".ts", ".mts", ".cts", ".tsx")
SOURCES = (".js", ".mjs", ".cjs", ".jsx", *TYPESCRIPT)
DECLARATIONS = (".d.ts", ".d.mts", ".d.cts")

# Node's own modules, which a package may be called like too (Node 20 to 26, `builtinModules`).
_BUILTIN_NAMES = (
    "assert assert/strict async_hooks buffer child_process cluster console constants crypto dgram"
    " diagnostics_channel dns dns/promises domain events fs fs/promises http http2 https inspector"
    " inspector/promises module net os path path/posix path/win32 perf_hooks process punycode querystring"
    " readline readline/promises repl stream stream/consumers stream/promises stream/web string_decoder sys"
    " timers timers/promises tls trace_events tty url util util/types v8 vm wasi worker_threads zlib"
)
_BUILTINS = frozenset(_BUILTIN_NAMES.split())

# What may be between two tokens. Comments are bounded, so that a source of nothing but `/*` costs no more.
BLANK = r"(?:\s|/\*(?:[^*]|\*(?!/)){0,300}\*/|//[^\n]{0,300}\n)*"
# One pattern for each word: those that begin with a literal are searched five times as fast as one for all.
_WORDS = ("from", "import", "require", "resolve")
_MENTION = (
    r"""(?=[\s(?/"'`])(?="""
    + BLANK
    + r"(?:(?:\?\.)?\("
    + BLANK
    + r""")?(?P<quote>["'`])(?P<text>[^"'`\\\n]{1,300})(?P=quote))"""
)


def find_mentions(source: str) -> set[str]:
    """Return every specifier that *source* may load.

    Some of them may be in comments and strings only.

    >>> sorted(find_mentions('import a from "a"; // require("b")'))
    ['a', 'b']
    """
    # A pattern is compiled when the first source has its word: 0.2 ms each, which small packages need not spend.
    words = [word for word in _WORDS if word in source]
    return {match["text"] for word in words for match in re.finditer(word + _MENTION, source)}


def find_package_name(specifier: str) -> str:
    """Return the package that a bare specifier names.

    The answer is "" for modules of Node (`fs`), paths, addresses (`node:fs`, `https://…`), the package's own
    `#names`, and inventions of bundlers (`~/a`, `@/a`).

    >>> find_package_name("@scope/a/b.js"), find_package_name("./a"), find_package_name("fs")
    ('@scope/a', '', '')
    """
    first, _, rest = specifier.partition("/")
    if not first or specifier in _BUILTINS or first[0] in ".#~%!?" or ":" in first:
        return ""
    if first[0] != "@":
        return first
    folder = rest.partition("/")[0]
    return f"{first}/{folder}" if folder and first != "@" else ""
