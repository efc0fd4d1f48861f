"""The archive plan, the tar stream, its compression, and the verified file."""

from __future__ import annotations
