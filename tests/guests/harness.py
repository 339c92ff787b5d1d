"""Running the prebuilt guests: what they print, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import os
import re
import resource
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest

from tests import shared
from tests.guests import world
from wasihost import Component, GuestExit, Host, Instance, Policy, ResourceTable, VirtualClock, allow_all
from wasihost._component import adapt as adapt_module

FIXTURES = Path(__file__).parents[2] / "guest-fixtures"
PREBUILT = FIXTURES / "prebuilt"

FamilyName = Literal["ipv4", "ipv6"]
LOOPBACK: Mapping[str, str] = {"ipv4": "127.0.0.1", "ipv6": "::1"}


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 loopback address."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback address")
families = pytest.mark.parametrize("family", ["ipv4", pytest.param("ipv6", marks=needs_ipv6)])


@functools.cache
def load(name: str) -> Component:
    """A fixture by its name in `prebuilt/`, compiled once in a run of the tests."""
    return Host(cache=shared.cache()).load(PREBUILT / f"{name}.wasm")


def rust_cases(name: str) -> list[str]:
    """The cases that a Rust fixture knows, as its source has them."""
    is_p2 = name.startswith("rust-p2-")
    path = f"rust-p2/{name[8:]}/src/main.rs" if is_p2 else f"rust/{name[5:]}/src/lib.rs"
    source = (FIXTURES / path).read_text(encoding="utf-8")
    return re.findall(r'^ +"([a-z0-9-]+)" =>', source, re.MULTILINE)


def c_cases(name: str) -> list[str]:
    """The cases that a C fixture runs, in their order."""
    source = (FIXTURES / "c" / f"{name.removeprefix('c-')}.c").read_text(encoding="utf-8")
    return re.findall(r'^ +\{"([a-z-]+)", test_', source, re.MULTILINE)


def text(host: str, port: int) -> str:
    """`IP:PORT` as guests read it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Output:
    """What a guest wrote, and the wait for it."""

    def __init__(self) -> None:
        self._written = bytearray()
        self._more: asyncio.Future[None] | None = None

    def __call__(self, data: bytes) -> None:
        self._written += data
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    def __str__(self) -> str:
        return self._written.decode()

    @property
    def lines(self) -> list[str]:
        return str(self).splitlines()

    async def first_line(self) -> str:
        """The first line, once it is there."""
        while b"\n" not in self._written:
            self._more = asyncio.get_running_loop().create_future()
            await self._more
        return self.lines[0]


class Guest:
    """One run of a command fixture under a `Host`."""

    def __init__(
        self, name: str, *, policy: Policy = allow_all, env: Mapping[str, object] | None = None, **options: Any
    ) -> None:
        self.name = name
        self.stdout, self.stderr = Output(), Output()
        settings = {key: str(value) for key, value in (env or {}).items()}
        options.setdefault("network", world.current.network)
        self.host = Host(policy=policy, env=settings, stdout=self.stdout, stderr=self.stderr, **options)

    async def run_async(self) -> str:
        """What the guest printed; fails with what it complained about unless it ended well."""
        try:
            await self.host.run_async(load(self.name))
        except GuestExit:
            pytest.fail(f"{self.name}: {self.stderr}\nstdout:\n{self.stdout}")
        return str(self.stdout)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[str]]:
        """The guest runs meanwhile, and has ended well at the end."""
        async with asyncio.TaskGroup() as group:
            yield group.create_task(self.run_async())


def run(name: str, *, policy: Policy = allow_all, files: Mapping[str, Any] | None = None, **env: object) -> str:
    """Runs a command fixture to its end, in an event loop of its own; what it printed."""

    async def run_and_count() -> str:
        printed = await Guest(name, policy=policy, env=env, files=files).run_async()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"{name} left tasks behind: {left}"
        return printed

    with asyncio.Runner(loop_factory=world.current.new_loop) as runner:
        return runner.run(run_and_count())


async def run_async(name: str, *, policy: Policy = allow_all, **env: object) -> str:
    """The same in the running event loop."""
    return await Guest(name, policy=policy, env=env).run_async()


async def passes(count: int = 1) -> None:
    """Lets the event loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(condition: Any) -> None:
    """Lets the event loop go round until `condition()`; a test that waits in vain fails by its time-out."""
    while not condition():
        await passes()


async def advance_until(clock: VirtualClock, done: asyncio.Future[Any]) -> None:
    """Lets time pass until `done`, from timer to timer, whenever nothing else happens for some passes of the loop."""
    while not done.done():
        await passes(20)
        if clock.next_ns is not None:
            clock.advance(clock.next_ns)


async def fails(call: Any, *expected: type[BaseException]) -> BaseException:
    """The exception that awaiting `call` raises."""
    with pytest.raises(expected) as caught:
        await call
    return caught.value


# ---- nothing is left


class CountedTable(ResourceTable):
    """Tells what was left in it when its instance was closed."""

    made: list[CountedTable]
    left = 0

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.made.append(self)

    def clear(self) -> None:
        self.left = len(self)
        super().clear()


def open_fds() -> dict[int, str]:
    """The open file descriptors of this process, and what they are where the system tells.

    Without those for the data of components, which live for many tests.
    """
    found = {}
    for name in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError):
            os.fstat(int(name))
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}") if os.path.isdir("/proc/self/fd") else "fd"
    return {number: what for number, what in found.items() if "/memfd:wasihost" not in what}


@contextlib.contextmanager
def counted_tables() -> Iterator[list[CountedTable]]:
    """The resource tables of the instances that are made meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        tables: list[CountedTable] = []
        patch.setattr(CountedTable, "made", tables, raising=False)
        patch.setattr(adapt_module, "ResourceTable", CountedTable)
        yield tables


def freeze() -> None:
    """Collects; what is there then is not looked at again: with each test it would take longer."""
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    """After the test no file descriptor and no resource of any instance is left.

    Tasks: see `tests/conftest.py` and `run`. Unclosed sockets and transports are a ResourceWarning, an error here.
    """
    freeze()
    before = open_fds()
    with counted_tables() as tables:
        yield
        gc.collect()
    leaked = {fd: what for fd, what in open_fds().items() if before.get(fd) != what}
    assert not leaked, f"file descriptors left open: {leaked}"
    assert not [len(table) for table in tables if len(table)], "a resource table is not empty"


@contextlib.asynccontextmanager
async def opened(name: str, providers: Mapping[str, object] | None = None, **options: Any) -> AsyncIterator[Instance]:
    """An instance of a fixture, with everything allowed."""
    options.setdefault("policy", allow_all)
    async with Host(providers=providers, **options).open(load(name)) as instance:
        yield instance


def resident_bytes() -> int:
    """The memory that this process has in use; Linux only, elsewhere the most it ever had."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * os.sysconf("SC_PAGESIZE")
