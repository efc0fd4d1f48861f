"""Values as text and as JSON: this folder prints nothing."""

from __future__ import annotations
