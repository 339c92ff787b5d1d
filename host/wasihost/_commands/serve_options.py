"""The options of `wasihost serve` for its server and its instances."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wasihost._base.bounds import bounds, parse
from wasihost._base.errors import ConfigError
from wasihost._commands.guest_options import seconds
from wasihost._commands.parsing import Parser
from wasihost._network.names import literal

if TYPE_CHECKING:
    import ssl

    from wasihost._http.answering import Answered
    from wasihost._http.limits import ServerLimits


def add_to(parser: Parser) -> None:
    """Gives the parser the options."""
    server = parser.group("server")
    server.add_argument(
        "--addr", default="127.0.0.1:8080", metavar="IP:PORT", help="where to listen; port 0 is any free one"
    )
    server.add_argument("--tls-cert", metavar="FILE", help="serve https with this certificate and its chain, as PEM")
    server.add_argument(
        "--tls-key", metavar="FILE", help="the private key of the certificate, if it is not in its file"
    )
    server.add_argument(
        "--instances", type=_count, default=100, metavar="N", help="how many instances serve at a time; 100 by default"
    )
    server.add_argument(
        "--reuse",
        type=_count,
        metavar="N",
        help="how many requests an instance serves before it is closed; by default 128 of WASI 0.3, and one of 0.2",
    )
    server.add_argument(
        "--at-once",
        type=_count,
        metavar="N",
        help="how many requests an instance of WASI 0.3 serves at a time; 16 by default",
    )
    server.add_argument(
        "--idle",
        type=seconds,
        default=60.0,
        metavar="SECONDS",
        help="close an instance that has served nothing for so long; 60 by default",
    )
    server.add_argument(
        "--max-waiting",
        type=_count,
        metavar="N",
        help="how many requests wait for an instance, beyond which the answer is 503; any number by default",
    )
    parser.group("limits").add_argument(
        "--server-limit",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="a limit of each client or of all together, such as connections=1000 or body-bytes=10MiB; may be repeated",
    )
    server.add_argument(
        "--workers",
        type=_count,
        default=1,
        metavar="N",
        help="serve in so many processes; limits, quotas and instances are those of each, and each records into a "
        "file of its own",
    )
    server.add_argument(
        "--middleware",
        action="append",
        default=[],
        metavar="FILE",
        help="have this component handle requests, which imports wasi:http/handler and passes them on to COMPONENT, or "
        "to the next one, if it is repeated; both are trusted not to end this process, see docs/how-to/http.md",
    )
    server.add_argument(
        "--reload", action="store_true", help="serve with the component anew when its file changes; for development"
    )
    server.add_argument(
        "--request-timeout",
        type=seconds,
        metavar="SECONDS",
        help="give a request up that is not answered in full by then; without it there is no such limit",
    )
    server.add_argument(
        "--cancel-tasks",
        action="store_true",
        help="cancel the guest's task of a request that is given up, as its client has left, in place of giving its "
        "instance no other requests; for guests that can be cancelled",
    )
    server.add_argument(
        "--drain",
        type=seconds,
        default=30.0,
        metavar="SECONDS",
        help="how long requests under way may take when the server is ended; 30 by default",
    )
    server.add_argument("--no-access-log", action="store_true", help="print no line for each answer")


def _count(text: str) -> int:
    if text.isdecimal() and text.isascii() and 0 < int(text) < 1 << 31:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")


def address(arguments: argparse.Namespace) -> tuple[str, int]:
    """Where to listen. Errors: ConfigError."""
    addr, colon, port = arguments.addr.rpartition(":")
    ip = literal(addr)
    if ip is None or not (colon and port.isdecimal() and port.isascii() and int(port) <= 0xFFFF):
        raise ConfigError(f"--addr {arguments.addr!r}: expected IP:PORT, such as 127.0.0.1:8080 or [::1]:0")
    return str(ip), int(port)


def for_serve(arguments: argparse.Namespace, answered: Callable[[Answered], None]) -> dict[str, Any]:
    """The arguments of `Host.serve`; `answered` is called after each answer, unless there is no access log.

    Errors: ConfigError.
    """
    addr, port = address(arguments)
    return {
        "addr": addr,
        "port": port,
        "tls": _tls(arguments),
        "instances": arguments.instances,
        "reuse": arguments.reuse,
        "at_once": arguments.at_once,
        "idle_s": arguments.idle,
        "max_waiting": arguments.max_waiting,
        "timeout_s": arguments.request_timeout,
        "cancel_tasks": arguments.cancel_tasks,
        "limits": _limits(arguments),
        "drain_s": arguments.drain,
        "answered": None if arguments.no_access_log else answered,
    }


def _limits(arguments: argparse.Namespace) -> ServerLimits:
    from wasihost._http.limits import ServerLimits

    return ServerLimits(**parse(arguments.server_limit, bounds(ServerLimits)))


def _tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    if arguments.tls_cert is None:
        if arguments.tls_key is not None:
            raise ConfigError("--tls-key is the key of a certificate: give --tls-cert too")
        return None
    from wasihost._http.tls import server_context

    return server_context(arguments.tls_cert, arguments.tls_key)
