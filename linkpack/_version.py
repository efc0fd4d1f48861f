"""The version of linkpack, in a module of its own: whoever needs it must not import the whole package."""

from __future__ import annotations

__version__ = "0.1.0"
