"""Plan the tarball of a project, and write it.

| question | module |
| --- | --- |
| How does packing go, from the project to the tarball? | `pack`, `plan` |
| What can be asked for? | `options` |
| What is checked before a script runs? | `preflight` |
| What does publishConfig change? | `publish_config` |
| How is a folder written instead of a tarball? | `staged_tree` |
"""

from __future__ import annotations
