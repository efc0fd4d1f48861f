"""What a commit has of a project, laid out in a temporary folder to be packed.

Files come from the commit's objects, each checked by its id, and are written by us: `git checkout` would run
filters and hooks, and follow links. Installed packages and what was built, which nobody commits, come from the
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
from linkpack.packlist.ignore import RuleSet, given_rules
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

# What decides which files ship is needed before that is known; of other built files only size and mode are.
_RULES = frozenset({"package.json", ".npmignore", ".gitignore", ".npmrc", "pnpm-workspace.yaml", ".yarnrc.yml"})
_MODULES = "node_modules"
_NAMED = 3  # changed files that a message names


@contextlib.contextmanager
def lay_out(folder: str, built: Collection[str], tarball: str, limits: Limits) -> Iterator[CommittedTree]:
    """Lay out what HEAD has of the project in *folder*, for as long as the block lasts.

    *built* are patterns for the files that are taken from the work tree although git ignores them; without any all
    are, but for the file *tarball*. Raises `LinkpackError` (EGIT) when git is missing or says no, and when the
    commit does not have the folder. What the block raises about files laid out names those of the work tree.
    """
    if not fs.is_dir(folder):
        raise _failed(folder, "there is no such folder")
    try:
        with draft_folder(os.path.realpath(tempfile.gettempdir()), 0o700) as temporary:
            tree = CommittedTree(folder, f"{temporary}/tree")
            tree.write_commit(limits)
            tree.add_modules()
            tree.add_built(built, os.path.realpath(tarball), limits)
            try:
                yield tree
            except LinkpackError as err:
                raise PlanRejected(tree.renamed(err.problems)) from err
    except GitFault as err:
        raise _failed(folder, f"{err.reason} ({err.detail})" if err.detail else err.reason) from err
    except OSError as err:
        raise _failed(folder, f"{err.strerror or err}") from err


class CommittedTree:
    """The commit of the repository around *folder*, laid out in the new folder *tree*.

    *project* is where the project is in it. The rest is what `fill` finds: by their paths in the tarball *built*,
    the files that were taken from the work tree, and *undecided*, those that only a filter could compare with the
    commit; and by name *outside*, linked packages that the commit does not have and that are not known to be
    committed elsewhere, with the reason.
    """

    def __init__(self, folder: str, tree: str) -> None:
        self._repository = open_repository(folder)
        self._tree = tree
        self.project = f"{tree}/{self._repository.prefix}".rstrip("/")
        self.built: set[str] = set()
        self.undecided: dict[str, str] = {}
        self.outside: dict[str, str] = {}
        self._made: set[str] = set()  # folders of the tree that are no links
        self._around: set[str] = set()  # folders of the commit that have a package.json, or lie above one
        self._bundled = {
            self._repository.prefix
        }  # folders of the commit that are the project, or linked as packages
        self._filtered: Mapping[str, str] = {}  # where files are laid out that only a filter could compare
        self._taken: dict[str, str] = {}  # where built files are laid out, and where they are in the work tree
        self._holes: set[str] = set()  # those of them that are still without contents

    def fill(self, plan: PackPlan) -> None:
        """Put the contents into those built files that *plan*, which is of the *project*, ships."""
        for entry in plan.entries:
            place, path = entry.source, entry.path.partition("/")[2]
            if isinstance(place, bytes):
                continue
            if place in self._filtered:
                self.undecided[path] = self._filtered[place]
            if place in self._taken:
                self.built.add(path)
            if place in self._holes:
                self._holes.remove(place)
                with open(place, "r+b") as out:
                    out.writelines(_contents(self._taken[place]))
        for package in plan.bundled:
            if package.linked and not is_within(package.source, self._tree):
                why = _uncommitted(package.source)
                self.outside |= {package.name: why} if why else {}

    def renamed(self, problems: Iterable[Problem]) -> list[Problem]:
        """Return *problems* with the paths of the work tree in place of those laid out."""
        top, tree = self._repository.top, self._tree
        pairs = ((tree, top), (os.path.dirname(tree), os.path.dirname(top).rstrip("/")))
        found = []
        for each in problems:
            texts = [each.path, each.message, each.hint]
            for laid_out, there in pairs:
                texts = [text.replace(laid_out, there) for text in texts]
            found.append(Problem(each.code, *texts))
        return found

    def write_commit(self, limits: Limits) -> None:
        """Write the files of the commit; raises `OSError` and `GitFault`."""
        os.mkdir(self._tree)
        top = self._at("")
        with top.objects() as objects:
            files = objects.files(top.commit, "")
            prefix = self._repository.prefix
            if prefix and not any(path.startswith(f"{prefix}/") for path in files):
                raise GitFault("its commit has no such folder", prefix)
            compared = compare_files(top, files)
            self._filtered = {f"{self._tree}/{path}": why for path, why in compared.undecided.items()}
            left = limits.unpacked
            blobs = {path: entry for path, entry in files.items() if entry.mode != SUBMODULE}
            contents = objects.read_all([entry.id for entry in blobs.values()], "blob")
            for (path, entry), (size, pieces) in zip(blobs.items(), contents, strict=True):
                left -= size
                if size > limits.file or left < 0:
                    raise GitFault("its commit has too large files", f"{path} has {size} bytes")
                if not self._make_folder(os.path.dirname(path)):
                    raise GitFault("its commit has names that this disk takes for one", path)
                self._write_entry(path, entry, pieces, path in compared.converted)
        for path in files.keys() - blobs.keys():
            self._make_folder(path)
        for path in files:
            if os.path.basename(path) == "package.json":
                self._note_around(os.path.dirname(path))

    def _note_around(self, folder: str) -> None:
        while folder not in self._around:
            self._around.add(folder)
            folder = os.path.dirname(folder)

    def _write_entry(self, path: str, entry: TreeEntry, pieces: Iterable[bytes], converted: bool) -> None:  # noqa: FBT001
        place = f"{self._tree}/{path}"
        if stat.S_ISLNK(entry.mode):
            os.symlink(b"".join(pieces), os.fsencode(place))
            return
        if converted:  # as a checkout leaves it: the commit has other line ends, or a pointer to it
            for _ in pieces:
                pass
            pieces = _contents(f"{self._repository.top}/{path}")
        _write(place, pieces, executable=bool(entry.mode & stat.S_IXUSR))

    def add_modules(self) -> None:
        """Put the node_modules of the work tree around each package of the commit, as links; raises `OSError`.

        Links from one package of the repository to another lead to what the commit has of it. Where the commit has
        a node_modules folder, only what that lacks is added.
        """
        for folder in sorted(self._around):
            modules = os.path.join(self._repository.top, folder, _MODULES)
            place = os.path.join(self._tree, folder, _MODULES)
            if os.path.isdir(modules) and (_is_plain_folder(place) or not os.path.lexists(place)):
                self._link_modules(os.path.realpath(modules), place, scopes=True)

    def _link_modules(self, modules: str, place: str, *, scopes: bool) -> None:
        """Make *place* stand for the folder *modules*: one link, or a folder of links where some differ.

        Of a folder that is there already everything stays.
        """
        entries = sorted(fs.scan(modules), key=lambda entry: entry.name)
        inner: set[str] = set()
        if scopes:
            inner = {each.path for each in entries if each.name[0] == "@" and each.is_dir(follow_symlinks=False)}
        below = [each for scope in inner for each in fs.scan(scope)]
        links = [each.path for each in (*entries, *below) if each.is_symlink()]
        committed = {link: path for link in links if (path := self._committed(link))}
        if not _is_plain_folder(place):
            if not committed:
                os.symlink(modules, place)
                return
            os.mkdir(place)
        for each in entries:
            here = f"{place}/{each.name}"
            if each.path in inner and (_is_plain_folder(here) or not os.path.lexists(here)):
                self._link_modules(each.path, here, scopes=False)
            elif os.path.lexists(here):
                continue
            elif each.is_file(follow_symlinks=False):  # what installers note there
                _write(here, _contents(each.path), executable=False)
            else:
                os.symlink(f"{self._tree}/{committed[each.path]}" if each.path in committed else each.path, here)
        self._bundled |= set(committed.values())

    def _committed(self, link: str) -> str:
        """Return the folder of the commit that *link* leads to in the work tree; "" when it leads elsewhere."""
        real = os.path.realpath(link)
        top = self._repository.top
        inside = os.path.relpath(real, top)
        is_source = is_within(real, top) and _MODULES not in inside.split("/") and inside != "."
        return inside if is_source and self._is_folder(inside) else ""

    def add_built(self, patterns: Collection[str], passed_over: str, limits: Limits) -> None:
        """Make a file for each one that git ignores in the project and the packages linked to it.

        Only those that one of *patterns* names, relative to each of these folders, if there are any. They have no
        contents yet: many a folder that git ignores is large and does not ship.
        """
        rules = RuleSet(given_rules(patterns, "--built"))
        left = limits.entries
        for folder in sorted(self._bundled):
            there = self._at(folder)
            for path in _files_below(there.folder, there.ignored()):
                source = f"{there.folder}/{path}"
                if source == passed_over or (patterns and not _is_named(rules, path)):
                    continue
                left -= 1
                if left < 0:
                    why = f"more than {limits.entries} files there are ignored"
                    raise GitFault(why, "name those that were built with --built")
                self._make_hole(source, os.path.join(folder, path))

    def _make_hole(self, source: str, path: str) -> None:
        """Make a file as long as *source* at *path*, of the same mode; one about rules has its contents, too."""
        place = f"{self._tree}/{path}"
        if not self._make_folder(os.path.dirname(path)) or os.path.lexists(place):
            return
        status = os.lstat(source)
        if stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(source), place)
            return
        is_rule = os.path.basename(path) in _RULES
        _write(place, _contents(source) if is_rule else (), executable=bool(status.st_mode & stat.S_IXUSR))
        self._taken[place] = source
        if not is_rule:
            os.truncate(place, status.st_size)
            self._holes.add(place)

    def _at(self, folder: str) -> Repository:
        """Return the repository as seen from *folder* of the work tree."""
        top = self._repository.top
        return self._repository._replace(folder=os.path.join(top, folder) if folder else top, prefix=folder)

    def _make_folder(self, folder: str) -> bool:
        """Make *folder* of the tree with those above it; False when something else, a link too, is in the way."""
        at = self._tree
        for name in folder.split("/") if folder else ():
            at = f"{at}/{name}"
            if at in self._made:
                continue
            with contextlib.suppress(FileExistsError):
                os.mkdir(at)
            if not stat.S_ISDIR(os.lstat(at).st_mode):
                return False
            self._made.add(at)
        return True

    def _is_folder(self, folder: str) -> bool:
        """True if the commit has *folder*, and no link is on the way to it."""
        at = self._tree
        for name in folder.split("/"):
            at = f"{at}/{name}"
            if not _is_plain_folder(at):
                return False
        return True


def _is_plain_folder(path: str) -> bool:
    """True if there is a folder at *path*, and no link to one."""
    return os.path.isdir(path) and not os.path.islink(path)


def _is_named(rules: RuleSet, path: str) -> bool:
    """True if *rules* name the file at *path*, or a folder above it."""
    parts = tuple(fold(path).split("/"))
    if rules.keeps_file(parts) is False:
        return True
    return any(rules.keeps_folder(parts[:end], "folder") is False for end in range(1, len(parts)))


def _files_below(folder: str, listed: Iterable[str]) -> Iterator[str]:
    """Yield the files and links *listed* below *folder*, and those in the folders listed, which end with a slash.

    What is in node_modules and repositories is passed over, as are pipes and the like, and temporary folders of
    linkpack: the one that the commit is laid out in may be among them, and would be copied into itself.
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
        entries = [each for each in fs.scan(f"{folder}/{path}") if each.name not in {_MODULES, ".git"}]
        waiting += [f"{path}{each.name}" + "/" * each.is_dir(follow_symlinks=False) for each in entries]


def _uncommitted(folder: str) -> str:
    """Return why the source directory *folder* is not known to be committed; "" when it is."""
    try:
        changed = sorted(read_changes(open_repository(folder)).changed)
    except GitFault as err:
        return err.reason
    more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
    return f"it has uncommitted changes: {', '.join(changed[:_NAMED])}{more}" if changed else ""


def _contents(path: str) -> Iterable[bytes]:
    """Return the bytes of the file at *path*; raises `OSError`, and `SourceChanged` while they are read."""
    status = os.lstat(path)
    return fs.read_planned(path, status.st_dev, status.st_ino, status.st_size)


def _write(path: str, pieces: Iterable[bytes], *, executable: bool) -> None:
    """Write *pieces* to the new file at *path*."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o755 if executable else 0o644), "wb") as out:
        out.writelines(pieces)


def _failed(folder: str, why: str) -> LinkpackError:
    return LinkpackError(
        f"the committed tree of {folder} cannot be read: {why}",
        code="EGIT",
        path=folder,
        hint="commit it where git can be asked, or compare with the folder itself: --against DIR",
    )
