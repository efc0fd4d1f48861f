"""Make a plan of a project, and a tarball of a plan.

| question | module |
| --- | --- |
| What does packing do, step by step? | `pack` (scripts, plan, tarball), `plan` (all stages of planning) |
| Which options does packing have? | `options`; their flags are in `linkpack.cli.pack_options` |
| What is checked before the first script runs? | `preflight` |
| What does publishConfig change? | `publish_config` |
| How is the staged directory of `--dir` written? | `staged_tree` |

What an interrupt leaves behind is decided where files are written: `linkpack.system.write`.
"""

from __future__ import annotations
