"""The facade: `Host` runs components, with WASI provided by Python and the network behind a policy."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Container, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import wasmtime

from wasihost._base.clock import Clock, RunningClock, own_time
from wasihost._base.errors import ConfigError, GuestExit, GuestTrap, LinkError
from wasihost._base.limits import DEFAULTS, Limits
from wasihost._base.once import Once
from wasihost._base.pickling import OfOneProcess
from wasihost._base.quoting import some
from wasihost._base.streams import Unwritten
from wasihost._base.version import __version__
from wasihost._component import ffi
from wasihost._component.adapt import Component
from wasihost._component.adapt import adapt as adapt_component
from wasihost._component.adapt import reflect as reflect_component
from wasihost._component.cache import Cache
from wasihost._component.instance import Instance
from wasihost._component.running.engine import default_engine
from wasihost._component.running.loop import event_loop, interrupts
from wasihost._component.running.memory import Account
from wasihost._component.running.options import RunOptions
from wasihost._component.running.stats import Stats
from wasihost._component.values import WitError
from wasihost._host import native_wasip2
from wasihost._host.pool import Pool, PoolOptions
from wasihost._host.source import ComponentSource, Plugs, read_plugged, read_source
from wasihost._network.base import Network
from wasihost._network.names import Addresses, Names, Resolver, parse_hosts
from wasihost._network.os import OsNetwork
from wasihost._policy import Decision, Policy, deny_all
from wasihost._policy.policy import checked
from wasihost._wasi.cli import Command, InputTarget, OutputTarget, Stdio
from wasihost._wasi.context import WasiContext
from wasihost._wasi.filesystem.mounts import Mounts
from wasihost._wasi.random import Random
from wasihost._wasi.sockets.access import Access

if TYPE_CHECKING:  # for who limits or records
    import socket
    import ssl

    from wasihost._host.http_server import GuestHandler, GuestServer
    from wasihost._host.recorded import RecordedGuest
    from wasihost._http.answering import Answered
    from wasihost._http.asgi import App
    from wasihost._http.limits import ServerLimits
    from wasihost._http.messages import Handler
    from wasihost._network.quotas import Quotas
    from wasihost._recording import Recording
    from wasihost._wasi.filesystem.nodes import FileSystem
    from wasihost._wasi.http.context import Http

PACKAGES = ("wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:http", "wasi:io", "wasi:random", "wasi:sockets")
RUN = ("wasi:cli/run@0.3.0#run", "wasi:cli/run@0.2.0#run", "wasi:cli/run#run")
"""What makes a component a command: the newest version that we serve, else any at all."""

Wasip2: TypeAlias = Literal["python", "native"]
"""Which implementation serves WASI 0.2: Python, as 0.3, or Wasmtime's own."""


def adapt(
    engine: wasmtime.Engine,
    wasm: bytes,
    *,
    origin: str = "the component",
    cache: Cache | None = None,
    wasip2: Wasip2 = "python",
    limits: Limits = DEFAULTS,
) -> Component:
    """Compiles a component for an engine of your own, whose config went through `configure`, unless `cache` has it.

    Open it with your own store and linker: `async with adapted.open(providers, store=…, linker=…) as instance`.
    With `wasip2="native"` imports of WASI 0.2 are left to the linker (`linker.add_wasip2()`).
    Errors: ComponentError, UnsupportedTypeError, LimitError.
    """
    return adapt_component(
        engine,
        wasm,
        native=_left_to_wasmtime(wasip2),
        origin=origin,
        cache=cache,
        limits=limits,
        **of_wasi(),
    )


def of_wasi() -> dict[str, tuple[str, ...]]:
    """What to tell of WASI to the `adapt` and `reflect` of a component: `in_order` and `windowed`."""
    from wasihost._wasi import p2, p3  # not before there is a component

    return {"in_order": (*p3.IN_ORDER, *p2.IN_ORDER), "windowed": p2.WINDOWED}


class Host(OfOneProcess):
    """Runs components of WASI 0.2 and 0.3.

    - `policy`: who may use which address, look up which name and do what with which file: `Rules`, `allow_all`, or any
      callable `(address, use, context) -> bool`, also async. By default no address and no name is allowed, and all
      that is in `files`.
    - `on_decision`: called with each `Decision` of the policy, before it has an effect; what it raises ends the run.
    - `network`: what sockets stand on; the operating system's by default.
    - `quotas`: how much of it, and of `files`, each guest may use, see `wasihost.network.Quotas`. By default only its
      sockets and open files are limited, to a quarter each of the files that this process may have open.
    - `host_names`: addresses by name, `{"db": "10.0.0.1", "api": ["::1", "127.0.0.1"]}`, which every guest may look up.
    - `resolver`: resolves other names, see `wasihost.network.Resolver`; the network by default.
    - `http`: answers requests that guests send to these hosts, with no socket: `{"api.internal": app}`, where `app` is
      an application of ASGI 3 or a `wasihost.http.Handler`; the others go out on the network.
    - `tls`: what servers are verified with to which guests send requests by https; by default the roots of the system.
    - `http_keep_alive`: whether a guest's requests that may be repeated use a connection that another one made.
    - `files`: the directories that guests are given, by the guest's names for them, in this order: of this machine, in
      memory or any `VirtualFiles`, `{"/data": Directory("data", read_only=True), "/cache": "cache",
      "/tmp": MemoryFiles()}`; none by default. See `wasihost.files`.
    - `env`, `args`, `cwd`: what `wasi:cli/environment` tells the guest; nothing of this process by default.
    - `stdin`: a file descriptor, a file object, bytes, or a callable that gets the number of bytes wanted and returns
      at most that many; empty by default, and this process's with `stdin=sys.stdin`.
    - `stdout`, `stderr`: a file descriptor, a file object, or a callable that gets each block; by default where `print`
      writes, `sys.stdout` and `sys.stderr`.
    - `sigpipe`: a guest that writes to a stdout or stderr that nobody reads any more ends with `GuestExit(141)`, as a
      program of the shell does; else it gets the error-code `pipe`.
    - `clock`: what `wasi:clocks` shows; the running event loop's by default, which is an `OsClock` unless the loop is a
      `wasihost.testing.virtual_loop`; a `VirtualClock` is for tests.
    - `seed`: makes all of `wasi:random` repeat itself, for tests; a virtual loop has one by default. Not secure: who
      knows the seed knows it all.
    - `providers`: more interfaces, or others instead of WASI's, by name: `{"ns:pkg/iface@1.0.0": provider}`.
    - `wasip2`: what serves WASI 0.2: "python", which serves 0.3 too, or "native", Wasmtime's own implementation:
      output is faster, but there are no sockets and no files, and a call that waits holds up the event loop for as
      long as the guest likes. The Host that loads a component decides. None refuses guests that import it.
    - `gc`: False refuses guests with garbage collected values or exceptions, for which Wasmtime has a collector: one
      more part that a hostile guest can attack, see SECURITY.md.
    - `limits`: what each guest may use of the host, see `Limits` and docs/limits.md; the defaults are safe.
    - `on_stats`: called with the `Stats` of each run or instance at its end.
    - `recording`: a `wasihost.recording.Recording` that gets all that happens between guests and the world.
    - `cache`: `Cache()` keeps compiled components on disk, for the next process too; nothing is kept by default.
    """

    _instead = "make one in each process, from settings that can be pickled"

    def __init__(
        self,
        *,
        policy: Policy = deny_all,
        on_decision: Callable[[Decision], None] | None = None,
        network: Network | None = None,
        quotas: Quotas | None = None,
        host_names: Mapping[str, Addresses] | None = None,
        resolver: Resolver | None = None,
        http: Mapping[str, Handler | App] | None = None,
        tls: ssl.SSLContext | None = None,
        http_keep_alive: bool = True,
        files: Mapping[str, FileSystem | str | os.PathLike[str]] | None = None,
        env: Mapping[str, str] | None = None,
        args: Iterable[str] = (),
        cwd: str | None = None,
        stdin: InputTarget | None = None,
        stdout: OutputTarget | None = None,
        stderr: OutputTarget | None = None,
        sigpipe: bool = False,
        clock: Clock | None = None,
        seed: int | None = None,
        providers: Mapping[str, object] | None = None,
        on_stats: Callable[[Stats], None] | None = None,
        recording: Recording | None = None,
        cache: Cache | None = None,
        wasip2: Wasip2 | None = "python",
        gc: bool = True,
        limits: Limits = DEFAULTS,
    ) -> None:
        self._wasip2 = wasip2
        self._has_gc = gc
        self._limits = limits
        self._memory = Account("total_memory_bytes", limits.total_memory_bytes)
        self._policy = checked(policy)
        self._on_decision = on_decision
        self._network = network or OsNetwork()
        self._quotas = quotas
        self._hosts = parse_hosts(host_names)
        self._resolver = resolver
        self._origins = {name: _handler(each) for name, each in (http or {}).items()}
        self._tls = tls
        self._http_keep_alive = http_keep_alive
        self._files = {name: _file_system(each) for name, each in (files or {}).items()}
        self._command = Command(
            env=dict(env or {}),
            args=tuple(args),
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            sigpipe=sigpipe,
        )
        self._clock = clock or RunningClock()
        self._seed = seed
        self._providers = dict(providers or {})
        self._on_stats = on_stats
        self._recording = recording
        self._cache = cache

    def load(self, component: ComponentSource, *, plug: Plugs | None = None) -> Component:
        """Compiles a component, to run it more than once.

        `plug` meets imports by exports of other components, as `wac plug` does: `{"my:auth/check": "auth.wasm"}`; all
        become one component, with whatever is still to be imported. What others wrote can take seconds:
        `await asyncio.to_thread(host.load, component)` holds up nobody.
        Errors: ComponentError, UnsupportedTypeError, LimitError, OSError.
        """
        adapted = self.reflect(component, plug=plug)
        adapted.compile()
        return adapted

    def reflect(self, component: ComponentSource, *, plug: Plugs | None = None) -> Component:
        """What a component imports and exports; it is compiled when it first runs.

        Errors: as `load`.
        """
        if isinstance(component, Component):
            if plug:
                raise TypeError("what `Host.load` gave has no bytes to compose: give the path or the bytes with `plug`")
            return component
        engine = self._engine
        if plug:
            wasm, origin = read_plugged(engine, component, plug, self._limits)
        else:
            wasm, origin = read_source(component, self._limits)
        return reflect_component(
            engine,
            wasm,
            native=_left_to_wasmtime(self._wasip2),
            origin=origin,
            cache=self._cache,
            limits=self._limits,
            **of_wasi(),
        )

    def load_compiled(self, path: str | os.PathLike[str]) -> Component:
        """What `wasihost compile` wrote: native code, which is mapped and run as it is, without a compiler.

        The file must belong to this user or root, and be writable by nobody else. Errors: ComponentError, which names
        both if versions or settings are not those with which it was compiled; OSError.
        """
        from wasihost._component import compiled  # not for who compiles

        return compiled.read(path, self._engine, self._made(), of_wasi()["in_order"])

    def save_compiled(self, component: Component, path: str | os.PathLike[str]) -> None:
        """Writes what this Host loaded for `load_compiled`, as `wasihost compile` does. Errors: OSError."""
        from wasihost._component import compiled

        compiled.write(path, component, self._made())

    @property
    def _engine(self) -> wasmtime.Engine:
        return default_engine(self._limits.stack_bytes, gc=self._has_gc, counts_fuel=self._limits.fuel is not None)

    def _made(self) -> dict[str, str | bool]:
        """What compiled code depends on."""
        from wasihost._component import entries

        return {
            "wasihost": __version__,
            "build": entries.build(**of_wasi()),
            "Wasmtime": ffi.VERSION,
            "wasip2": "native" if self._wasip2 == "native" else "python",
            "gc": self._has_gc,
            "fuel": self._limits.fuel is not None,
        }

    def run(self, component: ComponentSource) -> None:
        """Runs a command component to its end, on an event loop of its own.

        Errors: GuestExit if the guest's `run` gives err or it exits with another code than 0, GuestTrap, DeadlockError,
        LinkError, ComponentError, RuntimeError where an event loop runs already, and whatever a provider or policy
        raised.
        """
        event_loop.check_none_runs()
        with interrupts.restoring():
            asyncio.run(self.run_async(component))

    async def run_async(self, component: ComponentSource) -> None:
        """As `run`, within the running event loop."""
        event_loop.running()
        adapted = self.reflect(component)
        name = run_export(adapted)
        self._compile(adapted)
        try:
            async with self._open(adapted, detect_deadlock=True, is_one_run=True) as instance:
                try:
                    await instance.call(name)
                except (GuestExit, WitError):
                    await instance.drain()
                    raise
                await instance.drain()
        except GuestExit as end:
            if end.code:
                raise
        except WitError:
            raise GuestExit(1) from None

    def open(
        self, component: ComponentSource, *, detect_deadlock: bool = False
    ) -> contextlib.AbstractAsyncContextManager[Instance]:
        """An instance whose exports can be called: `async with host.open(…) as instance: await instance.call(…)`.

        `detect_deadlock`: no call will come while another one waits, so a guest that can never go on is a
        DeadlockError. Errors: as `load`, and LinkError, both before the context is entered.
        """
        return self._open(self._compile(self.reflect(component)), detect_deadlock)

    def pool(
        self,
        component: ComponentSource,
        *,
        size: int = 100,
        min_ready: int | None = None,
        max_waiting: int | None = None,
        reuse: int = 1,
        at_once: int = 1,
        idle_s: float | None = None,
    ) -> Pool:
        """A pool for servers, within the running event loop: by default an instance for each request.

        At most `size` instances serve at once. `min_ready` more are made beforehand (None: up to 4), and at most
        `max_waiting` requests wait for their turn (None: any number).

        With `reuse` an instance serves so many requests before it is closed, `at_once` of them at a time, and is closed
        too when it has served none for `idle_s` seconds (None: it stays). What a request leaves in the guest's memory,
        the next one can see then.

        Errors: as `load`, LinkError, ValueError, RuntimeError if no event loop of asyncio is running.
        """
        event_loop.running()
        options = PoolOptions(
            size=size,
            min_ready=min(4, size) if min_ready is None else min_ready,
            max_waiting=max_waiting,
            reuse=reuse,
            at_once=at_once,
            idle_s=idle_s,
        )
        return Pool(self._opener, component, options)

    def _opener(self, component: ComponentSource) -> Callable[[], contextlib.AbstractAsyncContextManager[Instance]]:
        adapted = self._compile(self.reflect(component))
        return lambda: self._open(adapted)

    @contextlib.asynccontextmanager
    async def answering(
        self,
        component: ComponentSource,
        *,
        instances: int = 100,
        reuse: int | None = None,
        at_once: int | None = None,
        idle_s: float | None = 60,
        max_waiting: int | None = None,
        timeout_s: float | None = None,
    ) -> AsyncIterator[GuestHandler]:
        """A handler that answers HTTP requests with a component, with no server: `wasihost.http.Handler`.

        The newest of `wasi:http/handler@0.3` and `wasi:http/incoming-handler@0.2` that the component exports serves.

        - `instances`: how many serve at a time; other requests wait, at most `max_waiting`, beyond which the answer is
          503. One that has served nothing for `idle_s` seconds is closed.
        - `reuse`: how many requests an instance serves before it is closed, by default 128 of 0.3 and one of 0.2;
          `at_once`: how many at a time, by default 16 of 0.3. Those of 0.2 serve one at a time.
        - `timeout_s`: for each request, from its head to the last byte of the response: 504, or the body breaks off.

        Errors: as `load`, and LinkError.
        """
        event_loop.running()
        from wasihost._host.http_server import GuestHandler
        from wasihost._host.serving import service_of

        adapted = await asyncio.to_thread(lambda: self._compile(self.reflect(component)))
        service = service_of(adapted)
        pool = self.pool(
            adapted,
            size=instances,
            max_waiting=max_waiting,
            reuse=reuse or service.reuse,
            at_once=1 if service.at_once == 1 else at_once or service.at_once,
            idle_s=idle_s,
        )
        async with pool:
            yield GuestHandler(service, pool, self._clock, timeout_s, self._noting)

    def _noting(self, handler: Handler) -> Handler:
        """A handler of what a component is asked, which records if anything does."""
        if self._recording is None:
            return handler
        from wasihost._recording import Recorder
        from wasihost._recording.http import RecordingHandler

        self._recording.use_clock(self._clock)
        return RecordingHandler(handler, Recorder(self._recording), "in")

    @contextlib.asynccontextmanager
    async def serve(
        self,
        component: ComponentSource,
        *,
        addr: str = "127.0.0.1",
        port: int = 8080,
        listener: socket.socket | None = None,
        tls: ssl.SSLContext | None = None,
        limits: ServerLimits | None = None,
        drain_s: float = 30,
        answered: Callable[[Answered], None] | None = None,
        **options: Any,
    ) -> AsyncIterator[GuestServer]:
        """Answers HTTP with a component: `async with host.serve("app.wasm", port=0) as server: print(server.url)`.

        It listens on the network of this host until the context is left; requests under way have `drain_s` seconds to
        end then.

        - `port`: 0 is any free one. `listener`: a socket that listens, instead of `addr` and `port`, which stays open.
        - `tls`: the context of a server, for https.
        - `limits`: of messages, clients and connections, see `wasihost.http.ServerLimits`.
        - `answered`: called after each request with an `Answered`, for an access log.
        - `options`: those of `answering`.

        Errors: as `answering`, ConfigError, and OSError if it cannot listen there.
        """
        event_loop.running()
        from wasihost._host.http_server import ServeOptions, serving
        from wasihost._http.limits import ServerLimits

        if listener is not None:
            addr, port, *_ = listener.getsockname()
        listening = ServeOptions(addr, port, tls, limits or ServerLimits(), drain_s, answered)
        async with (
            self.answering(component, **options) as handler,
            serving(handler, self._server_network(listener), self._clock, listening) as server,
        ):
            yield server

    def _server_network(self, listener: socket.socket | None) -> Network:
        """The network of a server of this host's own. Errors: ConfigError."""
        network = self._network.for_guest()
        if listener is not None:
            from wasihost._network.os.inherited import InheritedListener

            if not isinstance(network, OsNetwork):
                raise ConfigError(f"serve: a listener is of the network of this machine, and the host's is {network!r}")
            network = InheritedListener(network, listener)
        if self._recording is None:
            return network
        from wasihost._recording import RecordingNetwork

        return RecordingNetwork(network, self._recording, self._clock)

    def _compile(self, adapted: Component) -> Component:
        """Compiles it; says before what is missing, since that can take a minute. Errors: ComponentError, LinkError."""
        refused = ", ".join(filter(native_wasip2.provides, adapted.imports))
        if refused and self._wasip2 is None:
            raise LinkError(f"the component imports WASI 0.2, which this Host refuses: {refused}")
        if not adapted.is_compiled:
            adapted.check(self._providers_wanted(adapted, self._context("the component", None)))
            adapted.compile()
        return adapted

    @contextlib.asynccontextmanager
    async def _open(
        self, adapted: Component, detect_deadlock: bool = False, is_one_run: bool = False
    ) -> AsyncIterator[Instance]:
        event_loop.running()
        recorded = self._recorded(adapted.origin)
        context = self._context(adapted.origin, recorded)
        stats = Stats(counts_calls=self._on_stats is not None)
        options = RunOptions(
            limits=self._limits,
            detect_deadlock=detect_deadlock,
            stats=stats,
            on_call=None if recorded is None else recorded.on_call,
            is_one_run=is_one_run,
            total=self._memory,
            unwritten=context.unwritten,
        )
        with self._ending(context, recorded, stats):
            async with self._instance(adapted, context, options) as instance:
                yield instance

    def _instance(
        self, adapted: Component, context: WasiContext, options: RunOptions
    ) -> contextlib.AbstractAsyncContextManager[Instance]:
        providers = self._providers_wanted(adapted, context)
        if adapted.native:
            return native_wasip2.Native(context.command, context.stdio()).open(adapted, providers, options)
        return adapted.open(providers, options=options)

    @contextlib.contextmanager
    def _ending(self, context: WasiContext, recorded: RecordedGuest | None, stats: Stats) -> Iterator[None]:
        """Closes what one guest had of the network, and reports its end."""
        end: BaseException | None = None
        try:
            yield
            self._finish()
        except (GuestExit, WitError) as error:
            end = error
            self._finish()
            raise
        except BaseException as error:
            end = error
            raise
        finally:
            context.closing.close()
            if isinstance(end, GuestTrap | WitError) or (isinstance(end, GuestExit) and end.code):
                context.mounts().guest_failed()
            if recorded is not None:
                recorded.ended(end)
            if self._on_stats is not None:
                self._on_stats(stats)

    def _finish(self) -> None:
        """A guest has ended by itself. Errors: DivergenceError, if it was to do more."""
        self._network.finish()
        for files in self._files.values():
            files.finish()

    def _recorded(self, origin: str) -> RecordedGuest | None:
        if self._recording is None:
            return None
        from wasihost._host.recorded import RecordedGuest

        self._recording.use_clock(self._clock)
        return RecordedGuest(
            recording=self._recording,
            origin=origin,
            args=self._command.args,
            seed=self._effective_seed(),
            network=self._network_of_one(),
            resolver=self._resolver,
            hosts=self._hosts,
            on_decision=self._on_decision,
        )

    def _effective_seed(self) -> int | None:
        own = own_time()
        return own.seed if self._seed is None and own is not None else self._seed

    def providers(self) -> dict[str, object]:
        """The providers of one instance, by interface name with the version that they serve.

        Where one of your own serves an interface, WASI's is left out.
        """
        context = self._context("the component", None)
        return self._providers_for(context, PACKAGES, of_wasip2=self._wasip2 is not None)

    def _context(self, origin: str, recorded: RecordedGuest | None) -> WasiContext:
        closing = contextlib.ExitStack()
        seed = self._effective_seed()
        network = Once(self._network_of_one if recorded is None else lambda: recorded.network)

        def stdio() -> Stdio:
            return Stdio(self._command, *([] if recorded is None else [recorded.on_stdout, recorded.on_stderr]))

        def names() -> Names:
            return Names(self._resolver or network().resolve, self._hosts) if recorded is None else recorded.names

        def access() -> Access:
            on_decision = self._on_decision if recorded is None else recorded.on_decision
            made = Access(network(), self._policy, origin, on_decision)
            closing.callback(made.close)
            return made

        def mounts() -> Mounts:
            hash_key = os.urandom(16) if seed is None else str(seed).encode()[:64]
            around = None if recorded is None else recorded.files
            return Mounts(self._files, hash_key, context.access(), self._quotas, around)

        context = WasiContext(
            command=self._command,
            stdio=Once(stdio),
            clock=self._clock,
            random=Once(lambda: Random(seed)),
            access=Once(access),
            names=Once(names),
            unwritten=Unwritten(),
            mounts=Once(mounts),
            http=Once(lambda: self._http(context, recorded)),
            closing=closing,
        )
        return context

    def _http(self, context: WasiContext, recorded: RecordedGuest | None) -> Http:
        # Not for guests without HTTP.
        from wasihost._network.quotas.metering import Budget
        from wasihost._wasi.http.context import Http
        from wasihost._wasi.http.fields import FieldRules
        from wasihost._wasi.http.sending import Sender

        budget = None if self._quotas is None else Budget(self._quotas, self._clock)
        sender = Sender(
            context.access(),
            context.names() if recorded is None else recorded.http_names,
            clock=self._clock,
            origins=self._origins,
            tls=self._tls,
            keeps_alive=self._http_keep_alive,
            budget=budget,
            network=None if recorded is None else recorded.http_network,
            around=None if recorded is None else recorded.sending,
        )
        context.closing.callback(sender.close)
        return Http(FieldRules(), sender)

    def _providers_wanted(self, adapted: Component, context: WasiContext) -> dict[str, object]:
        """Those that a component can use: the others take time, also to import."""
        # Also with "native": for a component that another Host loaded for Python.
        of_wasip2 = self._wasip2 is not None and any(map(native_wasip2.provides, adapted.imports))
        return self._providers_for(context, adapted.packages, of_wasip2=of_wasip2)

    def _providers_for(self, context: WasiContext, packages: Container[str], *, of_wasip2: bool) -> dict[str, object]:
        from wasihost._wasi import p2, p3

        wasi = p3.providers(context, packages)
        if "wasi:http" in packages:
            from wasihost._wasi.p3 import http as p3_http

            wasi |= p3_http.providers(context.http())
        if "wasi:http" in packages and of_wasip2 and self._wasip2 != "native":  # its streams must be ours
            from wasihost._wasi.p2 import http as p2_http

            wasi |= p2_http.providers(context.http())
        if of_wasip2:
            wasi |= p2.providers(context, packages)
        if self._providers:
            from wasihost._component.running.imports.providers import Providers

            own = Providers(self._providers)
            wasi = {name: each for name, each in wasi.items() if own.find(name) is None}
        return wasi | self._providers

    def _network_of_one(self) -> Network:
        """The network of one instance."""
        if self._quotas is None:
            return self._network.for_guest()
        from wasihost._network.quotas import QuotaNetwork  # not for those who set no quotas

        sockets = self._quotas.sockets
        # One more than the quotas allow: a connection that comes in beyond them is accepted, to be reset.
        network = self._network.for_guest(None if sockets is None else sockets + 1)
        return QuotaNetwork(network, self._quotas, self._clock)


def _left_to_wasmtime(wasip2: Wasip2 | None) -> Callable[[str], bool]:
    """Whether Wasmtime's own implementation serves an imported interface."""
    return native_wasip2.provides if wasip2 == "native" else _nothing


def _handler(given: Handler | App) -> Handler:
    from wasihost._http.origins import handler_of  # not for those who give none

    return handler_of(given)


def _file_system(given: FileSystem | str | os.PathLike[str]) -> FileSystem:
    # Not for those who give no files.
    from wasihost._wasi.filesystem.directory import Directory
    from wasihost._wasi.filesystem.nodes import FileSystem

    return given if isinstance(given, FileSystem) else Directory(given)


def _nothing(_interface: str) -> bool:
    return False


def run_export(adapted: Component) -> str:
    """The path of the function that makes a component a command. Errors: LinkError, if there is none."""
    for name in RUN:
        with contextlib.suppress(LookupError):
            return adapted.find_export(name)
    if any(name.startswith("wasi:http/") for name in adapted.exports):
        instead = "let it answer HTTP requests with `wasihost serve` or `Host.serve`"
    else:
        instead = "call a function with `wasihost run --invoke` or `Host.open`"
    raise LinkError(
        f"the component is not a command: it exports {some(adapted.exports) or 'nothing'}, but not wasi:cli/run; "
        f"{instead}"
    )
