"""The project that a command is about, and which of its workspaces."""

from __future__ import annotations
