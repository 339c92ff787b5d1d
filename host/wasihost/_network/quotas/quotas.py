"""How much of a network a guest may use: `Host(quotas=Quotas(connections=10))`, or a `QuotaNetwork` of your own.

Each limit is told to the guest as an error-code, and nobody waits for ever:

| limit | what happens beyond it | the guest gets |
|---|---|---|
| `sockets` | no socket is made | `out-of-memory` from `create` |
| `connections`, `connections_per_second` | no connection is begun | `connection-refused` from `connect` |
| all three, from outside | the connection that comes in is reset | nothing |
| `bytes_in`, `bytes_out`, `connection_bytes_…` | the connection is reset | `connection-reset` from both directions |
| `bytes_in`, `bytes_out`, of UDP | the datagram is dropped | `out-of-memory` from `receive` or `send` |
| `bytes_per_second_in`, `bytes_per_second_out` | bytes and datagrams wait for their time | no error, it takes longer |
| `connect_timeout_s` | the attempt is given up | `timeout` from `connect` |
| `idle_timeout_s` | the connection is reset | `timeout` from both directions |

Bytes are those of TCP connections and of the contents of datagrams. On a connection just as many go through as are
allowed; a datagram goes whole or not at all. Rates are token buckets that hold what comes in a second. A connection is
idle while no byte moves in either direction; the time-outs are TCP's only.

That a limit was reached is logged by `wasihost.quotas`, as a warning the first time and for debugging from then on.
`limit` of a record is the name of the limit.
"""

from __future__ import annotations

from collections.abc import Iterable

from wasihost._base import limittext
from wasihost._base.errors import ConfigError
from wasihost._base.frozen import Frozen

_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_FRACTIONS = ("connections_per_second", "connect_timeout_s", "idle_timeout_s")  # the others are whole numbers


class Quotas(Frozen):
    """Limits for a guest; None: there is none. Errors: ConfigError, which names the limit."""

    sockets: int | None
    connections: int | None
    connections_per_second: float | None
    bytes_in: int | None
    bytes_out: int | None
    connection_bytes_in: int | None
    connection_bytes_out: int | None
    bytes_per_second_in: int | None
    bytes_per_second_out: int | None
    connect_timeout_s: float | None
    idle_timeout_s: float | None

    def __init__(
        self,
        *,
        sockets: int | None = None,
        connections: int | None = None,
        connections_per_second: float | None = None,
        bytes_in: int | None = None,
        bytes_out: int | None = None,
        connection_bytes_in: int | None = None,
        connection_bytes_out: int | None = None,
        bytes_per_second_in: int | None = None,
        bytes_per_second_out: int | None = None,
        connect_timeout_s: float | None = None,
        idle_timeout_s: float | None = None,
    ) -> None:
        super().__init__(
            sockets,
            connections,
            connections_per_second,
            bytes_in,
            bytes_out,
            connection_bytes_in,
            connection_bytes_out,
            bytes_per_second_in,
            bytes_per_second_out,
            connect_timeout_s,
            idle_timeout_s,
        )
        for name in self.__match_args__:
            _check(name, getattr(self, name))

    @classmethod
    def parse(cls, limits: Iterable[str]) -> Quotas:
        """From texts such as `connections=10` and `bytes-out=1MiB`; KiB, MiB and GiB are units of bytes."""
        return cls(**limittext.parse(limits, cls.__match_args__, _FRACTIONS))


def _check(name: str, value: object) -> None:
    if value is None:
        return
    if name in _FRACTIONS:
        expected = "a number, more than 0 and at most 1e9"  # 30 years; and no overflow in nanoseconds
        right = isinstance(value, int | float) and 0 < value <= 1e9
    else:
        least = 1 if "per_second" in name else 0
        expected = f"a whole number, {least} or more"
        right = isinstance(value, int) and value >= least
    if not right or isinstance(value, bool):
        raise ConfigError(f"{name}: expected {expected}, got {value!r}")
