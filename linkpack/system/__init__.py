"""Ask the machine, and change it: disk, processes, git, signals, accounts.

Ruff's banned-api names the few other modules that do.

| question | module |
| --- | --- |
| How are paths looked at and files read? | `read`, `tree` (without following links), `dir_entries` |
| How does a file or folder appear whole or not at all? | `write`, `new_folder`, with the drafts of `temporary` |
| How is a folder moved where the system cannot rename it? | `relocate`, `libc` |
| What happens at Ctrl-C and SIGTERM? | `signals` holds them back; `linkpack.cli.main` has the exit status |
| How do two runs keep out of each other's way? | `locks` |
| How are scripts, node and git started? | `processes`, `node`, `git` |
| What is committed, and what was changed since? | `repository`, `git_objects`, `worktree` |
| What was this process given? | `own_process`, `accounts` |
"""

from __future__ import annotations
