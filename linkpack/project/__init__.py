"""Find the project that a command is about, and what is around it.

| question | module |
| --- | --- |
| Which project is a command about? | `local`, `project` |
| Which workspaces are around it, and which are asked for? | `workspace`, `monorepo`, `selection` |
| What is in a package.json or a YAML file? | `package_json`, `yaml_text` |
| What does Node find for a name from a folder? | `resolve` |
| Which commands and man pages are in a source folder? | `source` |
| What do pnpm and yarn do that npm does not? | `pnpm`, `plug_n_play` |
"""

from __future__ import annotations
