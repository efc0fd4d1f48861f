"""What a packed project is shipped as: layouts for every installer, publishConfig, staged trees, publish plans."""

from __future__ import annotations
