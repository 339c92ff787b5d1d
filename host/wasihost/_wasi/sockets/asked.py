"""Questions to a policy that takes time, one at a time, while a callback waits for the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wasihost._policy import Verdict
from wasihost._policy.asking import Question


class Asked:
    """A question whose answer is on its way; calls back when it is there."""

    __slots__ = ("_answer", "_question")

    def __init__(self, question: Question[Verdict], callback: Callable[[], None]) -> None:
        self._question = question
        self._answer = asyncio.ensure_future(question.answer)
        self._answer.add_done_callback(lambda _: callback())

    @property
    def is_answered(self) -> bool:
        """Whether `settle` may be called."""
        return self._answer.done()

    def settle(self) -> Verdict | Question[Verdict]:
        """The verdict, or the policy's next question. Errors: the exception of the policy."""
        return self._question.settle(self._answer.result())

    def cancel(self) -> None:
        """The answer is not needed any more."""
        self._answer.cancel()
