"""The leaks of a test, as lines that name them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
from collections.abc import Callable, Iterable, Iterator

from wasihost._network.virtual import VirtualNetwork
from wasihost._recording import events
from wasihost._testing.loop import where

# How long a leak may take to end by itself; virtual time takes none.
VIRTUAL_S = 10.0
REAL_S = 1.0
_STEP_S = 0.02
_PASSES = 50


async def settled(look: Callable[[], list[str]], patience_s: float) -> list[str]:
    """Lets tasks and sockets end, and returns what `look` still finds then."""
    for _ in range(_PASSES):  # the last ones closed are reported in the next passes of the loop
        await asyncio.sleep(0)
    left = look()
    waited_s = 0.0
    while left and waited_s < patience_s:
        await asyncio.sleep(_STEP_S)
        left = look()
        waited_s += _STEP_S
    return left


def tasks() -> list[str]:
    """Tasks of the running loop, but for the current one."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    found = {task: task.get_name() for task in others if task is not None}
    return sorted(
        f"task {name} is still running, in {where(task)}"
        for task, name in found.items()
        if not name.startswith("wasihost ")  # a guest's, which is reported as such
    )


def guests(happened: Iterable[events.Event]) -> list[str]:
    """Guests that have begun and not ended, and sockets that one has left open that has."""
    running: dict[int, str] = {}
    ended: set[int] = set()
    sockets: dict[int, tuple[int, str]] = {}
    for event in happened:
        match event:
            case events.GuestStarted(guest=guest, name=name):
                running[guest] = f"guest {name} is still running: await its run, or use `async with guest.running()`"
            case events.GuestEnded(guest=guest):
                running.pop(guest, None)
                ended.add(guest)
            case events.Created(guest=guest, socket=number, protocol=protocol):
                sockets[number] = guest, f"socket #{number} ({protocol})"
            case events.Accepted(guest=guest, accepted=number, remote=remote):
                sockets[number] = guest, f"socket #{number}, accepted from {remote},"
            case events.Closed(socket=number) | events.Aborted(socket=number):
                sockets.pop(number, None)
    left = [f"{socket} of guest {guest} is still open" for guest, socket in sockets.values() if guest in ended]
    return [*running.values(), *left]


def connections(network: VirtualNetwork) -> list[str]:
    """Connections of which an end has not been closed."""
    over = ("closed", "reset")
    return [f"connection {found!r}: close its writer" for found in network.connections if found.state not in over]


def internet_sockets() -> set[tuple[int, int]]:
    """The file descriptors of this process that are sockets of the real network, each with its inode."""
    found = set()
    for name in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError):  # the one that lists
            status = os.fstat(int(name))
            if stat.S_ISSOCK(status.st_mode) and _family(int(name)) in (socket.AF_INET, socket.AF_INET6):
                found.add((int(name), status.st_ino))
    return found


def sockets_since(before: set[tuple[int, int]]) -> list[str]:
    """Those of the real network that were opened since then."""
    left = []
    for number, _ in sorted(internet_sockets() - before):
        with _borrowed(number) as found:
            left.append(f"file descriptor {number} is still open: {found!r}")
    return left


def _family(number: int) -> int:
    with _borrowed(number) as found:
        return found.family


@contextlib.contextmanager
def _borrowed(number: int) -> Iterator[socket.socket]:
    """A socket object for a descriptor of another owner, which stays open."""
    made = socket.socket(fileno=number)
    try:
        yield made
    finally:
        made.detach()
