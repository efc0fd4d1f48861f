"""Match what regular expressions could take too long for.

A regular expression that backtracks over an extglob such as `+(a|aa)` takes time that grows exponentially with the
name. The states here are made from the end of the pattern to its start, so that each knows the state that follows
it. A run goes from the end of a name to its start, and so looks at each pair of state and position a bounded
number of times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack import limits
from linkpack.errors import LinkpackError
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_STATES = 1_000
END = 0  # the state that accepts at the end of a name


class _State(Record):
    """A state, which accepts at a position of a name or does not.

    With *eat*: accepts if *eat* is true of the character there, and the only state of *then* accepts behind it.
    Without: accepts if some state of *then* accepts at the same position, and none of *bar* does.
    The first state has no *then*, and accepts at the end of the name.
    """

    then: tuple[int, ...]
    eat: Callable[[str], bool] | None = None
    bar: tuple[int, ...] = ()


class Automaton:
    """States to which each method adds some in front.

    Every `add` method takes the number of the state that follows, and returns the number of the new one:

    >>> automaton = Automaton()
    >>> start = automaton.add_text("a", automaton.add_star(automaton.add_text("c", END)))
    >>> automaton.accepts(start, "abbc"), automaton.accepts(start, "abb")
    (True, False)
    """

    def __init__(self) -> None:
        self._states = [_State(())]
        self._loops = 0

    def add_text(self, text: str, after: int) -> int:
        """Add states that accept exactly *text*, then *after*."""
        for char in reversed(text):
            after = self.add_character(char.__eq__, after)
        return after

    def add_character(self, fits: Callable[[str], bool], after: int) -> int:
        """Add a state that accepts one character that *fits*, then *after*."""
        return self._add(_State((after,), fits))

    def add_star(self, after: int) -> int:
        """Add states that accept any number of any characters, then *after*."""
        # The two states lead to each other: the first gets a stand-in until the second has a number.
        eat = self._add(_State((END,), bool))
        loop = self._add(_State((after, eat)))
        self._states[eat] = _State((loop,), bool)
        return loop

    def add_choice(self, starts: Iterable[int]) -> int:
        """Add a state that accepts what any of *starts* does."""
        return self._add(_State(tuple(starts)))

    def add_refusal(self, bar: Iterable[int], after: int) -> int:
        """Add a state that accepts what *after* does and none of *bar* does."""
        return self._add(_State((after,), bar=tuple(bar)))

    def add_loop(self, after: int) -> int:
        """Add a state that accepts what *after* does, or a loop's body.

        `close_loop` adds the body, when its states are known.
        """
        self._loops += 1
        return self._add(_State((after,)))

    def close_loop(self, loop: int, starts: Iterable[int]) -> None:
        """Let *loop* go on with each of *starts*, which lead back to it."""
        self._states[loop] = _State((*self._states[loop].then, *starts))

    def accepts(self, start: int, name: str) -> bool:
        """Return True if the state *start* accepts the whole of *name*.

        Raises `LinkpackError` (ELIMIT) when the work on patterns becomes too much.
        """
        limits.spend((len(name) + 1) * len(self._states) * (self._loops + 1))
        behind: list[bool] = []
        for char in ("", *reversed(name)):
            behind = self._accepting(char, behind)
        return behind[start]

    def _accepting(self, char: str, behind: list[bool]) -> list[bool]:
        """Return for each state whether it accepts before *char*.

        *char* is "" at the end of the name. *behind* is the same list for the position behind *char*.
        """
        # States that follow mostly have lower numbers, so that one pass from the first on decides all but loops.
        here = [False] * len(self._states)
        # A loop whose body can be empty is seen before its body is known: look again until nothing changes.
        for _ in range(self._loops + 1):
            before = here.copy()
            here[END] = not char
            for number, (then, eat, bar) in enumerate(self._states):
                if eat is not None:
                    here[number] = bool(char) and behind[then[0]] and eat(char)
                elif then:
                    accepts = here.__getitem__  # in C: half the time of a generator
                    here[number] = True in map(accepts, then) and True not in map(accepts, bar)
            if here == before:
                break
        return here

    def _add(self, state: _State) -> int:
        if len(self._states) >= MAX_STATES:
            raise LinkpackError(
                "the pattern cannot be used: one portion of it is too complicated",
                code="EPATTERN",
                hint="write a simpler pattern",
            )
        self._states.append(state)
        return len(self._states) - 1
