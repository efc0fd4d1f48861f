"""Where the files of a tarball come from."""

from __future__ import annotations
