"""Run the scripts around packing.

| question | module |
| --- | --- |
| Which scripts run, when, and what if one fails? | `scripts` |
| What environment does a script get? | `environment`, with npm's `settings` |
"""

from __future__ import annotations
