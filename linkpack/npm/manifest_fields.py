"""Read the members of a package.json by type.

A wrong type is an error that names file, line, key and remedy, but for empty values: they are as if absent.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, NoReturn

from linkpack.errors import ManifestInvalid, Problem
from linkpack.npm import json_text as jsontext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Role = Literal["root", "linked", "installed"]

_SHOWN = 60  # characters of a wrong value that a message shows


def shown(value: object) -> str:
    """*value* as JSON, short enough for a message."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # all numbers were read as floats
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


class Fields:
    """The members of a manifest: its bytes, its file's name for messages, what was parsed, and whose it is.

    Every getter takes the path of a field. A field that is absent or null is empty. A wrong type is as if absent
    in an installed package. In a root or linked one it is an error, but for `false`, `0`, `""` and `[]`: npm takes
    them for nothing (measured on npm 11.19.1 and 12.2.0), and so do we, with a warning.
    """

    __slots__ = ("_warnings", "members", "raw", "role", "where")

    def __init__(self, raw: bytes, where: str, members: Mapping[str, object], role: Role) -> None:
        self.raw = raw
        self.where = where
        self.members = members
        self.role = role
        self._warnings: list[Problem] = []

    def at(self, path: Sequence[str | int], message: str) -> str:
        """Write *message* about the member at *path*, with file and place before it."""
        place = jsontext.position(self.raw, path)
        return f"{self.where}{':' if place else ''}{place}: {jsontext.key_path(path)} {message}"

    def refuse(self, path: Sequence[str | int], message: str, hint: str, code: str = "EMANIFEST") -> NoReturn:
        """Raise the error about the member at *path*; *message* goes on where its name ends."""
        raise ManifestInvalid(self.at(path, message), code=code, path=self.where, hint=hint)

    def warn(self, path: Sequence[str | int], message: str, hint: str) -> None:
        """Note that npm reads the member at *path* otherwise than it is written."""
        self.note(self.at(path, message), hint)

    def note(self, message: str, hint: str) -> None:
        """Note a warning about the file."""
        self._warnings.append(Problem("WMANIFEST", self.where, message, hint))

    def told(self) -> tuple[Problem, ...]:
        """Return the warnings so far, each once: a field may be read twice."""
        return tuple(dict.fromkeys(self._warnings))

    def wrong(self, path: Sequence[str | int], value: object, wanted: str, *, absent: bool = False) -> None:
        """Raise the error that *value* is not *wanted*; only warn where it counts as *absent*."""
        if self.role == "installed":
            return
        message, hint = f"must be {wanted}, not {shown(value)}", f"make it {wanted} or remove it"
        if not absent:
            self.refuse(path, message, hint)
        self.warn(path, f"{message}: taken as absent", hint)

    def get(self, *path: str) -> object:
        """Return whatever is at *path*; None when nothing is."""
        value: object = self.members
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def text(self, *path: str) -> str:
        """Return a text; "" when there is none."""
        value = self.get(*path)
        if isinstance(value, str):
            return value
        if value is not None:
            self.wrong(path, value, "a text", absent=_is_empty(value))
        return ""

    def table(self, *path: str) -> Mapping[str, object]:
        """Return an object."""
        value = self.get(*path)
        if isinstance(value, dict):
            return value
        if value is not None:
            self.wrong(path, value, "an object", absent=_is_empty(value))
        return {}

    def texts(self, *path: str, gaps: bool = False) -> Mapping[str, str]:
        """Return an object of texts; with *gaps* its members may be null or empty, and are left out then."""
        table = self.table(*path)
        texts = {key: value for key, value in table.items() if isinstance(value, str)}
        if len(texts) < len(table):
            for key, value in table.items():
                if key not in texts:
                    absent = gaps and (value is None or _is_empty(value))
                    self.wrong((*path, key), value, "a text", absent=absent)
        return texts

    def items(self, *path: str) -> tuple[str, ...] | None:
        """Return a list of texts; None when there is none."""
        value = self.get(*path)
        if not isinstance(value, list):
            if value is not None:
                self.wrong(path, value, "a list of texts", absent=_is_empty(value))
            return None
        items = tuple(item for item in value if isinstance(item, str))
        if len(items) < len(value):
            at = next(i for i, item in enumerate(value) if not isinstance(item, str))
            self.wrong((*path, at), value[at], "a text")
        return items


def _is_empty(value: object) -> bool:
    return value in (False, "", [])  # 0 is equal to False
