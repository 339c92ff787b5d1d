"""`rust-calls`: each call of the host that it repeats."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.guests.harness import fails, opened
from wasihost import WitError

API, HOST = "test:calls/api@1.0.0", "test:calls/host@1.0.0"
OWN = ["nothing", "next", "pass-ten", "take-strings", "take-bytes", "give-bytes"]
SOCKETS = ["get-hop-limit", "get-local-address", "bind-error"]
TEN = SimpleNamespace(a=1, b=-2, c=3.5, d=True, e=5, f=6, g="seven", h="8", i=9, j=-10)


class CallsHost:
    """Notes what it is called with."""

    def __init__(self, step: int = 1) -> None:
        self.step = step
        self.got: list[object] = []

    def nothing(self) -> None:
        self.got.append(None)

    def next(self, n: int) -> int:
        self.got.append(n)
        return n + self.step

    def pass_ten(self, value: object) -> object:
        self.got.append(value)
        return value

    def take_strings(self, value: list[str]) -> None:
        self.got.append(value)

    def take_bytes(self, value: bytes) -> None:
        self.got.append(value)

    def give_bytes(self, size: int) -> bytes:
        self.got.append(size)
        return bytes(size)


EXPECTED = {
    "nothing": None,
    "take-strings": [f"string {n}" for n in range(1000)],
    "take-bytes": b"\1" * (1 << 20),
    "give-bytes": 1 << 20,
}


@pytest.mark.parametrize("work", OWN + SOCKETS)
async def test_repeats_a_call(work: str) -> None:
    host = CallsHost()
    async with opened("rust-calls", {HOST: host}) as instance:
        assert await instance.call(f"{API}#repeat", work, 3) is None
    assert len(host.got) == (3 if work in OWN else 0)
    assert host.got == [EXPECTED[work]] * 3 if work in EXPECTED else True


async def test_the_record_of_ten_fields_arrives() -> None:
    host = CallsHost()
    async with opened("rust-calls", {HOST: host}) as instance:
        await instance.call(f"{API}#repeat", "pass-ten", 1)
    (got,) = host.got
    assert {name: getattr(got, name) for name in vars(TEN)} == vars(TEN)


async def test_a_host_that_counts_wrong_is_reported() -> None:
    async with opened("rust-calls", {HOST: CallsHost(step=2)}) as instance:
        error = await fails(instance.call(f"{API}#repeat", "next", 3), WitError)
    assert "counted to 6" in str(error)


async def test_echo_gives_the_number_back() -> None:
    async with opened("rust-calls", {HOST: CallsHost()}) as instance:
        assert await instance.call(f"{API}#echo-u32", 7) == 7
