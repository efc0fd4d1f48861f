"""Check the paths in a tarball, each by itself and against the others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from linkpack.archive.findings import Refused
from linkpack.archive.portable_names import WINDOWS_DEVICE, fold_name, has_control, windows_lacks

if TYPE_CHECKING:
    from linkpack.archive.findings import Findings
    from linkpack.limits import Limits

_EACH = 256  # characters of a whole path, on average: all of them are kept in memory
_PORTION = 255  # bytes of one portion that common file systems take
_IGNORES = (".gitignore", ".npmignore")  # npm looks for one beside the other by their names as written
_DRIVE = re.compile(r"(?:^|/)[A-Za-z]:|::|:\$")
# A colon reaches a drive or a hidden stream on Windows, and the names a device: writing there makes no plain file.
_DEVICES = re.compile(rf":|{WINDOWS_DEVICE}", re.IGNORECASE)


class MemberPaths:
    """The files and folders met so far.

    A new one that does not go with them is a finding.
    """

    def __init__(self, limits: Limits, findings: Findings) -> None:
        self.root = ""
        self._limits = limits
        self._findings = findings
        self._kinds: dict[str, str] = {}  # "file", "folder", or "implied": a folder of which only contents came
        self._length = 0
        self._folded: dict[str, str] = {}
        self._dotted: set[str] = set()
        self.again: set[str] = set()
        """Paths below the root that came again in another spelling: no fault if their contents are the same."""

    def enter(self, name: str, *, folder: bool) -> str | None:
        """Check an entry's name, and return its path below the root.

        None means that it is refused, "" that it is the root itself. `package/./dist/x.js` becomes
        `package/dist/x.js`, as in every installer: pnpm wrote it where `main` was spelled so, sometimes beside the
        same file without the dot. Any other dot is refused.
        """
        path = name[:-1] if folder and name.endswith("/") else name
        root, dot, below = path.partition("/./")
        if dot and below and "/" not in root and not folder and not below.endswith(_IGNORES):
            path = f"{root}/{below}"
            self._dotted.add(path)
        fault = _find_fault(path, self._limits)
        if fault:
            code, why = fault
            shown = name or "an entry with an empty path"
            self._findings.error(code, name, f"{shown} {why}", "rename it or leave it out")
            return None
        root, _, below = path.partition("/")
        if not self._check_root(root, name, is_folder=folder or bool(below)):
            return None
        self._check_windows(path)
        self._claim(path, "folder" if folder else "file")
        # Tarballs mostly have no entries for folders: each path implies those above it.
        above = path.rpartition("/")[0]
        while above and self._kinds.get(above) not in {"implied", "folder"}:
            self._claim(above, "implied")
            above = above.rpartition("/")[0]
        return below

    def finish(self) -> None:
        """Find files that get the name of a folder when npm installs them.

        npm installs `.gitignore` as `.npmignore` (pacote, lib/fetcher.js).
        """
        for path, kind in self._kinds.items():
            folder, _, base = path.rpartition("/")
            other = f"{folder}/.npmignore"
            if base == ".gitignore" and kind == "file" and self._kinds.get(other) in {"implied", "folder"}:
                why = f"{path} is called .npmignore when npm installs it, and {other} is a folder"
                self._findings.error("EFILEFOLDER", path, why, "rename one of them")

    def _check_root(self, root: str, name: str, *, is_folder: bool) -> bool:
        """Return False, with a finding, unless an entry is in the one folder."""
        if not is_folder:
            self._findings.error(
                "EROOT", name, f"{name} is beside the package's folder", "put all files in package/"
            )
            return False
        self.root = self.root or root
        if root != self.root:
            why = f"{name} is not in the folder {self.root}, as what comes before it is"
            self._findings.error("EROOT", name, why, "put all files in package/")
            return False
        return True

    def _check_windows(self, path: str) -> None:
        if _DEVICES.search(path):
            why = f"{path} is a drive, stream or device name on Windows"
            self._findings.error("EWINDOWS", path, why, "rename it, or pass --allow EWINDOWS")
        elif windows_lacks(path):
            self._findings.warning("WNAME", path, f"{path} is not portable: Windows cannot create such a name")

    def _claim(self, path: str, kind: str) -> None:
        """Add *path* as a *kind*, or find that it was added before."""
        before = self._kinds.get(path)
        if before == "implied" and kind == "folder" and "/" not in path:
            self._kinds[path] = kind
        elif before == "implied" and kind == "folder":
            why = f"the folder {path} comes after what is in it: yarn 4 fails there"
            self._findings.error("EDUPLICATE", path, why, "leave the folder's own entry out")
        elif before == kind == "file" and path in self._dotted:
            self.again.add(path.partition("/")[2])
        elif before is not None:
            code, how = ("EDUPLICATE", "twice") if before == kind else ("EFILEFOLDER", "as a file and as a folder")
            self._findings.error(code, path, f"{path} is in the tarball {how}", "keep one of them")
        else:
            self._kinds[path] = kind
            self._length += len(path)
            if len(self._kinds) > self._limits.entries or self._length > _EACH * self._limits.entries:
                why = f"it makes more than {self._limits.entries} files and folders: the limit of entries"
                raise Refused("ELIMIT", path, why, "raise --max-entries if you trust it")
            self._fold(path, kind)

    def _fold(self, path: str, kind: str) -> None:
        """Find that *path* differs from another by case alone.

        Composed and decomposed characters are the same here as well.
        """
        other = self._folded.setdefault(path.casefold() if path.isascii() else fold_name(path), path)
        if other == path:
            return
        why = f"{other} and {path} are one name on Windows and macOS"
        if "file" in {kind, self._kinds[other]}:
            self._findings.error("ECASE", path, why, "rename one of them")
        else:
            self._findings.warning("WCASE", path, why, "rename one of them")


def _find_fault(path: str, limits: Limits) -> tuple[str, str] | None:
    """Return the code and the reason why no tarball may hold *path*, or None."""
    if path == "":
        return "EBADNAME", "has no name"
    return _find_shape_fault(path, limits) or _find_character_fault(path)


def _find_shape_fault(path: str, limits: Limits) -> tuple[str, str] | None:
    parts = path.split("/")
    size = _count_bytes(path)
    if size > limits.path or len(parts) > limits.depth:
        return "EPATHLONG", f"is too long or too deep: {size} bytes, {len(parts)} portions"
    if path.startswith("/") or ".." in parts:
        return "ETRAVERSAL", "leads out of the package"
    if "" in parts or "." in parts:
        return "EBADNAME", "has an empty portion in its path, or a dot as one"
    if any(_count_bytes(part) > _PORTION for part in parts):
        return "EPATHLONG", f"has a portion of more than {_PORTION} bytes"
    return None


def _count_bytes(path: str) -> int:
    return len(path.encode("utf-8", "surrogateescape"))


def _find_character_fault(path: str) -> tuple[str, str] | None:
    if any("\udc80" <= char <= "\udcff" for char in path):  # how Python decodes bytes that are not UTF-8
        return "EBADNAME", "is not UTF-8"
    if "\\" in path:
        return "EBADNAME", "has a backslash in its name: on Windows that is another path"
    if _DRIVE.search(path):
        return "EBADNAME", "has a drive or a stream of Windows in its name: npm takes a drive away everywhere"
    if has_control(path):
        return "EBADNAME", "has control or invisible characters in its name"
    return None
