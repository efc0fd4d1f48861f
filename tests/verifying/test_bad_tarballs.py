"""Every bad tarball is found out, by the code that the documentation has for it, and never unpacked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linkpack.errors import PlanRejected
from linkpack.limits import Limits
from linkpack.verifying import verdict as api
from linkpack.verifying.unpack import unpack
from tests.support.badtar import (
    BODY,
    END,
    flagged,
    gnu,
    gz,
    header,
    manifest,
    member,
    padded,
    patched,
    pax,
    record,
    summed,
    write,
    write_raw,
)

if TYPE_CHECKING:
    from pathlib import Path

IN_PIECES = b"package/" + "ü/".encode() * 200 + b"x"
UP = b"package/../../outside/planted.txt"
KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "QUJD" * 16
ISSUED = "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"  # GitHub's own example of a check sum
NPM = "npm_" + "a1B2" * 9

# name, stream, code: what comes before the end mark
SHAPES = [
    ("up", BODY + member(UP), "ETRAVERSAL"),
    ("up-inside", BODY + member("package/a/../b.js"), "ETRAVERSAL"),
    ("up-at-the-end", BODY + member("package/.."), "ETRAVERSAL"),
    ("absolute", BODY + member("/etc/planted"), "ETRAVERSAL"),
    ("backslash", BODY + member("package\\..\\x.js"), "EBADNAME"),
    ("backslash-below", BODY + member("package/a\\x.js"), "EBADNAME"),
    ("drive", BODY + member("package/C:/x.js"), "EBADNAME"),
    ("stream", BODY + member("package/a.js:hidden"), "EWINDOWS"),
    ("device-name", BODY + member("package/NUL"), "EWINDOWS"),
    ("device-name-ending", BODY + member("package/lib/aux.js"), "EWINDOWS"),
    ("dot", BODY + member("."), "EBADNAME"),
    ("dot-first", BODY + member("./package/x.js"), "EBADNAME"),
    ("dots-only", BODY + member("package/./."), "EBADNAME"),
    ("dot-and-other-contents", BODY + member("package/./index.js", "other"), "EDUPLICATE"),
    ("dot-and-folder", BODY + member("package/lib/a") + member("package/./lib"), "EFILEFOLDER"),
    ("empty-portion", BODY + member("package//x.js"), "EBADNAME"),
    ("empty-name", BODY + member(""), "EHEADER"),
    ("file-with-a-slash", BODY + member("package/x/"), "EBADNAME"),
    ("nul-in-name", BODY + member(b"package/ok\0/../x"), "EHEADER"),
    ("control", BODY + member("package/\x1b[2J.js"), "EBADNAME"),
    ("newline", BODY + member("package/a\nb.js"), "EBADNAME"),
    ("bidi", BODY + member("package/a\u202ejs.txt"), "EBADNAME"),
    ("zero-width", BODY + member("package/a\u200b.js"), "EBADNAME"),
    ("not-utf8", BODY + member(b"package/\xff.js"), "EBADNAME"),
    ("long-portion", BODY + pax({b"path": b"package/" + b"n" * 256}) + member("package/nnn"), "EPATHLONG"),
    ("long-path", BODY + pax({b"path": b"package" + b"/dddddddd" * 500}) + member("package/ddd"), "EPATHLONG"),
    ("deep-path", BODY + pax({b"path": b"package" + b"/d" * 300}) + member("package/d"), "EPATHLONG"),
    ("two-roots", BODY + member("other/x.js"), "EROOT"),
    ("no-root", BODY + member("x.js"), "EROOT"),
    ("root-in-capitals", BODY + member("Package/x.js"), "EROOT"),
    ("symlink", BODY + header(b"package/l", 0, b"2", b"index.js"), "ELINK"),
    ("symlink-out", BODY + header(b"package/l", 0, b"2", b"../../outside"), "ELINK"),
    ("hard-link", BODY + header(b"package/l", 0, b"1", b"package/index.js"), "ELINK"),
    ("manifest-is-a-link", header(b"package/package.json", 0, b"2", b"p") + member("package/p", "{}"), "ELINK"),
    ("pax-linkpath", BODY + pax({b"linkpath": b"../x"}) + header(b"package/l", 0, b"2", b"y"), "ELINK"),
    ("gnu-long-link", BODY + gnu(b"K", b"../x\0") + header(b"package/l", 0, b"2", b"y"), "ELINK"),
    ("character-device", BODY + header(b"package/c", 0, b"3"), "ESPECIAL"),
    ("block-device", BODY + header(b"package/b", 0, b"4"), "ESPECIAL"),
    ("pipe", BODY + header(b"package/p", 0, b"6"), "ESPECIAL"),
    ("link-with-a-size", BODY + header(b"package/l", 512, b"2", b"x") + bytes(512), "EHEADER"),
    ("folder-with-a-size", BODY + header(b"package/d/", 512, b"5") + bytes(512), "EHEADER"),
    ("contiguous", BODY + member("package/c", kind=b"7"), "EENTRYTYPE"),
    ("volume-label", member("package/label", b"", b"V") + BODY, "EENTRYTYPE"),
    ("dump-folder", BODY + member("package/d", b"Dx\0", b"D"), "EENTRYTYPE"),
    ("sparse", BODY + member("package/s", b"s" * 512, b"S"), "ESPARSE"),
    ("pax-sparse", BODY + pax({b"GNU.sparse.major": b"1"}) + member("package/s"), "ESPARSE"),
    ("setuid", BODY + member("package/x", mode=0o4755), "EMODE"),
    ("sticky-folder", BODY + header(b"package/d/", 0, b"5", mode=0o1777), "EMODE"),
    ("duplicate", BODY + member("package/index.js", "other"), "EDUPLICATE"),
    ("duplicate-folder", BODY + header(b"package/d/", 0, b"5") * 2, "EDUPLICATE"),
    ("duplicate-alike", BODY + member("package/index.js"), "EDUPLICATE"),
    ("two-manifests", BODY + manifest(), "EDUPLICATE"),
    ("case", BODY + member("package/Index.js"), "ECASE"),
    ("case-of-manifest", BODY + member("package/Package.JSON", "{}"), "ECASE"),
    ("case-full-folding", BODY + member("package/straße.js") + member("package/STRASSE.js"), "ECASE"),
    ("normal-form", BODY + member("package/\u00fc.js") + member("package/u\u0308.js"), "ECASE"),
    ("case-file-and-folder", BODY + member("package/LIB") + member("package/lib/a.js"), "ECASE"),
    ("file-then-folder", BODY + member("package/index.js/x"), "EFILEFOLDER"),
    ("folder-then-file", BODY + member("package/lib/x") + member("package/lib"), "EFILEFOLDER"),
    ("folder-entry-then-file", BODY + header(b"package/d/", 0, b"5") + member("package/d"), "EFILEFOLDER"),
    ("pax-path-up", BODY + pax({b"path": UP}) + member("package/planted.txt"), "ETRAVERSAL"),
    ("pax-path-empty", BODY + pax({b"path": b""}) + member("package/safe.js"), "EPAX"),
    ("pax-path-nul", BODY + pax({b"path": b"package/a\0b"}) + member("package/safe.js"), "EPAX"),
    ("pax-path-not-utf8", BODY + pax({b"path": b"package/\xff"}) + member("package/safe.js"), "EPAX"),
    ("pax-path-twice", BODY + pax(b"10 path=a\n10 path=b\n") + member("package/safe.js"), "EPAX"),
    ("pax-size-more", BODY + pax({b"size": b"1024"}) + member("package/p.js") + member(UP), "EPAX"),
    ("pax-size-no-number", BODY + pax({b"size": b"-2"}) + member("package/p.js"), "EPAX"),
    ("pax-charset", BODY + pax({b"hdrcharset": b"EBCDIC"}) + member("package/p.js"), "EPAX"),
    ("pax-no-newline", BODY + pax(b"10 path=abZ") + member("package/safe.js"), "EPAX"),
    ("pax-long-length", BODY + pax(b"99 path=a\n") + member("package/safe.js"), "EPAX"),
    ("pax-short-length", BODY + pax(b"2 \n") + member("package/safe.js"), "EPAX"),
    ("pax-no-length", BODY + pax(b"path=a\n") + member("package/safe.js"), "EPAX"),
    ("pax-no-value", BODY + pax(b"7 path\n") + member("package/safe.js"), "EPAX"),
    ("pax-twice", BODY + pax({b"mtime": b"1"}) * 2 + member("package/safe.js"), "EPAX"),
    ("pax-for-nothing", BODY + pax({b"mtime": b"1"}), "EPAX"),
    ("pax-empty-for-nothing", BODY + pax(b""), "EPAX"),
    ("pax-global-path", pax({b"path": UP}, b"g") + BODY, "EPAX"),
    ("pax-global-later", BODY + pax({b"comment": b"c"}, b"g"), "EPAX"),
    ("device-number", BODY + header(b"package/m.js", device=b"garbage!" * 2), "EHEADER"),
    ("pax-huge", BODY + pax({b"comment": b"c" * (2 << 20)}) + member("package/safe.js"), "ELIMIT"),
    ("gnu-long-name-up", BODY + gnu(b"L", UP + b"\0") + member("package/planted.txt"), "ETRAVERSAL"),
    ("gnu-long-name-two", BODY + gnu(b"L", b"package/a\0b\0") + member("package/safe.js"), "EHEADER"),
    ("gnu-long-name-empty", BODY + gnu(b"L", b"\0") + member("package/safe.js"), "EHEADER"),
    ("size-garbage", BODY + header(b"package/n.js", b"zzzzzzzzzzz\0"), "EHEADER"),
    ("size-negative", BODY + header(b"package/n.js", b"\xff" * 12), "EHEADER"),
    ("size-absurd", BODY + header(b"package/n.js", b"\x80" + b"\xff" * 11), "EHEADER"),
    ("size-too-large", BODY + header(b"package/n.js", 3 << 30), "ELIMIT"),
    ("time-negative", BODY + header(b"package/m.js", mtime=b"\xff" * 12), "EHEADER"),
    ("magic", BODY + header(b"package/m.js", magic=b"rubbish!"), "EHEADER"),
    ("prefix-for-some", BODY + header(b"package/m.js", magic=b"ustar  \0", prefix=b"package/x"), "EHEADER"),
    ("prefix-half-times", BODY + header(b"m.js", prefix=b"package".ljust(131, b"\0") + b"1527\0x"), "EHEADER"),
    ("prefix-nul", BODY + header(b"m.js", prefix=b"package\0x"), "EHEADER"),
    ("checksum", BODY + header(b"package/m.js", checksum=1), "ECHECKSUM"),
    ("checksum-first", header(b"package/package.json", checksum=1) + BODY, "ECHECKSUM"),
    ("checksum-empty", BODY + (b"x" * 148 + bytes(8)).ljust(512, b"x"), "ECHECKSUM"),
    ("after-the-end", BODY + END + member(UP), "EAFTEREND"),
    ("half-an-end", BODY + bytes(512) + member("package/x.js"), "EENDMARK"),
    ("zeros-for-ever", BODY + bytes(2 << 20), "EAFTEREND"),
    ("gzip-in-gzip", gz(BODY + END), "ECHECKSUM"),
    ("dot-below", BODY + member("package/lib/./x.js"), "EBADNAME"),
    ("dot-before-an-ignore-file", BODY + member("package/./.npmignore") + member("package/.gitignore"),
     "EBADNAME"),
    ("dot-last", BODY + member("package/lib/."), "EBADNAME"),
    ("dot-twice", BODY + member("package/././x.js"), "EBADNAME"),
    ("dot-folder", BODY + header(b"package/./", 0, b"5"), "EBADNAME"),
    ("dot-and-other-mode", BODY + member("package/./index.js", "module.exports = 1\n", mode=0o755), "EDUPLICATE"),
    ("drive-before-a-name", BODY + member("package/c:x.js"), "EBADNAME"),
    ("drive-below", BODY + member("package/lib/c:/x.js"), "EBADNAME"),
    ("drive-as-the-root", manifest("c:/package.json"), "EBADNAME"),
    ("stream-of-contents", BODY + member("package/index.js::$DATA"), "EBADNAME"),
    ("folder-after-its-file", BODY + member("package/lib/a.js") + header(b"package/lib/", 0, b"5"), "EDUPLICATE"),
    ("npm-renames-onto-a-folder", BODY + member("package/.gitignore") + member("package/.npmignore/x"),
     "EFILEFOLDER"),
    ("link-name-of-a-file", BODY + header(b"package/a.js", link=b"x"), "EHEADER"),
    ("link-name-of-a-folder", BODY + header(b"package/d/", 0, b"5", link=b"x"), "EHEADER"),
    ("link-name-of-a-pax-header", BODY + header(b"PaxHeader/x", 13, b"x", b"x") + padded(record(b"mtime", b"1.2"))
     + member("package/a.js"), "EHEADER"),
    ("link-name-of-a-long-name", BODY + header(b"././@LongLink", 10, b"L", b"x") + padded(b"package/a\0")
     + member("package/a"), "EHEADER"),
    ("old-magic", BODY + header(b"package/a.js", magic=bytes(8)), "EHEADER"),
    ("old-magic-of-a-pax-header", BODY + header(b"PaxHeader/x", 13, b"x", magic=bytes(8))
     + padded(record(b"mtime", b"1.2")) + member("package/a.js"), "EHEADER"),
    ("checksum-without-an-end", BODY + summed(header(b"package/a.js"), b"%08o"), "ECHECKSUM"),
    ("size-in-base-256", BODY + header(b"package/a.js", b"\x80" + bytes(11)), "EHEADER"),
    ("size-without-an-end", BODY + header(b"package/a.js", b"000000000000"), "EHEADER"),
    ("size-empty", BODY + header(b"package/a.js", bytes(12)), "EHEADER"),
    ("owner-in-base-256", BODY + patched(header(b"package/a.js"), 108, b"\x80" + b"\x7f" * 7), "EHEADER"),
    ("owner-negative", BODY + patched(header(b"package/a.js"), 108, b"\xff" * 8), "EHEADER"),
    ("mode-in-base-256", BODY + patched(header(b"package/a.js"), 100, b"\x80" + bytes(5) + b"\1\xa4"), "EHEADER"),
    ("mode-empty", BODY + patched(header(b"package/a.js"), 100, bytes(8)), "EHEADER"),
    ("mode-without-an-end", BODY + patched(header(b"package/a.js"), 100, b"00000644"), "EHEADER"),
    ("device-in-base-256", BODY + header(b"package/a.js", device=b"\x80" + b"\x7f" * 7 + bytes(8)), "EHEADER"),
    ("tail", BODY + patched(header(b"package/a.js"), 508, b"tar\0"), "EHEADER"),
    ("pax-header-without-a-name", BODY + header(b"", 13, b"x") + padded(record(b"mtime", b"1.2"))
     + member("package/a.js"), "EHEADER"),
    ("folder-without-a-name", BODY + header(b"", 0, b"5", prefix=b"package/d") + member("package/x"), "EHEADER"),
    ("pax-empty", BODY + pax(b"") + member("package/a.js"), "EPAX"),
    ("pax-filled", BODY + header(b"PaxHeader/x", 13, b"x") + padded(record(b"mtime", b"1.2"), b"x")
     + member("package/a.js"), "EPAX"),
    ("pax-line-break", BODY + pax({b"comment": b"a\n" + record(b"path", b"package/b.js")[:-1]})
     + member("package/a.js"), "EPAX"),
    ("pax-line-break-global", pax({b"comment": b"a\n15 size=9999"}, b"g") + BODY, "EPAX"),
    ("pax-line-break-of-old-npm", BODY + pax({b"NODETAR.package.readme": b"a\n" + record(b"size", b"1")[:-1]})
     + member("package/a.js"), "EPAX"),
    ("pax-nul", BODY + pax({b"uname": b"a\0b"}) + member("package/a.js"), "EPAX"),
    ("pax-no-text", BODY + pax({b"comment": b""}) + member("package/a.js"), "EPAX"),
    ("pax-type", BODY + pax({b"type": b"Nothing"}) + member("package/a.js"), "EPAX"),
    ("pax-mode", BODY + pax({b"mode": b"0755"}) + member("package/a.js"), "EPAX"),
    ("pax-unknown", BODY + pax({b"paths": b"x"}) + member("package/a.js"), "EPAX"),
    ("pax-holes", BODY + pax({b"SUN.holesdata": b" 0 1"}) + member("package/a.js"), "EPAX"),
    ("pax-real-size", BODY + pax({b"SCHILY.realsize": b"1"}) + member("package/a.js"), "EPAX"),
    ("pax-owner", BODY + pax({b"uid": b"9" * 16}) + member("package/a.js"), "EPAX"),
    ("pax-time", BODY + pax({b"mtime": b"inf"}) + member("package/a.js"), "EPAX"),
    ("pax-size-signed", BODY + pax({b"size": b"+2"}) + member("package/a.js"), "EPAX"),
    ("pax-path-of-another", BODY + pax({b"path": b"package/docs/data.txt"}) + member("package/x.js"), "EPAX"),
    ("pax-path-in-pieces", BODY + pax({b"path": IN_PIECES}) + member("package/ü"), "EPAX"),
    ("pax-size-of-none", BODY + pax({b"size": b"2"}) + header(b"package/a.js") + padded(b"x\n"), "EPAX"),
    ("gnu-long-name-in-pieces", BODY + gnu(b"L", IN_PIECES + b"\0") + member("package/ü"), "EHEADER"),
    ("gnu-long-name-two-nuls", BODY + gnu(b"L", b"package/a.js\0\0") + member("package/a.js"), "EHEADER"),
    ("empty", b"", "ENOMANIFEST"),
    ("no-manifest", member("package/index.js"), "ENOMANIFEST"),
    ("manifest-too-deep", member("package/lib/package.json", "{}"), "ENOMANIFEST"),
    ("manifest-huge", member("package/package.json", b" " * (17 << 20) + b"{}"), "ELIMIT"),
    ("manifest-broken", member("package/package.json", '{"name":'), "EJSON"),
    ("manifest-array", member("package/package.json", "[]"), "EJSON"),
    ("manifest-deep", member("package/package.json", "[" * 200_000), "EJSON"),
    ("two-names", member("package/package.json", '{"name":"a","name":"b","version":"1.0.0"}'), "EJSON"),
    (
        "two-scripts",
        member("package/package.json", '{"name":"a","version":"1.0.0","scripts":{"x":"1","x":"2"}}'),
        "EJSON",
    ),
    ("name-up", manifest(name="../../x"), "ENAME"),
    ("no-name", manifest(name=None), "ENAME"),
    ("version", manifest(version="one"), "EVERSION"),
    ("other-name", manifest(name="good"), "EFILENAME"),
    ("other-version", manifest(version="2.0.0"), "EFILENAME"),
    ("bundled-name-up", manifest(bundleDependencies=["../x"]), "EBUNDLENAME"),
    ("dependency-up", manifest(dependencies={"../x": "1"}), "EDEPNAME"),
    ("bin-name-up", BODY[:0] + manifest(bin={"../../x": "i.js"}) + member("package/i.js", "#!"), "EBINPATH"),
    ("bin-script-up", manifest(bin={"x": "../../secret"}), "EBINPATH"),
    ("bin-text-up", manifest(bin="../secret"), "EBINPATH"),
    ("bin-absolute", manifest(bin={"x": "/bin/sh"}), "EBINPATH"),
    ("man-up", manifest(man=["./m.1", "../../m.1"]), "EBINPATH"),
    ("directories-up", manifest(directories={"bin": "..\\x"}), "EBINPATH"),
    ("bundled-bin-up", BODY + manifest("package/node_modules/b/package.json", bin={"../x": "i"}), "EBINPATH"),
]  # fmt: skip

RAW = [
    ("empty-file", b"", "EGZIP"),
    ("text", b"<html>502 Bad Gateway</html>\n", "EGZIP"),
    ("plain-tar", BODY + END, "EGZIP"),
    ("gzip-cut", gz(BODY + END)[:-20], "EGZIP"),
    ("gzip-no-trailer", gz(BODY + END)[:-8], "EGZIP"),
    ("gzip-crc", gz(BODY + END)[:-8] + bytes(4) + gz(BODY + END)[-4:], "EGZIP"),
    ("gzip-length", gz(BODY + END)[:-4] + b"\1\0\0\0", "EGZIP"),
    ("gzip-garbage", gz(BODY + END)[:30] + b"\xff" * 60, "EGZIP"),
    ("gzip-trailing-zeros", gz(BODY + END) + bytes(512), "EGZIP"),
    ("gzip-second-member", gz(BODY) + gz(END), "EGZIP"),
    ("gzip-second-whole", gz(BODY + END) + gz(BODY + END), "EGZIP"),
    ("gzip-name-and-more", flagged(4, b"\4\0abcd"), "EGZIP"),
    ("gzip-header-sum", flagged(2, b"\0\0"), "EGZIP"),
    ("gzip-comment", flagged(16, b"x\0"), "EGZIP"),
    ("half-a-block", gz(BODY + END + b"\0"), "ETRUNCATED"),
    ("no-end-mark", gz(BODY), "ETRUNCATED"),
    ("one-end-block", gz(BODY + bytes(512)), "ETRUNCATED"),
    ("cut-in-header", gz(BODY[:-700]), "ETRUNCATED"),
    ("cut-in-body", gz(BODY[:-100]), "ETRUNCATED"),
    ("more-than-npm-unpacks", gz(BODY + header(b"package/b", 20 << 20) + bytes(20 << 20) + END), "ELIMIT"),
    ("bomb", gz(BODY + header(b"package/b", 64 << 20) + bytes(64 << 20) + END), "ELIMIT"),
]

CONTENTS = [
    ("private", manifest(private=True), "EPRIVATE"),
    ("private-text", manifest(private="yes"), "EPRIVATE"),
    ("git-folder", BODY + member("package/.git/config"), "EREPOSITORY"),
    ("git-folder-below", BODY + member("package/test/repo/.GIT/HEAD") + member("package/test/repo/.GIT/config"),
     "EREPOSITORY"),
    ("git-file", BODY + member("package/lib/.git", "gitdir: ../x"), "EREPOSITORY"),
    ("git-folder-alone", BODY + header(b"package/.git/", 0, b"5"), "EREPOSITORY"),
    ("draft", BODY + member(f"package/.linkpack-{'0' * 16}.tmp"), "ELEFTOVER"),
    ("stash", BODY + member("package/lib/.linkpack/a/index.js"), "ELEFTOVER"),
    ("npmrc-short-token", BODY + member("package/.npmrc", "//r/:_authToken = abc"), "ESECRET"),
    ("npmrc-quoted", BODY + member("package/test/.npmrc", 'a=b\n"//r/:_auth"="abc"'), "ESECRET"),
    ("npmrc-half-a-variable", BODY + member("package/.npmrc", "//r/:_password=${A}b"), "ESECRET"),
    ("env", BODY + member("package/.env"), "ESECRETFILE"),
    ("env-production", BODY + member("package/conf/.env.production"), "ESECRETFILE"),
    ("ssh-key", BODY + member("package/id_rsa"), "ESECRETFILE"),
    ("aws", BODY + member("package/.aws/credentials"), "ESECRETFILE"),
    ("netrc", BODY + member("package/.netrc"), "ESECRETFILE"),
    ("keystore", BODY + member("package/a/release.keystore"), "ESECRETFILE"),
    ("npmrc-token", BODY + member("package/.npmrc", "//r/:_authToken=0123456789abcdef0123"), "ESECRET"),
    ("private-key", BODY + member("package/a.js", f"const k = `{KEY}`"), "ESECRET"),
    ("private-key-escaped", BODY + member("package/a.js", KEY.replace("\n", "\\n")), "ESECRET"),
    ("npm-token", BODY + member("package/a.js", f"t = '{NPM}'"), "ESECRET"),
    ("token-between-pieces", BODY + member("package/a.js", "-" * ((1 << 18) - 9) + NPM), "ESECRET"),
    ("npmrc-login-of-letters", BODY + member("package/.npmrc", "//r/:_authToken=abcdefghijklmnopqrst"), "ESECRET"),
    ("login-in-code", BODY + member("package/a.js", "'//r/:_authToken=abcdefghijklmnopqrs7'"), "ESECRET"),
    ("issued-token-in-a-page", BODY + member("package/README.md", ISSUED), "ESECRET"),
    ("github-token", BODY + member("package/a.js", "ghp_" + "a1B2" * 9), "ESECRET"),
    ("aws-key", BODY + member("package/a.js", "AKIAQWERTYUIOPASDFGH"), "ESECRET"),
    ("npmrc-password", BODY + member("package/.npmrc", "//r/:_password=c2VjcmV0c2VjcmV0"), "ESECRET"),
    ("token-in-a-test", BODY + member("package/test/a.js", NPM), "ESECRET"),
    ("main", manifest(main="lib/index.js"), "EENTRYPOINT"),
    ("main-folder", manifest(main="lib") + member("package/lib/x.js"), "EENTRYPOINT"),
    ("types", manifest(types="index.d.ts"), "ETYPES"),
    ("exports", manifest(exports={".": {"import": "./a.mjs"}}), "EENTRYPOINT"),
    ("exports-types", manifest(exports={"types": "./a.d.ts"}), "ETYPES"),
    ("exports-types-alone", manifest(exports={".": {"types": "./a.d.ts", "import": {"node": "./a.js"}}})
     + member("package/a.js"), "ETYPES"),
    ("types-of-a-script", manifest(types="t/index.js") + member("package/t/other.d.ts"), "ETYPES"),
    ("exports-condition", manifest(exports={"react-native": "./a.js", "default": "./b.js"})
     + member("package/b.js"), "EENTRYPOINT"),
    ("exports-no-dot", manifest(exports="index.js") + member("package/index.js"), "EENTRYPOINT"),
    ("exports-pattern", manifest(exports={"./*": "./lib/*.js"}) + member("package/lib/a.ts"), "EENTRYPOINT"),
    ("exports-folder", manifest(exports={"./": "./lib/"}), "EENTRYPOINT"),
    ("exports-list", manifest(exports=["./a.js", "./b.js"]) + member("package/b.js"), "EENTRYPOINT"),
    ("bin", manifest(bin="cli.js"), "EENTRYPOINT"),
    ("shebang", manifest(bin="cli.js") + member("package/cli.js", "console.log(1)"), "ESHEBANG"),
    ("shebang-after-a-mark", manifest(bin="c") + member("package/c", "\ufeff#!/bin/sh"), "ESHEBANG"),
    ("shebang-in-directory", manifest(directories={"bin": "b"}) + member("package/b/cli", "x"), "ESHEBANG"),
    ("license", manifest(license="Do what you like"), "ELICENSE"),
    ("license-bomb", manifest(license="(" * 900 + "MIT" + ")" * 90), "ELICENSE"),
    ("license-file", manifest(license="SEE LICENSE IN LICENSE.md"), "ELICENSE"),
    ("bundled-missing", manifest(dependencies={"a": "1"}, bundleDependencies=["a"]), "EBUNDLEMISSING"),
    ("spec-local", manifest(dependencies={"a": "file:../a"}), "ESPECLOCAL"),
    ("spec-inside", manifest(dependencies={"a": "file:./vendor/a"}), "ESPECLOCAL"),
    ("spec-link", manifest(dependencies={"a": "link:../a"}), "ESPECLOCAL"),
    ("spec-workspace", manifest(dependencies={"a": "workspace:*"}), "EWORKSPACESPEC"),
    ("spec-catalog", manifest(dependencies={"a": "catalog:"}), "ECATALOG"),
    ("spec-npm", manifest(dependencies={"a": "npm:^1.0.0"}), "ESPEC"),
    ("spec-npm-peer", manifest(peerDependencies={"a": "npm:>=1"}), "ESPEC"),
    ("spec-patch", manifest(dependencies={"a": "patch:a@npm%3A1.0.0#x"}), "ESPECPATCH"),
    ("spec-no-tag", manifest(optionalDependencies={"a": "not a tag"}), "ESPECINVALID"),
    ("spec-protocol", manifest(dependencies={"a": "foo:bar"}), "ESPECINVALID"),
    ("spec-jsr", manifest(dependencies={"a": "jsr:@b/a@1"}), "ESPEC"),
]  # fmt: skip


def codes(path: Path) -> list[str]:
    """The codes of the errors that the gate finds in the tarball at *path*."""
    return [each.code for each in api.verify(path).findings if each.severity == "error"]


def below(folder: Path) -> list[str]:
    """Everything below *folder*."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(("name", "stream", "code"), SHAPES, ids=[each[0] for each in SHAPES])
def test_a_bad_shape_is_refused(name: str, stream: bytes, code: str, tmp_path: Path) -> None:
    """The gate names it, unpack refuses it with the same code, and nothing is left on the disk."""
    path = write(tmp_path, stream)
    before = below(tmp_path)
    assert code in codes(path), name
    with pytest.raises(PlanRejected) as err:
        unpack(path, tmp_path / "to")
    assert code in [problem.code for problem in err.value.problems]
    assert below(tmp_path) == before


@pytest.mark.parametrize(("name", "raw", "code"), RAW, ids=[each[0] for each in RAW])
def test_a_bad_file_is_refused(name: str, raw: bytes, code: str, tmp_path: Path) -> None:
    """What is wrong with the gzip file, or with the end of the stream, is the one error that is reported."""
    path = write_raw(tmp_path, raw)
    assert codes(path) == [code], name
    with pytest.raises(PlanRejected):
        unpack(path, tmp_path)
    assert below(tmp_path) == [path.name]


@pytest.mark.parametrize(("name", "stream", "code"), CONTENTS, ids=[each[0] for each in CONTENTS])
def test_bad_contents_are_found(name: str, stream: bytes, code: str, tmp_path: Path) -> None:
    """What should not be published is found; it is safe to unpack all the same."""
    path = write(tmp_path, stream)
    assert codes(path) == [code], name
    assert unpack(path, tmp_path).files > 0


LENGTHY = pax({b"path": b"package/" + b"portion/" * 180 + b"y"})
LIMITED = [
    ("entries", BODY + member("package/a/b/c/d.js"), Limits(entries=5)),
    ("lengths", BODY + LENGTHY + member("package/portion"), Limits(entries=200)),
    ("headers", BODY + (pax({b"mtime": b"1"}) + member("../x")) * 30, Limits(entries=10)),
    ("file", BODY + member("package/a.js", b"x" * 101), Limits(file=100)),
    ("unpacked", BODY + member("package/a.js", b"x" * 4096), Limits(unpacked=4096)),
    ("manifest", BODY, Limits(manifest=20)),
    ("manifests", BODY + b"".join(manifest(f"package/node_modules/a{i}/package.json") for i in range(30)),
     Limits(manifest=100)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "stream", "limits"), LIMITED, ids=[each[0] for each in LIMITED])
def test_limits(name: str, stream: bytes, limits: Limits, tmp_path: Path) -> None:
    """Each limit refuses what is beyond it, and lets it pass when it is raised."""
    path = write(tmp_path, stream)
    assert [each.code for each in api.verify(path, limits=limits).findings if each.code == "ELIMIT"], name
    assert "ELIMIT" not in codes(path)


def test_path_limits(tmp_path: Path) -> None:
    """The limits of a path's length and depth can be raised and lowered."""
    path = write(tmp_path, BODY + pax({b"path": b"package" + b"/d" * 300}) + member("package/d"))
    assert codes(path) == ["EPATHLONG"]
    assert api.verify(path, limits=Limits(depth=400)).ok
    assert not api.verify(path, limits=Limits(depth=400, path=500)).ok


def test_many_findings_are_counted(tmp_path: Path) -> None:
    """Of one code fifty findings are kept, and one that says how many more there are."""
    path = write(tmp_path, BODY + b"".join(member(f"package/{i}:s") for i in range(70)))
    found = api.verify(path).findings
    assert len(found) == 51
    assert found[-1].message == "20 more findings with the code EWINDOWS"


@pytest.mark.parametrize(("size", "limit"), [(9 << 30, 8 << 30), (9 << 30, 1 << 40), (3 << 30, 1 << 40)])
def test_files_that_some_pnpm_cannot_read(size: int, limit: int, tmp_path: Path) -> None:
    """A file of 2 GiB is refused whatever the limit is: pnpm before 12 looks elsewhere for what follows."""
    path = write(tmp_path, BODY + pax({b"size": b"%d" % size}) + header(b"package/big", size))
    assert [each.code for each in api.verify(path, limits=Limits(file=limit)).findings] == ["ELIMIT"]


def test_padding_is_looked_at(tmp_path: Path) -> None:
    """Bytes hidden in the padding between entries are a warning, once."""
    hidden = header(b"package/a.js", 1) + padded(b"x", b"s") + header(b"package/b.js", 1) + padded(b"x", b"s")
    found = api.verify(write(tmp_path, BODY + hidden)).findings
    assert [(each.code, each.place) for each in found] == [("WPADDING", "package/a.js")]
