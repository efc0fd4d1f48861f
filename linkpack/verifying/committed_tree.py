"""Lay out a committed project in a folder, to be packed.

Files come from the commit's objects, each checked by its id, and linkpack writes them itself: `git checkout` would
run filters and hooks, and follow links. Installed packages and built files are not committed, and come from the
work tree. Nothing outside of the temporary folder is written.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from typing import TYPE_CHECKING

from linkpack.errors import LinkpackError, PlanRejected, Problem
from linkpack.glob.portion_matcher import fold
from linkpack.packlist.ignore import RuleSet, make_rules
from linkpack.system import read as fs
from linkpack.system.git import GitFault
from linkpack.system.git_objects import SUBMODULE
from linkpack.system.read import is_within
from linkpack.system.repository import open_repository
from linkpack.system.temporary import draft_folder, is_draft
from linkpack.system.worktree import compare_files, read_changes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from linkpack.limits import Limits
    from linkpack.packing.plan import PackPlan
    from linkpack.system.git_objects import TreeEntry
    from linkpack.system.repository import Repository

# Built files that say which files ship: they need their contents before the plan, others only size and mode.
_RULES = frozenset({"package.json", ".npmignore", ".gitignore", ".npmrc", "pnpm-workspace.yaml", ".yarnrc.yml"})
_MODULES = "node_modules"
_NAMED = 3  # changed files that a message names


@contextlib.contextmanager
def lay_out(folder: str, built: Collection[str], tarball: str, limits: Limits) -> Iterator[CommittedTree]:
    """Lay out what HEAD has of the project in *folder*, for the block.

    *built* are patterns for files that git ignores and that are taken from the work tree; without any, all are,
    except the file *tarball*. Raises `LinkpackError` (EGIT) when git is missing or refuses, and when the commit
    does not have the folder. Errors of the block about files in the temporary folder name those of the work tree.
    """
    if not fs.is_dir(folder):
        raise _report_failure(folder, "there is no such folder")
    try:
        # Private, as what is committed may be. On macOS the temporary folder is behind a link (/var).
        with draft_folder(os.path.realpath(tempfile.gettempdir()), 0o700) as temporary:
            tree = CommittedTree(folder, f"{temporary}/tree")
            tree.write_commit(limits)
            tree.add_modules()
            tree.add_built(built, os.path.realpath(tarball), limits)
            try:
                yield tree
            except LinkpackError as err:
                raise PlanRejected(tree.rename_problems(err.problems)) from err
    except GitFault as err:
        raise _report_failure(folder, f"{err.reason} ({err.detail})" if err.detail else err.reason) from err
    except OSError as err:
        raise _report_failure(folder, f"{err.strerror or err}") from err


class CommittedTree:
    """A commit, laid out in a folder of its own.

    It is HEAD of the repository around *folder*, and the new folder is *tree*. *project* is the project's folder
    in it. The other attributes are found by `fill`. *built* are the paths in the tarball of files from the work
    tree. *undecided* are those of files that only a filter could compare with the commit, with the filter's name.
    *outside* are the names of linked packages that the commit does not have and that are not known to be committed
    elsewhere, with the reason.
    """

    def __init__(self, folder: str, tree: str) -> None:
        self._repository = open_repository(folder)
        self._tree = tree
        self.project = f"{tree}/{self._repository.prefix}".rstrip("/")
        self.built: set[str] = set()
        self.undecided: dict[str, str] = {}
        self.outside: dict[str, str] = {}
        self._made: set[str] = set()  # folders of the tree that are no links
        self._manifest_folders: set[str] = set()  # folders of the commit with a package.json, and those above
        # Folders of the commit that are the project, or packages linked to it.
        self._bundled = {self._repository.prefix}
        # Paths in the tree of files that only a filter could compare, with its name.
        self._undecided_files: Mapping[str, str] = {}
        self._built_files: dict[str, str] = {}  # paths in the tree of built files, with those in the work tree
        self._holes: set[str] = set()  # those of them that have no contents yet

    def fill(self, plan: PackPlan) -> None:
        """Write the contents of those built files that ship by *plan*."""
        for entry in plan.entries:
            place, path = entry.source, entry.path.partition("/")[2]
            if isinstance(place, bytes):
                continue
            if place in self._undecided_files:
                self.undecided[path] = self._undecided_files[place]
            if place in self._built_files:
                self.built.add(path)
            if place in self._holes:
                self._holes.remove(place)
                with open(place, "r+b") as out:  # the same inode: the plan knows the file by it
                    out.writelines(_read_contents(self._built_files[place]))
        for package in plan.bundled:
            if package.linked and not is_within(package.source, self._tree):
                why = _find_uncommitted(package.source)
                if why:
                    self.outside[package.name] = why

    def rename_problems(self, problems: Iterable[Problem]) -> list[Problem]:
        """Return *problems* with the paths of the work tree."""
        top, tree = self._repository.top, self._tree
        # The second pair is for paths of the folder around the tree.
        pairs = ((tree, top), (os.path.dirname(tree), os.path.dirname(top).rstrip("/")))
        renamed = []
        for problem in problems:
            texts = [problem.path, problem.message, problem.hint]
            for laid_out, original in pairs:
                texts = [text.replace(laid_out, original) for text in texts]
            renamed.append(Problem(problem.code, *texts))
        return renamed

    def write_commit(self, limits: Limits) -> None:
        """Write the files of the commit.

        Raises `OSError` and `GitFault`.
        """
        os.mkdir(self._tree)
        top = self._view_from("")
        with top.objects() as objects:
            files = objects.files(top.commit, "")
            prefix = self._repository.prefix
            # Else packing would find no folder there, and could not say why.
            if prefix and not any(path.startswith(f"{prefix}/") for path in files):
                raise GitFault("its commit has no such folder", prefix)
            compared = compare_files(top, files)
            self._undecided_files = {f"{self._tree}/{path}": why for path, why in compared.undecided.items()}
            left = limits.unpacked
            blobs = {path: entry for path, entry in files.items() if entry.mode != SUBMODULE}
            contents = objects.read_all([entry.id for entry in blobs.values()], "blob")
            for (path, entry), (size, pieces) in zip(blobs.items(), contents, strict=True):
                left -= size
                if size > limits.file or left < 0:
                    raise GitFault("its commit has too large files", f"{path} has {size} bytes")
                if not self._make_folder(os.path.dirname(path)):
                    raise GitFault("its commit has names that this disk takes for one", path)
                self._write_entry(path, entry, pieces, converted=path in compared.converted)
        for path in files.keys() - blobs.keys():  # submodules: empty folders, as git leaves them
            self._make_folder(path)
        for path in files:
            if os.path.basename(path) == "package.json":
                self._note_manifest(os.path.dirname(path))

    def _note_manifest(self, folder: str) -> None:
        """Note that *folder* and those above it lead to a package.json."""
        while folder not in self._manifest_folders:
            self._manifest_folders.add(folder)
            folder = os.path.dirname(folder)

    def _write_entry(self, path: str, entry: TreeEntry, pieces: Iterable[bytes], *, converted: bool) -> None:
        """Write one file or link of the commit, as a checkout would leave it."""
        place = f"{self._tree}/{path}"
        if stat.S_ISLNK(entry.mode):
            # As bytes: the text of a link need not be UTF-8.
            os.symlink(b"".join(pieces), os.fsencode(place))
            return
        if converted:  # the commit has other line ends, or a pointer to the contents
            for _ in pieces:  # objects come in one stream: this one's contents must be read before the next
                pass
            pieces = _read_contents(f"{self._repository.top}/{path}")
        _write(place, pieces, executable=bool(entry.mode & stat.S_IXUSR))

    def add_modules(self) -> None:
        """Add the node_modules of the work tree, as links.

        They go around each package of the commit. A link from one package of the repository to another leads to
        the one in the commit. Where the commit has a node_modules folder, only what it lacks is added. Raises
        `OSError`.
        """
        for folder in sorted(self._manifest_folders):
            modules = os.path.join(self._repository.top, folder, _MODULES)
            place = os.path.join(self._tree, folder, _MODULES)
            if os.path.isdir(modules) and (_is_plain_folder(place) or not os.path.lexists(place)):
                self._link_modules(os.path.realpath(modules), place, scopes=True)

    def _link_modules(self, modules: str, place: str, *, scopes: bool) -> None:
        """Make *place* a link to *modules*, or a folder of links.

        One link is enough where no link in the folder *modules* leads to a package of the commit. Otherwise
        *place* is a folder with a link for each entry, and those to such packages lead to files of the commit:

            node_modules/lodash  ->  <work tree>/node_modules/lodash
            node_modules/b       ->  <temporary>/tree/packages/b

        What is in *place* already stays. With *scopes* the folders of scopes are looked into as well.
        """
        entries = sorted(fs.scan(modules), key=lambda entry: entry.name)
        inner: set[str] = set()
        if scopes:
            inner = {
                entry.path
                for entry in entries
                if entry.name.startswith("@") and entry.is_dir(follow_symlinks=False)
            }
        below = [entry for scope in inner for entry in fs.scan(scope)]
        links = [entry.path for entry in (*entries, *below) if entry.is_symlink()]
        committed = {link: path for link in links if (path := self._find_in_commit(link))}
        if not _is_plain_folder(place):
            if not committed:
                os.symlink(modules, place)
                return
            os.mkdir(place)
        for entry in entries:
            here = f"{place}/{entry.name}"
            if entry.path in inner and (_is_plain_folder(here) or not os.path.lexists(here)):
                self._link_modules(entry.path, here, scopes=False)
            elif os.path.lexists(here):
                continue
            elif entry.is_file(follow_symlinks=False):  # notes of installers, such as .package-lock.json
                _write(here, _read_contents(entry.path), executable=False)
            else:
                own = committed.get(entry.path)
                os.symlink(entry.path if own is None else f"{self._tree}/{own}", here)
        self._bundled |= set(committed.values())

    def _find_in_commit(self, link: str) -> str:
        """Return the folder of the commit that *link* leads to, "" if elsewhere.

        *link* is in the work tree.
        """
        real = os.path.realpath(link)
        top = self._repository.top
        inside = os.path.relpath(real, top)
        is_source = is_within(real, top) and _MODULES not in inside.split("/") and inside != "."
        return inside if is_source and self._is_folder(inside) else ""

    def add_built(self, patterns: Collection[str], passed_over: str, limits: Limits) -> None:
        """Make a file for each one that git ignores in a package to pack.

        Those are the project and the packages linked to it. With *patterns* these are only the files that one of
        them names, relative to each of these folders. The file *passed_over* is left out. They have no contents
        yet: ignored folders may be large, and not ship.
        """
        rules = RuleSet(make_rules(patterns, "--built"))
        left = limits.entries
        for folder in sorted(self._bundled):
            repository = self._view_from(folder)
            for path in _iter_files(repository.folder, repository.ignored()):
                source = f"{repository.folder}/{path}"
                if source == passed_over or (patterns and not _is_named(rules, path)):
                    continue
                left -= 1
                if left < 0:
                    why = f"more than {limits.entries} files there are ignored"
                    raise GitFault(why, "name those that were built with --built")
                self._make_hole(source, os.path.join(folder, path))

    def _make_hole(self, source: str, path: str) -> None:
        """Make a file like *source*, with contents only if it holds rules.

        It has the same size and mode, and is at *path* in the tree.
        """
        place = f"{self._tree}/{path}"
        if not self._make_folder(os.path.dirname(path)) or os.path.lexists(place):
            return
        status = os.lstat(source)
        if stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(source), place)
            return
        is_rule = os.path.basename(path) in _RULES
        _write(place, _read_contents(source) if is_rule else (), executable=bool(status.st_mode & stat.S_IXUSR))
        self._built_files[place] = source
        # A file of the right size without blocks takes no room, however large the ignored folders are.
        if not is_rule:
            os.truncate(place, status.st_size)
            self._holes.add(place)

    def _view_from(self, folder: str) -> Repository:
        """Return the repository as seen from *folder* of the work tree."""
        top = self._repository.top
        return self._repository._replace(folder=os.path.join(top, folder) if folder else top, prefix=folder)

    def _make_folder(self, folder: str) -> bool:
        """Make *folder* of the tree, and return whether that was possible.

        It is not when a file or link is in the way.
        """
        if not folder:
            return True
        path = self._tree
        for name in folder.split("/"):
            path = f"{path}/{name}"
            if path in self._made:
                continue
            with contextlib.suppress(FileExistsError):
                os.mkdir(path)
            if not stat.S_ISDIR(os.lstat(path).st_mode):
                return False
            self._made.add(path)
        return True

    def _is_folder(self, folder: str) -> bool:
        """Return True if the commit has *folder*, and no link is on the way to it."""
        path = self._tree
        for name in folder.split("/"):
            path = f"{path}/{name}"
            if not _is_plain_folder(path):
                return False
        return True


def _is_plain_folder(path: str) -> bool:
    """Return True if there is a folder at *path*, and no link to one."""
    return os.path.isdir(path) and not os.path.islink(path)


def _is_named(rules: RuleSet, path: str) -> bool:
    """Return True if *rules* name the file at *path*, or a folder above it."""
    parts = tuple(fold(path).split("/"))
    if rules.keeps_file(parts) is False:
        return True
    return any(rules.keeps_folder(parts[:end], "folder") is False for end in range(1, len(parts)))


def _iter_files(folder: str, listed: Iterable[str]) -> Iterator[str]:
    """Yield the files and links among *listed*, and those in its folders.

    *listed* are paths below *folder*; those of folders end with a slash. Passed over are node_modules,
    repositories, pipes and the like, and temporary folders of linkpack: the commit may be laid out in one of
    these, and would be copied into itself.
    """
    waiting = list(listed)
    while waiting:
        path = waiting.pop()
        if is_draft(os.path.basename(path.rstrip("/"))):
            continue
        if not path.endswith("/"):
            mode = os.lstat(f"{folder}/{path}").st_mode
            if stat.S_ISREG(mode) or stat.S_ISLNK(mode):
                yield path
            continue
        for entry in fs.scan(f"{folder}/{path}"):
            if entry.name not in {_MODULES, ".git"}:
                slash = "/" if entry.is_dir(follow_symlinks=False) else ""
                waiting.append(f"{path}{entry.name}{slash}")


def _find_uncommitted(folder: str) -> str:
    """Return why *folder* is not known to be committed, "" if it is."""
    try:
        changed = sorted(read_changes(open_repository(folder)).changed)
    except GitFault as err:
        return err.reason
    more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
    return f"it has uncommitted changes: {', '.join(changed[:_NAMED])}{more}" if changed else ""


def _read_contents(path: str) -> Iterable[bytes]:
    """Return the bytes of the file at *path*, in pieces.

    Raises `OSError`, and `SourceChanged` when the file changes while they are read.
    """
    status = os.lstat(path)
    return fs.read_planned(path, status.st_dev, status.st_ino, status.st_size)


def _write(path: str, pieces: Iterable[bytes], *, executable: bool) -> None:
    """Write *pieces* to the new file at *path*."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o755 if executable else 0o644), "wb") as out:
        out.writelines(pieces)


def _report_failure(folder: str, why: str) -> LinkpackError:
    return LinkpackError(
        f"the committed tree of {folder} cannot be read: {why}",
        code="EGIT",
        path=folder,
        hint="commit it where git can be asked, or compare with the folder itself: --against DIR",
    )
