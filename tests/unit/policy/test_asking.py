"""Policies that answer at once and policies that take time, asked the same way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from ipaddress import ip_address

import pytest

from wasihost._network.base import Address
from wasihost._policy import PolicyContext, SocketAddressUse, Verdict, all_of
from wasihost._policy.asking import Asker, Question, settled

PEER = Address(ip_address("10.0.0.1"), 443)
CONNECT, BIND = SocketAddressUse.TCP_CONNECT, SocketAddressUse.TCP_BIND


class Slow:
    """A policy whose answers are futures."""

    def __init__(self) -> None:
        self.answers: list[asyncio.Future[bool]] = []

    def __call__(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> Awaitable[bool]:
        self.answers.append(asyncio.get_running_loop().create_future())
        return self.answers[-1]


def refuse_bind(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
    return use is not BIND


def test_a_policy_that_answers_at_once_needs_no_event_loop() -> None:
    asker = Asker(refuse_bind)
    verdicts = [asker.ask(PEER, CONNECT), asker.ask_for_each([(PEER, CONNECT), (PEER, BIND)])]
    assert [isinstance(verdict, Verdict) and verdict.allowed for verdict in verdicts] == [True, False]


async def test_each_is_asked_once_the_one_before_is_allowed() -> None:
    slow = Slow()
    asking = asyncio.ensure_future(settled(Asker(slow).ask_for_each([(PEER, CONNECT), (PEER, BIND)])))
    await asyncio.sleep(0)
    slow.answers[0].set_result(True)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    slow.answers[1].set_result(False)
    assert not (await asking).allowed


async def test_a_question_has_one_answer_after_another_of_combined_policies() -> None:
    slow = Slow()
    question: object = Asker(all_of(slow, refuse_bind, all_of(slow, slow))).ask(PEER, CONNECT)
    for count in (1, 2, 3):
        assert isinstance(question, Question)
        assert len(slow.answers) == count
        assert question.answer is slow.answers[-1]
        question = question.settle(count < 3)
    assert isinstance(question, Verdict)
    assert not question.allowed


async def test_what_a_policy_gave_is_cancelled_at_once_also_inside_of_others() -> None:
    slow = Slow()
    question = Asker(all_of(refuse_bind, slow)).ask(PEER, CONNECT)
    assert isinstance(question, Question)
    asyncio.ensure_future(question.answer).cancel()
    assert slow.answers[0].cancelled()


async def test_an_exception_of_a_policy_comes_out_as_it_is() -> None:
    slow = Slow()
    question = Asker(all_of(slow)).ask(PEER, CONNECT)
    assert isinstance(question, Question)
    slow.answers[0].set_exception(LookupError("mine"))
    with pytest.raises(LookupError, match="mine"):
        await question
