"""Copy packages into node_modules, and keep the copies up to date.

| question | module |
| --- | --- |
| What are the public functions of links and copies? | `commands` |
| What does a copy hold? | `snapshot` |
| How does a copy come into its place? | `staging`, which fills what `linkpack.linking` plans, and `copy_drafts` |
| What does `sync` do? | `sync_command`, with `stale_files` for each copy |
| How does `sync` know what has changed? | `digests` |
"""

from __future__ import annotations
