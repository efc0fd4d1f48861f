"""Plan one link: the link itself, what it displaces, its commands and man pages, and its entry in the record."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.linking.ownership import Ownership
from linkpack.linking.package import (
    inside,
    is_replaced,
    named_folders,
    resolve_link,
    resolve_parent,
    target_is_inside,
)
from linkpack.linking.place_script import head_of, make_runnable
from linkpack.linking.states import (
    ABSENT,
    Absent,
    CreatedDirectory,
    Displaced,
    Edit,
    File,
    Item,
    Link,
    RecordedLink,
    is_within,
)
from linkpack.npm.bins import command_targets, commands, link_text, man_target
from linkpack.project.source import read_loose
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.ownership import LinkLocation, LinkRules
    from linkpack.linking.states import State
    from linkpack.npm.bins import BinTarget
    from linkpack.project.source import Source

_SHIMS = ("", ".cmd", ".ps1")


def place_link(
    builder: PlanBuilder,
    location: LinkLocation,
    source: Source,
    rules: LinkRules,
    record: Mapping[str, RecordedLink],
) -> None:
    """Add to *builder* all that linking *source* at *location* takes; *record* is what is linked in its place."""
    _Placing(builder, location, source, rules, Ownership(builder, location, record)).place(record)


class _Placing:
    """The planning of one link."""

    def __init__(
        self, builder: PlanBuilder, location: LinkLocation, source: Source, rules: LinkRules, owner: Ownership
    ) -> None:
        self.builder = builder
        self.location = location
        self.source = source
        self.rules = rules
        self.owner = owner
        builder.aliases.update(location.aliases)

    def place(self, record: Mapping[str, RecordedLink]) -> None:
        """Plan everything."""
        path, owner = self.location.path, self.owner
        found, literal = self.builder.state(path), self._literal()
        same = self._leads_there(found, literal)
        if same and isinstance(found, Link):
            literal = found.target
            owner.adopted = owner.old is None and not self._is_known(found)
        shared = any(entry.path == path for entry in owner.others().values())  # with another checkout
        owner.replaced = owner.old is not None and not shared and is_replaced(owner.old, found)
        if isinstance(found, Displaced) and is_within(self.source.root, fs.canonical(path)):
            message = f"{self.source.root} lies in {path}, which the link to it would displace"
            self.builder.refuse("ESELF", path, message, "link a copy that lies outside of node_modules")
            return
        before = None if isinstance(found, Absent) else read_loose(path)
        if not same and before is not None:
            self._drop_commands(dict(commands(before)))
        owner.take(path, Link(literal))
        if self.rules.bin_links:
            self._bins()
        self._drop_stale()
        self._report(found, before.version if before else "", same=same)
        self._record(literal, record)

    # --- the link

    def _literal(self) -> str:
        """Return the text of the link: relative to the real folder that it is in, or absolute."""
        if self.rules.absolute or self.rules.windows:
            return self.source.root
        return posixpath.relpath(self.source.root, fs.canonical(posixpath.dirname(self.location.path)))

    def _leads_there(self, found: State, literal: str) -> bool:
        """True if *found*, at the link's path, is a good link already."""
        if not isinstance(found, Link) or (self.rules.absolute and found.target != literal):
            return False
        return resolve_link(self.location.path, found.target) == self.source.root

    def _is_known(self, found: Link) -> bool:
        """True if the link *found* is an installer's, or another project's that shares the node_modules."""
        if self.location.shared:
            return False
        path = self.location.path
        claimed = any(entry.path == path for entry in self.owner.others().values())
        return claimed or self.builder.is_installed(path, found.target)

    def _report(self, found: State, version: str, *, same: bool) -> None:
        item = Item(self.source.manifest.name, self.source.manifest.version, self.location.path)
        if isinstance(found, Absent):
            self.builder.added.append(item)
        elif not same:
            self.builder.changed.append((item._replace(version=version), item))

    def _record(self, literal: str, record: Mapping[str, RecordedLink]) -> None:
        owner, location, old = self.owner, self.location, record.get(self.location.key)
        for path, change in owner.before_owned.items():
            kept = isinstance(change.after, (CreatedDirectory, Absent)) or not self.rules.bin_links
            went = owner.replaced and target_is_inside(path, change.before, location.path)
            if kept and not went and path not in owner.owned:
                owner.owned[path] = change
        entry = RecordedLink(
            name=posixpath.relpath(location.path, location.modules),
            version=self.source.manifest.version,
            target=self.source.root,
            path=location.path,
            literal=literal,
            bin_links=self.rules.bin_links,
            owned=tuple(owner.owned[path] for path in sorted(owner.owned)),
            older=tuple(dict.fromkeys(owner.older)),
            project=location.project,
            declared=old.declared if old else (),
        )
        key = (location.place, location.key)
        self.builder.edits[key] = Edit(*key, old, entry)

    # --- commands and man pages

    @property
    def _endings(self) -> tuple[str, ...]:
        """What the names of the files of one command end in."""
        return _SHIMS if self.rules.windows else ("",)

    def _bins(self) -> None:
        owner = self.owner
        for target in command_targets(self.source.commands, self.location.bins):
            script = self._script(target)
            if script is None:
                continue
            paths = [f"{target.path}{ending}" for ending in self._endings]
            if self.rules.gentle and any(owner.belongs_to_another(path) for path in paths):
                owner.owned.update(
                    {path: owner.before_owned[path] for path in paths if path in owner.before_owned}
                )
                continue
            if self.rules.windows:
                self._shims(target, script)
            elif self._free(target.path):
                owner.take(target.path, Link(self._text(target)))
            make_runnable(self.builder, script, self.rules.umask)
        if self.location.mans:
            for page in self.source.pages:
                self._page(page)

    def _page(self, page: str) -> None:
        target = man_target(page, self.location.mans)
        if target is None:
            message = f'the man page "{page}" of {self.source.manifest.name} does not end in a section number'
            self.builder.refuse("EBADMAN", page, message, "call it like alpha.1 or alpha.1.gz")
            return
        self.builder.aliases.update(named_folders(posixpath.dirname(target.path)))
        target = target._replace(path=resolve_parent(target.path))
        if self._script(target) is not None and self._free(target.path):
            self.owner.take(target.path, Link(self._text(target)))

    def _script(self, target: BinTarget) -> str | None:
        """Return the real path of a command's script; None when it is missing or leads out of the package."""
        real = inside(self.source.root, target.script)
        if real is None:
            message = f'"{target.script}" of {self.source.manifest.name} leads out of the package; it is left out'
            self.builder.warn("WOUTSIDE", target.script, message, "let bin and man name files of the package")
        elif fs.exists(real):
            return real
        return None

    def _text(self, target: BinTarget) -> str:
        """Return the link text at the command's path, which leads through the package's own link."""
        return link_text(target.path, f"{self.location.path}/{target.script}")

    def _free(self, path: str) -> bool:
        """True if the link may be put at *path*; what is not ours there is a conflict without --force."""
        if isinstance(self.builder.state(path), Absent) or self.rules.force or not self.location.shared:
            return True
        ours = self._is_ours(path)
        if not ours:
            name = self.source.manifest.name
            message = f"{path} is not a link to {name}, and would be replaced"
            self.builder.refuse("EEXIST", path, message, "move it away, or take its place with --force")
        return ours

    def _is_ours(self, path: str) -> bool:
        """True if *path* is a command or page of the package that is linked here, now or before."""
        return target_is_inside(path, self.builder.state(path), self.location.path)

    def _shims(self, target: BinTarget, script: str) -> None:
        from linkpack.linking.shims import parse_shebang, shim_texts  # noqa: PLC0415 - for Windows only

        head = head_of(script)
        texts = shim_texts(self._text(target), parse_shebang(head))
        paths = [target.path + ending for ending in _SHIMS]
        free = [self._free(path) for path in paths]
        if all(free):
            for ending, path in zip(_SHIMS, paths, strict=True):
                self.owner.take(path, File(texts[ending], 0o755))

    def _drop_commands(self, old: Mapping[str, str]) -> None:
        """Take away the commands of the package that was here, unless the new one has them too."""
        for name in old.keys() - self.source.commands.keys():
            for ending in self._endings:
                path = f"{self.location.bins}/{name}{ending}"
                if self._is_ours(path):
                    self.owner.take(path, ABSENT)

    def _drop_stale(self) -> None:
        """Put back what was in the place of commands that the package no longer has."""
        if not self.rules.bin_links:
            return
        for path, change in self.owner.before_owned.items():
            if path in self.owner.owned or isinstance(change.after, (CreatedDirectory, Absent)):
                continue
            self.owner.give_up(path, change)
