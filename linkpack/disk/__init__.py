"""The modules that touch the disk: all reading and all writing has its address here."""

from __future__ import annotations
