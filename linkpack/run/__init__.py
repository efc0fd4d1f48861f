"""Running a pack: lifecycle scripts, which workspaces are packed, and many packages at a time."""

from __future__ import annotations
