"""Read the command line, and print to the terminal.

| question | module |
| --- | --- |
| Which commands are there, and which exit status do they have? | `main`, started by `startup` |
| How does `pack` run? | `pack`, with `pack_options`, `pack_run`, `pack_batch`, `pack_scripts` |
| How do the link commands run? | `link`, `listing`, `sync`, with `link_options`, `link_run` |
| How do the other commands run? | `verify` (`diff`, `unpack`), `report`, `why`, `doctor`, `config`, `explain` |
| Where does an option come from that the command line leaves open? | `settings`, `npm_command` |
| Which options do several commands have? | `shared_options` |
| What is printed of a failure? | `exit_report`, `failures` |
| Is a person looking, or a workflow run? | `terminal`, `workflow` |
| Which modules do only some runs load? | `lazy` |
"""

from __future__ import annotations
