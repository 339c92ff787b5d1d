"""`wasihost serve`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wasihost._base.bounds import name_of
from wasihost._base.clock import NS_PER_S
from wasihost._base.errors import ComponentError, ConfigError, WasihostError
from wasihost._base.quoting import line
from wasihost._commands import guest_options, limit_options, recording_options, wasmtime_options, workers
from wasihost._commands.ending import Ending
from wasihost._commands.exits import complain, ended
from wasihost._commands.logs import warnings_printed
from wasihost._commands.parsing import Commands, add_component, reflected
from wasihost._component.adapt import Component
from wasihost._component.running.engine import default_engine
from wasihost._host.host import Host
from wasihost._host.source import read_plugged
from wasihost._network.base import Address
from wasihost._network.names import literal

if TYPE_CHECKING:
    import socket
    import ssl

    from wasihost._host.http_server import GuestServer
    from wasihost._http.answering import Answered

_LOOKS_S = 0.5
_HANDLER = "wasi:http/handler"
_TRUSTED = "async-components=20"
_USAGE = f"""\
wasihost serve [--addr IP:PORT] [--tls-cert FILE [--tls-key FILE]] [--instances N] [--reuse N]
                    [--at-once N] [--idle SECONDS] [--connections N]
                    [--workers N] [--middleware FILE ...]
                    [--reload] [--request-timeout SECONDS] [--drain SECONDS] [--no-access-log]
                    {guest_options.USAGE}
                    COMPONENT"""

_NOTES = """\
Once it listens, stderr has the line “Serving HTTP on http://IP:PORT/”, and then one for each answer: client, method,
path, status, bytes of content, time. A guest that traps is a 500 to its client, and its trap is on stderr.

SIGTERM and Ctrl-C end it in order, with exit code 0: it takes no more connections, and requests under way have the time
of --drain to end. A second one ends it at once.

With --replay it does not listen: it asks the component what was asked when the recording was made, with the recorded
answers to what it sends, and fails where it answers something else.

exit code: 0 when it was ended, 1 when it cannot serve, 2 when the command line is wrong
"""


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "serve",
        help="answer HTTP requests with a component that exports wasi:http/handler",
        usage=_USAGE,
        description="Answers HTTP requests with a component that exports wasi:http/handler@0.3 or "
        "wasi:http/incoming-handler@0.2.",
        notes=lambda: guest_options.notes() + _NOTES,
    )
    _add_own(parser)
    guest_options.add_to(parser)
    wasmtime_options.add_to(parser)
    add_component(parser)
    parser.set_defaults(command=main)


def _add_own(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--addr", default="127.0.0.1:8080", metavar="IP:PORT", help="where to listen; port 0 is any free one"
    )
    parser.add_argument("--tls-cert", metavar="FILE", help="serve https with this certificate and its chain, as PEM")
    parser.add_argument(
        "--tls-key", metavar="FILE", help="the private key of the certificate, if it is not in its file"
    )
    parser.add_argument(
        "--instances", type=_count, default=100, metavar="N", help="how many instances serve at a time; 100 by default"
    )
    parser.add_argument(
        "--reuse",
        type=_count,
        metavar="N",
        help="how many requests an instance serves before it is closed; by default 128 of WASI 0.3, and one of 0.2",
    )
    parser.add_argument(
        "--at-once",
        type=_count,
        metavar="N",
        help="how many requests an instance of WASI 0.3 serves at a time; 16 by default",
    )
    parser.add_argument(
        "--idle",
        type=guest_options.seconds,
        default=60.0,
        metavar="SECONDS",
        help="close an instance that has served nothing for so long; 60 by default",
    )
    parser.add_argument(
        "--connections", type=_count, default=1000, metavar="N", help="how many clients at a time; 1000 by default"
    )
    parser.add_argument(
        "--workers",
        type=_count,
        default=1,
        metavar="N",
        help="serve in so many processes; limits, quotas and instances are those of each, and each records into a "
        "file of its own",
    )
    parser.add_argument(
        "--middleware",
        action="append",
        default=[],
        metavar="FILE",
        help="have this component handle requests, which imports wasi:http/handler and passes them on to COMPONENT, or "
        "to the next one, if it is repeated; both are trusted not to end this process, see docs/http.md",
    )
    parser.add_argument(
        "--reload", action="store_true", help="serve with the component anew when its file changes; for development"
    )
    parser.add_argument(
        "--request-timeout",
        type=guest_options.seconds,
        metavar="SECONDS",
        help="give a request up that is not answered in full by then; without it there is no such limit",
    )
    parser.add_argument(
        "--drain",
        type=guest_options.seconds,
        default=30.0,
        metavar="SECONDS",
        help="how long requests under way may take when the server is ended; 30 by default",
    )
    parser.add_argument("--no-access-log", action="store_true", help="print no line for each answer")


def _count(text: str) -> int:
    if text.isdecimal() and text.isascii() and 0 < int(text) < 1 << 31:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")


# ---- serving


def main(arguments: argparse.Namespace) -> int:
    """Serves until a signal comes."""
    arguments = _trusting(arguments)
    if arguments.replay is not None:
        return _replay(arguments)
    if arguments.workers == 1:
        return _worker(arguments, None, _print_url)
    addr, port = _address(arguments)
    with _listening(arguments), workers.listener(addr, port) as listener:
        scheme = "http" if arguments.tls_cert is None else "https"
        host, number, *_ = listener.getsockname()
        url = f"{scheme}://{Address(ip_address(host), number)}/"
        return workers.run(
            arguments.workers,
            lambda worker, serves: ended(lambda: _worker(_numbered(arguments, worker), listener, lambda _: serves())),
            lambda: _print_url(url),
        )


def _replay(arguments: argparse.Namespace) -> int:
    """Asks the component what was asked when it was recorded. Errors: DivergenceError, if it answers otherwise."""
    from wasihost._recording.replay.http import ReplayHttp, replay_requests

    recording = recording_options.loaded(arguments.replay)
    arguments = argparse.Namespace(**vars(arguments) | {"replay": None, "seed": arguments.seed or recording.seed})
    with Ending(arguments.grace) as ending:
        host, learner = guest_options.host(arguments, ending, http=ReplayHttp(recording))
        component = _component(host, arguments)

        async def replay() -> int:
            async with host.answering(component, instances=1) as handler:
                return await replay_requests(handler, recording)

        with guest_options.printing(ending, learner):
            count = ending.run(replay())
    print(f"{count:,} requests were answered as recorded", file=sys.stderr)
    return 0


def _component(host: Host, arguments: argparse.Namespace) -> Component:
    """The component, with the middleware around it. Errors: WasihostError."""
    path = arguments.component
    if not arguments.middleware:
        return reflected(host, path, arguments.plug, arguments.compiled)
    if arguments.compiled:
        raise ConfigError("--middleware is for components, and not for what `wasihost compile` made of one")
    first, *others = arguments.middleware
    limits, _ = limit_options.limits(arguments)
    inner: str | bytes = path
    try:
        for each in reversed(others):
            inner, _ = read_plugged(default_engine(), each, {_HANDLER: inner}, limits)
        return host.reflect(first, plug={_HANDLER: inner, **dict(arguments.plug)})
    except OSError as error:
        raise ComponentError(f"{error.filename or path} cannot be read: {error.strerror}") from None


def _trusting(arguments: argparse.Namespace) -> argparse.Namespace:
    """With a limit that lets the middleware call the component, unless the options have one."""
    has_limit = any(name_of(limit) == "async_components" for limit in arguments.limit)
    if has_limit or not arguments.middleware:
        return arguments
    return argparse.Namespace(**vars(arguments) | {"limit": [*arguments.limit, _TRUSTED]})


def _print_url(url: str) -> None:
    print(f"Serving HTTP on {url}", file=sys.stderr, flush=True)


def _numbered(arguments: argparse.Namespace, worker: int) -> argparse.Namespace:
    """The arguments of a worker, which records into files of its own: `run.jsonl` becomes `run-1.jsonl`."""
    paths = [str(Path(path).with_stem(f"{Path(path).stem}-{worker}")) for path in arguments.record]
    return argparse.Namespace(**vars(arguments) | {"record": paths})


def _worker(arguments: argparse.Namespace, listener: socket.socket | None, serves: Callable[[str], None]) -> int:
    """Serves in this process; gives the exit code."""
    grace_s = arguments.drain + arguments.grace
    try:
        with Ending(grace_s, second=(signal.SIGINT, signal.SIGTERM)) as ending:
            host, learner = guest_options.host(arguments, ending)
            component = _component(host, arguments)
            with guest_options.printing(ending, learner), warnings_printed("wasihost.http"):
                ending.run(_serve(host, component, arguments, listener, serves))
    except KeyboardInterrupt:
        return 0
    return 0


async def _serve(
    host: Host,
    component: Component,
    arguments: argparse.Namespace,
    listener: socket.socket | None,
    serves: Callable[[str], None],
) -> None:
    with _listening(arguments):
        async with host.serve(component, listener=listener, **_options(arguments)) as server:
            serves(server.url)
            if not arguments.reload:
                await asyncio.get_running_loop().create_future()
            await _reloading(server, host, arguments)


async def _reloading(server: GuestServer, host: Host, arguments: argparse.Namespace) -> None:
    """Serves with what the file of the component has become, whenever it changes."""
    path = arguments.component
    seen = _state(path)
    while True:
        await asyncio.sleep(_LOOKS_S)
        now = _state(path)
        if now in (None, seen):
            continue
        seen = now
        try:
            server.replace(_component(host, arguments))
        except WasihostError as error:
            complain(error)
        else:
            print(f"wasihost: {path} has changed, and serves from now on", file=sys.stderr)


def _state(path: str) -> tuple[int, int, int] | None:
    """What tells one state of a file from another; None while there is no file."""
    with contextlib.suppress(OSError):
        found = os.stat(path)
        return found.st_ino, found.st_mtime_ns, found.st_size
    return None


@contextlib.contextmanager
def _listening(arguments: argparse.Namespace) -> Iterator[None]:
    """Makes an OSError of listening one of the command."""
    try:
        yield
    except OSError as error:
        raise WasihostError(f"cannot listen on {arguments.addr}: {error.strerror}") from None


def _address(arguments: argparse.Namespace) -> tuple[str, int]:
    """Where to listen. Errors: ConfigError."""
    addr, colon, port = arguments.addr.rpartition(":")
    ip = literal(addr)
    if ip is None or not (colon and port.isdecimal() and port.isascii() and int(port) <= 0xFFFF):
        raise ConfigError(f"--addr {arguments.addr!r}: expected IP:PORT, such as 127.0.0.1:8080 or [::1]:0")
    return str(ip), int(port)


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What `Host.serve` takes. Errors: ConfigError."""
    from wasihost._http.limits import ServerLimits

    addr, port = _address(arguments)
    return {
        "addr": addr,
        "port": port,
        "tls": _tls(arguments),
        "instances": arguments.instances,
        "reuse": arguments.reuse,
        "at_once": arguments.at_once,
        "idle_s": arguments.idle,
        "timeout_s": arguments.request_timeout,
        "limits": ServerLimits(connections=arguments.connections),
        "drain_s": arguments.drain,
        "answered": None if arguments.no_access_log else _print_answer,
    }


def _tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    if arguments.tls_cert is None:
        if arguments.tls_key is not None:
            raise ConfigError("--tls-key is the key of a certificate: give --tls-cert too")
        return None
    from wasihost._http.tls import server_context

    return server_context(arguments.tls_cert, arguments.tls_key)


def _print_answer(answered: Answered) -> None:
    status = "-" if answered.status is None else answered.status
    milliseconds = answered.duration_ns / NS_PER_S * 1000
    end = "" if answered.error is None else f" {answered.error}"
    asked = line(f"{answered.method} {answered.target}")
    print(f"{answered.peer} {asked} {status} {answered.content_bytes} {milliseconds:.1f}ms{end}", file=sys.stderr)
