from __future__ import annotations

import itertools
import random
import sys
import unicodedata
from importlib.resources import files

import pytest

from linkpack.npm.collation import collation_key, is_js_upper, js_lower, numeric_case_key
from linkpack.npm.collation_table import read_table
from linkpack.npm.sorting import entry_key, listing_key
from tests.support.npm import run_node

pytestmark = pytest.mark.differential

COMPARE = """
const whole = new Intl.Collator('en').compare;
const numeric = new Intl.Collator('en', { sensitivity: 'case', numeric: true }).compare;
return request.map(([a, b]) => [a.localeCompare(b, 'en'), whole(a, b), numeric(a, b)].map(Math.sign));
"""
SORT = """
const { sort } = use('npm-packlist').Walker.prototype;
const at = (path) => path.startsWith('@') ? './' + path : path; // as npm-packlist names such paths while it sorts
const isUpper = ([first]) => first[0] === first[0].toUpperCase();
const numeric = new Intl.Collator('en', { sensitivity: 'case', numeric: true }).compare;
const entries = [...request].sort((a, b) => sort(at(a), at(b)));
const others = entries.filter((path) => !isUpper(path));
return [entries, [...entries.filter(isUpper).sort(numeric), ...others.sort(numeric)]];
"""
ASSIGNED = r"""
const test = new RegExp(request, 'u');
const found = [];
for (let code = 0; code < 0x110000; code++) {
    if ((code < 0xd800 || code > 0xdfff) && test.test(String.fromCodePoint(code))) found.push(code);
}
return found;
"""
CASE = """
const codes = Array.from({ length: 0x110000 }, (_, code) => code).filter((code) => code < 0xd800 || code > 0xdfff);
return codes.map((code) => String.fromCodePoint(code))
    .map((char) => [char, char.toLowerCase(), char[0] === char[0].toUpperCase()])
    .filter(([char, lower, upper]) => lower !== char || !upper);
"""
LIKE = [
    "é.js",
    "E\u0301.js",
    "ß.js",
    "ss.js",
    "\N{LATIN SMALL LETTER DOTLESS I}.js",
    "i.js",
    "日本.js",
    "本.js",
    "Ж.js",
    "\N{GREEK SMALL LETTER ALPHA}.js",
    "ﬁ.js",
    "fi.js",
]
LIKE += ["🦊.js", "\N{FULLWIDTH LATIN SMALL LETTER A}.js", "a\u200b.js", "ñ.js"]
PORTIONS = ["src", "lib", "Lib", "é", "É", "日本", "dist", "a1", "a10", "A02", "ñandú", "ﬁle", "file", "Straße"]
PORTIONS += [
    "strasse",
    "@s",
    ".x",
    "_x",
    "-x",
    "x.",
    "..x",
    "１२",
    "Σ",
    "ΑΣ",
    "İ",
    "🦊",
    "1.js",
    "b.JS",
    "b.js",
    "a.d.ts",
]
BLOCKS = {
    "ascii": "\\p{ASCII}",
    "latin": "\\p{sc=Latin}",
    "greek": "\\p{sc=Greek}",
    "cyrillic": "\\p{sc=Cyrillic}",
    "han": "\\p{sc=Han}",
    "hangul": "\\p{sc=Hangul}",
    "kana": "[\\p{sc=Hiragana}\\p{sc=Katakana}]",
    "emoji": "\\p{Emoji}",
    "thai": "[\\p{sc=Thai}\\p{sc=Lao}]",
    "indic": "[\\p{sc=Devanagari}\\p{sc=Bengali}\\p{sc=Tamil}\\p{sc=Kannada}\\p{sc=Malayalam}\\p{sc=Sinhala}]",
    "arabic": "[\\p{sc=Arabic}\\p{sc=Hebrew}]",
    "marks": "[\\p{M}\\p{sc=Tibetan}]",
    "assigned": "\\p{Assigned}",
    "any": "[^]",
}
PAIRS = 2000
SURROGATES = (0xD800, 0xDFFF)


def sign(one: bytes, other: bytes) -> int:
    return (one > other) - (one < other)


def disagreements(pairs: list[tuple[str, str]]) -> list[object]:
    """The pairs that node orders otherwise, with its three answers and ours."""
    found: list[object] = []
    [answers] = run_node(COMPARE, [pairs])
    assert isinstance(answers, list)
    for (one, other), theirs in zip(pairs, answers, strict=True):
        whole = sign(collation_key(one), collation_key(other))
        ours = [whole, whole, sign(numeric_case_key(one), numeric_case_key(other))]
        if ours != theirs:
            found.append((ascii(one), ascii(other), theirs, ours))
    return found


def pool(pattern: str) -> list[str]:
    """The characters that node says *pattern* matches; skips the test when node's Unicode is not the table's."""
    [icu] = run_node("return process.versions.icu.split('.')[0];", [None])
    head = files("linkpack.npm").joinpath("collation.dat").read_bytes().split(b"\n", 1)[0].decode()
    if f"ICU {icu}." not in head:
        pytest.skip(f"this node has ICU {icu}; the table: {head}")
    [codes] = run_node(ASSIGNED, [pattern])
    assert isinstance(codes, list)
    return [chr(code) for code in codes]


def altered(dice: random.Random, text: str, chars: list[str]) -> str:
    """A text that is near to *text*: a character other, more or moved, or another form of the same."""
    place = dice.randrange(len(text))
    change = dice.randrange(5)
    if change == 0:
        return text[:place] + dice.choice(chars) + text[place + 1 :]
    if change == 1:
        return text[:place] + dice.choice("\u0301\u0323\u0327A1") + text[place:]
    if change == 2:
        return unicodedata.normalize(dice.choice(["NFC", "NFD", "NFKD"]), text)
    return text.swapcase() if change == 3 else "".join(dice.sample(text, len(text)))


def likeness(text: str) -> tuple[int, ...]:
    """The primary weights of a unit, by which it is like others."""
    return tuple(rank for rank in read_table().units[text][::4] if rank)


def test_ascii_characters() -> None:
    """All pairs of ASCII characters, alone and inside a name, stand as in node."""
    chars = list(map(chr, range(128)))
    pairs = list(itertools.product(chars, chars))
    assert disagreements([*pairs, *((f"a{one}b", f"a{other}B") for one, other in pairs)]) == []


def test_known_alike() -> None:
    """Names made of parts that are easily confused stand as in node."""
    dice = random.Random(1)  # noqa: S311 - the same in every run
    names = ["".join(dice.choices(LIKE, k=dice.randint(1, 3))) for _ in range(6000)]
    assert (
        disagreements(list(zip(names[::2], names[1::2], strict=True)) + list(itertools.product(LIKE, LIKE))) == []
    )


@pytest.mark.parametrize("block", BLOCKS)
def test_blocks(block: str) -> None:
    """Random texts of a script, and texts near to them, stand as in node."""
    chars = pool(BLOCKS[block])
    dice = random.Random(block)  # noqa: S311 - the same in every run
    texts = ["".join(dice.choices(chars, k=dice.randint(1, 5))) for _ in range(PAIRS)]
    pairs = [(text, altered(dice, text, chars) if dice.random() < 0.6 else dice.choice(texts)) for text in texts]
    assert disagreements(pairs) == []


def test_same_letters() -> None:
    """Texts that differ in accents, case and width only stand as in node."""
    pool("\\p{ASCII}")
    alike: dict[tuple[int, ...], list[str]] = {}
    for unit in read_table().units:
        alike.setdefault(likeness(unit), []).append(unit)
    groups = [units for ranks, units in alike.items() if ranks and len(units) > 1]
    dice = random.Random(2)  # noqa: S311 - the same in every run
    pairs = []
    for _ in range(2 * PAIRS):
        chosen = dice.choices(groups, k=dice.randint(1, 3))
        one, other = ("".join(map(dice.choice, chosen)) for _ in range(2))
        pairs.append((one, other))
    assert disagreements(pairs) == []


def test_paths() -> None:
    """Whole lists of paths stand in npm's two orders."""
    dice = random.Random(3)  # noqa: S311 - the same in every run
    paths = sorted({"/".join(dice.choices(PORTIONS, k=dice.randint(1, 4))) for _ in range(4000)})
    [answer] = run_node(SORT, [paths])
    entries = sorted(paths, key=entry_key)
    assert answer == [entries, sorted(entries, key=listing_key)]


def test_letter_case() -> None:
    """Every code point is lowered as node does, and taken for a capital as npm does."""
    pool("\\p{ASCII}")
    [answer] = run_node(CASE, [None])
    chars = [chr(code) for code in range(sys.maxunicode + 1) if not SURROGATES[0] <= code <= SURROGATES[1]]
    ours = [[char, js_lower(char), is_js_upper(char)] for char in chars]
    assert answer == [each for each in ours if each[0] != each[1] or not each[2]]


def test_final_sigma() -> None:
    """A capital sigma is lowered by what stands around it, as in node."""
    parts = ["Σ", "a", "A", ".", " ", "\u0301", "\u00ad", "1", "日", "\U00010d50", "ǅ", "'"]
    texts = ["".join(each) for size in (2, 3, 4) for each in itertools.product(parts, repeat=size)]
    [answer] = run_node("return request.map((text) => text.toLowerCase());", [texts])
    assert answer == [js_lower(text) for text in texts]
