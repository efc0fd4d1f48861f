"""The link command set: plans, journal, and what they read."""

from __future__ import annotations
