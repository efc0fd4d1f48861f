"""A small automaton for the portions that no regular expression may be trusted with.

It is made from the end of the pattern to its start, so that each state knows what follows it, and runs from the
end of a name to its start, so that each (state, position) is looked at a bounded number of times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from linkpack import limits
from linkpack.errors import LinkpackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_STATES = 1_000
END = 0  # the state that accepts at the end of a name


class _State(NamedTuple):
    """A state, which accepts at a position or does not.

    With *eat* it takes the character there, and the one of *then* has to accept behind it. Without, some state of
    *then* has to accept here, and none of *bar*. The first state accepts at the end of the name.
    """

    then: tuple[int, ...]
    eat: Callable[[str], bool] | None = None
    bar: tuple[int, ...] = ()


class Automaton:
    """States to which others are added in front; each method returns the new state."""

    def __init__(self) -> None:
        self._states = [_State(())]
        self._loops = 0

    def text(self, text: str, after: int) -> int:
        """Exactly *text*, then *after*."""
        for char in reversed(text):
            after = self.one(char.__eq__, after)
        return after

    def one(self, fits: Callable[[str], bool], after: int) -> int:
        """One character that *fits*, then *after*."""
        return self._add(_State((after,), fits))

    def star(self, after: int) -> int:
        """Any characters, then *after*."""
        eat = self._add(_State((END,), bool))
        loop = self._add(_State((after, eat)))
        self._states[eat] = _State((loop,), bool)
        return loop

    def either(self, starts: Iterable[int]) -> int:
        """One of *starts*."""
        return self._add(_State(tuple(starts)))

    def unless(self, bar: Iterable[int], after: int) -> int:
        """*after*, where none of *bar* accepts."""
        return self._add(_State((after,), bar=tuple(bar)))

    def loop(self, after: int) -> int:
        """*after*, or what `close_loop` adds."""
        self._loops += 1
        return self._add(_State((after,)))

    def close_loop(self, loop: int, starts: Iterable[int]) -> None:
        """Let *loop* go on with each of *starts*, which lead back to it."""
        self._states[loop] = _State((*self._states[loop].then, *starts))

    def accepts(self, start: int, name: str) -> bool:
        """Whether *start* accepts at the start of *name*.

        Its work counts; `LinkpackError` (ELIMIT) when that is too much.
        """
        limits.spend((len(name) + 1) * len(self._states) * (self._loops + 1))
        behind: list[bool] = []
        for char in ("", *reversed(name)):
            behind = self._accepting(char, behind)
        return behind[start]

    def _add(self, state: _State) -> int:
        if len(self._states) >= MAX_STATES:
            raise LinkpackError(
                "the pattern cannot be used: one portion of it is too complicated",
                code="EPATTERN",
                hint="write a simpler pattern",
            )
        self._states.append(state)
        return len(self._states) - 1

    def _accepting(self, char: str, behind: list[bool]) -> list[bool]:
        """Which states accept where *char* comes next ("" at the end), given which do one further."""
        here = [False] * len(self._states)
        # A loop whose body can be empty is seen before its body is known: look again until nothing changes.
        for _ in range(self._loops + 1):
            before = here.copy()
            here[END] = not char
            for index, (then, eat, bar) in enumerate(self._states):
                if eat is not None:
                    here[index] = bool(char) and behind[then[0]] and eat(char)
                elif then:
                    told = here.__getitem__  # in C: half the time of a generator
                    here[index] = True in map(told, then) and True not in map(told, bar)
            if here == before:
                break
        return here
