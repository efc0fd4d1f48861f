"""Which files of a package ship: npm's pattern dialect, rule sets and walk."""

from __future__ import annotations
