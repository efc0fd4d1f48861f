"""The register of codes: what each means, and what to do about it.

`linkpack explain CODE` prints an entry, and docs/codes.md is made from all of them. To add a code, write its entry
here and run `python -m tests.tools.make_codes`. tests/test_codes.py fails for a code without an entry, and for an
entry without a code. Only `explain` loads this module.
"""

from __future__ import annotations

import errno
import os

from linkpack.record import Record


class Code(Record):
    """The one meaning of a code, and advice for whoever meets it."""

    meaning: str
    advice: str


def code_entry(code: str) -> Code | None:
    """Return the entry of *code*, None for one that linkpack does not print.

    Any error of the system has an entry, with the text that the system has for it.

    >>> code_entry("ENONPM").meaning
    'npm is needed, and is not on PATH.'
    >>> code_entry("EPIPES") is None
    True
    """
    if code in CODES:
        return CODES[code]
    number = next((number for number, name in errno.errorcode.items() if name == code), None)
    if number is None:
        return None
    return Code(f"The system refused to read or change something: {os.strerror(number)}.", _SYSTEM_ADVICE)


_SYSTEM_ADVICE = "Look at the path that the message names, then run the command again."

GENERAL = frozenset({"EBUNDLE", "ECONFIG", "ELINKCOMMAND", "ELINKPACK", "EPLAN", "EPROJECT", "ESNAPSHOT"})
"""Codes of whole classes of errors; each error that linkpack raises has a more precise one."""

CODES = {
    "EACCES": Code(
        "You may not read or write a file or folder.",
        "Change its permissions; for global links, choose a prefix that you own.",
    ),
    "EAFTEREND": Code(
        "A tarball has data after the end mark of its tar stream.",
        "Fetch or pack it again; do not use this file.",
    ),
    "EAGAINST": Code(
        "A tarball is not what the source that `verify --against` names packs to.",
        "Pack the source again, or pass `--allow EAGAINST` if you know why they differ.",
    ),
    "EALLOW": Code(
        "`--allow` names a code that cannot be allowed.",
        "Name one of the codes that the message lists.",
    ),
    "EBADBIN": Code(
        "A command or man page that package.json names has a NUL in it, which no file name has.",
        "Correct `bin` or `man` in that package.json.",
    ),
    "EBADMAN": Code(
        "A man page does not end in a section number, so that no folder for it is known.",
        "Call it like `alpha.1` or `alpha.1.gz`.",
    ),
    "EBADNAME": Code(
        "A file has a name that installers cannot write, or write as another one.",
        "Rename the file, or leave it out of the package.",
    ),
    "EBINPATH": Code(
        "`bin`, `man` or `directories` in a tarball's package.json leads out of the package.",
        "Make it a path inside the package.",
    ),
    "EBUNDLE": Code(
        "The bundle cannot be packed as it is on disk.",
        "Install again, then pack.",
    ),
    "EBUNDLEANCESTOR": Code(
        "A bundled dependency leads to a folder around the project itself.",
        "Bundle a package that does not contain this one.",
    ),
    "EBUNDLECONFLICT": Code(
        "So many versions of the bundled packages conflict that their tree would grow without measure.",
        "Align the versions of the package that the message names, then install and pack again.",
    ),
    "EBUNDLEKEPT": Code(
        'A package that would ship inside of another one has `"linkpack": {"bundle": false}`.',
        "Leave it out with `--bundle '!name'`, or remove the entry.",
    ),
    "EBUNDLELINK": Code(
        "A bundled dependency is a link that is broken, or leads to no package.",
        "Repair the link, or install the package.",
    ),
    "EBUNDLEMISSING": Code(
        "A package of the bundle needs a dependency that is not installed, or not in the tarball.",
        "Install it, or pack with `--allow-missing`; then pack again.",
    ),
    "EBUNDLENAME": Code(
        "bundleDependencies lists something that is no package name.",
        "List only names of dependencies.",
    ),
    "EBUNDLERING": Code(
        "Bundled packages need conflicting versions of each other in a ring, which no tree can hold.",
        "Align the versions of the packages that the message names.",
    ),
    "EBUNDLESELECTOR": Code(
        "A selector of `--bundle` is no word, name or scope that is known.",
        "Write `linked`, `workspace`, `private`, `all`, a name or `@scope/*`, with `!` to take away.",
    ),
    "EBUNDLESELF": Code(
        "A bundled dependency leads to the project itself.",
        "Take it out of bundleDependencies.",
    ),
    "EBUSY": Code(
        "Something is mounted or in use where a link would replace it.",
        "Unmount it, or mount the package's folder somewhere else.",
    ),
    "ECASE": Code(
        "Two names in a tarball differ by case alone, and are one file on Windows and macOS.",
        "Rename one of them, or pass `--allow ECASE`.",
    ),
    "ECATALOG": Code(
        "A `catalog:` spec names a package that the workspace's catalog does not have.",
        "Add the package to that catalog.",
    ),
    "ECHANGED": Code(
        "A file was written, swapped or removed while linkpack read it.",
        "Try again when nothing writes to it.",
    ),
    "ECHECKSUM": Code(
        "A header in a tarball has a wrong checksum, or is no tar header.",
        "Fetch or pack it again; do not use this file.",
    ),
    "ECOMMAND": Code(
        "Commands of a linked package cannot be run.",
        "Run `linkpack relink` for that package, or `linkpack doctor --fix`.",
    ),
    "ECONFIG": Code(
        "npm's settings cannot be used.",
        "Correct the setting that the message names.",
    ),
    "ECOPY": Code(
        "`link --copy` is to make a global link, or to save a copy in package.json, which a copy cannot be.",
        "Name the folders to copy, and leave --save out or pass `--no-save`.",
    ),
    "ECUTOFF": Code(
        "A link command was cut off, and what it did has not been taken back yet.",
        "Run any link command in that project: it takes the run back first.",
    ),
    "EDANGLING": Code(
        "The folder of a linked package is gone.",
        "Bring the folder back, or run `linkpack unlink` for that package.",
    ),
    "EDEPNAME": Code(
        "package.json names a dependency whose name would be a path out of node_modules.",
        "Remove it from that section.",
    ),
    "EDIRNOTEMPTY": Code(
        "The folder that `--dir` names exists and is not empty.",
        "Remove it, or name another one.",
    ),
    "EDIRTY": Code(
        "With `--require-clean`, the project or a linked package is not what its commit says, or git cannot tell.",
        "Commit the changes, or leave `--require-clean` out.",
    ),
    "EDQUOT": Code(
        "Your quota on that disk is used up.",
        "Make room, or write somewhere else.",
    ),
    "EDROPPED": Code(
        "A link was removed or replaced by something else, as by an install.",
        "Run `linkpack relink` for that package.",
    ),
    "EDUPLICATE": Code(
        "A tarball has one path twice.",
        "Keep one of them, and pack again.",
    ),
    "EENCODING": Code(
        "Python reads file names in another encoding than UTF-8, so that a name cannot be packed.",
        "Start Python in UTF-8 mode (`PYTHONUTF8=1`).",
    ),
    "EENDMARK": Code(
        "The end mark of a tarball's tar stream is only half there.",
        "Fetch or pack it again; do not use this file.",
    ),
    "EENTRYPOINT": Code(
        "A package names or imports a file that will not be in the tarball, and cannot be loaded without it.",
        "Build before you pack, and check `files` and the ignore files.",
    ),
    "EENTRYTYPE": Code(
        "A tarball has an entry of a type that packages do not have.",
        "Pack it again, with regular files alone.",
    ),
    "EEXIST": Code(
        "Something that linkpack did not make is where it has to write.",
        "Move it away; for commands and man pages, `link --force` replaces it.",
    ),
    "EFILEFOLDER": Code(
        "A tarball has one path as a file and as a folder.",
        "Rename one of them, and pack again.",
    ),
    "EFILENAME": Code(
        "The tarball's file name tells another package or version than its package.json.",
        "Rename the file, or pass `--allow EFILENAME`.",
    ),
    "EGIT": Code(
        "git cannot say what is committed in the folder to compare with.",
        "Commit it where git can be asked, or compare with the folder itself: `--against DIR`.",
    ),
    "EGZIP": Code(
        "A file is not gzip, is damaged, or is gzip that readers do not agree on.",
        "Fetch or pack it again; do not use this file.",
    ),
    "EHEADER": Code(
        "A tar header has a field that readers refuse or do not agree on.",
        "Fetch or pack it again; do not use this file.",
    ),
    "EIGNOREFILE": Code(
        "A rule of an ignore file is not text in the file's encoding, and may keep secrets out.",
        "Save the file as UTF-8.",
    ),
    "EIO": Code(
        "The disk or the system failed, without a more precise code.",
        "Check the disk, then run the command again.",
    ),
    "EJSON": Code(
        "A JSON file is no valid JSON, or has a key twice.",
        "Correct the place that the message names.",
    ),
    "EJSR": Code(
        "A `jsr:` spec names no JSR package.",
        "Write `jsr:@scope/name@range`.",
    ),
    "ELAYOUT": Code(
        "The planned tarball does not hold the packages, or their dependencies, as they are on disk.",
        "This is a fault of linkpack: please report it.",
    ),
    "ELEFTOVER": Code(
        "A lock, a stash or an unfinished file of linkpack is in the tarball.",
        "Remove it from the package, and pack again.",
    ),
    "ELICENSE": Code(
        "`license` is neither an SPDX expression nor the name of a file in the tarball.",
        'Write an SPDX expression, or "SEE LICENSE IN <file>" and ship that file.',
    ),
    "ELIMIT": Code(
        "Something is larger, or takes more work, than linkpack's limits allow.",
        "Make it smaller, or raise the limit that the message names if you trust it.",
    ),
    "ELINK": Code(
        "A tarball has a link in it, where only files may be.",
        "Replace the link by the file, and pack again.",
    ),
    "ELINKCOMMAND": Code(
        "A link command cannot be done.",
        "Do what the message says; the disk is as it was.",
    ),
    "ELINKGLOBAL": Code(
        "`link` does not take `--global`, nor `--no-global` without something to link.",
        "Leave the flag out, or name a folder to link.",
    ),
    "ELINKOUT": Code(
        "A path that would be changed is a link, or leads out of the project and the global prefix.",
        "Move the link there away, or work from the place that it leads to.",
    ),
    "ELINKPACK": Code(
        "linkpack cannot do what it was asked for.",
        "Do what the message says.",
    ),
    "ELINKSPEC": Code(
        "What `link` was given is neither a folder nor a package name with a range.",
        "Name a folder, or a package that is linked globally.",
    ),
    "ELOCK": Code(
        "package-lock.json cannot be understood, so that a link cannot be saved in it.",
        "Repair the file, or pass `--no-package-lock`.",
    ),
    "ELOOP": Code(
        "Symbolic links lead round in a circle, or a link is where none is followed.",
        "Replace the link by what it should lead to.",
    ),
    "EMANIFEST": Code(
        "package.json cannot be read, or a field of it has no fit value.",
        "Correct the field that the message names.",
    ),
    "EMANIFESTLINK": Code(
        "package.json is a symbolic link that leads out of the package or to no regular file.",
        "Make package.json a regular file.",
    ),
    "EMFILE": Code(
        "Too many files are open at once.",
        "Raise the limit (`ulimit -n`), or pack with fewer `--jobs`.",
    ),
    "EMODE": Code(
        "A file in a tarball is set-user-id, set-group-id or sticky.",
        "Give it mode 644 or 755, and pack again.",
    ),
    "ENAME": Code(
        "package.json has no name, or one that npm does not accept.",
        'Correct "name".',
    ),
    "ENAMETOOLONG": Code(
        "A path is longer than the system allows.",
        "Shorten it, or move the folder up.",
    ),
    "ENOCODE": Code(
        "`explain` was asked about a code that linkpack does not print.",
        "Use one of the codes that the hint names, or see docs/codes.md.",
    ),
    "ENODE": Code(
        "node is on PATH and does not say where it is installed, so that npm's global prefix is not known.",
        "Make node run in that folder, set `npm_config_prefix`, or pass `--prefix DIR`.",
    ),
    "ENODEPENDENCY": Code(
        "With `--only-dependencies`, the project depends on none of the packages to link.",
        "Leave `--only-dependencies` out to link them all the same.",
    ),
    "ENOENT": Code(
        "A file or folder does not exist.",
        "Name an existing one; for a package, a folder with a package.json.",
    ),
    "ENOFOLDER": Code(
        "The folder that `-C` names cannot be entered.",
        "Name an existing folder.",
    ),
    "ENOHOME": Code(
        "No folder for the record of links is known, as the environment names no home.",
        "Set `HOME` or `XDG_STATE_HOME`.",
    ),
    "ENOMANIFEST": Code(
        "A tarball has no package.json.",
        "Pack a package.",
    ),
    "ENONAME": Code(
        "`unlink` without a name was run where there is no package with a name.",
        "Run it in a package's folder, or name what to unlink.",
    ),
    "ENONPM": Code(
        "npm is needed, and is not on PATH.",
        "Install Node.js, which brings npm.",
    ),
    "ENOPATH": Code(
        "`why` was asked about something that is no path of the package and no bundled package.",
        "Name a file, a folder, a path in the tarball or a bundled package.",
    ),
    "ENOPREFIX": Code(
        "npm's global prefix is not known: no setting names it, and node is not on PATH.",
        "Set `npm_config_prefix`, or pass `--prefix DIR`.",
    ),
    "ENOPROJECT": Code(
        "There is no package.json where a project was asked for.",
        "Run the command in a package's folder, or name that folder.",
    ),
    "ENOSPC": Code(
        "The disk is full.",
        "Make room, or write somewhere else.",
    ),
    "ENOTDIR": Code(
        "Something that is no folder is where a folder has to be.",
        "Move it away.",
    ),
    "ENOTLINK": Code(
        "What `unlink` was asked to remove is an installed package and no link.",
        "Remove it by the package manager's command that the hint names.",
    ),
    "ENOTLINKED": Code(
        "A package that a link command needs is not linked there, or leads elsewhere.",
        "Run `linkpack ls` or `linkpack ls -g` to see what is linked.",
    ),
    "ENOUNDO": Code(
        "There is nothing to undo: only the last link command of a project can be undone, once.",
        "Use `linkpack unlink` or `linkpack link` instead.",
    ),
    "ENOVERSION": Code(
        "A dependency spec means a package that has no version.",
        "Give that package a version.",
    ),
    "ENPM": Code(
        "npm, which `link --install` or `--run-scripts` starts, failed or cannot be started.",
        "Read npm's messages above; nothing was linked.",
    ),
    "ENPMRC": Code(
        "A flag or variable that holds a setting of npm's expands to too much.",
        "Make it shorter.",
    ),
    "EOPTION": Code(
        "A Python caller gave an option a value that it does not take.",
        "Use one of the values that the hint lists.",
    ),
    "EOUTPATTERN": Code(
        "A pattern for an output's name makes no file name.",
        "Write one such as `%s-%v.tgz`.",
    ),
    "EOUTSAME": Code(
        "Two outputs of one run would be written to one file.",
        "Use `%s` and `%v` in the file's name, or pack one package at a time.",
    ),
    "EOUTSIDE": Code(
        "`why` was asked about a path that is neither in the project nor in a package of its bundle.",
        "Name a path in the project, or in a package that it bundles.",
    ),
    "EOVERRIDE": Code(
        "An override or resolution in package.json conflicts with the link to be saved.",
        'Change it to "$NAME", take it out, or link without `--save`.',
    ),
    "EPATH": Code(
        "Two files of the package would have one path in the tarball, or a path that leads out of it.",
        "Rename one of them.",
    ),
    "EPATHLONG": Code(
        "A path is too long, or too deep, for the tarball or for the system.",
        "Shorten it, move the package up, or raise `--max-path`.",
    ),
    "EPATTERN": Code(
        "A pattern of `files`, of an ignore file or of workspaces is too long or too complicated.",
        "Write a simpler one.",
    ),
    "EPAX": Code(
        "An extended (pax) header in a tarball has records that readers refuse or do not agree on.",
        "Fetch or pack it again; do not use this file.",
    ),
    "EPEER": Code(
        "With strict-peer-deps: a linked package needs a peer that its host lacks or has in another version.",
        "Install the peer in the host, then run `linkpack relink`.",
    ),
    "EPEERHIDDEN": Code(
        "In `doctor`, or with strict-peer-deps: a linked package does not find the peer that its host has.",
        "Follow the hint, which names the folder to install the peer in or the flag for Node.",
    ),
    "EPEERTWICE": Code(
        "In `doctor`, or with strict-peer-deps: a linked package and its host would load two copies of one peer.",
        "Follow the hint, which says how to have both load one copy.",
    ),
    "EPERM": Code(
        "The system does not let you change a file or folder.",
        "Check who owns it, and its flags.",
    ),
    "EPIPE": Code(
        "Who reads linkpack's output has gone.",
        "Read all of the output, or send it to a file.",
    ),
    "EPLAN": Code(
        "A plan has errors in it.",
        "Do what each message says.",
    ),
    "EPREFIX": Code(
        "npm's global prefix is another one than linkpack's, so that neither sees the other's links.",
        "Set `npm_config_prefix`, or `prefix` in your user npmrc.",
    ),
    "EPRIVATE": Code(
        "The tarball's package.json says `private`, so that npm publish refuses it.",
        'Remove "private", or pass `--allow EPRIVATE`.',
    ),
    "EPROJECT": Code(
        "The project, or a manifest in it, cannot be used.",
        "Do what the message says.",
    ),
    "EPUBLISHDIR": Code(
        "publishConfig.directory names no package inside of this one.",
        "Build it first; it needs a package.json of its own.",
    ),
    "EPUBLISHPLAN": Code(
        "What `--from-publish-plan` names is no publish plan of changesets, or does not fit.",
        "Make it with `changeset publish-plan --output FILE`.",
    ),
    "ERANGE": Code(
        "The global link is to another version than the range that was asked for.",
        "Link the folder that has the version, or use `link --install`.",
    ),
    "EREAD": Code(
        "A tarball, or a file that was planned to be packed, cannot be read.",
        "Check the path and its permissions, then run the command again.",
    ),
    "ERECORD": Code(
        "linkpack's record of the links of a place is damaged.",
        "Move the file away; the links then count as made by someone else.",
    ),
    "ERECOVER": Code(
        "A link command was cut off, and what it did can neither be finished nor taken back.",
        "Fix what the message names, and run the command again.",
    ),
    "EREPLACED": Code(
        "A bundled dependency was linked, and an install replaced the link: pack would ship the copy.",
        "Run `linkpack relink` for that package.",
    ),
    "EREPOSITORY": Code(
        "A tarball has a git repository in it, whose settings can name programs for git to run.",
        "Leave it out of the package.",
    ),
    "EROFS": Code(
        "The file system is read-only.",
        "Write somewhere else, or mount it writable.",
    ),
    "EROOT": Code(
        "A tarball has files beside the package's folder.",
        "Put all files below package/.",
    ),
    "ERULES": Code(
        "linkpack does not know the selection rules of that version of npm.",
        "Name one of the versions that the hint lists.",
    ),
    "ESAVE": Code(
        "Flags of `link` that say where to save contradict each other.",
        "Give one of them.",
    ),
    "ESAVENAME": Code(
        "A link cannot be saved, as the path to its folder is not UTF-8 and package.json is.",
        "Rename the folder, or link without `--save`.",
    ),
    "ESCHEDULER": Code(
        "The Dask cluster that `--scheduler` names cannot be used.",
        "Check the address; it needs `pip install linkpack[dask]`.",
    ),
    "ESCRIPT": Code(
        "A lifecycle script failed, or could not be started.",
        "Run the script by itself; its messages are above.",
    ),
    "ESECRET": Code(
        "A file in a tarball holds what looks like a token or key.",
        "Revoke it, and leave the file out; if it is none, pass `--allow ESECRET`.",
    ),
    "ESECRETFILE": Code(
        "A file in a tarball is a secret by its name, such as a private key.",
        "Leave it out of the package, or pass `--allow ESECRETFILE`.",
    ),
    "ESELF": Code(
        "The package to link is inside of the installed folder that the link would displace.",
        "Link a copy that is outside of node_modules.",
    ),
    "ESHEBANG": Code(
        "A command of a tarball's package does not begin with `#!`, so that it cannot be run.",
        "Begin it with `#!/usr/bin/env node`.",
    ),
    "ESIZE": Code(
        "A tarball is larger than `verify --max-size` allows.",
        "Leave files out, or allow more.",
    ),
    "ESNAPSHOT": Code(
        "Packing failed after planning; nothing was left behind.",
        "Pack again.",
    ),
    "ESOURCEGONE": Code(
        "A global link leads to a folder that does not exist.",
        "Link its new folder, or remove the link by `linkpack unlink -g`.",
    ),
    "ESPARSE": Code(
        "A tarball has a sparse file of GNU tar, which other readers take for another one.",
        "Pack it again without sparse files.",
    ),
    "ESPEC": Code(
        "A dependency spec has to be rewritten before a consumer can use it.",
        "Pack with `--specs resolve`, which rewrites it, or change it.",
    ),
    "ESPECIAL": Code(
        "A tarball has a pipe, socket or device in it.",
        "Leave it out of the package.",
    ),
    "ESPECINVALID": Code(
        "npm cannot install a dependency by the spec that package.json has.",
        "Correct the spec.",
    ),
    "ESPECLOCAL": Code(
        "A dependency spec is a path that a consumer does not have.",
        "Bundle the package, publish it, or pack with `--specs keep`.",
    ),
    "ESPECPATCH": Code(
        "A dependency is patched by yarn, and a consumer does not get the patch.",
        "Bundle the package, or write the spec without the patch.",
    ),
    "ESTALE": Code(
        "What is to be changed is not any more as it was when the change was planned or made.",
        "Run the command again; instead of `undo`, use `unlink`.",
    ),
    "ESTATE": Code(
        "The state folder, in which links are recorded, cannot be made or is not yours alone to write.",
        "Run `chmod -R go=` on it if it is yours, or set `XDG_STATE_HOME`.",
    ),
    "ESYNC": Code(
        "A `sync` stopped before its end: each file of the copy is old or new.",
        "Remove the cause that the message names, then run `linkpack sync` again.",
    ),
    "ETOOLARGE": Code(
        "A file is larger than `--max-file` allows.",
        "Leave it out, or raise `--max-file`.",
    ),
    "ETRAVERSAL": Code(
        "A path in a tarball leads out of the package.",
        "Do not use this file.",
    ),
    "ETRUNCATED": Code(
        "The tar stream in a tarball ends too early.",
        "Fetch or pack it again.",
    ),
    "ETYPES": Code(
        "package.json names type declarations that are not in the tarball.",
        "Build before you pack, and check `files`.",
    ),
    "EUNREADABLE": Code(
        "A file or folder of a package cannot be read.",
        "Allow reading it, or leave it out.",
    ),
    "EVENDORCONFLICT": Code(
        "The flat vendor folder would need two packages of one name.",
        "Align the versions, or pack with `--layout bundle`.",
    ),
    "EVENDORLINKED": Code(
        "With the thin layout, a package from the registry needs a linked one.",
        "Pack with `--layout vendor` or `bundle`.",
    ),
    "EVENDORLOCAL": Code(
        "With the thin layout, a package was installed from a path, so that no registry has it.",
        "Pack with `--layout vendor`, or publish it.",
    ),
    "EVERIFY": Code(
        "A tarball, read back or unpacked, is not what it has to be.",
        "Run the command again; if it fails again, check the disk and report it.",
    ),
    "EVERSION": Code(
        "package.json has no version, or one that is not valid.",
        'Correct "version", such as "1.0.0".',
    ),
    "EWINDOWS": Code(
        "A path in a tarball is a drive, stream or device name on Windows.",
        "Rename it, or pass `--allow EWINDOWS`.",
    ),
    "EWORKER": Code(
        "A process that packed one of many packages broke.",
        "Pack that package again, perhaps with fewer `--jobs`.",
    ),
    "EWORKSPACE": Code(
        "A workspace was asked for that the project does not have.",
        "Name a workspace's package, its folder, or a folder above it.",
    ),
    "EWORKSPACEFILE": Code(
        "A file that lists workspaces cannot be read or understood.",
        "Correct the place that the message names.",
    ),
    "EWORKSPACESPEC": Code(
        "A `workspace:` spec names a package that is no workspace and not installed.",
        "List its folder in the workspaces, or install it.",
    ),
    "EWRITE": Code(
        "An output that was asked for, or the folder for it, cannot be written where it has to go.",
        "Choose another place, or make room and permission there.",
    ),
    "EXDEV": Code(
        "A path leads to another file system, or out of the folder that it has to be in.",
        "Use a path on the same file system.",
    ),
    "WANCHORED": Code(
        "A rule in a workspace root's ignore file does not apply in the package: what it seems to exclude ships.",
        "Ignore them in the package's own ignore file, or name what is to ship in `files`.",
    ),
    "WBIN": Code(
        "Commands of a linked package are not linked, as their scripts do not exist yet.",
        "Build the package, then run `linkpack relink`.",
    ),
    "WBUILT": Code(
        "With `verify --against git`, `--built` does not name the built files that ship, or names none.",
        "Name what is built, as in `--built dist`, or leave `--built` out.",
    ),
    "WBUILTIN": Code(
        "A file is left out because npm takes it, by its name, for something that never ships.",
        "Rename it if it is to ship.",
    ),
    "WBUNDLEMISSING": Code(
        "With `--allow-missing`, a bundled dependency is not installed and does not ship.",
        "Install it, and pack again, if it is needed.",
    ),
    "WBUNDLERANGE": Code(
        "A dependency ships although no selector takes it, because no version satisfies all who ask for it.",
        "Make the ranges agree, so that it comes from the registry.",
    ),
    "WBUNDLESELECTOR": Code(
        "A selector of `--bundle` matches no production dependency.",
        "Check the name; devDependencies and peers are never bundled.",
    ),
    "WCASE": Code(
        "Two names are one on Windows and macOS.",
        "Rename one of them.",
    ),
    "WCRLF": Code(
        "The first line of a linked command ended in CRLF, which keeps it from running, and was corrected.",
        "Have the file stored with LF, as by `*.js text eol=lf` in .gitattributes.",
    ),
    "WDEPENDENCIES": Code(
        "A linked package needs dependencies that Node does not find from its folder.",
        "Run the install that the hint names in that folder.",
    ),
    "WDISPLACED": Code(
        "What a link had displaced cannot be put back.",
        "Run your package manager's install.",
    ),
    "WEDITION": Code(
        "npm 11 and npm 12 would pack different files.",
        "Choose with `--npm-rules`, or for good in package.json.",
    ),
    "WENTRYPOINT": Code(
        "package.json names a file that is not in the tarball, or not on this disk.",
        "Build before you pack, or correct package.json.",
    ),
    "WEXTRANEOUS": Code(
        "A tarball has a bundled package that nothing in it needs.",
        "Take it out, or declare it.",
    ),
    "WFILENAME": Code(
        "The tarball's file name does not tell name and version.",
        "Call it as npm pack does.",
    ),
    "WFILES": Code(
        "An entry of `files` matches nothing, or nothing of what it names ships.",
        "Build before you pack, or correct the list.",
    ),
    "WFILTER": Code(
        "Files may differ from their commit: only a program that the repository names could tell.",
        "Compare them by git: linkpack does not run that program. The record lists them as dirty.",
    ),
    "WFORCED": Code(
        "A folder is ignored, but ships, because npm forces a file in it in.",
        "Move that file, or leave it so.",
    ),
    "WGLOBALSTAYS": Code(
        "A package stays linked globally, with commands or in the place of an installed one.",
        "To remove it, run `linkpack unlink -g` for that package.",
    ),
    "WIGNOREFILE": Code(
        "An ignore file is in an encoding whose rules npm and git do not read.",
        "Save it as UTF-8.",
    ),
    "WINSTALLED": Code(
        "A package still leads to its folder, by a link that was there before linkpack's.",
        "Remove it by the package manager that made it.",
    ),
    "WLARGE": Code(
        "A file is of 2 GiB or more, which some installers cannot read.",
        "Ship it in another way.",
    ),
    "WLEFTBEHIND": Code(
        "A source loads a file that is on this disk and will not ship, or does not exist.",
        "Build before you pack, or have the file shipped.",
    ),
    "WLEFTOVER": Code(
        "A file that is not needed any more could not be removed.",
        "Nothing: the next link command tries again.",
    ),
    "WLICENSE": Code(
        "package.json names no license, or has the old form of it.",
        "Write an SPDX expression, or UNLICENSED.",
    ),
    "WLINK": Code(
        "A symbolic link in the package ships as a copy of its file, or does not ship.",
        "Replace the link by the file if it is to ship.",
    ),
    "WLOCK": Code(
        "package-lock.json is not made, or does not have all that a saved link needs.",
        "Run `npm install --package-lock-only`, or your package manager's install.",
    ),
    "WMANIFEST": Code(
        "npm reads a field of package.json otherwise than it is written, or cannot use it.",
        "Write the field as the hint says.",
    ),
    "WNAME": Code(
        "A file has a name that some systems or installers cannot write.",
        "Rename it, or shorten its path.",
    ),
    "WNODEENV": Code(
        "A variable of the environment has Node look packages up elsewhere.",
        "Unset it.",
    ),
    "WNOGLOBAL": Code(
        "No global link is made beside the one in the project.",
        "Choose a prefix that you own, or link with `--no-global`.",
    ),
    "WNOLINKS": Code(
        "There are no links in that place.",
        "Make them by `linkpack link`.",
    ),
    "WNONODE": Code(
        "node is not on PATH.",
        "Install Node.js.",
    ),
    "WNONPM": Code(
        "npm is not on PATH; `link --install` needs it.",
        "Install Node.js, which brings npm.",
    ),
    "WNOPREFIX": Code(
        "npm's global prefix is not known, so that there are no global links.",
        "Set `npm_config_prefix`, or pass `--prefix DIR`.",
    ),
    "WNOTLINKED": Code(
        "A package that was named is not among the links of that place.",
        "Run `linkpack ls` to see what is linked.",
    ),
    "WNPM": Code(
        "npm does not say what its global prefix is.",
        "Repair npm.",
    ),
    "WNPMRC": Code(
        "An npmrc file cannot be used, as a whole or in part.",
        "Fix the file, or its permissions.",
    ),
    "WNPMRCSHIPS": Code(
        "A tarball has npm's settings file in it, which may hold logins.",
        "Leave it out of the package.",
    ),
    "WOLDER": Code(
        "What an earlier link displaced stays in the stash, beside what the new one displaces.",
        "Remove it when you do not need it.",
    ),
    "WOPENED": Code(
        "A folder is ignored, but other files in it ship, because a later rule opens it.",
        "Ignore `FOLDER/*` instead, which names each file by itself.",
    ),
    "WOPTIONAL": Code(
        "A package will find another optional dependency or peer in the tarball than on disk.",
        "Install it where the hint says.",
    ),
    "WOUTSIDE": Code(
        "`bin`, `man` or `directories.bin` of a linked package leads out of it, and is not linked.",
        "Name files or folders of the package.",
    ),
    "WOWNTARBALL": Code(
        "Files are left out, as by their names they are earlier outputs of linkpack.",
        "Remove them, or name them in `files` to ship them.",
    ),
    "WPACKERS": Code(
        "npm and the workspace's package manager would pack different files.",
        "Name what is to ship in `files`.",
    ),
    "WPADDING": Code(
        "A tarball has bytes other than zeros between two entries.",
        "Pack it again by another tool.",
    ),
    "WPATH": Code(
        "The folder of global commands is not on PATH, so that a shell does not find linked ones.",
        "Add the folder to PATH, or run your version manager's reshim.",
    ),
    "WPAX": Code(
        "A tarball has a global extended header, which is of no use to a package.",
        "Pack it again by another tool.",
    ),
    "WPEER": Code(
        "A package has a peer dependency that is not declared, not supplied, or there in another version.",
        "Add the peer where the hint says.",
    ),
    "WPEERHIDDEN": Code(
        "A linked package does not find the peer that its host has, as Node looks from its real folder.",
        "Follow the hint, which names the folder to install the peer in or the flag for Node.",
    ),
    "WPEERTWICE": Code(
        "A linked package and its host would load two copies of one peer.",
        "Follow the hint, which says how to have both load one copy.",
    ),
    "WPERM": Code(
        "The script of a linked command is not executable, and not yours to change.",
        "Let its owner run `chmod +x` on it.",
    ),
    "WPHANTOM": Code(
        "A source loads a package that its package.json does not declare.",
        "Add it to dependencies.",
    ),
    "WPLATFORM": Code(
        "The bundle has packages for some systems only.",
        "Leave them out of the bundle, or limit `os` and `cpu` in package.json.",
    ),
    "WPNP": Code(
        "The project is installed with Plug'n'Play, so that links in node_modules have no effect.",
        "Set `nodeLinker: node-modules` and run `yarn install`, or use `yarn link`.",
    ),
    "WPNPMFILE": Code(
        "pnpm's beforePacking hook is not run, so that the manifest ships without its changes.",
        "Change the manifest by publishConfig or a prepack script.",
    ),
    "WPREFIX": Code(
        "You may not write to the global prefix, so that global links cannot be made.",
        "Choose a prefix of your own, or link with `--no-global`.",
    ),
    "WPRIVATE": Code(
        "A `workspace:` spec means a private package, which no registry has.",
        "Bundle that package, or publish it.",
    ),
    "WPRIVATESKIPPED": Code(
        "Private workspaces are left out when all are linked.",
        "Name their folders to link them all the same.",
    ),
    "WPROJECTNPMRC": Code(
        "A project's npmrc sets what decides where and how links are global, which is ignored.",
        "Put it into your user npmrc, or pass it on the command line.",
    ),
    "WPUBLISHDIR": Code(
        "A linked package publishes another folder of it (publishConfig.directory); the linked one ships.",
        "Link that folder instead.",
    ),
    "WRANGE": Code(
        "A linked package has another version than the range that its user's package.json wants.",
        "Change its version, or the range.",
    ),
    "WRECOVERED": Code(
        "An earlier link command was cut off, and has been taken back.",
        "Run that command again if you still want it.",
    ),
    "WRELINK": Code(
        "A bundled package was linked, and the link was replaced or is gone, or that is not known.",
        "Run `linkpack relink` for it, or `linkpack unlink` to leave it so.",
    ),
    "WRENAMED": Code(
        "A package has another name than when it was linked.",
        "Link the new name where the old one is used, then unlink the old one.",
    ),
    "WROOT": Code(
        "The folder in a tarball is not called package.",
        "Pack it again with `linkpack pack` or `npm pack`.",
    ),
    "WSECRET": Code(
        "A file that ships may be a secret, by its name or by what is in it.",
        "Revoke what is secret, and leave the file out of the package.",
    ),
    "WSETTING": Code(
        "A setting of npm's has a value that cannot be used, and is left out.",
        "Correct it where the message says.",
    ),
    "WSHADOWED": Code(
        "Another command of that name comes before the linked one in PATH.",
        "Remove it, or change the order of PATH.",
    ),
    "WSHARED": Code(
        "A package is still linked, by another project that shares the folder.",
        "Unlink it there as well.",
    ),
    "WSHEBANG": Code(
        "The first line of a command ends in CRLF, which keeps it from running on Linux and macOS.",
        "Save the file with LF line breaks.",
    ),
    "WSKIPPED": Code(
        "With `--skip-others`, a folder is left out that is no package to be linked.",
        "Nothing, if it is none.",
    ),
    "WSOURCEGONE": Code(
        "A package cannot be linked again, as its folder is gone or has no usable package.json.",
        "Bring the folder back, or unlink the package.",
    ),
    "WSPEC": Code(
        "A bundled package's manifest names a package that is not in the tarball.",
        "Drop it from the bundled manifest.",
    ),
    "WSPECIAL": Code(
        "A pipe, socket or device in the package is left out.",
        "Nothing, if it is not to ship.",
    ),
    "WSTASH": Code(
        "Something in the stash was displaced by a link that is not recorded any more.",
        "Remove it if you do not need it.",
    ),
    "WSUPERSEDED": Code(
        "Something else took a link's place since, so that what the link had displaced stays in the stash.",
        "Remove it when you do not need it.",
    ),
    "WTARBALL": Code(
        "Tarballs ship inside of the tarball.",
        "Leave them out; choose another `--pack-destination` for those of this run.",
    ),
    "WTYPES": Code(
        "package.json names type declarations that are not in the tarball, so that TypeScript finds none.",
        "Build before you pack, and check `files`.",
    ),
    "WUNCOMMITTED": Code(
        "A linked package from outside of the repository is compared with what is on disk.",
        "Commit it there, and pack again.",
    ),
    "WUNDECLARED": Code(
        "bundleDependencies names a package that is in neither dependencies nor optionalDependencies.",
        "Add it to dependencies; npm would leave it out.",
    ),
    "WUNINSTALLED": Code(
        "A package left package.json since it was linked, so that its link is not brought back.",
        "Forget it by `linkpack unlink`, or bring it back by `linkpack relink NAME`.",
    ),
    "WUNSAVED": Code(
        "What a link wrote into package.json or the lockfile cannot be taken out again.",
        "Take it out by hand.",
    ),
    "WVENDORTWICE": Code(
        "One package is installed twice, and ships once in a flat vendor folder.",
        "Dedupe it, so that you test what ships.",
    ),
    "WWORKSPACES": Code(
        "Workspaces were asked for, and are left out because folders are named.",
        "Name either, or add `.` to the folders.",
    ),
}
"""Every code with its meaning, in the order of the alphabet."""
