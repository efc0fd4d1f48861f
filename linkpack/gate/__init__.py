"""The gate before an upload: checks a tarball, compares two, and unpacks one, trusting nothing in it."""

from __future__ import annotations
