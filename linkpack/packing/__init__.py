"""Packing one package: its options."""

from __future__ import annotations
