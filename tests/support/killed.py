"""Runs a link command and kills the process right before its n-th change of the disk."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import linkpack
from linkpack.linking.command import LinkOptions
from linkpack.system import links as fslinks

STEPS = (
    "make_link", "make_dir", "drop_dir", "remove", "move", "set_mode", "write_new", "sync_dir", "exchange",
)  # fmt: skip


def main() -> None:
    """The request is JSON: which function of linkpack, its arguments, when to be killed, what is not supported."""
    request: dict[str, Any] = json.loads(sys.argv[1])
    left = request["kill"]

    def counted(step: str) -> Any:  # noqa: ANN401 - as the function is
        real = getattr(fslinks, step)

        def call(*args: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return False if step == "exchange" and not request["exchange"] else real(*args)

        return call

    for step in STEPS:
        setattr(fslinks, step, counted(step))
    options = LinkOptions(flags=request["flags"], env=request["env"])
    getattr(linkpack, request["do"])(*request["args"], request["project"], options)


if __name__ == "__main__":
    main()
