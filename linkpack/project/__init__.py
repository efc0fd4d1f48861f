"""Find the project that a command is about, and its workspaces.

| question | module |
| --- | --- |
| Which project is packed, by which rules? | `project` |
| Which project is a link command about? | `local` |
| Which workspaces are there, and which are chosen? | `workspace`, `monorepo`, `selection` |
| How is a package.json read once a command? | `package_json` |
| What does Node find for a name from a folder? | `resolve` |
| Which commands and man pages has a package in a folder? | `source` |
| What do pnpm and yarn do that npm does not? | `pnpm`, `plug_n_play`, `yaml_text` |
"""

from __future__ import annotations
