"""Answers to questions about a machine and a project."""

from __future__ import annotations
