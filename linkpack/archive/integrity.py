"""Write the digest by which npm names a tarball's bytes."""

from __future__ import annotations

import base64


def to_integrity(sha512: bytes) -> str:
    """Return a SHA-512 digest as npm's registry writes it.

    >>> to_integrity(bytes(64))[:20]
    'sha512-AAAAAAAAAAAAA'
    """
    return "sha512-" + base64.b64encode(sha512).decode()
