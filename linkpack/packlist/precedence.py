"""What the directories on the way to a path say about it.

Each has rule sets. A deeper directory speaks after its parents, and is heard after a "no" only where it was itself
let in by name (the ignore-walk package, measured on npm 11.19.1 and 12.2.0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from linkpack.packlist.editions import NPM_RULES
from linkpack.packlist.ignore import BUILT_IN, FILES, RuleSet
from linkpack.packlist.npm_rules import NEWEST_ONLY
from linkpack.packlist.rule_index import EVERY_NAME, Names, hit_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from linkpack.packlist.rule_index import Near, Question, Rule, Rules


class Frame(NamedTuple):
    """What a directory says, or several below each other that say only what is built in.

    *sets*: the one that speaks last comes first. *first* and *last* are the depths of the directories, the root's
    being 0. *open*: the first was let in by name, and may turn a "no"; what is built in never does.
    """

    sets: tuple[Rules, ...]
    first: int
    last: int
    open: bool


class Voice(NamedTuple):
    """What the frame of the directory at *depth* says about the files of one directory below it, or of itself.

    *nears*: what speaks last comes first, *speakers* are the sets that they are of. *open* as in `Frame`.
    """

    open: bool
    depth: int
    nears: tuple[Near, ...]
    speakers: tuple[Rules, ...]


class Verdicts(NamedTuple):
    """The folded names of the files in a directory that are *kept*; *blamed* is the set that drops another.

    With the set goes the depth of the directory that it is of, as in `last_speaker`.
    """

    kept: set[str]
    blamed: dict[str, tuple[int, Rules]]


class Asked(NamedTuple):
    """A path that the frames are asked about.

    *path* is relative to the root, *parts* the same as rules compare it, *frames* those of the directories above
    it, the root's first.
    """

    path: str
    parts: tuple[str, ...]
    frames: tuple[Frame, ...]


def deeper(frames: tuple[Frame, ...], sets: tuple[Rules, ...], *, is_open: bool) -> tuple[Frame, ...]:
    """*frames* and the one of a directory below them, which says *sets* and was let in by name if *is_open*.

    Neighbours that share one tuple of sets become one frame.
    """
    depth = frames[-1].last + 1 if frames else 0
    if depth > 1 and frames[-1].sets is sets:
        return (*frames[:-1], frames[-1]._replace(last=depth))
    return (*frames, Frame(sets, depth, depth, is_open))


def voices(frames: tuple[Frame, ...], folder: tuple[str, ...]) -> tuple[Voice, ...]:
    """What *frames* say about the files of the directory at *folder*, put together once for all of them."""
    found = []
    for frame in frames:
        for depth in _depths(frame, len(folder)):
            heard = list(_audible(frame.sets, folder[depth:]))
            if heard:
                nears, speakers = zip(*heard, strict=True)
                found.append(Voice(frame.open, depth, nears, speakers))
    return tuple(found)


def _audible(sets: Iterable[Rules], folder: tuple[str, ...]) -> Iterator[tuple[Near, Rules]]:
    """Yield what *sets* say about the files in *folder*, up to the first that speaks of every name."""
    for rules in sets:
        for near in rules.near(folder):
            if "" in near.ends or "" in near.starts:
                yield EVERY_NAME[near.negated], rules
                return
            yield near, rules


def same_voices(some: Iterable[Voice], other: Iterable[Voice]) -> bool:
    """True if *some* and *other* say the same, whatever sets it comes from."""
    return [voice[:3] for voice in some] == [voice[:3] for voice in other]


def judge(heard: Iterable[Voice], folder: tuple[str, ...], names: Iterable[str]) -> Verdicts:
    """Judge the folded *names*, files of the directory at *folder*, by what is *heard* of them.

    They are all asked about together. Each verdict is that of `keeps`.
    """
    kept = set(names)
    asked = Names(frozenset(kept), f"/{'/'.join(kept)}/")
    blamed: dict[str, tuple[int, Rules]] = {}
    for is_open, depth, nears, speakers in heard:
        left = set(asked.names) if is_open else set(kept)
        for near, rules in zip(nears, speakers, strict=True):
            hits = hit_names(near, asked, folder[depth:]) & left
            if near.negated:
                kept |= hits
            elif hits:
                kept -= hits
                blamed.update(dict.fromkeys(hits, (depth, rules)))
            left -= hits
    return Verdicts(kept, blamed)


def keeps(asked: Asked, question: Question) -> bool:
    """True to keep the path, when asked *question*."""
    kept, _ = _heard(asked, question)
    return kept


def reason(rule: Rule) -> str:
    """Say that *rule* is why a path is not kept, and where it stands; empty when it keeps."""
    if rule.negated:
        return ""
    if (rule.where, rule.text) == (FILES, "*"):
        return 'not named in "files"'
    by_newest = rule.where == BUILT_IN and rule.text in NEWEST_ONLY
    return f"{rule.where}{f' by npm {NPM_RULES[-1]}' if by_newest else ''}: {rule.text}"


def decider(asked: Asked, question: Question, *, by_spec: bool = False) -> Rule | None:
    """Return the rule that decides whether the path is kept; None when none speaks of it, and it is kept.

    With *by_spec* pathspec names the rule of an ignore file: the same one, but pathspec is slow to load.
    """
    found = last_speaker(asked, question)
    if found is None:
        return None
    depth, rules = found
    if by_spec and isinstance(rules, RuleSet) and rules.rules[0].where not in {BUILT_IN, FILES}:
        return rules.decide(asked.path.split("/", depth)[depth], folder=question != "file").rule
    return rules.last_match(asked.parts[depth:], question)


def last_speaker(asked: Asked, question: Question) -> tuple[int, Rules] | None:
    """Return the set that decides whether the path is kept, and the depth of its directory; None without one."""
    _, found = _heard(asked, question)
    return found


def _heard(asked: Asked, question: Question) -> tuple[bool, tuple[int, Rules] | None]:
    """Return what the frames say, and the set that said it with the depth of its directory."""
    kept = True
    blame = None
    for frame in asked.frames:
        for depth in _depths(frame, len(asked.parts) - 1):
            heard = None
            if kept or frame.open:
                heard = _speaker(frame.sets, asked.parts[depth:], question)
            if heard is not None:
                kept, blame = heard[0], (depth, heard[1])
    return kept, blame


def _depths(frame: Frame, deepest: int) -> tuple[int, ...]:
    """The depths at which to ask *frame* about something in a directory *deepest* deep.

    Of the built-in rules those that are not anchored are heard at the first depth already, those that are look at
    one or two portions: the last two depths. `/archived-packages/**` needs no other, because no such directory is
    entered where it applies.
    """
    if frame.first == frame.last:
        return (frame.first,)
    return (frame.first, *[depth for depth in (deepest - 1, deepest) if frame.first < depth <= frame.last])


def _speaker(sets: tuple[Rules, ...], parts: tuple[str, ...], question: Question) -> tuple[bool, Rules] | None:
    """What the last of *sets* that has something to say about *parts* says, and which that is."""
    for rules in sets:
        said = rules.keeps_file(parts) if question == "file" else rules.keeps_folder(parts, question)
        if said is not None:
            return said, rules
    return None
