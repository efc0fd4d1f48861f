"""npm's text formats and orders: versions, ranges, names, manifests, collation."""

from __future__ import annotations
