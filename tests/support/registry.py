"""A small npm registry on loopback: takes what `npm publish` sends and gives it to every installer.

Everything is in memory and everybody may publish. Times are long past: some installers refuse what is new.
"""

from __future__ import annotations

import base64
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

_PUBLISHED = "2020-01-01T00:00:00.000Z"


class Registry(ThreadingHTTPServer):
    """The server; *packuments* by package name, *tarballs* by path, *asked* every request line so far."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.packuments: dict[str, dict[str, Any]] = {}
        self.tarballs: dict[str, bytes] = {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """Where it is, with a slash at the end."""
        return f"http://127.0.0.1:{self.server_port}/"

    @property
    def npmrc(self) -> str:
        """The settings by which npm and pnpm use it and nothing else."""
        return f"registry={self.url}\n//127.0.0.1:{self.server_port}/:_authToken=anything\n"

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: clients that hang up are no failure."""

    def publish(self, document: dict[str, Any]) -> None:
        """Add what a PUT of `npm publish` holds: versions, dist-tags, and the tarballs in base64."""
        name = document["name"]
        known = self.packuments.setdefault(name, {"name": name, "versions": {}, "dist-tags": {}, "time": {}})
        for file, attachment in document["_attachments"].items():
            self.tarballs[f"{name}/-/{file}"] = base64.b64decode(attachment["data"])
            for version, manifest in document["versions"].items():
                manifest["dist"]["tarball"] = f"{self.url}{name}/-/{file}"
                known["versions"][version] = manifest
                known["time"] |= {version: _PUBLISHED, "created": _PUBLISHED, "modified": _PUBLISHED}
        known["dist-tags"] |= document["dist-tags"]


class _Handler(BaseHTTPRequestHandler):
    """One request of npm's protocol."""

    server: Registry
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """A tarball or a packument."""
        path = self._path()
        if path in self.server.tarballs:
            self._answer(200, self.server.tarballs[path], "application/octet-stream")
        elif path in self.server.packuments:
            self._answer(200, self.server.packuments[path])
        else:
            self._answer(404, {"error": "not found"})

    def do_PUT(self) -> None:
        """A publish."""
        self._path()
        self.server.publish(json.loads(self._body()))
        self._answer(201, {"ok": True})

    def do_POST(self) -> None:
        """An audit or the like: there is nothing to say."""
        self._path()
        self._body()
        self._answer(200, {})

    def _path(self) -> str:
        self.server.asked.append(f"{self.command} {self.path}")
        return unquote(self.path).partition("?")[0].strip("/")

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _answer(self, status: int, content: bytes | dict[str, Any], kind: str = "application/json") -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
        """Nothing: requests are in `asked`."""


@contextmanager
def serving() -> Iterator[Registry]:
    """A registry that answers while the block runs."""
    with Registry() as registry:
        thread = threading.Thread(target=registry.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield registry
        finally:
            registry.shutdown()
            thread.join()
