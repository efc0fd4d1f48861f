"""Which files of a package ship."""

from __future__ import annotations
