"""From a project to a plan, and from a plan to a tarball."""

from __future__ import annotations
