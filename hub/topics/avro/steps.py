"""Answers that need answers of the same kind first, without a function that calls itself.

A step is a generator: it yields what it needs to know and is sent the answer. Steps that wait stand on a
list, so a schema of any depth uses no more of the interpreter's stack than a flat one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from types import GeneratorType
from typing import Generic, TypeVar, cast

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
Step = Generator[Asked, Answer, Answer]


class Steps(Generic[Asked, Answer]):
    """Answers questions of one kind, of which none has the answer None."""

    def __init__(self, begin: Callable[[Asked], Answer | Step[Asked, Answer]], *, depth_max: int) -> None:
        """Take what begins an answer.

        Args:
            begin: Answers a question at once, or returns the step that will.
            depth_max: How many steps may wait for one another.
        """
        self._begin = begin
        self._depth_max = depth_max

    def answer(self, asked: Asked) -> Answer:
        """Answer one question and every question it leads to; RecursionError beyond the depth."""
        waiting: list[Step[Asked, Answer]] = []
        while True:
            started = self._begin(asked)
            found: Answer | None = None
            if isinstance(started, GeneratorType):
                if len(waiting) == self._depth_max:
                    raise RecursionError
                waiting.append(started)
            else:
                found = cast("Answer", started)
            while waiting:
                try:
                    asked = next(waiting[-1]) if found is None else waiting[-1].send(found)
                    break
                except StopIteration as done:
                    waiting.pop()
                    found = cast("Answer", done.value)
            else:
                return cast("Answer", found)
