"""How much of the network, of HTTP and of files a guest may use: `Host(quotas=Quotas(connections=10))`.

The guest meets each limit as an error-code, and no call waits for ever:

| limit | beyond it | the guest gets |
|---|---|---|
| `sockets` | no socket is made | `out-of-memory` from `create` |
| `connections`, `connections_per_second` | no connection is begun | `connection-refused` from `connect` |
| all three, from outside | the connection that comes in is reset | nothing |
| `bytes_in`, `bytes_out`, `connection_bytes_…` | the connection is reset | `connection-reset` from both directions |
| `bytes_in`, `bytes_out`, of UDP | the datagram is dropped | `out-of-memory` from `receive` or `send` |
| `bytes_per_second_in`, `bytes_per_second_out` | bytes and datagrams wait for their time | no error, it takes longer |
| `connect_timeout_s` | the attempt is given up | `timeout` from `connect` |
| `idle_timeout_s` | the connection is reset | `timeout` from both directions |
| `http_requests`, `http_requests_at_once` | no request is sent | `connection-limit-reached` |
| `http_bytes_in` | the response is broken off | `HTTP-response-body-size` |
| `http_bytes_out` | the request is broken off | `HTTP-request-body-size` |
| `http_time_s` | the request or its response is broken off | `HTTP-response-timeout` |
| `open_files`, `files`, `file_bytes_written`, `file_bytes_stored` | nothing more is opened, made, written | `quota` |

Bytes are those of TCP connections and of the contents of datagrams. On a connection just as many go through as are
allowed; a datagram goes whole or not at all. Rates are token buckets that hold one second's worth. A connection is
idle while no byte moves in either direction; the time-outs are TCP's only.

That a limit was reached is logged by `wasihost.quotas`, as a warning the first time and for debugging from then on.
`limit` of a record is the name of the limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wasihost._base import bounds
from wasihost._base.bounds import BytesOrNone, fraction, whole


@dataclass(frozen=True, kw_only=True, repr=False)
class Quotas:
    """Limits for a guest; None: there is none. Bytes also as a text such as "64MiB".

    Errors: ConfigError, which names the limit.
    """

    sockets: int | None = whole("sockets open at a time; without it a quarter of `ulimit -n`")
    connections: int | None = whole("TCP connections open at a time, both ways, those under way too")
    connections_per_second: float | None = fraction("new TCP connections, both ways")
    bytes_in: BytesOrNone = whole("bytes that come, of all TCP connections and datagrams")
    bytes_out: BytesOrNone = whole("bytes that go, of all TCP connections and datagrams")
    connection_bytes_in: BytesOrNone = whole("bytes that come, of each TCP connection")
    connection_bytes_out: BytesOrNone = whole("bytes that go, of each TCP connection")
    bytes_per_second_in: BytesOrNone = whole("the rate of incoming bytes, of all together", least=1)
    bytes_per_second_out: BytesOrNone = whole("the rate of outgoing bytes, of all together", least=1)
    connect_timeout_s: float | None = fraction("seconds for an attempt to connect")
    idle_timeout_s: float | None = fraction("seconds in which no byte of a TCP connection moves")
    http_requests: int | None = whole("requests of wasi:http that the guest sends")
    http_requests_at_once: int | None = whole("such requests under way, until the response's last byte")
    http_bytes_in: BytesOrNone = whole("bytes of the content of all responses to them")
    http_bytes_out: BytesOrNone = whole("bytes of the content of all these requests")
    http_time_s: float | None = fraction("seconds for such a request, until the response's last byte")
    open_files: int | None = whole("files and directories open at a time; without it a quarter of `ulimit -n`")
    files: int | None = whole("files, directories and links made, less those removed")
    file_bytes_written: BytesOrNone = whole("bytes written to files")
    file_bytes_stored: BytesOrNone = whole("bytes by which files have grown, less those cut off or removed")

    def __post_init__(self) -> None:
        bounds.settle(self)

    def __repr__(self) -> str:
        return bounds.described(self)

    @classmethod
    def parse(cls, limits: Iterable[str]) -> Quotas:
        """From texts such as `connections=10` and `bytes-out=1MiB`; KiB, MiB and GiB are units of bytes."""
        return cls(**bounds.parse(limits, bounds.bounds(cls)))
