"""Plays a scene with something going wrong in it, and says what is wrong afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.faultscenes import ERROR, TEMPORARY
from tests.support.syscalls import CALLS, ENDING, MAKING, Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.faultscenes import Scene, State
    from tests.support.faulty import Faulty, Run

_PLACES = ("open", "mkdir", "rename", "exchange", "unlink", "rmdir", "symlink", "link", "chmod", "fchmod")
# Each kind of fault: its error or signal, at which calls, and whether before them, after them, or both.
KINDS = {
    "no space (ENOSPC)": ("ENOSPC", (*MAKING, "close"), (False,)),
    "over quota (EDQUOT)": ("EDQUOT", (*MAKING, "close"), (False,)),
    "read-only (EROFS)": ("EROFS", (*MAKING, "unlink", "rmdir"), (False,)),
    "forbidden (EACCES)": ("EACCES", _PLACES, (False,)),
    "disk fails (EIO)": ("EIO", CALLS, (False,)),
    "SIGINT": ("SIGINT", CALLS, (False, True)),
    "SIGTERM": ("SIGTERM", CALLS, (True,)),
    "SIGKILL": ("SIGKILL", (*MAKING, *ENDING), (False, True)),
}


def faults(calls: Sequence[str]) -> dict[str, list[Fault]]:
    """Every fault that can happen to a command that makes *calls*, by kind."""
    return {
        kind: [
            Fault(struck, at + 1, how, after)
            for at in range(sum(call in struck for call in calls))
            for after in afters
        ]
        for kind, (how, struck, afters) in KINDS.items()
    }


def sample(found: Sequence[Fault], most: int) -> Sequence[Fault]:
    """At most *most* of *found*, evenly spread, the last one among them."""
    return found[:: -max(1, -(-len(found) // most))]


class Stage:
    """A scene with a server to play it: what it starts from, and what it ends with when nothing happens."""

    def __init__(self, server: Faulty, scene: Scene) -> None:
        self.server, self.scene = server, scene
        scene.reset()
        self.source, self.old = scene.source(), scene.target()
        self.plain = self.play()
        assert self.plain.status == 0, self.plain.err
        assert scene.source() == self.source
        self.new = scene.target()

    def play(self, fault: Fault | None = None, **more: object) -> Run:
        """The command, with *fault*, from where the disk is."""
        return self.server.run(self.scene.argv, self.scene.cwd, env=self.scene.env, fault=fault, **more)

    def calls(self) -> tuple[str, ...]:
        """The calls of the command, in order, when nothing happens."""
        self.scene.reset()
        return tuple(line.partition(" ")[0] for line in self.play(log=True).log)

    def suffer(self, fault: Fault) -> str | None:
        """What is wrong after *fault*; "" when all is as it should be, None when it found nothing to strike.

        That can be so where threads are at work: then fewer calls of that kind were made this time.
        """
        self.scene.reset()
        run = self.play(fault)
        if not run.hit and self.scene.threads:
            return None
        assert run.hit, fault
        found = self.scene.target()
        if "Traceback" in run.err:
            return f"traceback: {run.err.splitlines()[-1]} {run.err.splitlines()[-4:-2]}"
        if self.scene.source() != self.source:
            return "the source was changed"
        return self._killed(found) if run.status < 0 else self._ended(run, found, fault)

    def _ended(self, run: Run, found: State, fault: Fault) -> str:
        if run.status == 0 and "WLEFTOVER" in run.err:
            self.play()  # whatever it does itself, it first removes what was left
            found = self.scene.target()
        if not self._whole(found):
            return f"torn: {self.differs(found)}"
        if run.status == 0:
            return "" if found == self.new else "exit status 0 without the work done"
        told = fault.how.startswith("SIG") or ERROR.search(run.err)
        return "" if told else f"no error with a code: {run.err!r}"

    def _whole(self, found: State) -> bool:
        """Whether *found* is the old state or the new, or with files that are apart each of them is."""
        if not self.scene.apart:
            return found in (self.old, self.new)
        paths = found.keys() | self.old.keys() | self.new.keys()
        return all(found.get(path) in (self.old.get(path), self.new.get(path)) for path in paths)

    def _killed(self, found: State) -> str:
        kept = {path: what for path, what in found.items() if not TEMPORARY.search(path)}
        files = self.scene.argv[0] in {"pack", "unpack", "verify"}
        if files and not self._whole(kept):
            return f"torn: {self.differs(kept)}"
        again = self.play()
        # What was done already cannot be done again: unpack, unlink and undo say so.
        done = kept == self.new or any(path.endswith(".done") for path in found)
        if (again.status == 0 or (done and ERROR.search(again.err))) and self.scene.target() == self.new:
            return ""
        return f"the next run: {again.status} {again.err} {self.differs(self.scene.target())}"

    def differs(self, found: State) -> str:
        """Where *found* differs from the old state, and where from the new one."""

        def paths(other: State) -> list[str]:
            return sorted({path.removeprefix(str(self.scene.root)) for path, _ in found.items() ^ other.items()})

        return f"from old {paths(self.old)}, from new {paths(self.new)}"
