"""Decide which files of a package ship.

| question | module |
| --- | --- |
| Which files of one package ship, which do not, and why? | `packlist` is the whole answer, `builder` collects it |
| Does one path ship, by the rules above it? | `precedence`, asked by `walk` about each folder |
| Which rules does a package have? | `npm_rules`, with `files_field` for the field `files` |
| How is an ignore file read? | `ignore`; those above a workspace member `outer_ignores` |
| How do many rules answer quickly? | `rule_index` |
| By which npm's rules are files selected? | `editions` |
| What did linkpack itself write there? | `outputs` |
| What is the rule called, as its author wrote it? | `pathspec_pattern` |
| What is warned of? | `warnings`, `secrets` |

The rule that decided about a path is found by `linkpack.explaining.rule`, which `linkpack why` prints.
"""

from __future__ import annotations
