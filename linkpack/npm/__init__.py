"""Read npm's formats and settings, without a project.

| question | module |
| --- | --- |
| Which npmrc files apply, in which order, and where is the global prefix? | `config`, `npmrc_text`, `programs` |
| What does a field of package.json mean, and which are refused? | `manifest`, `package_names` |
| What can be loaded from a package, and what does a source load? | `entry_points`, `imports`, `import_mentions` |
| Which commands and man pages does a package have? | `bins` |
| Is a version in a range? | `semver`, `ranges` |
| What is a spec, and does a version meet it? | `specs` |
| What happens to `workspace:`, and to `catalog:`, `jsr:` and their like? | `workspace_specs`, `protocols` |
| How is JSON read, and changed without touching the rest? | `json_text`, `json_edit` |
| How does npm write a lockfile, and where does it save a dependency? | `lockfile`, `dependency_sections` |
| In which order does npm list files and names? | `sorting`, `collation`, `collation_table` |
| Is a license an SPDX expression? | `license_expression` |
| Which words of a command line are npm's? | `flags` |
"""

from __future__ import annotations
