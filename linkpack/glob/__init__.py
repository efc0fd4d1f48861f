"""Match patterns as minimatch does.

| question | module |
| --- | --- |
| Does a pattern match a path? | `pattern` |
| What do braces stand for? | `braces` |
| Does one portion of a pattern match a name? | `portion_parser`, `portion_matcher` |
| What if a regular expression would take too long? | `automaton` |
"""

from __future__ import annotations
