"""Turn values into text, JSON and pictures: this folder prints nothing.

| question | module |
| --- | --- |
| What does a command print? | `pack`, `links`, `verify`, `why`, `doctor`, `config`, `copies` |
| What is the JSON of `pack`? | `pack_json` |
| How are errors and warnings printed? | `problems`; for programs `annotations` and `sarif` |
| What does `linkpack report` show? | `inventory`, and as a page `html`, with the rectangles of `treemap` |
| How is a number, a table or a hostile name written? | `text` |
"""

from __future__ import annotations
