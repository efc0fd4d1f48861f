"""Plan the node_modules of a tarball: graph, placement, contents, checks.

| question | module |
| --- | --- |
| Which packages are in the bundle, and who needs whom? | `graph`, with the `selectors` of `--bundle` |
| What of their dependencies does the root ask a registry for? | `fetched` |
| Where in the tarball does a bundled package go? | `placement`; for the flat layouts `vendor`; `layouts` chooses |
| Which files of each package ship, and in which order? | `contents`, `entries` |
| Which specs are rewritten, and to what? | `consumer_specs` decides, `consumer` reads the disk and rewrites |
| What do the manifests say of their own bundles? | `bundled_names`; in the flat layouts `vendor_manifests` |
| Does Node find in the tarball what it finds on the disk? | `layout_check`; for the flat layouts `vendor_check` |
| Can each package be loaded, and what its sources load? | `loadable`, `phantoms`; `left_out` says why not |
| What do these checks see? | `planned` |
| Is the bundle for some systems only? | `platforms` |
| What was checked, and what was left open? | `checks` |
"""

from __future__ import annotations
