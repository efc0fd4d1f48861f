"""`python -m linkpack`."""

from __future__ import annotations

from linkpack.cli.startup import main

if __name__ == "__main__":
    main()
