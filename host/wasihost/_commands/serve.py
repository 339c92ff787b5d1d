"""`wasihost serve`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from wasihost._base.bounds import name_of
from wasihost._base.clock import NS_PER_S
from wasihost._base.errors import ComponentError, ConfigError, WasihostError
from wasihost._base.quoting import line
from wasihost._commands import (
    collecting,
    guest_options,
    limit_options,
    recording_options,
    serve_options,
    wasmtime_options,
    workers,
)
from wasihost._commands.ending import Ending
from wasihost._commands.exits import complain, ended
from wasihost._commands.logs import warnings_printed
from wasihost._commands.messages import say
from wasihost._commands.parsing import Commands, add_component, reflected
from wasihost._component.adapt import Component
from wasihost._component.running.engine import default_engine
from wasihost._host.host import Host
from wasihost._host.source import read_plugged
from wasihost._network.base import Address

if TYPE_CHECKING:
    import socket

    from wasihost._host.http_server import GuestServer
    from wasihost._http.answering import Answered
    from wasihost._recording import Recording

_LOOKS_S = 0.5
_HANDLER = "wasi:http/handler"
_TRUSTED = "async-components=20"
_DESCRIPTION = """\
Answers HTTP requests with a component that exports wasi:http/handler@0.3 or
wasi:http/incoming-handler@0.2.

Once it listens, stderr has the line “Serving HTTP on http://IP:PORT/”, and then
one for each answer: client, method, path, status, bytes of content, time. A
guest that traps is a 500 to its client, and its trap is on stderr.

SIGTERM and Ctrl-C end it in order, with exit code 0: it takes no more
connections, and requests under way have the time of --drain to end. A second
signal ends it at once.

With --replay it does not listen: a new instance for each of the recording has
its network, files and responses, gets its requests, and fails where an answer
differs.
"""


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "serve",
        help="answer HTTP requests with a component that exports wasi:http/handler",
        operands="COMPONENT",
        description=_DESCRIPTION,
        topics=(*guest_options.TOPICS, "server-limits"),
    )
    serve_options.add_to(parser)
    guest_options.add_to(parser)
    wasmtime_options.add_to(parser)
    add_component(parser)
    parser.set_defaults(command=main)


# ---- serving


def main(arguments: argparse.Namespace) -> int:
    """Serves until a signal comes."""
    arguments = _trusting(arguments)
    if arguments.replay is not None:
        return _replay(arguments)
    if arguments.workers == 1:
        return _worker(arguments, None, _print_url)
    addr, port = serve_options.address(arguments)
    with _listening(arguments), workers.listener(addr, port) as listener:
        scheme = "http" if arguments.tls_cert is None else "https"
        host, number, *_ = listener.getsockname()
        url = f"{scheme}://{Address(ip_address(host), number)}/"

        def work(worker: int, serves: Callable[[], None]) -> int:
            return ended(lambda: _worker(_numbered(arguments, worker), listener, lambda _url: serves()))

        return workers.run(arguments.workers, work, lambda: _print_url(url))


def _replay(arguments: argparse.Namespace) -> int:
    """Sends the recorded requests to the component. Errors: DivergenceError, if it answers otherwise."""
    from wasihost._recording.replay.http import served_guests

    if arguments.record:
        raise ConfigError("--record: serve records nothing while it plays a recording back")
    recording = recording_options.loaded(arguments.replay)
    component: Component | None = None
    count = 0
    with Ending(arguments.grace) as ending:
        for guest in served_guests(recording):
            parts = recording_options.parts_of(recording, guest, arguments.seed)
            host, learner = guest_options.host(arguments, ending, replayed=parts)
            component = component or _component(host, arguments)
            with guest_options.printing(ending, learner):
                count += ending.run(_asked_again(host, component, recording, guest))
    print(f"{count:,} requests were answered as recorded", file=sys.stderr)
    return 0


async def _asked_again(host: Host, component: Component, recording: Recording, guest: int) -> int:
    """Has an instance answer the requests of one that was recorded; returns their number."""
    from wasihost._host.serving import service_of
    from wasihost._recording.replay.http import replay_requests
    from wasihost._wasi.http.fields import FieldRules

    async with host.open(component) as instance:
        handler = service_of(component).make(instance, FieldRules(), False)
        count = await replay_requests(handler, recording, guest=guest)
        await handler.end(cancel=False)
        return count


def _component(host: Host, arguments: argparse.Namespace) -> Component:
    """The component, with the middleware around it. Errors: WasihostError."""
    path = arguments.component
    if not arguments.middleware:
        return reflected(host, path, arguments.plug, arguments.compiled)
    if arguments.compiled:
        raise ConfigError("--middleware is for components, and not for a file that `wasihost compile` wrote")
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
            loaded = _Loaded(host, arguments)
            with guest_options.printing(ending, learner), warnings_printed("wasihost.http"):
                ending.run(_serve(host, loaded, arguments, listener, serves))
    except KeyboardInterrupt:
        return 0
    return 0


async def _serve(
    host: Host,
    loaded: _Loaded,
    arguments: argparse.Namespace,
    listener: socket.socket | None,
    serves: Callable[[str], None],
) -> None:
    with _listening(arguments):
        async with host.serve(
            loaded.component, listener=listener, **serve_options.for_serve(arguments, _print_answer)
        ) as server:
            collecting.loaded()
            serves(server.url)
            if not arguments.reload:
                await asyncio.get_running_loop().create_future()
            await _reloading(server, loaded)


class _Loaded:
    """The component, and the state of its files when they were read."""

    def __init__(self, host: Host, arguments: argparse.Namespace) -> None:
        self._host = host
        self._arguments = arguments
        self._paths = [arguments.component, *arguments.middleware]
        self._seen = _state(self._paths)
        self.component = _component(host, arguments)

    def has_changed(self) -> bool:
        """Whether the files are other ones by now, which it loads then. Errors: WasihostError."""
        now = _state(self._paths)
        if now in (None, self._seen):
            return False
        self._seen = now
        self.component = _component(self._host, self._arguments)
        return True


async def _reloading(server: GuestServer, loaded: _Loaded) -> None:
    """Serves with the component and its middleware as their files are, whenever one changes."""
    while True:
        await asyncio.sleep(_LOOKS_S)
        try:
            if loaded.has_changed():
                server.replace(loaded.component)
                say("the component has changed, and serves from now on")
        except WasihostError as error:
            complain(error)


def _state(paths: Sequence[str]) -> list[tuple[int, int, int]] | None:
    """The state of files, for comparison; None while one is missing."""
    with contextlib.suppress(OSError):
        return [(found.st_ino, found.st_mtime_ns, found.st_size) for found in map(os.stat, paths)]
    return None


@contextlib.contextmanager
def _listening(arguments: argparse.Namespace) -> Iterator[None]:
    """Makes an OSError of listening one of the command."""
    try:
        yield
    except OSError as error:
        raise WasihostError(f"cannot listen on {arguments.addr}: {error.strerror}") from None


def _print_answer(answered: Answered) -> None:
    status = "-" if answered.status is None else answered.status
    milliseconds = answered.duration_ns / NS_PER_S * 1000
    end = "" if answered.error is None else f" {answered.error}"
    asked = line(f"{answered.method} {answered.target}")
    # In one system call, and so whole among the lines of other workers: `print` takes another for the end of the line.
    sys.stderr.write(f"{answered.peer} {asked} {status} {answered.content_bytes} {milliseconds:.1f}ms{end}\n")
