"""What the directories on the way to a path say about it.

Each has rule sets. A deeper directory speaks after its parents, and is heard after a "no" only where it was itself
let in by name (the ignore-walk package, measured on npm 11.19.1 and 12.2.0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from linkpack.select.ignore import BUILT_IN, FILES
from linkpack.select.rules import said_of_file

if TYPE_CHECKING:
    from linkpack.select.ignore import RuleSet
    from linkpack.select.rules import Near, Question, Rule


class Frame(NamedTuple):
    """What a directory says, or several below each other that say only what is built in.

    *sets*: the one that speaks last comes first. *first* and *last* are the depths of the directories, the root's
    being 0. *open*: the first was let in by name, and may turn a "no"; what is built in never does.
    """

    sets: tuple[RuleSet, ...]
    first: int
    last: int
    open: bool


class Voice(NamedTuple):
    """What the frame of the directory at *depth* says about the files of one directory below it, or of itself.

    *nears*: what speaks last comes first. *open* as in `Frame`.
    """

    open: bool
    depth: int
    nears: tuple[Near, ...]


class Asked(NamedTuple):
    """A path that the frames are asked about.

    *path* is relative to the root, *parts* the same as rules compare it, *frames* those of the directories above
    it, the root's first.
    """

    path: str
    parts: tuple[str, ...]
    frames: tuple[Frame, ...]


def deeper(frames: tuple[Frame, ...], sets: tuple[RuleSet, ...], *, is_open: bool) -> tuple[Frame, ...]:
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
            nears = tuple([near for rules in frame.sets for near in rules.near(folder[depth:])])
            if nears:
                found.append(Voice(frame.open, depth, nears))
    return tuple(found)


def keeps_file(heard: tuple[Voice, ...], parts: tuple[str, ...]) -> bool:
    """Whether to keep the file at *parts*: as `keeps` says of it, with *heard* for its directory."""
    kept = True
    for is_open, depth, nears in heard:
        if kept or is_open:
            said = said_of_file(nears, parts[depth:])
            kept = kept if said is None else said
    return kept


def keeps(asked: Asked, question: Question, *, forced: bool = False) -> bool:
    """Whether to keep the path, when asked *question*; with *forced* the root's frame says yes."""
    kept, _ = _heard(asked, question, forced=forced)
    return kept


def reason(asked: Asked, question: Question) -> str:
    """Return why the frames do not keep the path: the rule, and where it stands; empty when they keep it."""
    _, blame = _heard(asked, question, forced=False)
    if blame is None:
        return ""
    depth, rules = blame
    rule = rules.last_match(asked.parts[depth:], question)
    if rule is None or rule.negated:
        return ""
    return 'not named in "files"' if (rule.where, rule.text) == (FILES, "*") else f"{rule.where}: {rule.text}"


def decider(asked: Asked, question: Question) -> Rule | None:
    """Return the rule that decides whether the path is kept; None when none speaks of it, and it is.

    Rules of ignore files are asked through pathspec, a second opinion for the person who asks why.
    """
    _, blame = _heard(asked, question, forced=False)
    if blame is None:
        return None
    depth, rules = blame
    if rules.rules[0].where in {BUILT_IN, FILES}:
        return rules.last_match(asked.parts[depth:], question)
    return rules.decide(asked.path.split("/", depth)[depth], folder=question != "file").rule


def _heard(asked: Asked, question: Question, *, forced: bool) -> tuple[bool, tuple[int, RuleSet] | None]:
    """What the frames say, and the set that said it with the depth of its directory."""
    kept = True
    blame = None
    for frame in asked.frames:
        for depth in _depths(frame, len(asked.parts) - 1):
            heard = None
            if (kept or frame.open) and not (forced and depth == 0):
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


def _speaker(sets: tuple[RuleSet, ...], parts: tuple[str, ...], question: Question) -> tuple[bool, RuleSet] | None:
    """What the last of *sets* that has something to say about *parts* says, and which that is."""
    for rules in sets:
        said = rules.keeps_file(parts) if question == "file" else rules.keeps_folder(parts, question)
        if said is not None:
            return said, rules
    return None
