"""The node_modules of a tarball: graph, placement, contents, checks."""

from __future__ import annotations
