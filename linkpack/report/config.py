"""Write the settings for `linkpack config`, without the secrets in them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from linkpack.packlist.secrets import find_tokens
from linkpack.report.text import JSON_SCHEMA, escape

if TYPE_CHECKING:
    from linkpack.npm.config import Config, Setting
    from linkpack.npm.npmrc_text import Value

_MASK = "***"
# npm 12.2 protects a list of names (lib/commands/config.js). Here keys that a user made up (`my-token`) are left
# out too, and the path of a key file is shown (tests/report/test_links.py, test_settings_that_are_secrets_…).
_PRIVATE_NAMES = r"(?i)passw|passphrase|token|secret|credential|^(?:key|cert|otp)$|(?:^|[-_.])auth$"
_PRIVATE_ARGUMENTS = r"(?i)([?&][^=&\s]{0,50}(?:token|key|secret|passw|auth|sig)[^=&\s]{0,50}=)[^&#\s]*"
_LONGEST = 10_000  # characters of a value that is printed; a longer one is masked unread


def settings_text(config: Config) -> str:
    """Return every setting with its source, and the prefix's folders."""
    settings = sorted(_public(config).items())
    rows = [f"{key} = {json.dumps(setting.value)}  ({setting.source})" for key, setting in settings]
    folders = (("global modules", config.modules), ("global commands", config.bins), ("man pages", config.mans))
    rows += [f"{label}: {path}" for label, path in folders if path]
    return "\n".join(escape(row) for row in rows)


def settings_json(config: Config) -> str:
    """Return every setting with its source, and the prefix's folders, as JSON."""
    value = {
        "schema": JSON_SCHEMA,
        "settings": {key: setting._asdict() for key, setting in sorted(_public(config).items())},
        "folders": {"modules": config.modules, "commands": config.bins, "mans": config.mans},
    }
    return json.dumps(value, indent=2)


def _public(config: Config) -> dict[str, Setting]:
    """Return the settings with a harmless key, and their values masked."""
    # A key with a colon is one of a registry (`//host/:_authToken`) or of a scope (`@scope:registry`).
    return {
        key: setting._replace(value=mask_secrets(setting.value))
        for key, setting in config.settings.items()
        if not key.startswith(("_", "/", "-")) and ":" not in key and not re.search(_PRIVATE_NAMES, key)
    }


def mask_secrets(value: Value) -> Value:
    """Return the value of a setting with `***` for the secrets in it.

    >>> mask_secrets("http://user:word@proxy.example")
    'http://user:***@proxy.example'
    >>> mask_secrets("https://host/?token=abc")
    'https://host/?token=***'
    """
    if isinstance(value, list):
        return [mask_secrets(item) for item in value]  # type: ignore[misc]  # scalars give scalars
    if not isinstance(value, str):
        return value
    if len(value) > _LONGEST or find_tokens(value.encode("utf-8", "surrogateescape")):
        return _MASK
    words = [_without_password(word) for word in value.split(" ")]
    return re.sub(_PRIVATE_ARGUMENTS, rf"\1{_MASK}", " ".join(words))


def _without_password(word: str) -> str:
    """Return *word* without the password or token of an address.

    The cases are in tests/report/test_links.py (test_secrets_in_settings_are_masked).
    """
    head, at, host = word.rpartition("@")  # the last one: a password may hold others unescaped
    scheme, mark, login = head.partition("://")
    if not mark:
        scheme, login = "", head
    name, colon, rest = login.partition(":")
    port, slash, _ = rest.partition("/")
    if not at or "/" in name or (slash and port.isdigit()):  # https://host:8080/@scope holds no login
        return word
    if colon:
        return f"{scheme}{mark}{name}:{_MASK}@{host}"
    # A name alone may be a token (`https://TOKEN@host`). Without a scheme it is a mail address.
    return f"{scheme}{mark}{_MASK}@{host}" if mark else word
