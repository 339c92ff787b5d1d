"""Running and calling guests in programs without an event loop."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

import pytest

from tests.guests.exports import API, HOST, Sleeper
from tests.guests.harness import PREBUILT, load
from wasihost import (
    DeadlockError,
    GuestResource,
    GuestTrap,
    Host,
    LinkError,
    RunResult,
    Stats,
    SyncInstance,
    WitError,
)

EXPORTS = PREBUILT / "rust-exports.wasm"
COPY = {"CASE": "copy", "MODE": "copy"}
request_id = contextvars.ContextVar("request_id", default=0)


class Noting(Sleeper):
    """A sleeper that keeps the request for which it sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[int] = []

    async def sleep(self, ms: int) -> None:
        self.requests.append(request_id.get())
        await super().sleep(ms)


@contextlib.contextmanager
def opened_sync() -> Iterator[SyncInstance]:
    with Host(providers={HOST: Sleeper()}).open_sync(load("rust-exports")) as instance:
        yield instance


# ---- capture


@pytest.mark.parametrize("guest", ["rust-cat", "rust-std-p2"])
def test_a_captured_run_gives_code_and_output_and_prints_nothing(guest: str, capfd: pytest.CaptureFixture[str]) -> None:
    result = Host(env=COPY, stdin=b"a\xff").run(load(guest), capture=True)
    assert result == RunResult(0, b"a\xff", b"2 bytes\n")
    assert (result.stdout, result.stderr) == ("a\\xff", "2 bytes\n")
    assert capfd.readouterr() == ("", "")


def test_native_wasi_0_2_is_captured_too() -> None:
    host = Host(wasip2="native")
    assert host.run(host.load(PREBUILT / "rust-std-p2.wasm"), capture=True).code in (0, 1)


def test_a_captured_run_does_not_raise_for_an_exit_code() -> None:
    result = Host().run(load("rust-echo-server"), capture=True)
    assert result.code == 1
    assert "access-denied" in result.stderr


async def test_a_run_on_this_loop_is_captured_too() -> None:
    assert (await Host(env=COPY, stdin=b"a").run_async(load("rust-cat"), capture=True)).stdout == "a"


def test_a_captured_run_that_fails_has_its_stderr_in_a_note() -> None:
    def fail(_stats: Stats) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        Host(env=COPY, on_stats=fail).run(load("rust-cat"), capture=True)
    assert caught.value.__notes__ == ["the guest wrote to stderr: 0 bytes\n"]


# ---- calls


def test_one_call_needs_no_event_loop() -> None:
    assert Host(providers={HOST: Sleeper()}).call(load("rust-exports"), f"{API}#divide", 7, 2) == (3, 1)


def test_calls_of_an_instance_see_one_another() -> None:
    with opened_sync() as instance:
        instance.call(f"{API}#no-result", "kept")
        assert instance.call(f"{API}#last-value") == "kept"


def test_an_err_is_raised_and_the_instance_goes_on() -> None:
    with opened_sync() as instance:
        with pytest.raises(WitError):
            instance.exports.api.divide(1, 0)
        assert instance.exports.api.divide(7, 2) == (3, 1)


def test_streams_and_futures_are_waited_for_with_run_and_methods_of_resources_by_themselves() -> None:
    with opened_sync() as instance:
        numbers, total = instance.exports.api.count_to(4)
        assert instance.run(numbers.read(10)) == [0, 1, 2, 3]
        assert instance.run(total) == 6
        with instance.exports.api.Counter.new(40) as counter:
            assert isinstance(counter, GuestResource)
            assert counter.add(2) == 42
        assert instance.call(f"{API}#[static]counter.alive") == 0


def test_a_call_has_a_time_out() -> None:
    with opened_sync() as instance:
        with pytest.raises(TimeoutError, match=r"#wait did not return within 0\.001 s"):
            instance.exports.api.wait(1, timeout=0.001)
        assert instance.exports.api.waiting()[0] == 0


def test_a_call_that_can_never_return_is_a_deadlock() -> None:
    with opened_sync() as instance, pytest.raises(DeadlockError):
        instance.exports.api.wait_forever()


def test_providers_see_the_context_of_each_call() -> None:
    noting = Noting()
    with Host(providers={HOST: noting}).open_sync(load("rust-exports")) as instance:
        for number in (1, 2):
            request_id.set(number)
            instance.exports.api.sleep_times(1, 0)
    assert noting.requests == [1, 2]


def test_a_trap_ends_the_instance_and_comes_out_of_the_with() -> None:
    with pytest.raises(GuestTrap), opened_sync() as instance:
        instance.exports.api.trap()
    assert repr(instance).endswith("rust-exports.wasm, closed>")


def test_a_closed_instance_says_so() -> None:
    with opened_sync() as instance:
        pass
    with pytest.raises(RuntimeError, match="this instance is closed"):
        instance.call(f"{API}#divide", 7, 2)


async def test_within_an_event_loop_the_error_says_what_to_write() -> None:
    with pytest.raises(RuntimeError, match=r"async with host\.open\(component\)"):
        Host().open_sync(load("rust-exports"))
    with pytest.raises(RuntimeError, match=r"async with host\.open\(component\)"):
        Host().call(load("rust-exports"), "f")
    with pytest.raises(RuntimeError, match=r"await host\.run_async\(component\)"):
        Host().run(load("rust-cat"), capture=True)


def test_an_import_that_is_missing_is_said_before_the_with() -> None:
    with pytest.raises(LinkError, match=HOST):
        Host().open_sync(EXPORTS)
