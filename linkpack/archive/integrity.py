"""Write the digest by which npm names a tarball's bytes."""

from __future__ import annotations

from binascii import b2a_base64  # what base64 calls, without the time to load it


def to_integrity(sha512: bytes) -> str:
    """Return a SHA-512 digest as npm's registry writes it.

    >>> to_integrity(bytes(64))[:20]
    'sha512-AAAAAAAAAAAAA'
    """
    return "sha512-" + b2a_base64(sha512, newline=False).decode()
