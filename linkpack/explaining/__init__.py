"""Answer questions about a package and a machine: `why` and `doctor`.

| question | module |
| --- | --- |
| Why does a path ship or not, and who pulls a package in? | `why`, with `chains` |
| Which rule of which file decides about a path? | `rule` |
| What keeps links from working here? | `doctor` |
"""

from __future__ import annotations
