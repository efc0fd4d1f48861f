"""Pack many packages in one run.

| question | module |
| --- | --- |
| In which order, and what if one fails? | `batch` |
| In how many processes, or on which cluster? | `workers` |
| What does a publish plan of changesets ask for? | `changesets` |
"""

from __future__ import annotations
