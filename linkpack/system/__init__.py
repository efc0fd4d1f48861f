"""The only package that touches the disk, processes and user accounts."""

from __future__ import annotations
