"""Arguments and the terminal."""

from __future__ import annotations
