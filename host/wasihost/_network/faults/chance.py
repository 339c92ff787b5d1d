"""Faults by chance, which are the same each time for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wasihost._base.errors import ConfigError
from wasihost._base.frozen import Frozen
from wasihost._network.faults.fault import CALLS, RESOLVER_ERRORS, SECONDS, Call, Fault
from wasihost._network.faults.plan import Strikes

_LIKELY: Mapping[Call, tuple[str, ...]] = {
    "socket": ("ENOBUFS",),
    "bind": ("EADDRINUSE",),
    "connect": ("ECONNREFUSED", "ETIMEDOUT", "EHOSTUNREACH", "EADDRINUSE", "stall"),
    "listen": ("EADDRINUSE",),
    "accept": ("ECONNABORTED", "stall"),
    "receive": ("short", "stall", "ECONNRESET"),
    "send": ("short", "stall", "ECONNRESET"),
    "udp-bind": ("EADDRINUSE",),
    "udp-receive": ("drop", "duplicate", "swap", "stall"),
    "udp-send": ("drop", "duplicate", "swap", "stall"),
    "resolve": (*RESOLVER_ERRORS, "stall"),
    "file-open": ("EIO", "EMFILE", "stall"),
    "file-read": ("short", "stall", "EIO"),
    "file-write": ("short", "stall", "EIO", "ENOSPC"),
    "file-list": ("EIO", "stall"),
    "file-stat": ("EIO", "stall"),
    "file-change": ("EIO", "ENOSPC", "stall"),
    "file-sync": ("EIO", "stall"),
}


class RandomFaults(Frozen):
    """Faults by chance, which are the same for the same seed, sockets, bytes and calls on files.

    `rate`: the part of the calls that is struck, and of a connection's KiB in either direction. `on`: the calls that
    may be, `do`: the faults, anything if None. A stall takes up to `stall_s`. Errors: ConfigError.
    """

    seed: int
    rate: float
    on: tuple[Call, ...]
    do: tuple[str, ...] | None
    stall_s: float

    def __init__(
        self,
        seed: int,
        *,
        rate: float = 0.05,
        on: Sequence[Call] = CALLS,
        do: Sequence[str] | None = None,
        stall_s: float = 1.0,
    ) -> None:
        if not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise ConfigError(f"rate: expected a number from 0 to 1, got {rate!r}")
        if not SECONDS.takes(stall_s):
            raise ConfigError(f"stall_s: expected {SECONDS.expected}, got {stall_s!r}")
        for call in on:
            if call not in CALLS:
                raise ConfigError(f"on: expected some of {', '.join(CALLS)}, got {call!r}")
        for word in do or ():
            if not any(word in likely for likely in _LIKELY.values()):
                words = sorted({word for likely in _LIKELY.values() for word in likely})
                raise ConfigError(f"do: expected some of {', '.join(words)}, got {word!r}")
        super().__init__(seed, rate, tuple(on), None if do is None else tuple(do), stall_s)

    def begin(self) -> Strikes:
        """A run of it, from the beginning."""
        return _RandomStrikes(self)


class _RandomStrikes(Strikes):
    """Each decision has a generator of its own, so that it depends on no other."""

    def __init__(self, chances: RandomFaults) -> None:
        self._chances = chances
        self._streams: dict[tuple[Call, int], Iterator[Fault]] = {}
        self._next: dict[tuple[Call, int], Fault | None] = {}

    def on_call(self, call: Call, socket: int | None, nth: int, addresses: Sequence[str]) -> Sequence[Fault]:
        chance = random.Random(f"{self._chances.seed} {call} {socket} {nth}")
        if not self._words(call) or chance.random() >= self._chances.rate:
            return ()
        return [self._fault(chance, call, nth=nth, socket=socket)]

    def on_stream(
        self, call: Call, socket: int, offset: int, addresses: Sequence[str]
    ) -> tuple[Sequence[Fault], int | None]:
        key = call, socket
        if key not in self._streams:
            self._streams[key] = self._along(call, socket)
            self._next[key] = next(self._streams[key], None)
        struck = []
        while (fault := self._next[key]) is not None and fault.after_bytes == offset:
            struck.append(fault)
            self._next[key] = next(self._streams[key], None)
        return struck, None if fault is None else fault.after_bytes

    def on_file(self, call: Call, nth: int, paths: Sequence[str]) -> tuple[Sequence[Fault], int | None]:
        return self.on_call(call, None, nth, paths), None

    def moved(self, call: Call, paths: Sequence[str], count: int) -> None:
        """It goes by calls: in how many they come is up to the guest."""

    def _along(self, call: Call, socket: int) -> Iterator[Fault]:
        """The faults of a direction of a connection, one after the other."""
        chance = random.Random(f"{self._chances.seed} {call} {socket}")
        offset = 0
        while self._words(call) and self._chances.rate:
            offset += int(chance.expovariate(self._chances.rate / 1024))
            yield self._fault(chance, call, after_bytes=offset, socket=socket)
            offset += 1

    def _words(self, call: Call) -> list[str]:
        wanted = self._chances.do
        likely = _LIKELY[call] if call in self._chances.on else ()
        return [word for word in likely if wanted is None or word in wanted]

    def _fault(self, chance: random.Random, call: Call, **where: Any) -> Fault:
        do = chance.choice(self._words(call))
        what: dict[str, Any] = {}
        if do == "stall":
            what["seconds"] = round(max(0.001, chance.random() * self._chances.stall_s), 3)
        if do == "short":
            what["bytes"] = chance.randint(1, 16)
        return Fault(call, do, **where, **what)
