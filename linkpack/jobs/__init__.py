"""Pack many packages in one run.

| question | module |
| --- | --- |
| In which order, and what becomes of one that fails? | `batch` |
| In which processes? | `workers` |
| What is in the plan of changesets? | `changesets` |
"""

from __future__ import annotations
