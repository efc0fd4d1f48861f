"""The link commands: plans, journal, record."""

from __future__ import annotations
