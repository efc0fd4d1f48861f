"""Asks git about a repository without running anything that the repository names.

The only module that starts git. A repository can name programs in its settings and attributes (filters, hooks,
file system monitors, text converters, credential helpers, programs of a remote), and it may be anybody's: that of
a linked package, or of an archive that was unpacked. So git is asked only by commands that start none of them, in
an environment that says nothing of another repository, and with settings that switch off the rest:

- `rev-parse`, `ls-files`, `cat-file --batch`, `check-attr`, `config --get-regexp`: no `status`, `diff`, `checkout`
  or `archive`, which run filters and write the index;
- no fetching of missing objects: `GIT_NO_LAZY_FETCH` (git 2.44 on), and for older ones no protocol is allowed;
- no repository that is found as a folder of a tree (`safe.bareRepository`, git 2.38 on, and a check of our own);
- git itself is looked up in folders that are nobody's project.

What git says of a commit is not believed but checked: every object that is read has the id that it was asked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import selectors
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import IO

    from typing_extensions import Self

LINK = 0o120000
SUBMODULE = 0o160000
TIMEOUT = 60.0  # seconds that git may be silent: a pipe among its files would hold it up for ever
_MOST_OUTPUT = 1 << 28  # bytes of one answer
_MOST_MEMORY = 2 << 30  # bytes for git itself, which holds two versions of a file of up to 512 MB
_MOST_ENTRIES = 1_000_000  # files and folders of a commit
_MOST_NAMES = 1 << 28  # characters of their paths together
_MOST_PATH = 4096  # characters of one path
_MOST_TREE = 64 << 20  # bytes of one folder of a commit
_MOST_COMMIT = 16 << 20  # bytes of a commit and its message
_CHUNK = 1 << 18  # bytes read at once
_AHEAD = 64  # objects that are asked for before the first is read

_OPTIONS = (
    "--no-pager",
    "--no-optional-locks",
    "--no-replace-objects",
    *("-c", "safe.bareRepository=explicit"),
    *("-c", "core.fsmonitor="),  # "false" was the name of a program before git 2.36
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "protocol.allow=never"),
    *("-c", "credential.helper="),
)
# The settings of whoever runs us, in files or (as in containers) in variables. What else begins with GIT_ leads to
# another repository (hooks have GIT_DIR set, and more), traces to files, or names programs.
_KEPT = re.compile(
    "GIT_(?:CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM"
    "|CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|COUNT|(?:KEY|VALUE)_[0-9]+))"
)
_SETTINGS = r"^(core\.(autocrlf|filemode|symlinks)|filter\..*\.(clean|process))$"
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ATTRIBUTES = ("text", "crlf", "eol", "ident", "filter", "working-tree-encoding")
_FAULTS = (
    ("not a git repository", "it is in no git repository"),
    ("cannot use bare repository", "it is in no git work tree"),
    ("dubious ownership", "its git repository belongs to another user (git's safe.directory setting allows it)"),
    ("unsafe repository", "its git repository belongs to another user (git's safe.directory setting allows it)"),
)


class GitFault(Exception):
    """Why git has no answer: a *reason* without any path, and git's own words in *detail*."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class Entry(NamedTuple):
    """A file of a commit or of the index: its *mode* (0o100644, 0o100755, `LINK` or `SUBMODULE`).

    *id* is that of its contents, or the commit of a submodule.
    """

    mode: int
    id: str


class Index(NamedTuple):
    """The index: what the next commit would have, by path, and the paths that a merge left *unmerged*."""

    entries: Mapping[str, Entry]
    unmerged: frozenset[str]


class Repository(NamedTuple):
    """A folder in the work tree of a repository.

    *folder* and *top*, that of the work tree, are real paths; *prefix* leads from *top* to *folder* ("" or
    "packages/a"). *commit* is the id of HEAD. *program* is the git that answers, and is given up when it is silent
    for *timeout* seconds.
    """

    program: str
    folder: str
    top: str
    prefix: str
    commit: str
    timeout: float = TIMEOUT

    def staged(self) -> Index:
        """Return what the index has of the folder; paths are relative to it."""
        entries: dict[str, Entry] = {}
        unmerged = set()
        for line in self._ask("ls-files", "--stage", "-z").split("\0"):
            about, _, path = line.partition("\t")
            if path:
                mode, name, stage = about.split(" ")
                if stage != "0":
                    unmerged.add(path)
                entries[path] = Entry(_canonical(int(mode, 8)), name)
        return Index(entries, frozenset(unmerged))

    def new_files(self) -> list[str]:
        """Return the files of the folder that are neither in the index nor ignored, sorted.

        A repository inside is one path, with a slash behind it. What is in node_modules at the top, or beside a
        package.json, was installed and is not listed. Folders of that name elsewhere may be sources.
        """
        # Git would take A.js for the a.js of the index if the repository's setting said so.
        case = () if self._ignores_case() else ("-c", "core.ignoreCase=false")
        listed = self._ask(*case, "ls-files", "--others", "--exclude-standard", "-z")
        return sorted([path for path in listed.split("\0") if path and not self._is_installed(path)])

    def _ignores_case(self) -> bool:
        """True if the disk takes `.git` and `.GIT` for one."""
        return os.path.lexists(f"{self.top}/.GIT") and ".GIT" not in os.listdir(self.top)

    def _is_installed(self, path: str) -> bool:
        """True if the file at *path* is in the node_modules folder of a package, or a link of that name."""
        above, modules, inside = f"/{path}/".partition("/node_modules/")
        return bool(modules) and (not above or not inside or os.path.lexists(f"{self.folder}{above}/package.json"))

    def ignored(self) -> list[str]:
        """Return the files and folders that git ignores in the folder, sorted; folders have a slash behind them.

        A folder is listed without what is in it. Nothing in a node_modules folder is listed.
        """
        words = ("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z")
        found: list[str] = []
        folder = "\0"
        for path in sorted(filter(None, self._ask(*words).split("\0"))):
            if path.startswith(folder) or "node_modules" in path.rstrip("/").split("/"):
                continue  # git lists what is in some folders as well
            found.append(path)
            folder = path if path.endswith("/") else folder
        return found

    def settings(self) -> Mapping[str, str]:
        """Return git's settings about the contents of files, by their lower-case names."""
        found = {}
        for each in self._ask("config", "-z", "--get-regexp", _SETTINGS, fine=(0, 1)).split("\0"):
            key, equals, value = each.partition("\n")
            found[key] = value if equals else "true"
        return found

    def attributes(self, paths: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
        """Return the attributes about the contents of the files at *paths*, as git's `check-attr` tells them.

        Only those that are specified: "set", "unset" or a value.
        """
        asked = "".join([f"{path}\0" for path in paths])
        words = self._ask("check-attr", "-z", "--stdin", *_ATTRIBUTES, given=os.fsencode(asked)).split("\0")
        found: dict[str, dict[str, str]] = {}
        for path, name, value in zip(*[iter(words)] * 3, strict=False):
            if value != "unspecified":
                found.setdefault(path, {})[name] = value
        return found

    def sizes(self, names: Iterable[str]) -> Mapping[str, int]:
        """Return the sizes in bytes that git tells of the objects *names*, as far as they are there."""
        asked = "".join([f"{name}\n" for name in names]).encode()
        answer = self._ask("cat-file", "--batch-check=%(objectname) %(objectsize)", given=asked)
        found = [line.split(" ") for line in answer.splitlines()]
        return {name: int(size) for name, size in found if size.isdecimal()}

    def objects(self) -> Objects:
        """Return a reader of the repository's objects, to be used in a `with` block."""
        return Objects(self.program, self.folder, self.timeout)

    def _ask(self, *words: str, given: bytes = b"", fine: tuple[int, ...] = (0,)) -> str:
        return _Asked(self.program, self.folder, self.timeout).run(*words, given=given, fine=fine)


class Objects:
    """Reads objects of a repository by their ids, each checked to be what its id says."""

    def __init__(self, program: str, folder: str, timeout: float = TIMEOUT) -> None:
        self._command = [program, *_OPTIONS, "cat-file", "--batch"]
        self._folder = folder
        self._timeout = timeout
        self._buffer = b""  # of git's answers, read up to *_at*
        self._at = 0

    def __enter__(self) -> Self:
        self._process = _start(self._command, self._folder, subprocess.DEVNULL)
        self._answers = selectors.DefaultSelector()
        if self._process.stdout is not None:
            self._out = self._process.stdout.fileno()
            self._answers.register(self._out, selectors.EVENT_READ)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._answers.close()
        for pipe in filter(None, _pipes(self._process)):
            pipe.close()
        self._process.wait()

    def read_all(self, names: Sequence[str], kind: str) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Yield the size in bytes and the contents of each of the objects *names*, in order.

        The contents of one must have been read when the next is asked for. Raises `GitFault` when an object is not
        there, or not a *kind* ("blob", "tree", "commit"), and when its contents are not those of its id.
        """
        for number, name in enumerate(names):
            if number % _AHEAD == 0:
                self._ask_for(names[number : number + _AHEAD])
            size = self._head(name, kind)
            yield size, self._contents(name, kind, size)

    def read(self, name: str, kind: str, most: int) -> bytes:
        """Return the contents of the object *name*; raises `GitFault` for more than *most* bytes, and as above."""
        (found,) = self._read_small([name], kind, most)
        return found

    def _read_small(self, names: Sequence[str], kind: str, most: int) -> Iterator[bytes]:
        for name, (size, pieces) in zip(names, self.read_all(names, kind), strict=True):
            if size > most:
                raise GitFault(f"a {kind} of the commit is too large", f"{name} has {size} bytes")
            yield b"".join(pieces)

    def _ask_for(self, names: Sequence[str]) -> None:
        """Ask for the objects *names*, few enough for a pipe to take them at once."""
        wrong = next((name for name in names if not _ID.fullmatch(name)), None)
        if wrong is not None or self._process.stdin is None:
            raise GitFault("its git repository is damaged", f"{wrong} is no id of an object")
        try:
            self._process.stdin.write("".join([f"{name}\n" for name in names]).encode())
        except OSError as err:
            raise GitFault("its git repository is damaged", f"git does not answer: {err.strerror}") from err

    def _head(self, name: str, kind: str) -> int:
        """Return the size of the next object, which is to be *name* and a *kind*."""
        line = b""
        while not line.endswith(b"\n"):
            self._fill()
            end = self._buffer.find(b"\n", self._at) + 1
            line += self._take((end or len(self._buffer)) - self._at)
        found = line.decode("ascii", "replace").rstrip("\n").split(" ")
        if len(found) != 3 or found[1] != kind or not found[2].isdecimal():  # noqa: PLR2004 - id, kind, size
            raise GitFault("its git repository lacks an object of the commit", f"{name} is no {kind}")
        return int(found[2])

    def _contents(self, name: str, kind: str, size: int) -> Iterator[bytes]:
        digest = _hasher(name)
        digest.update(f"{kind} {size}\0".encode())
        left = size
        while left:
            piece = self._take(left)
            digest.update(piece)
            left -= len(piece)
            yield piece
        self._take(1)  # the line break behind it
        if digest.hexdigest() != name:
            why = f"the {kind} {name} has other contents than its id says"
            raise GitFault("its git repository is damaged", why)

    def _take(self, most: int) -> bytes:
        """Return the next bytes of git's answers, at least one and at most *most*."""
        self._fill()
        piece = self._buffer[self._at : self._at + most]
        self._at += len(piece)
        return piece

    def _fill(self) -> None:
        """Wait for more of git's answers when all that came is read; `GitFault` when nothing comes."""
        if self._at < len(self._buffer):
            return
        if not self._answers.select(self._timeout):
            raise _silent(self._timeout)
        self._buffer, self._at = os.read(self._out, _CHUNK), 0
        if not self._buffer:
            raise GitFault("git cannot read an object of the commit", "it is missing, damaged or too large")

    def files(self, commit: str, prefix: str) -> dict[str, Entry]:
        """Return the files that *commit* has below *prefix*, by paths relative to it.

        Empty when the commit has no such folder: nothing, a file or a link may be there. Raises `GitFault`, also
        for what no honest repository has: paths that lead elsewhere, and trees without measure.
        """
        head, _, _ = self.read(commit, "commit", _MOST_COMMIT).partition(b"\n")
        top = head.removeprefix(b"tree ").decode("ascii", "replace")
        trees: dict[str, dict[str, Entry]] = {}  # a hostile commit may have one folder in a million places
        for portion in prefix.split("/") if prefix else ():
            self._read_trees([top], trees)
            inner = trees[top].get(portion)
            if inner is None or not stat.S_ISDIR(inner.mode):
                return {}
            top = inner.id
        found: dict[str, Entry] = {}
        level = [("", top)]
        entries = characters = 0
        while level:
            self._read_trees([tree for _, tree in level], trees)
            below = []
            for folder, tree in level:
                for name, entry in trees[tree].items():
                    path = folder + name
                    entries += 1
                    characters += len(path)
                    if entries > _MOST_ENTRIES or characters > _MOST_NAMES or len(path) > _MOST_PATH:
                        raise GitFault("its commit has too many files, or too long paths")
                    if stat.S_ISDIR(entry.mode):
                        below.append((f"{path}/", entry.id))
                    else:
                        found[path] = entry
            level = below
        return found

    def _read_trees(self, names: Iterable[str], known: dict[str, dict[str, Entry]]) -> None:
        """Read those of the folders *names* of a commit that are not among the *known* ones, into these."""
        new = [name for name in dict.fromkeys(names) if name not in known]
        for name, text in zip(new, self._read_small(new, "tree", _MOST_TREE), strict=True):
            known[name] = _parse_tree(name, text)


def _parse_tree(name: str, text: bytes) -> dict[str, Entry]:
    """Return the entries of one folder of a commit by name, folders with mode 0o40000.

    *text* is `<mode> <name>`, a NUL and the bytes of the id, for each entry. Raises `GitFault`.
    """
    width = len(name) // 2
    found: dict[str, Entry] = {}
    at = 0
    while at < len(text):
        end = text.find(b"\0", at)
        mode, _, raw = text[at:end].partition(b" ")
        label = os.fsdecode(raw)
        bad = label in {"", ".", ".."} or "/" in label or label.lower() == ".git" or label in found
        if end < 0 or bad or not re.fullmatch(rb"[0-7]{5,6}", mode) or end + 1 + width > len(text):
            raise GitFault("its git repository is damaged", f"the tree {name} is malformed")
        at = end + 1 + width
        found[label] = Entry(_canonical(int(mode, 8)), text[end + 1 : at].hex())
    return found


def open_repository(folder: str) -> Repository:
    """Return the repository whose work tree holds *folder*, and its commit.

    Raises `GitFault` without git, a repository or a commit, and for a repository that git does not trust
    (safe.directory).
    """
    real = os.path.realpath(folder)
    program = find_git(os.environ.get("PATH", os.defpath), real)
    ask = _Asked(program, real, TIMEOUT).run
    inside, _, git_dir = ask("rev-parse", "--is-inside-work-tree", "--absolute-git-dir").partition("\n")
    if inside != "true":
        raise GitFault("it is in no git work tree")
    top = os.path.realpath(_line(ask("rev-parse", "--show-toplevel")))
    # Older gits take any folder that looks like a repository for one, with the work tree that its settings name.
    if (
        not is_within(real, top)
        or is_within(real, _line(git_dir))
        or not os.path.lexists(os.path.join(top, ".git"))
    ):
        raise GitFault("its git repository has its work tree elsewhere")
    commit = _line(ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}", fine=(0, 1)))
    if not commit:
        raise GitFault("its git repository has no commit")
    prefix = os.path.relpath(real, top)
    return Repository(program, real, top, "" if prefix == "." else prefix, commit)


def blob_id(pieces: Iterable[bytes], size: int, like: str) -> str:
    r"""Return the id that git gives to a file of *size* bytes, by the hash function of the id *like*.

    [b"hello\n"], 6, "0" * 40  ->  "ce013625030ba8dba906f756967f9e9ca394464a"
    """
    digest = _hasher(like)
    digest.update(f"blob {size}\0".encode())
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def find_git(path: str, folder: str) -> str:
    """Return the git of the search path *path* that is not part of the project around *folder*.

    Left out are relative folders (they would be read from where git is started), `node_modules/.bin`, which
    package managers put in front for scripts, and what lies in the work tree of *folder*, or leads into it, as a
    linked command does. Raises `GitFault` when there is no other one.
    """
    around = _work_tree(folder)
    reason = "git is not installed, or not on PATH"
    for each in path.split(os.pathsep):
        if not os.path.isabs(each) or os.path.normpath(each).endswith("/node_modules/.bin"):
            continue
        program = os.path.join(each, "git")
        if not os.path.isfile(program) or not os.access(program, os.X_OK):
            continue
        if not any(is_within(os.path.realpath(at), around) for at in (each, program)):
            return program
        reason = "the git on PATH is part of the project, and is not run"
    raise GitFault(reason)


def _work_tree(folder: str) -> str:
    """Return the outermost folder at or above the real path *folder* that has a `.git`; *folder* when none has."""
    found = at = folder
    while True:
        if os.path.lexists(os.path.join(at, ".git")):
            found = at
        above = os.path.dirname(at)
        if above == at:
            return found
        at = above


def is_within(path: str, folder: str) -> bool:
    """True if the real path *path* is *folder* or lies below it."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def environment(around: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for git, made of the variables *around* us."""
    kept = {name: value for name, value in around.items() if not name.startswith("GIT_") or _KEPT.fullmatch(name)}
    path = os.pathsep.join(
        [each for each in around.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(each)]
    )
    return {
        **kept,
        "PATH": path,
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",  # a list of one protocol, which does not exist
        "GIT_NO_REPLACE_OBJECTS": "1",
        "LC_ALL": "C",
    }


def _start(command: list[str], folder: str, stderr: int) -> subprocess.Popen[bytes]:
    """Start git as *command* in *folder*, its standard input and output being pipes; raises `GitFault`."""
    try:
        process = subprocess.Popen(  # noqa: S603 - a fixed command; no text of a user's is among its options
            command,
            cwd=folder,
            env=environment(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            bufsize=0,
        )
    except OSError as err:
        raise GitFault(f"git cannot be run: {err.strerror}") from err
    _bound_memory(process)
    return process


def _bound_memory(process: subprocess.Popen[bytes]) -> None:
    """Let git fail before it fills the memory, where the system can: a repository can name a device to be read."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - hardly any run starts git

        with contextlib.suppress(OSError, ValueError):  # a lower limit is in force
            resource.prlimit(process.pid, resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))


class _Asked(NamedTuple):
    """The git *program*, asked in *folder*, and given up when it is silent for *timeout* seconds."""

    program: str
    folder: str
    timeout: float

    def run(self, *words: str, given: bytes = b"", fine: tuple[int, ...] = (0,)) -> str:
        """Return what git prints for *words*, with *given* as its standard input.

        Raises `GitFault` when its exit status is not among those that are *fine*, and when it prints too much.
        """
        process = _start([self.program, *_OPTIONS, *words], self.folder, subprocess.PIPE)
        with process:
            try:
                out, told = self._exchange(process, given)
            finally:
                process.kill()
        if process.returncode not in fine:
            raise _explained(os.fsdecode(told), process.returncode)
        return os.fsdecode(out)

    def _exchange(self, process: subprocess.Popen[bytes], given: bytes) -> tuple[bytes, bytes]:
        """Write *given* to *process*, and return all that it prints to standard output and standard error."""
        stdin, stdout, stderr = cast("tuple[IO[bytes], IO[bytes], IO[bytes]]", _pipes(process))
        printed = {stdout: bytearray(), stderr: bytearray()}
        os.set_blocking(stdin.fileno(), False)
        left = memoryview(given)
        with selectors.DefaultSelector() as pipes:
            pipes.register(stdin, selectors.EVENT_WRITE)
            for pipe in printed:
                pipes.register(pipe, selectors.EVENT_READ)
            while pipes.get_map():
                ready = [key.fileobj for key, _ in pipes.select(self.timeout)]
                if not ready:
                    raise _silent(self.timeout)
                if stdin in ready:
                    left = _written(stdin, left)
                    if not left:
                        pipes.unregister(stdin)
                        stdin.close()
                for pipe in [each for each in printed if each in ready]:
                    piece = os.read(pipe.fileno(), _CHUNK)
                    printed[pipe] += piece
                    if not piece:
                        pipes.unregister(pipe)
                if sum(map(len, printed.values())) > _MOST_OUTPUT:
                    raise GitFault("git's answer is too long")
        try:
            process.wait(self.timeout)
        except subprocess.TimeoutExpired as err:
            raise _silent(self.timeout) from err
        return bytes(printed[stdout]), bytes(printed[stderr])


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes] | None, ...]:
    return process.stdin, process.stdout, process.stderr


def _written(pipe: IO[bytes], text: memoryview) -> memoryview:
    """Write what *pipe* takes of *text*, and return the rest; nothing when git reads no more."""
    try:
        return text[os.write(pipe.fileno(), text) :]
    except BrokenPipeError:
        return text[:0]


def _silent(seconds: float) -> GitFault:
    return GitFault(f"git did not answer within {seconds:g} seconds")


def _explained(message: str, status: int) -> GitFault:
    """Return the fault that git's *message* to standard error tells of."""
    for part, reason in _FAULTS:
        if part in message:
            return GitFault(reason)
    lines = message.strip().splitlines() or [""]
    detail = lines[0].removeprefix("fatal: ").removeprefix("error: ")
    return GitFault(
        "git cannot read its settings" if "config" in detail else f"git failed with status {status}", detail
    )


def _hasher(like: str) -> hashlib._Hash:
    """Return the hash function of a repository that has an id *like* this one: SHA-1 or SHA-256."""
    return hashlib.sha256() if len(like) == 64 else hashlib.sha1(usedforsecurity=False)  # noqa: PLR2004 - digits


def _canonical(mode: int) -> int:
    """Return *mode* as git writes it today: old repositories have files with 0o100664."""
    if stat.S_ISREG(mode):
        return 0o100755 if mode & stat.S_IXUSR else 0o100644
    return mode


def _line(text: str) -> str:
    """Return *text* without the line break at its end, which is git's; a path may have others."""
    return text.removesuffix("\n")
