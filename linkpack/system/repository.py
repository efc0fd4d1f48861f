"""Ask a git repository about a folder of its work tree."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from linkpack.record import Record
from linkpack.system.git import TIMEOUT, Git, GitFault, find_git
from linkpack.system.git_objects import ObjectReader, TreeEntry, canonical_mode
from linkpack.system.read import is_within

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SETTINGS = r"^(core\.(autocrlf|filemode|symlinks)|filter\..*\.(clean|process))$"
_ATTRIBUTES = ("text", "crlf", "eol", "ident", "filter", "working-tree-encoding")


class Index(Record):
    """The index: what the next commit would hold.

    *entries* are its files by path, *unmerged* the paths that a merge left in conflict.
    """

    entries: Mapping[str, TreeEntry]
    unmerged: frozenset[str]


class Repository(Record):
    """A folder in the work tree of a repository.

    *folder* and *top*, the work tree's own folder, are real paths. *prefix* is the way from *top* to *folder*, ""
    or such as "packages/a". *commit* is the id of HEAD. *program* is the git that is asked; see `Git` for
    *timeout*.
    """

    program: str
    folder: str
    top: str
    prefix: str
    commit: str
    timeout: float = TIMEOUT

    def staged(self) -> Index:
        """Return the index below the folder, by relative paths."""
        entries: dict[str, TreeEntry] = {}
        unmerged = set()
        for line in self._git.ask("ls-files", "--stage", "-z").split("\0"):
            columns, _, path = line.partition("\t")
            if path:
                mode, name, stage = columns.split(" ")
                if stage != "0":
                    unmerged.add(path)
                entries[path] = TreeEntry(canonical_mode(int(mode, 8)), name)
        return Index(entries, frozenset(unmerged))

    def new_files(self) -> list[str]:
        """Return the files that are neither in the index nor ignored, sorted.

        A repository inside is one path that ends with a slash. What a package manager installed is left out:
        node_modules at the top, or beside a package.json. Other folders of that name may hold sources.
        """
        # With core.ignoreCase on, git would take A.js for the a.js of the index, whatever the disk does.
        case = () if self._ignores_case() else ("-c", "core.ignoreCase=false")
        listed = self._git.ask(*case, "ls-files", "--others", "--exclude-standard", "-z")
        return sorted([path for path in listed.split("\0") if path and not self._is_installed(path)])

    def _ignores_case(self) -> bool:
        """Return True if the disk takes `.git` and `.GIT` for one name."""
        return os.path.lexists(f"{self.top}/.GIT") and ".GIT" not in os.listdir(self.top)

    def _is_installed(self, path: str) -> bool:
        """Return True if *path* is in a package's node_modules.

        A link of that name is in it as well.
        """
        above, modules, inside = f"/{path}/".partition("/node_modules/")
        return bool(modules) and (not above or not inside or os.path.lexists(f"{self.folder}{above}/package.json"))

    def ignored(self) -> list[str]:
        """Return the files and folders that git ignores, sorted.

        Folders end with a slash, and what is in them is not listed. Nothing in node_modules is listed.
        """
        words = ("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z")
        paths: list[str] = []
        folder = "\0"
        for path in sorted(filter(None, self._git.ask(*words).split("\0"))):
            if path.startswith(folder) or "node_modules" in path.rstrip("/").split("/"):
                continue  # git lists what is in some folders as well
            paths.append(path)
            folder = path if path.endswith("/") else folder
        return paths

    def settings(self) -> Mapping[str, str]:
        """Return git's settings about the contents of files.

        Names are in lower case.
        """
        settings = {}
        for line in self._git.ask("config", "-z", "--get-regexp", _SETTINGS, accepted=(0, 1)).split("\0"):
            key, equals, value = line.partition("\n")
            settings[key] = value if equals else "true"
        return settings

    def attributes(self, paths: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
        """Return the attributes that change contents, for the files at *paths*.

        The values are "set", "unset" or a text (gitattributes(5)). An attribute that is not specified is left out,
        and so is a file without any.
        """
        stdin = os.fsencode("".join([f"{path}\0" for path in paths]))
        words = self._git.ask("check-attr", "-z", "--stdin", *_ATTRIBUTES, stdin=stdin).split("\0")
        attributes: dict[str, dict[str, str]] = {}
        # Three words for each attribute, and an empty one at the end.
        for path, name, value in zip(words[::3], words[1::3], words[2::3], strict=False):
            if value != "unspecified":
                attributes.setdefault(path, {})[name] = value
        return attributes

    def sizes(self, names: Iterable[str]) -> Mapping[str, int]:
        """Return the sizes in bytes of the objects *names*, as git gives them.

        Objects that the repository lacks are left out.
        """
        stdin = "".join([f"{name}\n" for name in names]).encode()
        answer = self._git.ask("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=stdin)
        rows = [line.split(" ") for line in answer.splitlines()]
        return {name: int(size) for name, size in rows if size.isdecimal()}

    def objects(self) -> ObjectReader:
        """Return a reader of the repository's objects.

        It is for a `with` block.
        """
        return ObjectReader(self._git)

    @property
    def _git(self) -> Git:
        return Git(self.program, self.folder, self.timeout)


def open_repository(folder: str) -> Repository:
    """Return the repository around *folder*, and its commit.

    Raises `GitFault` without git, a repository or a commit, and for a repository that git does not trust
    (safe.directory).
    """
    real = os.path.realpath(folder)
    git = Git(find_git(os.environ.get("PATH", os.defpath), real), real)
    inside, _, git_dir = git.ask("rev-parse", "--is-inside-work-tree", "--absolute-git-dir").partition("\n")
    if inside != "true":
        raise GitFault("it is in no git work tree")
    top = os.path.realpath(_strip_line_break(git.ask("rev-parse", "--show-toplevel")))
    # Older gits use any folder that looks like a repository, with the work tree that its settings name.
    if (
        not is_within(real, top)
        or is_within(real, _strip_line_break(git_dir))
        or not os.path.lexists(os.path.join(top, ".git"))
    ):
        raise GitFault("its git repository has its work tree elsewhere")
    commit = _strip_line_break(git.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}", accepted=(0, 1)))
    if not commit:
        raise GitFault("its git repository has no commit")
    prefix = os.path.relpath(real, top)
    return Repository(
        program=git.program, folder=real, top=top, prefix="" if prefix == "." else prefix, commit=commit
    )


def _strip_line_break(text: str) -> str:
    """Return *text* without git's line break at the end.

    A path may end with others.
    """
    return text.removesuffix("\n")
