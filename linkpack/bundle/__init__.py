"""Which packages ship and where they lie in the tarball, from the project to the checked layout."""

from __future__ import annotations
