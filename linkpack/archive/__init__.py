"""Tarballs, without knowing packages."""

from __future__ import annotations
