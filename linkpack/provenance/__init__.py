"""Record where the files of a tarball come from.

| question | module |
| --- | --- |
| Which records are written, when and where? | `recording`, `record_options` |
| What is in the snapshot manifest and the statement? | `record` |
| What is in a bill of materials? | `sbom`, `components`, `licenses`, `cyclonedx`, `spdx` |
| What does git say of a source? | `sources`, `git_state` |
| What are the digests of the files? | `contents` |
| What of this machine must not be named? | `places` |
"""

from __future__ import annotations
