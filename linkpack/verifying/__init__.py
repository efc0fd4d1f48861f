"""Check, compare and unpack tarballs that exist already.

| question | module |
| --- | --- |
| What does `verify` refuse? | `verdict`, step by step; each code is in docs/codes.md |
| Which tarballs are not safe to read? | `linkpack.archive.reader` |
| Which errors may a caller allow? | `allowable` |
| Are the manifests, entry points and bundled packages in order? | `manifests`, `entry_points`, `bundle` |
| Is it what its source packs to? | `against`, with `committed_tree` for a commit |
| What differs between two packages? | `difference`, on the two `sides` |
| What does it hold, by size? | `inventory` |
| How is it unpacked? | `unpack` |
"""

from __future__ import annotations
