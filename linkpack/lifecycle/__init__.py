"""Scripts that run around packing."""

from __future__ import annotations
