"""The members of a package.json, read by type: a wrong type is an error that names file, line, key and remedy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn

from linkpack.errors import ManifestInvalid
from linkpack.npm import jsontext

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


class Fields(NamedTuple):
    """The members of a manifest: its bytes, its file's name for messages, what was parsed, and whose it is.

    Every getter takes the path of a field. A field that is absent or null is empty; one of a wrong type is an
    error in a root or linked package, and as if absent in an installed one.
    """

    raw: bytes
    where: str
    members: Mapping[str, object]
    role: Role

    def refuse(self, path: Sequence[str | int], message: str, hint: str, code: str = "EMANIFEST") -> NoReturn:
        """Raises the error about the member at *path*; *message* goes on where its name ends."""
        at = jsontext.position(self.raw, path)
        text = f"{self.where}{':' if at else ''}{at}: {jsontext.key_path(path)} {message}"
        raise ManifestInvalid(text, code=code, path=self.where, hint=hint)

    def wrong(self, path: Sequence[str | int], value: object, wanted: str) -> None:
        """Raises the error that *value* is not *wanted*, unless such things are as if absent."""
        if self.role != "installed":
            self.refuse(path, f"must be {wanted}, not {shown(value)}", f"make it {wanted} or remove it")

    def get(self, *path: str) -> object:
        """Whatever stands at *path*; None when nothing does."""
        value: object = self.members
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def text(self, *path: str) -> str:
        """A text; "" when there is none."""
        value = self.get(*path)
        if isinstance(value, str):
            return value
        if value is not None:
            self.wrong(path, value, "a text")
        return ""

    def table(self, *path: str) -> Mapping[str, object]:
        """An object."""
        value = self.get(*path)
        if isinstance(value, dict):
            return value
        if value is not None:
            self.wrong(path, value, "an object")
        return {}

    def texts(self, *path: str) -> Mapping[str, str]:
        """An object of texts."""
        table = self.table(*path)
        texts = {key: value for key, value in table.items() if isinstance(value, str)}
        if len(texts) < len(table):
            key = next(key for key in table if key not in texts)
            self.wrong((*path, key), table[key], "a text")
        return texts

    def items(self, *path: str) -> tuple[str, ...] | None:
        """A list of texts; None when there is none."""
        value = self.get(*path)
        if not isinstance(value, list):
            if value is not None:
                self.wrong(path, value, "a list of texts")
            return None
        items = tuple(item for item in value if isinstance(item, str))
        if len(items) < len(value):
            at = next(i for i, item in enumerate(value) if not isinstance(item, str))
            self.wrong((*path, at), value[at], "a text")
        return items
