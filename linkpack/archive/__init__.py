"""Tarballs, without a word about packages."""

from __future__ import annotations
