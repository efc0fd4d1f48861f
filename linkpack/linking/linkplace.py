"""Plans one link: the link itself, what it displaces, its commands and man pages, and its entry in the record."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.disk import fslinks
from linkpack.linking.bins import command_targets, commands, link_text, man_target
from linkpack.linking.linkown import Ownership
from linkpack.linking.linkpackage import (
    inside,
    is_replaced,
    read_loose,
    resolve_link,
    resolve_parent,
    target_is_inside,
)
from linkpack.linking.linkscript import head_of, make_runnable
from linkpack.linking.linkstate import (
    ABSENT,
    Absent,
    CreatedDirectory,
    Displaced,
    Edit,
    File,
    Item,
    Link,
    RecordedLink,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.linking.bins import BinTarget
    from linkpack.linking.linkdraft import PlanBuilder
    from linkpack.linking.linkown import LinkLocation, LinkRules
    from linkpack.linking.linkpackage import Source
    from linkpack.linking.linkstate import State

_SHIMS = ("", ".cmd", ".ps1")


class _Placing(Ownership):
    """The planning of one link."""

    @property
    def endings(self) -> tuple[str, ...]:
        """What the names of the files of one command end in."""
        return _SHIMS if self.rules.windows else ("",)

    # --- the link

    def literal(self) -> str:
        """The text of the link."""
        if self.rules.absolute or self.rules.windows:
            return self.target()
        parent = fslinks.canonical(posixpath.dirname(self.location.path))
        return posixpath.relpath(self.target(), parent)

    def target(self) -> str:
        """The real directory that the link leads to."""
        return self.source.root

    def leads_there(self, found: State, literal: str) -> bool:
        """Whether *found* at the link's path is already good."""
        if not isinstance(found, Link):
            return False
        if self.rules.absolute and found.target != literal:
            return False
        return resolve_link(self.location.path, found.target) == self.target()

    def place(self) -> None:
        """Plan everything."""
        path = self.location.path
        found, literal = self.builder.state(path), self.literal()
        same = self.leads_there(found, literal)
        self.adopted = same and self.old is None
        self.replaced = self.old is not None and is_replaced(self.old, found)
        if isinstance(found, Displaced) and self._inside(path):
            message = f"{self.source.root} lies in {path}, which the link to it would displace"
            self.builder.refuse("ESELF", path, message, "link a copy that lies outside of node_modules")
            return
        before = None if isinstance(found, Absent) else read_loose(path)
        if not same and before is not None:
            self._drop_commands(dict(commands(before)))
        if same and isinstance(found, Link):
            literal = found.target
        self.own(path, Link(literal))
        if self.rules.bin_links:
            self._bins()
        self._drop_stale()
        self._report(found, before.version if before else "", same=same)
        self._record(literal)

    def _inside(self, path: str) -> bool:
        real = fslinks.canonical(path)
        return self.source.root == real or self.source.root.startswith(real + "/")

    def _report(self, found: State, version: str, *, same: bool) -> None:
        item = Item(self.source.manifest.name, self.source.manifest.version, self.location.path)
        if isinstance(found, Absent):
            self.builder.added.append(item)
        elif not same:
            self.builder.changed.append((item._replace(version=version), item))

    def _record(self, literal: str) -> None:
        manifest = self.source.manifest
        for path, change in self.before_owned.items():
            kept = isinstance(change.after, (CreatedDirectory, Absent)) or not self.rules.bin_links
            went = self.replaced and target_is_inside(path, change.before, self.location.path)
            if kept and not went and path not in self.owned:
                self.owned[path] = change
        entry = RecordedLink(
            name=posixpath.relpath(self.location.path, self.location.modules),
            version=manifest.version,
            target=self.source.root,
            path=self.location.path,
            literal=literal,
            bin_links=self.rules.bin_links,
            owned=tuple(self.owned[path] for path in sorted(self.owned)),
            saved=self.old.saved if self.old else (),
            older=tuple(dict.fromkeys(self.older)),
        )
        key = (self.location.place, self.location.key)
        self.builder.edits[key] = Edit(*key, self.record.get(self.location.key), entry)

    # --- commands and man pages

    def _bins(self) -> None:
        for target in command_targets(self.source.commands, self.location.bins):
            script = self._script(target)
            if script is None:
                continue
            paths = [f"{target.path}{ending}" for ending in self.endings]
            if any(self._taken(path) for path in paths):
                self.owned.update({path: self.before_owned[path] for path in paths if path in self.before_owned})
                continue
            if self.rules.windows:
                self._shims(target, script)
            elif self._free(target.path):
                self.own(target.path, Link(self._text(target)))
            make_runnable(self.builder, script, self.rules.umask)
        if self.location.mans:
            for page in self.source.pages:
                self._page(page)

    def _page(self, page: str) -> None:
        target = man_target(page, self.location.mans)
        if target is None:
            message = f'the man page "{page}" of {self.source.manifest.name} does not end in a section number'
            self.builder.refuse("EBADMAN", page, message, "call it like alpha.1 or alpha.1.gz")
        elif self._script(target) is not None and self._free(target.path):
            self.own(target.path, Link(self._text(target)))

    def _script(self, target: BinTarget) -> str | None:
        """The real path of a command's script; None when it is missing or leads out of the package."""
        real = inside(self.source.root, target.script)
        if real is None:
            message = f'"{target.script}" of {self.source.manifest.name} leads out of the package; it is left out'
            self.builder.warn("EOUTSIDE", target.script, message, "let bin and man name files of the package")
        elif fslinks.exists(real):
            return real
        return None

    def _text(self, target: BinTarget) -> str:
        """The link text at the command's place: through the package's own link."""
        return link_text(resolve_parent(target.path), f"{resolve_parent(self.location.path)}/{target.script}")

    def _free(self, path: str) -> bool:
        """Whether the link may be put at *path*; what is not ours there is a conflict without --force."""
        if isinstance(self.builder.state(path), Absent) or self.rules.force or not self.location.shared:
            return True
        ours = self._ours(path)
        if not ours:
            name = self.source.manifest.name
            message = f"{path} is not a link to {name}, and would be replaced"
            self.builder.refuse("EEXIST", path, message, "move it away, or take its place with --force")
        return ours

    def _ours(self, path: str) -> bool:
        """Whether what stands at *path* is a command or page of the package linked here, now or before."""
        return target_is_inside(path, self.builder.state(path), self.location.path)

    def _shims(self, target: BinTarget, script: str) -> None:
        from linkpack.linking.shims import parse_shebang, shim_texts  # noqa: PLC0415 - for Windows only

        head = head_of(script)
        texts = shim_texts(self._text(target), parse_shebang(head))
        paths = [target.path + ending for ending in _SHIMS]
        free = [self._free(path) for path in paths]
        if all(free):
            for ending, path in zip(_SHIMS, paths, strict=True):
                self.own(path, File(texts[ending], 0o755))

    def _drop_commands(self, old: Mapping[str, str]) -> None:
        """Take away the commands of the package that stood here, unless the new one has them too."""
        for name in old.keys() - self.source.commands.keys():
            for ending in self.endings:
                path = f"{self.location.bins}/{name}{ending}"
                if self._ours(path):
                    self.own(path, ABSENT)

    def _drop_stale(self) -> None:
        """Put back what stood where the package no longer has a command."""
        if not self.rules.bin_links:
            return
        for path, change in self.before_owned.items():
            if path in self.owned or isinstance(change.after, (CreatedDirectory, Absent)):
                continue
            self.give_up(path, change)


def place_link(
    builder: PlanBuilder,
    location: LinkLocation,
    source: Source,
    rules: LinkRules,
    record: Mapping[str, RecordedLink],
) -> None:
    """Add to *builder* all that linking *source* at *location* takes; *record* is what is linked in that place."""
    _Placing(builder, location, source, rules, record).place()
