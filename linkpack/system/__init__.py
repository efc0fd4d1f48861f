"""The only package that touches disk, processes, signals and user accounts."""

from __future__ import annotations
