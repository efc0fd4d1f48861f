"""npm's formats and settings, without a project."""

from __future__ import annotations
