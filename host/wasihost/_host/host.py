"""The facade: `Host` runs components, with WASI provided by Python and the network behind a policy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

import wasmtime

from wasihost._base.clock import Clock, RunningClock
from wasihost._base.errors import ConfigError, GuestExit, LinkError
from wasihost._base.limits import DEFAULTS, Limits
from wasihost._base.pickling import OfOneProcess
from wasihost._base.version import __version__
from wasihost._component import ffi
from wasihost._component.adapt import Component
from wasihost._component.adapt import reflect as reflect_component
from wasihost._component.cache import Cache
from wasihost._component.instance import E, Instance
from wasihost._component.running.engine import default_engine
from wasihost._component.running.loop import event_loop, interrupts
from wasihost._component.running.memory import Account
from wasihost._component.running.stats import Stats
from wasihost._component.values import WitError
from wasihost._host import native_wasip2
from wasihost._host.loading import Wasip2, left_to_wasmtime, of_wasi, run_export
from wasihost._host.pool import Pool, PoolOptions
from wasihost._host.results import Captured, RunResult
from wasihost._host.settings import Given, Settings
from wasihost._host.source import ComponentSource, Plugs, read_plugged, read_source
from wasihost._network.base import Network
from wasihost._network.names import Addresses, Resolver, parse_hosts
from wasihost._network.os import OsNetwork
from wasihost._policy import Decision, Policy, deny_all
from wasihost._policy.policy import checked
from wasihost._wasi.cli import Command, InputTarget, OutputTarget

if TYPE_CHECKING:  # for hosts that limit or record
    import socket
    import ssl

    from wasihost._component.running.imports.kits import Kit
    from wasihost._host.http_server import GuestHandler, GuestServer, ServeOptions
    from wasihost._host.sync import SyncInstance
    from wasihost._http.answering import Answered
    from wasihost._http.asgi import App
    from wasihost._http.limits import ServerLimits
    from wasihost._http.messages import Handler
    from wasihost._network.quotas import Quotas
    from wasihost._recording import Recording
    from wasihost._recording.events import Event
    from wasihost._wasi.filesystem.nodes import FileSystem


class Host(OfOneProcess):
    """Runs components of WASI 0.2 and 0.3.

    - `policy`: the permissions for addresses, names and files: `Rules`, `allow_all`, or any
      callable `(address, use, context) -> bool`, also async. By default no address and no name is allowed, and all
      that is in `files`.
    - `on_decision`: called with each `Decision` of the policy, before it has an effect; an exception of it ends the
      run.
    - `network`: the network of its sockets; the operating system's by default.
    - `quotas`: how much of it, and of `files`, each guest may use, see `wasihost.network.Quotas`. By default only its
      sockets and open files are limited, to a quarter each of the files that this process may have open.
    - `host_names`: addresses by name, `{"db": "10.0.0.1", "api": ["::1", "127.0.0.1"]}`, which every guest may look up.
    - `resolver`: resolves other names, see `wasihost.network.Resolver`; the network by default.
    - `http`: answers requests that guests send to these hosts, with no socket: `{"api.internal": app}`, where `app` is
      an application of ASGI 3 or a `wasihost.http.Handler`; the others go out on the network.
    - `forbidden_headers`: those that guests neither set nor see, since they are the transport's: by default
      `connection`, `host`, `transfer-encoding`, `upgrade` and a few more, as of Wasmtime.
    - `tls`: verifies https servers to which guests send requests; by default with the roots of the system.
    - `http_keep_alive`: whether a guest's requests that may be repeated use a connection that another one made.
    - `files`: the directories that guests are given, by the guest's names for them, in this order: of this machine, in
      memory or any `VirtualFiles`, `{"/data": Directory("data", read_only=True), "/cache": "cache",
      "/tmp": MemoryFiles()}`; none by default. See `wasihost.files`.
    - `env`, `args`, `cwd`: the values of `wasi:cli/environment`; nothing of this process by default.
    - `stdin`: a file descriptor, a file object, bytes, or a callable that gets the number of bytes wanted and returns
      at most that many; empty by default, and this process's with `stdin=sys.stdin`.
    - `stdout`, `stderr`: a file descriptor, a file object, a callable that gets each block, or a logger of `logging`,
      which gets each line, of stdout as INFO and of stderr as WARNING; by default where `print` writes, `sys.stdout`
      and `sys.stderr`.
    - `sigpipe`: a guest that writes to a stdout or stderr without a reader ends with `GuestExit(141)`, as a
      program of the shell does; else it gets the error-code `pipe`.
    - `clock`: the time of `wasi:clocks`; the running event loop's by default, which is an `OsClock` unless the loop is
      a `wasihost.testing.virtual_loop`; a `VirtualClock` is for tests.
    - `seed`: makes all of `wasi:random` repeat itself, for tests; a virtual loop has one by default. Not secure: the
      seed gives all of it away.
    - `providers`: more interfaces, or others instead of WASI's, by name: `{"ns:pkg/iface@1.0.0": provider}`.
    - `wasip2`: the provider of WASI 0.2: "python", which serves 0.3 too, or "native", Wasmtime's own implementation:
      output is faster, but there are no sockets and no files, and a call that waits holds up the event loop for as
      long as the guest likes. The Host that loads a component decides. None refuses guests that import it.
    - `gc`: False refuses guests with garbage collected values or exceptions, for which Wasmtime has a collector: one
      more part that a hostile guest can attack, see SECURITY.md.
    - `limits`: how much of the host each guest may use, see `Limits` and docs/reference/limits.md; the defaults are
      safe.
    - `on_stats`: called with the `Stats` of each run or instance at its end.
    - `recording`: a `wasihost.recording.Recording` that gets all that happens between guests and the world.
    - `on_event`: called with each event that a recording would have, at once; events have no bytes, only their number,
      `len(event.data)`. An exception of it ends the guest. A recording has `subscribe` for this.
    - `cache`: `Cache()` keeps compiled components on disk, for the next process too; nothing is kept by default.

    Errors: TypeError, which names the argument; ConfigError for one that cannot be understood.
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
        forbidden_headers: Iterable[str] | None = None,
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
        on_event: Callable[[Event], object] | None = None,
        cache: Cache | None = None,
        wasip2: Wasip2 | None = "python",
        gc: bool = True,
        limits: Limits = DEFAULTS,
    ) -> None:
        from wasihost._host import arguments  # not before there is a Host

        arguments.check(
            on_decision=on_decision,
            network=network,
            quotas=quotas,
            host_names=host_names,
            resolver=resolver,
            http=http,
            forbidden_headers=forbidden_headers,
            tls=tls,
            http_keep_alive=http_keep_alive,
            files=files,
            env=env,
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            sigpipe=sigpipe,
            clock=clock,
            seed=seed,
            providers=providers,
            on_stats=on_stats,
            recording=recording,
            on_event=on_event,
            cache=cache,
            gc=gc,
            limits=limits,
        )
        if wasip2 not in ("python", "native", None):
            raise ConfigError(f'wasip2: expected "python", "native" or None, got {wasip2!r}')
        self._has_gc = gc
        self._cache = cache
        self._kits: weakref.WeakKeyDictionary[Component, Kit] = weakref.WeakKeyDictionary()
        self._settings = Settings(
            policy=checked(policy),
            on_decision=on_decision,
            network=network or OsNetwork(),
            quotas=quotas,
            host_names=parse_hosts(host_names),
            resolver=resolver,
            forbidden_headers=None if forbidden_headers is None else frozenset(map(str.lower, forbidden_headers)),
            origins={name: _handler(each) for name, each in (http or {}).items()},
            tls=tls,
            http_keep_alive=http_keep_alive,
            files={name: _file_system(each) for name, each in (files or {}).items()},
            command=Command(
                env=dict(env or {}),
                args=arguments.texts("args", args),
                cwd=cwd,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                sigpipe=sigpipe,
            ),
            clock=clock or RunningClock(),
            seed=seed,
            providers=dict(providers or {}),
            on_stats=on_stats,
            recording=recording if on_event is None else _observed(on_event, recording),
            wasip2=wasip2,
            limits=limits,
            memory=Account("total_memory_bytes", limits.total_memory_bytes),
        )

    def __repr__(self) -> str:
        return f"Host({self._settings.described()})"

    def load(self, component: ComponentSource, *, plug: Plugs | None = None) -> Component:
        """Compiles a component, to run it more than once.

        `plug` meets imports by exports of other components, as `wac plug` does: `{"my:auth/check": "auth.wasm"}`. The
        names are those of interfaces, or of functions of the world itself. All become one component, with whatever is
        still to be imported. Components of other toolchains can take seconds:
        `await asyncio.to_thread(host.load, component)` leaves the event loop free.
        Errors: ComponentError, UnsupportedTypeError, LimitError, OSError.
        """
        adapted = self.reflect(component, plug=plug)
        adapted.compile()
        return adapted

    def reflect(self, component: ComponentSource, *, plug: Plugs | None = None) -> Component:
        """The imports and exports of a component; it is compiled when it first runs.

        Errors: as `load`.
        """
        if isinstance(component, Component):
            if plug:
                raise TypeError("a loaded component has no bytes to compose: give the path or the bytes with `plug`")
            return component
        engine = self._engine
        if plug:
            wasm, origin = read_plugged(engine, component, plug, self._settings.limits)
        else:
            wasm, origin = read_source(component, self._settings.limits)
        return reflect_component(
            engine,
            wasm,
            native=left_to_wasmtime(self._settings.wasip2),
            for_linker=False,
            origin=origin,
            cache=self._cache,
            limits=self._settings.limits,
            **of_wasi(),
        )

    def load_compiled(self, path: str | os.PathLike[str]) -> Component:
        """Loads a file that `wasihost compile` wrote: native code, which is mapped and run as it is, without a
        compiler.

        The file must belong to this user or root, and be writable by no other. Errors: ComponentError, which names
        both if versions or settings are not those with which it was compiled; OSError.
        """
        from wasihost._component import compiled  # not for hosts that compile

        return compiled.read(path, self._engine, self._made(), of_wasi()["in_order"])

    def save_compiled(self, component: Component, path: str | os.PathLike[str]) -> None:
        """Writes a component that this Host loaded for `load_compiled`, as `wasihost compile` does. Errors: OSError."""
        from wasihost._component import compiled

        compiled.write(path, component, self._made())

    @property
    def _engine(self) -> wasmtime.Engine:
        return default_engine(
            self._settings.limits.stack_bytes, gc=self._has_gc, counts_fuel=self._settings.limits.fuel is not None
        )

    def _made(self) -> dict[str, str | bool]:
        """The conditions of compiled code."""
        from wasihost._component import entries

        return {
            "wasihost": __version__,
            "build": entries.build(**of_wasi()),
            "Wasmtime": ffi.VERSION,
            "wasip2": "native" if self._settings.wasip2 == "native" else "python",
            "gc": self._has_gc,
            "fuel": self._settings.limits.fuel is not None,
        }

    @overload
    def run(self, component: ComponentSource, *, capture: Literal[False] = False) -> None: ...
    @overload
    def run(self, component: ComponentSource, *, capture: Literal[True]) -> RunResult: ...
    def run(self, component: ComponentSource, *, capture: bool = False) -> RunResult | None:
        """Runs a command component to its end, on an event loop of its own.

        `capture`: gives exit code, stdout and stderr in a `RunResult`, whatever the code is; nothing is printed.

        Errors: GuestExit if the guest's `run` gives err or it exits with another code than 0, GuestTrap, DeadlockError,
        LinkError, ComponentError, RuntimeError where an event loop runs already, and whatever a provider or policy
        raised. With `capture` a note on them has the end of the stderr of the guest.
        """
        event_loop.check_none_runs("await host.run_async(component)")
        with interrupts.restoring():
            return asyncio.run(self._run(component, capture))

    @overload
    async def run_async(self, component: ComponentSource, *, capture: Literal[False] = False) -> None: ...
    @overload
    async def run_async(self, component: ComponentSource, *, capture: Literal[True]) -> RunResult: ...
    async def run_async(self, component: ComponentSource, *, capture: bool = False) -> RunResult | None:
        """As `run`, within the running event loop."""
        return await self._run(component, capture)

    async def _run(self, component: ComponentSource, capture: bool) -> RunResult | None:
        event_loop.running()
        adapted = self.reflect(component)
        name = run_export(adapted)
        self._compile(adapted)
        if not capture:
            await self._run_export(adapted, name, self._settings)
            return None
        captured = Captured()
        settings = self._settings.given({"stdout": captured.stdout.extend, "stderr": captured.stderr.extend})
        with captured.ending():
            await self._run_export(adapted, name, settings)
        return captured.result()

    async def _run_export(self, adapted: Component, name: str, settings: Settings) -> None:
        try:
            async with self._open(adapted, settings, detect_deadlock=True, is_one_run=True) as instance:
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
        self,
        component: ComponentSource,
        *,
        detect_deadlock: bool = False,
        exports: Callable[[Instance], E] | None = None,
    ) -> contextlib.AbstractAsyncContextManager[Instance[E]]:
        """An instance whose exports can be called: `async with host.open(…) as instance: await instance.call(…)`.

        - `detect_deadlock`: no call will come while another one waits, so a guest that can never go on is a
          DeadlockError.
        - `exports`: the class of `instance.exports`, such as `World`, which `wasihost stubs` writes.

        Errors: as `load`, and LinkError, both before the context is entered.
        """
        adapted = self._compile(self.reflect(component))
        return self._open(adapted, self._settings, detect_deadlock=detect_deadlock, exports=exports)

    def open_sync(
        self, component: ComponentSource, *, exports: Callable[[SyncInstance], E] | None = None
    ) -> contextlib.AbstractContextManager[SyncInstance[E]]:
        """The same for programs without an event loop: `with host.open_sync(…) as instance: instance.call(…)`.

        A call for which the guest can never go on is a DeadlockError. `exports` is as for `open`: a class that
        `wasihost stubs --sync` writes. Errors: as `open`, and RuntimeError where an event loop runs already.
        """
        from wasihost._host import sync  # not for programs with an event loop

        event_loop.check_none_runs(sync.INSTEAD)
        return sync.opened(self.open(component, detect_deadlock=True), exports)

    def call(self, component: ComponentSource, name: str, *args: Any, timeout: float | None = None) -> Any:
        """Calls one export of a new instance, without an event loop: `host.call("guest.wasm", "my:pkg/api#f", 1)`.

        For values: streams, futures and resources of the guest end with the instance, so use `open_sync` for them.
        Errors: as `open_sync` and `Instance.call`.
        """
        with self.open_sync(component) as instance:
            return instance.call(name, *args, timeout=timeout)

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
        exports: Callable[[Instance], E] | None = None,
    ) -> Pool[E]:
        """A pool for servers, within the running event loop: by default an instance for each request.

        At most `size` instances serve at once. `min_ready` more are made beforehand (None: up to 4), and at most
        `max_waiting` requests wait for their turn (None: any number).

        With `reuse` an instance serves so many requests before it is closed, `at_once` of them at a time, and is closed
        too when it has served none for `idle_s` seconds (None: it stays). The next request can see all that one
        left in the guest's memory then.

        `exports`: the class of `exports` of its instances, as for `open`.

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

        def opener(component: ComponentSource) -> Callable[[Given], contextlib.AbstractAsyncContextManager[Instance]]:
            adapted = self._compile(self.reflect(component))
            return lambda given: self._open(adapted, self._settings.given(given), exports=exports)

        return Pool(opener, component, options)

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
        cancel_tasks: bool = False,
    ) -> AsyncIterator[GuestHandler]:
        """A handler that answers HTTP requests with a component, with no server: `wasihost.http.Handler`.

        The newest of `wasi:http/handler@0.3` and `wasi:http/incoming-handler@0.2` that the component exports serves.
        A request is under way until the body of its response is closed, and the end of the context waits for all.

        - `instances`: how many serve at a time; other requests wait, at most `max_waiting`, beyond which the answer is
          503. One that has served nothing for `idle_s` seconds is closed.
        - `reuse`: how many requests an instance serves before it is closed, by default 128 of 0.3 and one of 0.2;
          `at_once`: how many at a time, by default 16 of 0.3. Those of 0.2 serve one at a time.
        - `timeout_s`: for each request, from its head to the last byte of the response: 504, or the body breaks off.
        - `cancel_tasks`: the end of the guest's task when a request is given up, as its client has left or its
          time has passed. It goes on, and its instance takes no other requests; or with this it is cancelled, and the
          instance serves on. For guests of 0.3 that can be cancelled: some end with all their requests then.

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
            yield GuestHandler(
                service,
                self._settings.field_rules(),
                pool,
                self._settings.clock,
                timeout_s,
                cancel_tasks,
                self._noting,
            )

    def _noting(self, handler: Handler, guest: int) -> Handler:
        """A handler of the requests to the guest of that number, which records if anything does."""
        if self._settings.recording is None:
            return handler
        from wasihost._recording import Recorder
        from wasihost._recording.http import RecordingHandler

        self._settings.recording.use_clock(self._settings.clock)
        return RecordingHandler(handler, Recorder(self._settings.recording, guest), "in")

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
            serving(handler, self._server_network(listening, listener), self._settings.clock, listening) as server,
        ):
            yield server

    def _server_network(self, options: ServeOptions, listener: socket.socket | None) -> Network:
        """The network of a server of this host's own. Errors: ConfigError."""
        network = self._settings.network.for_server(options.sockets)
        if listener is not None:
            from wasihost._network.os.inherited import InheritedListener

            if not isinstance(network, OsNetwork):
                raise ConfigError(f"serve: a listener is of the network of this machine, and the host's is {network!r}")
            network = InheritedListener(network, listener)
        if self._settings.recording is None:
            return network
        from wasihost._recording import RecordingNetwork

        return RecordingNetwork(network, self._settings.recording, self._settings.clock)

    def providers(self) -> dict[str, object]:
        """The providers of one instance, by interface name with the version that they serve.

        Where one of your own serves an interface, WASI's is left out.
        """
        from wasihost._host.providing import kit_of_all, providers_for  # not before there is a component

        return dict(providers_for(self._settings, kit_of_all(self._settings)))

    def _compile(self, adapted: Component) -> Component:
        """Compiles it, after a look for missing imports: it can take a minute. Errors: ComponentError, LinkError."""
        if self._settings.wasip2 is None and (refused := ", ".join(filter(native_wasip2.provides, adapted.imports))):
            raise LinkError(f"the component imports WASI 0.2, which this Host refuses: {refused}")
        if not adapted.is_compiled:
            from wasihost._host.providing import providers_for

            adapted.check(providers_for(self._settings, self._kit(adapted)))
            adapted.compile()
        return adapted

    def _kit(self, adapted: Component) -> Kit:
        """The providers of its guests that run this component."""
        kit = self._kits.get(adapted)
        if kit is None:
            from wasihost._host.providing import kit_for  # not before there is a component

            kit = self._kits[adapted] = kit_for(self._settings, adapted)
        return kit

    def _open(
        self, adapted: Component, settings: Settings, **options: Any
    ) -> contextlib.AbstractAsyncContextManager[Instance]:
        from wasihost._host.guest import OpenGuest  # not before there is a component

        kit = self._kit(adapted)
        if settings.providers is not self._settings.providers:
            kit = kit.with_given(settings.providers)
        return OpenGuest(settings, adapted, kit, **options)


def _observed(on_event: Callable[[Event], object], recording: Recording | None) -> Recording:
    from wasihost._recording import Observed  # not for hosts without a listener

    if recording is not None:
        raise ConfigError("on_event: the host has a recording; use recording.subscribe(on_event) instead")
    return Observed(on_event)


def _handler(given: Handler | App) -> Handler:
    from wasihost._http.origins import handler_of  # not for hosts without origins

    return handler_of(given)


def _file_system(given: FileSystem | str | os.PathLike[str]) -> FileSystem:
    # Not for hosts without files.
    from wasihost._wasi.filesystem.directory import Directory
    from wasihost._wasi.filesystem.nodes import FileSystem

    return given if isinstance(given, FileSystem) else Directory(given)
