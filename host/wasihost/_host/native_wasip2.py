"""WASI 0.2 next to 0.3: Wasmtime's own, with the same settings as ours, as far as the C API can.

Guests of today's toolchains import both, since their C library uses 0.2. The C API has no words for:

- an initial directory, a clock, a seed: 0.2 has no initial directory, this machine's clocks and real random numbers;
- stdin from a socket or a Python object without a file descriptor, other than bytes: 0.2 finds it empty;
- sockets: all of them stay denied, whatever the policy.

Theory of operation. Wasmtime calls `write` of an output in a thread of its own while the guest, and with it the event
loop, waits. In such a thread it also drops an output, some time after the store is closed. Should Python be ending
then, that thread would end the process with a panic: so closing an instance waits until its outputs are gone. It has
to look for itself: a thread that reported it would let go of the interpreter, and still have to return.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import errno
import functools
import os
import select
import time
import weakref
from collections.abc import AsyncIterator, Callable, Mapping

import wasmtime
from wasmtime.component import Linker

from wasihost._base import forks
from wasihost._base.clock import own_time
from wasihost._component.adapt import Component
from wasihost._component.instance import Instance
from wasihost._component.running.options import RunOptions
from wasihost._wasi.cli import Command, InputTarget, Stdio, texts
from wasihost._wasi.cli.outputs import Output
from wasihost._wasi.cli.readiness import descriptor

_PACKAGES = ("cli", "clocks", "filesystem", "io", "random", "sockets")
FORKED = (
    "this process was forked from one that had run a guest with WASI 0.2, which is Wasmtime's own and whose threads "
    "stayed there: fork before the first such guest runs, or start the process with the method spawn or forkserver"
)
_PATIENCE_S: float = 5
_PAUSE_S = 0.0005  # with Wasmtime's threads, which need microseconds

_began: int | None = None  # the `forks.count()` of the process in which WASI 0.2 first ran


def provides(interface: str) -> bool:
    """Whether an imported interface is one of WASI 0.2."""
    return interface.partition("@")[2].startswith("0.2.") and interface.startswith(
        tuple(f"wasi:{package}/" for package in _PACKAGES)
    )


def denies(interface: str) -> bool:
    """Whether every call of an interface of WASI 0.2 is refused, whatever the policy."""
    return interface.startswith("wasi:sockets/")


class Native:
    """Wasmtime's WASI 0.2 for one instance."""

    def __init__(self, command: Command, stdio: Stdio) -> None:
        self._command = command
        self._stdio = stdio
        self._instance: Instance | None = None
        self._context = contextvars.copy_context()
        self._outputs: list[weakref.ref[Callable[[bytes], int]]] = []

    @contextlib.asynccontextmanager
    async def open(
        self, component: Component, providers: Mapping[str, object], options: RunOptions
    ) -> AsyncIterator[Instance]:
        """As `Component.open`, with every interface of WASI 0.2 linked. Errors: ForkError too."""
        global _began
        _began = forks.count() if _began is None else _began
        forks.check(_began, FORKED)
        store = component.new_store(options.limits)
        linker = Linker(component.engine)
        store.set_wasi(self._config())
        linker.add_wasip2()
        try:
            async with component.open(providers, store=store, linker=linker, options=options) as instance:
                self._instance = instance
                yield instance
        finally:
            if _began == forks.count():
                await self._outputs_gone()

    def _config(self) -> wasmtime.WasiConfig:
        config = wasmtime.WasiConfig()
        stdio = self._stdio
        config.argv = texts.arguments(self._command.args)
        config.env = texts.variables(self._command.env)
        _set_stdin(config, stdio.stdin.target)
        if _is_inherited(stdio.stdout, 1):
            config.inherit_stdout()
        else:
            config.stdout_custom = self._writer(stdio.stdout)
        if _is_inherited(stdio.stderr, 2):
            config.inherit_stderr()
        else:
            config.stderr_custom = self._writer(stdio.stderr)
        return config

    def _writer(self, output: Output) -> Callable[[bytes], int]:
        """The function that Wasmtime calls with the output; returns the number of bytes taken, or an errno below 0."""

        def write(data: bytes) -> int:
            try:
                return self._current().run(_write_all, output, data)
            except OSError as error:
                return -(error.errno or errno.EIO)
            except Exception as error:
                self._end(error)
                return -errno.EIO

        handed_over = functools.partial(write)  # `write` itself is also kept by the traceback of its exception
        self._outputs.append(weakref.ref(handed_over))
        return handed_over

    def _current(self) -> contextvars.Context:
        """A copy, for this thread, of the context in which the guest runs."""
        return (self._context if self._instance is None else self._instance.context).copy()

    def _end(self, error: Exception) -> None:
        if self._instance is not None:
            self._instance.fail(error)

    async def _outputs_gone(self) -> None:
        # A timer would move the time of a virtual loop, by as much as Wasmtime's threads are late.
        pause = _PAUSE_S if own_time() is None else 0
        end = time.monotonic() + _PATIENCE_S
        while any(output() for output in self._outputs) and time.monotonic() < end:  # noqa: ASYNC110, see above
            await asyncio.sleep(pause)


def _write_all(output: Output, data: bytes) -> int:
    view = memoryview(data)
    while view:
        try:
            view = view[output.write_now(view) :]
        except BlockingIOError:
            assert output.fd is not None
            select.select([], [output.fd], [])
    return len(data)


def _is_inherited(output: Output, fd: int) -> bool:
    """Whether Wasmtime writes to this descriptor of the process itself, as if it were a command's.

    That is twice as fast, and a terminal is one to the guest only then. But it overtakes bytes that Python has
    buffered.
    """
    if output.is_observed or descriptor(output.target) != fd:
        return False
    return isinstance(output.target, int) or os.isatty(fd)


def _set_stdin(config: wasmtime.WasiConfig, target: InputTarget) -> None:
    if isinstance(target, bytes | bytearray | memoryview):
        if not target:
            return  # without a word of it, stdin is empty
        import tempfile  # slow to import, and rarely needed

        with tempfile.NamedTemporaryFile() as file:
            file.write(target)
            file.flush()
            config.stdin_file = file.name
    elif (fd := descriptor(target)) == 0:
        config.inherit_stdin()
    elif fd is not None:
        with contextlib.suppress(wasmtime.WasmtimeError):  # a socket cannot be opened once more
            config.stdin_file = f"/dev/fd/{fd}"
