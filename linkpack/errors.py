"""What can go wrong, as values (`Problem`) and as exceptions.

LinkpackError                      exit 1
├─ ProjectError                    the project or its manifest
│  ├─ ManifestInvalid              package.json cannot be used
│  └─ ProjectNotFound              no package.json where one was asked for
├─ BundleError                     the bundle cannot be packed as it is on disk
│  └─ UnplaceableGraph             no finite tree holds the graph
├─ PlanRejected                    carries every Problem that planning found
├─ SnapshotError                   packing went wrong after planning
│  ├─ SourceChanged                a file changed between planning and reading
│  └─ VerifyFailed                 the written tarball is not what was planned
├─ ScriptFailed                    a lifecycle script failed; its event and exit status
├─ ConfigError                     no usable global prefix or settings
└─ LinkError                       a link command cannot be done, or was taken back whole
   ├─ LinkConflict                 something that is not ours is in the way
   ├─ LinkMissing                  what is to be linked, restored or undone is not there
   └─ StalePlan                    the disk changed between planning and acting
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from linkpack.record import Record

Severity: TypeAlias = Literal["error", "warning"]


class Problem(Record):
    """An error or a warning: what, where, and what to do.

    *code* is stable (`EBUNDLEMISSING`), and its meaning is in `linkpack.codes`. *path* is the file or folder that
    the problem is about, on disk or in the tarball. *message* names the culprit. *hint* says what to do, or is "".
    All texts may have hostile names in them, which `report.text.escape` escapes where they are printed.
    """

    code: str
    path: str
    message: str
    hint: str = ""

    @property
    def severity(self) -> Severity:
        """Return the severity that the letter of the code says."""
        return severity_of(self.code)


def severity_of(code: str) -> Severity:
    """Return what the letter of *code* says.

    >>> severity_of("EBUNDLEMISSING"), severity_of("WLINK")
    ('error', 'warning')
    """
    return "warning" if code.startswith("W") else "error"


class LinkpackError(Exception):
    """A refusal or failure that a user can act on.

    Any other exception is a bug. *code*, *path* and *hint* are as of a `Problem`.
    """

    default_code = "ELINKPACK"
    status = 1  # what the program exits with

    def __init__(self, message: str, *, code: str = "", path: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.path = path
        self.hint = hint

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return the error as problems: one, except for `PlanRejected`."""
        return (Problem(self.code, self.path, self.message, self.hint),)


class ProjectError(LinkpackError):
    """The project, or a manifest in it, cannot be used."""

    default_code = "EPROJECT"


class ManifestInvalid(ProjectError):
    """A package.json that npm's rules or JSON's grammar refuse."""

    default_code = "EMANIFEST"


class ProjectNotFound(ProjectError):
    """No package.json where a project was asked for."""

    default_code = "ENOPROJECT"


class BundleError(LinkpackError):
    """The bundle cannot be packed as it is on disk."""

    default_code = "EBUNDLE"


class UnplaceableGraph(BundleError):
    """A ring of conflicting versions that no tree without links can hold."""

    default_code = "EBUNDLERING"


class PlanRejected(LinkpackError):
    """A plan with errors: *found* has all of them, to be fixed at once."""

    default_code = "EPLAN"

    def __init__(self, found: Sequence[Problem]) -> None:
        first = found[0]
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        super().__init__(first.message + more, code=first.code, path=first.path, hint=first.hint)
        self.found = tuple(found)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return every problem, in the order that they were found in."""
        return self.found


class SnapshotError(LinkpackError):
    """Packing failed after planning, and left nothing behind."""

    default_code = "ESNAPSHOT"


class SourceChanged(SnapshotError):
    """A file was changed, swapped or removed between planning and reading."""

    default_code = "ECHANGED"


class VerifyFailed(SnapshotError):
    """The written tarball, read back, is not what was planned."""

    default_code = "EVERIFY"


class ScriptFailed(LinkpackError):
    """A lifecycle script failed or could not be started.

    *event* names it, *status* is its exit status.
    """

    default_code = "ESCRIPT"

    def __init__(
        self, message: str, *, event: str = "", status: int = 1, code: str = "", path: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, code=code, path=path, hint=hint)
        self.event = event
        self.status = status


class ConfigError(LinkpackError):
    """The settings name no usable global prefix or state folder."""

    default_code = "ECONFIG"


class LinkError(LinkpackError):
    """A link command cannot be done, and the disk is as it was."""

    default_code = "ELINKCOMMAND"


class LinkConflict(LinkError):
    """Something that is not ours is where a link has to go."""

    default_code = "EEXIST"


class LinkMissing(LinkError):
    """What is to be linked, restored or undone is not there."""

    default_code = "ENOTLINKED"


class StalePlan(LinkError):
    """The disk is no longer what the plan was made for, and is unchanged."""

    default_code = "ESTALE"
