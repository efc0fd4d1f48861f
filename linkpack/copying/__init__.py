"""Copies of packages in node_modules: what they hold, and how they are kept up to date."""

from __future__ import annotations
