"""Answers about a package and a machine: `why` and `doctor`."""

from __future__ import annotations
