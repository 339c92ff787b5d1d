"""`Instance.exports`: exports as attributes."""

from __future__ import annotations

import pytest

from tests.guests.exports import API, HOST, opened_api
from tests.guests.harness import opened
from wasihost import Instance, WitError
from wasihost._component.running.exports.names import interface_names


async def test_a_function_is_called_by_the_name_of_its_interface_and_its_own() -> None:
    async with opened_api() as api:
        exports = api.instance.exports
        assert await exports.api.divide(7, 2) == (3, 1)
        assert await exports.api.async_echo_u32(5) == 5
        with pytest.raises(WitError):
            await exports.api.divide(7, 0)
        assert exports.api.divide is exports.api.divide


async def test_a_resource_has_its_methods_and_is_a_context_manager() -> None:
    async with opened_api() as api:
        exported = api.instance.exports.api
        async with await exported.Counter.new(40) as counter:
            assert await counter.add(2) == 42
            assert await counter.add_later(1, 0) == 43
            merged = await exported.Counter.merge(counter, await exported.new_counter(1))
        with merged:
            assert await merged.value() == 44
            with pytest.raises(AttributeError, match="the resource counter of a guest has no method 'subtract'"):
                merged.subtract(1)
        assert await exported.Counter.alive() == 0


async def test_a_name_that_is_not_there_is_an_attribute_error_that_lists_some() -> None:
    async with opened_api() as api:
        with pytest.raises(AttributeError, match="exports has no 'store'; it has api"):
            _ = api.instance.exports.store
        with pytest.raises(AttributeError, match=r"exports\.api has no 'divid'; did you mean divide\?"):
            _ = api.instance.exports.api.divid
        with pytest.raises(
            LookupError, match=r"does not export 'test:exports/api#divid'; it exports .*; did you mean divide\?"
        ):
            await api.instance.call("test:exports/api#divid", 7, 2)
        with pytest.raises(AttributeError, match=r"exports\.api has no 'multiply'; it has Counter, async_divide"):
            _ = api.instance.exports.api.multiply
        assert dir(api.instance.exports) == ["api"]
        assert repr(api.instance.exports) == "<exports: api>"
        assert "divide" in dir(api.instance.exports.api)


async def test_a_call_has_a_time_out_after_which_the_instance_goes_on() -> None:
    async with opened_api() as api:
        with pytest.raises(TimeoutError, match="wait did not return within 0 s"):
            await api.instance.call(f"{API}#wait", 1, timeout=0)
        assert (await api.instance.call(f"{API}#waiting", timeout=60))[0] == 0


async def test_a_time_out_of_a_provider_passes_through() -> None:
    class Late:
        async def sleep(self, ms: int) -> None:
            raise TimeoutError("the database")

    async with opened("rust-exports", {HOST: Late()}) as instance:
        with pytest.raises(TimeoutError, match="the database"):
            await instance.call(f"{API}#sleep-times", 1, 1, timeout=60)


async def test_the_repr_says_of_what_an_instance_is_and_whether_it_runs() -> None:
    async with opened_api() as api:
        assert repr(api.instance).endswith("rust-exports.wasm, running>")
        api.instance.fail(ZeroDivisionError())
        with pytest.raises(ZeroDivisionError):
            await api.call("divide", 7, 2)
        assert repr(api.instance).endswith("rust-exports.wasm, ended>")
    assert isinstance(api.instance, Instance)
    assert repr(api.instance).endswith("rust-exports.wasm, closed>")


def test_interfaces_that_are_called_the_same_have_the_name_of_their_package_too() -> None:
    assert interface_names(["a:kv/store@1.0.0", "b:cache/store", "a:kv/bucket-list"]) == {
        "a:kv/store@1.0.0": "kv_store",
        "b:cache/store": "cache_store",
        "a:kv/bucket-list": "bucket_list",
    }
    assert interface_names(["a:kv/run@0.2.9", "a:kv/run@0.3.0"]) == {"a:kv/run@0.3.0": "run", "a:kv/run@0.2.9": "run_"}
