"""Many packages in one run."""

from __future__ import annotations
