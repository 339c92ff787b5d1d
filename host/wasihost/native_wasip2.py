"""WASI 0.2 next to 0.3: Wasmtime's own, told the same as ours, as far as the C API can.

Guests of today's toolchains import both, since their C library stands on 0.2. What the C API has no words for:

- an initial directory, a clock, a seed: 0.2 has no initial directory, this machine's clocks and real random numbers;
- stdin from a socket or a Python object without a file descriptor, other than bytes: 0.2 finds it empty;
- sockets: all of them stay denied, whatever the policy.

Theory of operation. Wasmtime calls `write` of an output in a thread of its own while the guest, and with it the event
loop, waits. In such a thread it also drops an output, some time after the store is closed. Should Python be ending
then, that thread would end the process with a panic: so who closes an instance waits until its outputs are gone. It has
to look for itself: a thread that told it so would let go of the interpreter, and still have to return.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import errno
import functools
import select
import sys
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Mapping

import wasmtime
from wasmtime.component import Linker

from wasihost import forks
from wasihost.component.running.instance import Instance
from wasihost.wasi.cli import InputTarget, OutputTarget, texts
from wasihost.wasi.cli.outputs import Output
from wasihost.wasi.cli.readiness import descriptor

_PACKAGES = ("cli", "clocks", "filesystem", "io", "random", "sockets")
FORKED = (
    "this process was forked from one that had run a guest with WASI 0.2, which is Wasmtime's own and whose threads "
    "stayed there: fork before the first such guest runs, or start the process with the method spawn or forkserver"
)
_PATIENCE_S: float | None = 5
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

    def __init__(
        self,
        env: Mapping[str, str],
        args: Iterable[str],
        stdin: InputTarget | None,
        stdout: OutputTarget | None,
        stderr: OutputTarget | None,
        *,
        sigpipe: bool,
        on_stdout: Callable[[bytes], object] | None = None,
        on_stderr: Callable[[bytes], object] | None = None,
    ) -> None:
        self._env, self._args, self._sigpipe = env, list(args), sigpipe
        self._stdin, self._stdout, self._stderr = stdin, stdout, stderr
        self._on_stdout, self._on_stderr = on_stdout, on_stderr
        self._loop = asyncio.get_running_loop()
        self._instance: Instance | None = None
        self._context = contextvars.copy_context()
        self._outputs: list[weakref.ref[Callable[[bytes], int]]] = []

    @contextlib.asynccontextmanager
    async def linked(self, linker: Linker, store: wasmtime.Store) -> AsyncIterator[None]:
        """Links every interface of WASI 0.2; the instance must be closed before the context ends. Errors: ForkError."""
        global _began
        _began = forks.count() if _began is None else _began
        forks.check(_began, FORKED)
        store.set_wasi(self._config())
        linker.add_wasip2()
        try:
            yield
        finally:
            if _began == forks.count():
                await self._outputs_gone()

    def attach(self, instance: Instance) -> None:
        """Says which instance an exception of an output ends."""
        self._instance = instance

    def _config(self) -> wasmtime.WasiConfig:
        config = wasmtime.WasiConfig()
        config.argv = texts.arguments(self._args)
        config.env = texts.variables(self._env.items())
        _set_stdin(config, self._stdin)
        # One that somebody wants to be told of goes through our hands.
        stdout = sys.stdout if self._stdout is None and self._on_stdout is not None else self._stdout
        stderr = sys.stderr if self._stderr is None and self._on_stderr is not None else self._stderr
        # Where this process was started without one, its descriptor is some other file or socket by now.
        if stdout is not None:
            config.stdout_custom = self._writer(stdout, self._on_stdout)
        elif sys.stdout is not None:
            config.inherit_stdout()
        if stderr is not None:
            config.stderr_custom = self._writer(stderr, self._on_stderr)
        elif sys.stderr is not None:
            config.inherit_stderr()
        return config

    def _writer(self, target: OutputTarget, on_write: Callable[[bytes], object] | None) -> Callable[[bytes], int]:
        """What Wasmtime calls with the output; gives the number of bytes taken, or an errno below 0."""
        output = Output(target, sigpipe=self._sigpipe, on_write=on_write)

        def write(data: bytes) -> int:
            try:
                return self._current().run(_write_all, output, data)
            except OSError as error:
                return -(error.errno or errno.EIO)
            except Exception as error:
                self._end(error)
                return -errno.EIO

        handed_over = functools.partial(write)  # `write` itself is also kept by the traceback of what it raised
        self._outputs.append(weakref.ref(handed_over))
        return handed_over

    def _current(self) -> contextvars.Context:
        """A copy, for this thread, of the context in which the guest runs."""
        return (self._context if self._instance is None else self._instance.callers.current).copy()

    def _end(self, error: Exception) -> None:
        instance = self._instance
        if instance is not None:
            instance.exception = instance.exception or error  # looked at when the guest next gives control back
            with contextlib.suppress(RuntimeError):  # the event loop is closed
                self._loop.call_soon_threadsafe(instance.wake)

    async def _outputs_gone(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                while any(output() for output in self._outputs):  # noqa: ASYNC110, see the theory of operation
                    await asyncio.sleep(_PAUSE_S)


def _write_all(output: Output, data: bytes) -> int:
    view = memoryview(data)
    while view:
        try:
            view = view[output.write_now(view) :]
        except BlockingIOError:
            assert output.fd is not None
            select.select([], [output.fd], [])
    return len(data)


def _set_stdin(config: wasmtime.WasiConfig, target: InputTarget | None) -> None:
    if target is None:
        if sys.stdin is not None:
            config.inherit_stdin()
    elif isinstance(target, bytes | bytearray | memoryview):
        import tempfile  # slow to import, and rarely needed

        with tempfile.NamedTemporaryFile() as file:
            file.write(target)
            file.flush()
            config.stdin_file = file.name
    elif (fd := descriptor(target)) is not None:
        with contextlib.suppress(wasmtime.WasmtimeError):  # a socket cannot be opened once more
            config.stdin_file = f"/dev/fd/{fd}"
