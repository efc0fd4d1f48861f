"""Patterns as minimatch reads them."""

from __future__ import annotations
