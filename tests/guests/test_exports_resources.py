"""A resource that the guest defines: its objects in Python."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guests.exports import API, Api, opened_api
from tests.guests.harness import fails, until

NEW, ADD, VALUE = "[constructor]counter", "[method]counter.add", "[method]counter.value"
MERGE, ALIVE = "[static]counter.merge", "[static]counter.alive"


async def alive(api: Api) -> int:
    count = await api.call(ALIVE)
    assert isinstance(count, int)
    return count


async def test_constructor_and_methods() -> None:
    async with opened_api() as api:
        counter = await api.call(NEW, 40)
        assert await api.call(ADD, counter, 2) == 42
        assert await api.call(VALUE, counter) == 42


async def test_an_async_method() -> None:
    async with opened_api() as api:
        counter = await api.call(NEW, 1)
        assert await api.call("[method]counter.add-later", counter, 2, 0) == 3


async def test_two_objects_do_not_share_anything() -> None:
    async with opened_api() as api:
        one, other = await api.call(NEW, 1), await api.call("new-counter", 10)
        await api.call(ADD, one, 1)
        assert [await api.call(VALUE, counter) for counter in (one, other)] == [2, 10]


async def test_closing_drops_the_guests_object() -> None:
    async with opened_api() as api:
        one, _other = await api.call(NEW, 1), await api.call(NEW, 2)
        assert await alive(api) == 2
        one.close()
        assert await alive(api) == 1


async def test_closing_twice_is_closing_once() -> None:
    async with opened_api() as api:
        counter = await api.call(NEW, 1)
        counter.close()
        counter.close()
        assert await alive(api) == 0


async def test_a_closed_object_cannot_be_used() -> None:
    async with opened_api() as api:
        counter = await api.call(NEW, 1)
        counter.close()
        error = await fails(api.call(VALUE, counter), TypeError)
        assert f"{API}#{VALUE}" in str(error)
        assert "<counter of a guest, closed>" in str(error)


async def test_an_owned_argument_is_the_guests_again() -> None:
    async with opened_api() as api:
        left, right = await api.call(NEW, 1), await api.call(NEW, 2)
        merged = await api.call(MERGE, left, right)
        assert await api.call(VALUE, merged) == 3
        assert await alive(api) == 1
        await fails(api.call(VALUE, left), TypeError)


async def test_borrows_in_arguments_stay_ours() -> None:
    async with opened_api() as api:
        counters = [await api.call(NEW, n) for n in (1, 2, 3)]
        assert await api.call("read-counter", counters[0]) == 1
        assert await api.call("read-counters", counters) == 6
        assert await api.call("read-counters", [counters[0]] * 3) == 3
        assert await alive(api) == 3


@pytest.mark.parametrize("wrong", [None, 1, "counter", object()])
async def test_something_else_is_a_type_error_naming_the_resource(wrong: Any) -> None:
    async with opened_api() as api:
        error = await fails(api.call(VALUE, wrong), TypeError)
        assert f"{API}#{VALUE}" in str(error)
        assert "counter" in str(error)


@pytest.mark.parametrize("wrong", [None, 1])
async def test_a_call_with_a_wrong_argument_takes_none_of_the_others(wrong: Any) -> None:
    async with opened_api() as api:
        counter = await api.call(NEW, 5)
        await fails(api.call(MERGE, counter, wrong), TypeError)
        assert await api.call(VALUE, counter) == 5


async def test_one_object_cannot_be_given_away_twice_in_a_call() -> None:
    async with opened_api() as api:
        counter = await api.call(NEW, 5)
        await fails(api.call(MERGE, counter, counter), TypeError)
        assert await api.call(VALUE, counter) == 5


async def test_an_object_of_another_instance_is_refused() -> None:
    async with opened_api() as one, opened_api() as other:
        counter = await one.call(NEW, 5)
        await other.call(NEW, 6)
        await fails(other.call(VALUE, counter), TypeError)


async def test_an_object_closed_while_a_method_runs_is_dropped_after_it() -> None:
    async with opened_api() as api:
        counter = await api.call(NEW, 1)
        adding = api.begin("[method]counter.add-later", counter, 2, 1)
        await until(lambda: api.sleeper.sleeping)
        counter.close()
        assert await alive(api) == 1
        api.sleeper.wake_all()
        assert await adding == 3
        assert await alive(api) == 0


async def test_an_object_that_a_method_uses_cannot_be_given_away() -> None:
    async with opened_api() as api:
        counter = await api.call(NEW, 1)
        adding = api.begin("[method]counter.add-later", counter, 2, 1)
        await until(lambda: api.sleeper.sleeping)
        await fails(api.call(MERGE, counter, await api.call(NEW, 1)), TypeError)
        api.sleeper.wake_all()
        assert await adding == 3


async def test_an_object_may_outlive_its_instance() -> None:
    async with opened_api() as api:
        counter = await api.call(NEW, 1)
    counter.close()
    await fails(api.call(VALUE, counter), RuntimeError)
