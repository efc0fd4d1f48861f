"""Processes, user accounts and other facts of the machine."""

from __future__ import annotations
