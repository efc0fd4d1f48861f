"""The packages in a tarball's node_modules: graph, layout, contents, checks."""

from __future__ import annotations
