"""The disk, processes, git, signals and user accounts.

Whatever asks the machine or changes it is here. Ruff's banned-api names the few other modules that do.
"""

from __future__ import annotations
