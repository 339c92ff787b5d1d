"""A future that is a callback."""

from __future__ import annotations

from wasihost._base.waiting import Called


async def test_it_resolves_when_it_is_called() -> None:
    called = Called()
    called()
    assert await called is None  # type: ignore[func-returns-value]


async def test_a_call_after_it_was_cancelled_does_nothing() -> None:
    called = Called()
    called.cancel()
    called()
    assert called.cancelled()


async def test_a_second_call_does_nothing() -> None:
    called = Called()
    called()
    called()
    assert called.done()
