"""Plan the node_modules of a tarball, and check it.

| question | module |
| --- | --- |
| Which packages belong to the bundle, and who needs whom? | `graph` |
| Which slot of the tarball does each get? | `placement`, `layouts`, `vendor` |
| Which files of each ship, and in which order? | `contents`, `entries`, `planned` |
| What do the shipped manifests say? | `consumer`, `consumer_specs`, `bundled_names`, `vendor_manifests` |
| Does every name lead where it leads on disk? | `layout_check`, `vendor_check` |
| Can it be loaded, and on which systems? | `checks`, `loadable`, `phantoms`, `platforms`, `left_out` |
"""

from __future__ import annotations
