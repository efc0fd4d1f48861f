"""Processes, git, user accounts and other facts of the machine, and what a run changes on the disk."""

from __future__ import annotations
