"""The version of linkpack, apart from the package that offers it.

So a module that prints it need not import the whole package.
"""

from __future__ import annotations

__version__ = "0.1.0"
