"""Read a license as an SPDX expression."""

from __future__ import annotations

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

# The text may be hostile: nothing longer or deeper is parsed than any license needs.
_LONGEST = 1000  # characters; the longest in use has about 200
_MOST_GROUPS = 20  # opening parentheses


def read_license_expression(text: str) -> str:
    """Return *text* as an SPDX expression, "" when it is none.

    The expression is in its usual form.

    >>> read_license_expression("mit or apache-2.0")
    'MIT OR Apache-2.0'
    >>> read_license_expression("see LICENSE")
    ''
    """
    if not text or len(text) > _LONGEST or text.count("(") > _MOST_GROUPS:
        return ""
    try:
        return str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        return ""
