"""Plan one link, with its commands, its man pages and its record."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.linking.command_scripts import make_runnable, read_script_head
from linkpack.linking.ownership import Ownership
from linkpack.linking.package import (
    alias_folders,
    is_in_place,
    is_replaced,
    resolve_inside,
    resolve_link,
    resolve_parent,
    target_is_inside,
)
from linkpack.linking.shims import make_shims, parse_shebang
from linkpack.linking.states import (
    ABSENT,
    Absent,
    Copied,
    CreatedDirectory,
    Displaced,
    Edit,
    File,
    Item,
    Link,
    RecordedLink,
    is_within,
)
from linkpack.npm.bins import commands, make_link_text, place_commands, place_man_page
from linkpack.project.package_json import read_loose
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.ownership import LinkLocation, LinkRules
    from linkpack.linking.states import State
    from linkpack.npm.bins import BinTarget
    from linkpack.project.source import SourcePackage

_SHIM_ENDINGS = ("", ".cmd", ".ps1")  # npm writes three files for each command on Windows


def place_link(
    builder: PlanBuilder,
    location: LinkLocation,
    source: SourcePackage,
    rules: LinkRules,
    record: Mapping[str, RecordedLink],
) -> None:
    """Add to *builder* the changes that link *source* at *location*.

    *record* has the links of the same node_modules, by key.
    """
    _SingleLink(builder, location, source, rules, Ownership(builder, location, record)).place(record)


class _SingleLink:
    """The planning of one link."""

    def __init__(
        self,
        builder: PlanBuilder,
        location: LinkLocation,
        source: SourcePackage,
        rules: LinkRules,
        ownership: Ownership,
    ) -> None:
        self.builder = builder
        self.location = location
        self.source = source
        self.rules = rules
        self.ownership = ownership
        builder.aliases.update(location.aliases)

    def place(self, record: Mapping[str, RecordedLink]) -> None:
        """Plan the link, its commands, pages and record."""
        # What is at the link's path: the right link, something to displace, or nothing.
        path, ownership = self.location.path, self.ownership
        present = self.builder.state(path)
        copy = self._find_copy()
        text = "" if self.rules.copy else self._make_text()
        # relink leaves a copy that is in place, and looks after its commands.
        is_right = copy is not None and self.rules.keep_taken if self.rules.copy else self._is_right(present, text)
        if is_right and isinstance(present, Link):
            text = present.target
            ownership.adopted = ownership.old is None and not self._is_known(present)
        shared = any(link.path == path for link in ownership.others().values())  # with another checkout
        ownership.replaced = ownership.old is not None and not shared and is_replaced(ownership.old, present)
        is_ours = copy is not None
        if not is_ours and isinstance(present, Displaced) and is_within(self.source.root, fs.canonical_path(path)):
            # Moving it to the stash would move the package that the link is to lead to.
            message = f"{self.source.root} lies in {path}, which the link to it would displace"
            self.builder.refuse("ESELF", path, message, "link a copy that lies outside of node_modules")
            return
        # The commands of the package that goes, then the link, then the commands of the package that comes.
        manifest = None if isinstance(present, Absent) else read_loose(path)
        if not is_right and manifest is not None:
            self._drop_commands(dict(commands(manifest)))
        if is_right and copy is not None:
            ownership.owned[path] = ownership.before_owned[path]
        else:
            self._take_place(text, copy)
        if self.rules.bin_links:  # with --no-bin-links, the commands of an earlier link stay as they are
            self._place_commands()
            self._drop_old_commands()
        self._report(present, manifest.version if manifest else "", is_right=is_right)
        self._record(text, record)

    # --- the link

    def _take_place(self, text: str, copy: Copied | None) -> None:
        """Plan the link with *text*, or the copy, in the place of the present one."""
        path = self.location.path
        if copy is not None:
            self.builder.clear_copy(path, self.location.modules)
        if self.rules.copy:
            self.builder.copied[path] = self.source.root
        self.ownership.take(path, Copied(path, 0) if self.rules.copy else Link(text))

    def _find_copy(self) -> Copied | None:
        """Return the copy that we have made, if it is in place."""
        old = self.ownership.old
        return old.copied if old is not None and is_in_place(old) else None

    def _make_text(self) -> str:
        """Return the text of the link.

        It is relative to the real folder around the link, or absolute with `--absolute` and on Windows.
        """
        # npm makes junctions on Windows, which are always absolute (arborist 9.9.1, lib/arborist/reify.js).
        if self.rules.absolute or self.rules.windows:
            return self.source.root
        return posixpath.relpath(self.source.root, fs.canonical_path(posixpath.dirname(self.location.path)))

    def _is_right(self, present: State, text: str) -> bool:
        """Return True if *present* leads to the package.

        With `--absolute` its text has to be *text*, else any text will do.
        """
        if not isinstance(present, Link) or (self.rules.absolute and present.target != text):
            return False
        return resolve_link(self.location.path, present.target) == self.source.root

    def _is_known(self, present: Link) -> bool:
        """Return True if an installer or another checkout made *present*."""
        if self.location.shared:
            return False  # `npm link` made it, which records nothing: it becomes ours
        path = self.location.path
        claimed = any(link.path == path for link in self.ownership.others().values())
        return claimed or self.builder.is_installed(path, present.target)

    def _report(self, present: State, version: str, *, is_right: bool) -> None:
        """Add the link to the report, unless it was right before.

        *version* is that of the package in its place now.
        """
        item = Item(self.source.manifest.name, self.source.manifest.version, self.location.path)
        if isinstance(present, Absent):
            self.builder.added.append(item)
        elif not is_right:
            self.builder.changed.append((item._replace(version=version), item))

    def _record(self, text: str, record: Mapping[str, RecordedLink]) -> None:
        """Plan the entry in the record."""
        ownership, location, old = self.ownership, self.location, record.get(self.location.key)
        # Paths that the link keeps, besides those that it takes now: folders, removed commands of a displaced
        # package, and with --no-bin-links the commands of an earlier link.
        for path, change in ownership.before_owned.items():
            stays = isinstance(change.after, (CreatedDirectory, Absent)) or not self.rules.bin_links
            # The path had a command of the package that the first link displaced, and that was replaced since.
            went = ownership.replaced and target_is_inside(path, change.before, location.path)
            if stays and not went and path not in ownership.owned:
                ownership.owned[path] = change
        link = RecordedLink(
            name=posixpath.relpath(location.path, location.modules),
            version=self.source.manifest.version,
            target=self.source.root,
            path=location.path,
            literal=text,
            bin_links=self.rules.bin_links,
            owned=tuple(ownership.owned[path] for path in sorted(ownership.owned)),
            older=tuple(dict.fromkeys(ownership.older)),
            project=location.project,
            declared=old.declared if old else (),
        )
        key = (location.place, location.key)
        self.builder.edits[key] = Edit(*key, old, link)

    # --- commands and man pages

    @property
    def _endings(self) -> tuple[str, ...]:
        """Return the endings of the files of one command."""
        return _SHIM_ENDINGS if self.rules.windows else ("",)

    def _place_commands(self) -> None:
        ownership = self.ownership
        for target in place_commands(self.source.commands, self.location.bins):
            script = self._find_script(target)
            if script is None:
                continue
            paths = [f"{target.path}{ending}" for ending in self._endings]
            # One link of the run would take it, and the next one take it back
            # (test_a_command_that_is_in_place_is_not_touched).
            if self.rules.keep_taken and any(ownership.belongs_to_another(path) for path in paths):
                ownership.owned.update(
                    {path: ownership.before_owned[path] for path in paths if path in ownership.before_owned}
                )
                continue
            if self.rules.windows:
                self._place_shims(target, script)
            elif self._may_take(target.path):
                ownership.take(target.path, Link(self._make_command_text(target)))
            if not self.rules.copy:  # the scripts of a copy have the modes that they ship with
                make_runnable(self.builder, script, self.rules.umask)
        if self.location.mans:
            for page in self.source.pages:
                self._place_page(page)

    def _find_script(self, target: BinTarget) -> str | None:
        """Return the real path of a command's script.

        None if it does not exist, or leads out of the package. Warns of the latter. `health` warns of the former.
        """
        real = resolve_inside(self.source.root, target.script)
        if real is None:
            message = f'"{target.script}" of {self.source.manifest.name} leads out of the package; it is left out'
            self.builder.warn("WOUTSIDE", target.script, message, "let bin and man name files of the package")
        elif fs.exists(real):
            return real
        return None

    def _make_command_text(self, target: BinTarget) -> str:
        """Return the text of a command's link.

        It leads through the package's own link, so that it follows where that leads.
        """
        return make_link_text(target.path, f"{self.location.path}/{target.script}")

    def _place_shims(self, target: BinTarget, script: str) -> None:
        texts = make_shims(self._make_command_text(target), parse_shebang(read_script_head(script)))
        paths = {ending: target.path + ending for ending in _SHIM_ENDINGS}
        free = [self._may_take(path) for path in paths.values()]  # asked of each, as each may be a conflict
        if all(free):
            for ending, path in paths.items():
                self.ownership.take(path, File(texts[ending], 0o755))  # as cmd-shim 8.0.0, lib/index.js

    def _place_page(self, page: str) -> None:
        target = place_man_page(page, self.location.mans)
        if target is None:
            # npm refuses it too (bin-links 6.0.2, lib/link-mans.js: EBADMAN).
            message = f'the man page "{page}" of {self.source.manifest.name} does not end in a section number'
            self.builder.refuse("EBADMAN", page, message, "call it like alpha.1 or alpha.1.gz")
            return
        self.builder.aliases.update(alias_folders(posixpath.dirname(target.path)))
        target = target._replace(path=resolve_parent(target.path))
        if self._find_script(target) is not None and self._may_take(target.path):
            self.ownership.take(target.path, Link(self._make_command_text(target)))

    def _may_take(self, path: str) -> bool:
        """Return True if the link may be put at *path*.

        A file of others in the global folder is a conflict without `--force`. In a project it is displaced.
        """
        # As npm, which compares in the global folder only (bin-links 6.0.2, lib/check-bin.js).
        if isinstance(self.builder.state(path), Absent) or self.rules.force or not self.location.shared:
            return True
        ours = self._is_ours(path)
        if not ours:
            name = self.source.manifest.name
            message = f"{path} is not a link to {name}, and would be replaced"
            self.builder.refuse("EEXIST", path, message, "move it away, or take its place with --force")
        return ours

    def _is_ours(self, path: str) -> bool:
        """Return True if *path* is a command or page of the package linked here."""
        return target_is_inside(path, self.builder.state(path), self.location.path)

    def _drop_commands(self, replaced: Mapping[str, str]) -> None:
        """Remove the commands of the displaced package.

        *replaced* are its scripts by command. Commands that the linked package has too are replaced instead.
        """
        for name in replaced.keys() - self.source.commands.keys():
            for ending in self._endings:
                path = f"{self.location.bins}/{name}{ending}"
                if self._is_ours(path):
                    self.ownership.take(path, ABSENT)

    def _drop_old_commands(self) -> None:
        """Give up commands that the package no longer has."""
        # npm leaves the link of a renamed command behind, which is broken then (measured on npm 11.19.1).
        for path, change in self.ownership.before_owned.items():
            if path in self.ownership.owned or isinstance(change.after, (CreatedDirectory, Absent)):
                continue
            self.ownership.give_up(path, change)
