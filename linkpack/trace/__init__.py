"""Where what is in a tarball comes from: why a path ships, and a record of the sources of every snapshot."""

from __future__ import annotations
