"""Write and read tarballs, without knowing packages.

| question | module |
| --- | --- |
| What is one file of a planned tarball? | `entry` |
| What makes the bytes reproducible? | `tar_header` (times, owners), `tar_writer`, `gzip` (one compressor) |
| How is it written, and put in place when it is whole? | `writer`, read back by `readback` or `follower` |
| Which tarballs of strangers are refused? | `reader`, with `gunzip`, `strict_header`, `member_paths`, `findings` |
| Which names can some system not hold? | `portable_names` |
| Are there secrets in what is packed? | `content_scan` |
| How does npm write a digest? | `integrity` |

The order of the entries and their modes are planned before, in `linkpack.bundle.entries` and `linkpack.packlist`.
"""

from __future__ import annotations
