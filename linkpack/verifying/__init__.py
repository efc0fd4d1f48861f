"""Checks on tarballs that exist already."""

from __future__ import annotations
