"""Run the scripts around packing.

| question | module |
| --- | --- |
| Which scripts run, and in which order? | `scripts` |
| Which variables does a script see? | `environment`, `settings` |
"""

from __future__ import annotations
