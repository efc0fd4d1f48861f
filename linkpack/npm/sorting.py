"""The two orders in which npm lists the files of a package: in the tarball, and in its JSON report."""

from __future__ import annotations

import functools

from linkpack.npm.collation import collation_key, is_js_upper, js_lower, numeric_case_key

_lower_key = functools.lru_cache(maxsize=4096)(lambda text: collation_key(js_lower(text)))


def entry_key(path: str) -> tuple[bytes, bytes, bytes]:
    """The sort key of *path*, relative to the package's root, among the entries of a tarball.

    Compares the extension, then the last portion, both in lower case, then the whole path as it is: like files
    stand together, so gzip finds more. A path that begins with `@` counts as `./@...`. Paths with equal keys
    (canonically equivalent names) are in no fixed order in npm. Source: `sort` in npm-packlist/lib/index.js.
    """
    name = path[path.rfind("/") + 1 :]
    whole = f"./{path}" if path.startswith("@") else path
    return _lower_key(extension(name)), _lower_key(name), collation_key(whole)


def extension(name: str) -> str:
    """The extension of a last portion as Node's `path.extname` gives it, dot included; often empty.

    Unlike `splitext`: `a.` has the extension `.`, and `..a` has `.a`.
    """
    at = name.rfind(".")
    return name[at:] if at > 0 and name != ".." else ""


def listing_key(path: str) -> tuple[bool, bytes]:
    """The sort key of *path* in the `files` of npm's JSON report.

    Paths that begin with a capital or with something that has no case come first. Within each part numbers
    count by value and accents do not count; a small letter comes before its capital. npm's sort is stable, so
    equal keys keep the order of the tarball. Source: npm/lib/utils/tar.js.
    """
    return not is_js_upper(path[:1]), numeric_case_key(path)
