"""Everything that touches the disk, processes and the environment: the new home of it."""

from __future__ import annotations
