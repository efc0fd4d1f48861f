"""`python -m linkpack`."""

from __future__ import annotations

from linkpack.start import main

if __name__ == "__main__":
    main()
