"""The fixtures that export functions instead of `run`: their providers, and calls of them with arguments."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from tests.guests import exports, test_calls, test_exports_streams
from tests.guests.harness import load
from tests.guests.http import Origin, Parts, ask, http_providers, whole
from tests.guests.test_exports_streams import Bytes, Entry, Provider, Ticket, Upload, each, everything, later
from tests.guests.test_exports_values import PERSON
from wasihost import GuestStream, Instance
from wasihost._host.serving import serve_handler
from wasihost._http.errors import HttpError


class Sleeper:
    """Provider of `test:exports/host`."""

    async def sleep(self, ms: int) -> None:
        await asyncio.sleep(ms / 1000)


class Exports(NamedTuple):
    """What a fixture exports."""

    interface: str
    providers: Callable[[], Mapping[str, object]]
    calls: Mapping[str, Callable[[], tuple[Any, ...]]]
    """The arguments, new ones for each call: streams are used once."""

    async def call(self, instance: Instance, name: str) -> None:
        """Calls it, and reads what comes back to its end."""
        await _read(await instance.call(f"{self.interface}#{name}", *self.calls[name]()))


async def _read(result: Any) -> None:
    if isinstance(result, GuestStream):
        await _read(await everything(result))
    elif isinstance(result, list | tuple):
        for part in result:
            await _read(part)
    elif isinstance(result, Awaitable):
        await result


class Service(NamedTuple):
    """A fixture that serves HTTP; its calls are requests."""

    name: str
    calls: Mapping[str, Mapping[str, Any]]
    """What describes the message of each case."""

    def providers(self) -> Mapping[str, object]:
        """What it sends is answered."""
        return http_providers(Origin())

    async def call(self, instance: Instance, case: str) -> None:
        """Asks it, and reads its response to the end."""
        handler = serve_handler(load(self.name), instance)
        body = Parts(b"x" * 100_000, trailers=[("a", b"b")])
        try:
            await whole(await ask(handler, case, body, **self.calls[case]))
        except HttpError as error:
            if error.__cause__ is not None:  # that the guest has ended
                raise error.__cause__ from None


_CASES: Mapping[str, Mapping[str, Any]] = {
    "hello": {},
    "describe": {},
    "copy": {},
    "answer": {"bytes": 100_000, "trailers": "fields"},
    "send": {"authority": "a", "bytes": 100_000, "length": 5},
    "forward": {"to": "a"},
    "error": {"code": 5},
    "fields": {},
    "trap-after": {},
}

EXPORTS: dict[str, Exports | Service] = {
    "rust-http": Service("rust-http", {**_CASES, "echo": {}, "late": {}, "hang": {}}),
    "rust-p2-http": Service("rust-p2-http", {**_CASES, "splice": {}, "skip": {}, "silent": {}}),
    "rust-exports": Exports(
        exports.API,
        lambda: {exports.HOST: Sleeper()},
        {
            "echo-bytes": lambda: (bytes(100_000),),
            "echo-strings": lambda: (["word"] * 100,),
            "divide": lambda: (1, 0),  # an err
            "async-echo-string": lambda: ("word" * 1000,),
            "async-echo-person": lambda: (PERSON,),
            "wait": lambda: (7,),
            "sleep-times": lambda: (10, 1),
            "spin": lambda: (100_000,),
            "yield-times": lambda: (100,),
            "wait-forever": lambda: (),
            "trap": lambda: (),
            "async-trap": lambda: (2,),
            "new-counter": lambda: (1,),
            "count-to": lambda: (100,),
            "checksum": lambda: (Bytes(100_000),),
        },
    ),
    "rust-streams": Exports(
        test_exports_streams.API,
        lambda: {test_exports_streams.HOST: Provider()},
        {
            "total": lambda: (Bytes(100_000),),
            "join": lambda: (each(*["word"] * 50),),
            "largest": lambda: (each(Entry("a", 1), Entry("b", 3)),),
            "ticks": lambda: (each(None, None),),
            "wait-for": lambda: (later("value"),),
            "store": lambda: (Upload("name", each(b"12"), later(True)),),
            "totals": lambda: ([each(b"1"), Bytes(70_000), each()],),
            "many": lambda: (each(b"1"), Bytes(20), "te", each(b"300"), later("xt"), 50_000),
            "ignore": lambda: (each(b"1"), later("value")),
            "first": lambda: (Bytes(10),),
            "hold": lambda: (Bytes(10, waits=True), later("value")),
            "count": lambda: (1000,),
            "letters": lambda: ("x" * 100_000,),
            "words": lambda: ("one two three",),
            "promise": lambda: ("kept",),
            "lines": lambda: ("a b c",),
            "parts": lambda: (["a", "bc", ""],),
            "upper": lambda: (each("one", "two"),),
            "copy": lambda: (Bytes(100_000),),
            "same": lambda: (each(b"a", b"b"),),
            "numbers": lambda: (each(*map(Ticket, range(5))),),
            "odd": lambda: (each(*map(Ticket, range(5))),),
        },
    ),
    "rust-calls": Exports(
        test_calls.API,
        lambda: {test_calls.HOST: test_calls.CallsHost()},
        {
            "echo-u32": lambda: (7,),
            "repeat": lambda: ("bind-error", 10),
        },
    ),
}
