"""Sort the files of a package as npm lists them.

npm has one order in the tarball, and another in its JSON report.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from linkpack.npm.collation import (
    LOWEST_WEIGHT,
    ascii_weights,
    collation_key,
    is_js_upper,
    js_lower,
    numeric_case_key,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_lower_key = functools.lru_cache(maxsize=4096)(lambda text: collation_key(js_lower(text)))

_LINE, _SLASH, _DOT = (ascii_weights(char) for char in "\n/.")


def order_entries(paths: Sequence[str]) -> list[int]:
    """Return the indexes of *paths* in the order of a tarball.

    >>> order_entries(["lib/b.js", "src/a.js", "index.ts", "LICENSE"])
    [3, 1, 0, 2]
    """
    keys: Sequence[object] = _plain_keys(paths)
    if len(set(keys)) < len(paths):  # not plain, or two differ in case only
        keys = [entry_key(path) for path in paths]
    return sorted(range(len(paths)), key=keys.__getitem__)  # type: ignore[arg-type] # one type for all


def _plain_keys(paths: Sequence[str]) -> list[str]:
    """Return keys that sort as `entry_key`, none if *paths* are not plain.

    Plain is ASCII without control characters and without an `@` in front. Case is ignored. Fast path: all
    paths are translated at once, which takes a third of the time of `entry_key`.
    """
    text = "\n".join(paths)
    if not text.isascii() or text.startswith("@") or "\n@" in text:
        return []
    weights = ascii_weights(text)
    lines = weights.split(_LINE)
    if len(lines) != len(paths) or LOWEST_WEIGHT in weights:
        return []
    keys = []
    for line in lines:
        name = line[line.rfind(_SLASH) + 1 :]
        dot = name.rfind(_DOT)
        ending = name[dot:] if dot > 0 and name != _DOT + _DOT else ""  # as `extension`
        keys.append(f"{ending}\0{name}\0{line}")  # no weight is 0
    return keys


def entry_key(path: str) -> tuple[bytes, bytes, bytes]:
    """Return the sort key of *path* in a tarball.

    npm compares the extensions, then the last portions, both in lower case, then the whole paths
    (npm-packlist, lib/index.js, `sort`): gzip packs more tightly when like files are neighbours. *path* is
    relative to the package, and one that begins with `@` is compared as `./@...`. npm has no fixed order for
    paths with equal keys, which are canonically equivalent in Unicode.

    >>> sorted(["lib/b.js", "src/a.js", "index.ts", "LICENSE"], key=entry_key)
    ['LICENSE', 'src/a.js', 'lib/b.js', 'index.ts']
    """
    name = path[path.rfind("/") + 1 :]
    full = f"./{path}" if path.startswith("@") else path
    return _lower_key(extension(name)), _lower_key(name), collation_key(full)


def extension(name: str) -> str:
    """Return the extension as Node's `path.extname` does.

    *name* is a last portion. The dot is included.

    >>> extension("a.min.js"), extension(".npmrc"), extension("a."), extension("..a")
    ('.js', '', '.', '.a')

    Python's `splitext` gives "" for the last of these.
    """
    dot = name.rfind(".")
    return name[dot:] if dot > 0 and name != ".." else ""


def listing_key(path: str) -> tuple[bool, bytes]:
    """Return the sort key of *path* in npm's JSON report.

    Paths that begin with a capital, or with a character that has no case, come first. Then numbers are
    compared by value, accents are ignored, and a small letter comes before its capital. npm's sort is stable,
    so that equal keys keep the order of the tarball. Source: npm, lib/utils/tar.js.

    >>> sorted(["b10.js", "b9.js", "README.md", "a.js"], key=listing_key)
    ['README.md', 'a.js', 'b9.js', 'b10.js']
    """
    return not is_js_upper(path[:1]), numeric_case_key(path)
