"""Calls that the guest makes of adapted functions, and the streams and futures that come with them.

start   the provider's method is called; READY at once, or PENDING while its coroutine runs
resume  lists the pairs of ends that the result needs
finish  gives the result, its streams and futures as readable ends with a pump behind each
cancel  the guest gave the call up
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

from wasmtime.component import LinkerInstance

from wasihost.component.composition.protocol import MAX_PAIRS, PENDING, READY, Operation
from wasihost.component.conversion.plans import Plans
from wasihost.component.running import incoming, outgoing
from wasihost.component.running.callbacks import no_result_error
from wasihost.component.running.linking import Linking, Registrar
from wasihost.component.running.machine import Machine
from wasihost.component.running.providers import Method
from wasihost.component.streams import Source
from wasihost.component.values import Err, Ok, WitError, snake_case
from wasihost.component.world import types
from wasihost.component.world.wiring import TOKEN, Adapted, Kind, Wiring, carries_values
from wasihost.errors import LimitError, ProviderError, UnsupportedTypeError

Start = Callable[..., int] | Callable[..., Coroutine[Any, Any, int]]


class HostCall:
    """One call, from `start` to `finish`. `result` is `Ok` or `Err` for a function that returns a result."""

    __slots__ = ("adapted", "cancelled", "pairs", "result", "task")

    def __init__(self, adapted: Adapted) -> None:
        self.adapted = adapted
        self.task: asyncio.Future[Any] | None = None
        self.result: Any = None
        # By kind, since a plan meets the parts of a value in an order of its own.
        self.pairs: dict[int, Iterator[tuple[int, int]]] = {}
        self.cancelled = False

    def returned(self, get: Callable[[], Any]) -> None:
        """Keeps what `get` gives or the `WitError` it raises."""
        if isinstance(self.adapted.func.result, types.Result):
            try:
                self.result = Ok(get())
            except WitError as error:
                self.result = Err(error.value)
        else:
            try:
                self.result = get()
            except WitError as error:
                raise no_result_error(self.adapted.path) from error


class HostCalls:
    """The calls of one instance."""

    def __init__(self, instance: Machine, wiring: Wiring, linking: Linking) -> None:
        self._instance, self._wiring, self._linking = instance, wiring, linking
        self._calls: dict[int, HostCall] = {}
        self._finishing: HostCall | None = None
        self._values: dict[int, Sequence[Any]] = {}
        self._expected: dict[int, Callable[[list[Any]], None]] = {}
        self.tasks: set[asyncio.Future[Any]] = set()
        """The coroutines of providers whose results are yet to come."""

    # ---- registering

    def register(self, instance: LinkerInstance, registrar: Registrar, plain: Plans) -> None:
        """Registers all that the adapter component calls but `turn`."""
        registrar.add(instance, "cancel", "cancel", types.Func(TOKEN, None), plain, self._cancel)
        registrar.add(instance, "resume", "resume", types.Func(TOKEN, types.U32), plain, self._resume)
        for adapted in self._wiring.adapted:
            self._register_function(instance, registrar, adapted)
        for number, kind in enumerate(self._wiring.kinds):
            if carries_values(kind):
                self._register_values(instance, registrar, number, kind)

    def _register_function(self, instance: LinkerInstance, registrar: Registrar, adapted: Adapted) -> None:
        method = self._linking.methods[adapted.interface, adapted.name]
        plans = self._linking.plans[adapted.interface]
        suspends = method.is_coroutine and not adapted.func.is_async
        start = self._suspending_start(adapted, method) if suspends else self._start(adapted, method)
        # The function's own types and not the u32 of its host's side: the plans know that streams travel as u32.
        start_type = types.Func(adapted.func.params, types.U32)
        finish_type = types.Func(TOKEN, adapted.func.result)
        registrar.add(instance, f"start-{adapted.index}", adapted.path, start_type, plans, start, suspends)
        registrar.add(instance, f"finish-{adapted.index}", adapted.path, finish_type, plans, self._finish)

    def _register_values(self, instance: LinkerInstance, registrar: Registrar, number: int, kind: Kind) -> None:
        assert kind.payload is not None
        values = types.List(kind.payload)
        plans = self._plans_of(kind)
        path = " or ".join(adapted.path for adapted in self._mentioning(kind))
        give_type = types.Func((*TOKEN, ("values", values)), None)
        registrar.add(instance, f"take-{number}", path, types.Func(TOKEN, values), plans, self._take)
        registrar.add(instance, f"give-{number}", path, give_type, plans, self._give)

    def _plans_of(self, kind: Kind) -> Plans:
        """The plans of the first interface that mentions the type: its values are of that interface's classes."""
        return self._linking.plans[next(self._mentioning(kind)).interface]

    def _mentioning(self, kind: Kind) -> Iterator[Adapted]:
        for adapted in self._wiring.adapted:
            if any(kind == inner for t in adapted.func.types for inner in types.walk(t)):
                yield adapted

    # ---- start

    def _begin(self, adapted: Adapted) -> HostCall:
        call = self._calls[self._instance.rings.token] = HostCall(adapted)
        return call

    def _start(self, adapted: Adapted, method: Method) -> Callable[..., int]:
        def start(*args: Any) -> int:
            token = self._instance.rings.token
            call = self._begin(adapted)
            call.returned(lambda: method.call(*args))
            result = call.result.value if isinstance(call.result, Ok) else call.result
            if not adapted.func.is_async or not asyncio.iscoroutine(result):
                return READY
            # Begun in the next turn, after what the guest dropped before.
            self._instance.rings.in_next_turn(lambda: self._run(token, call, result))
            return PENDING

        return start

    def _run(self, token: int, call: HostCall, coroutine: Coroutine[Any, Any, Any]) -> None:
        if call.cancelled:
            coroutine.close()
            self._instance.rings.submit(Operation.COMPLETE, 0, token)
            return
        call.task = self._instance.start_task(coroutine)
        self.tasks.add(call.task)
        call.task.add_done_callback(lambda task: self._done(token, call, task))

    def _suspending_start(self, adapted: Adapted, method: Method) -> Callable[..., Coroutine[Any, Any, int]]:
        async def start(*args: Any) -> int:
            # The round before this call was none of the driver's: somebody else is runnable.
            self._instance.rings.quiet = False
            call = self._begin(adapted)
            task = asyncio.ensure_future(method.call(*args))
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                task.cancel()
                await asyncio.wait([task])
                with contextlib.suppress(BaseException):
                    call.returned(task.result)  # for `close` to discard
                raise
            call.returned(task.result)
            return READY

        return start

    def _done(self, token: int, call: HostCall, task: asyncio.Future[Any]) -> None:
        self.tasks.discard(task)
        if self._instance.closing:
            with contextlib.suppress(BaseException):
                call.returned(task.result)  # for `close` to discard
            return
        if call.cancelled:
            self._calls.pop(token, None)
        try:
            call.returned(task.result)
        except asyncio.CancelledError:
            if not call.cancelled:
                path = call.adapted.path
                self._instance.fail(ProviderError(f"{path}: the provider's coroutine was cancelled, but not by us"))
                return
        except BaseException as error:
            error.add_note(f"raised by the provider of {call.adapted.path}")
            self._instance.fail(error)
            return
        else:
            if call.cancelled:
                self._discard(call)
        self._instance.rings.submit(Operation.COMPLETE, 0, token)

    # ---- resume and finish

    def _resume(self, token: int) -> int:
        call = self._calls[token]
        assert call.adapted.func.result is not None
        try:
            found = list(leaves(call.adapted.func.result, call.result))
        except (AttributeError, TypeError):
            found = []  # not a value of the type, as `finish` will say
        kinds = [
            (self._wiring.kind(t), isinstance(t, types.Stream))
            for t, obj in found
            if isinstance(t, Kind) and not self._goes_home(t, obj)
        ]
        if len(kinds) > MAX_PAIRS:
            raise LimitError(
                f"{call.adapted.path}: {len(kinds)} streams and futures in one result; {MAX_PAIRS} is the limit"
            )
        rings = self._instance.rings
        rings.ask_pairs(kinds)
        indices: dict[int, list[int]] = {}
        for index, (number, _) in enumerate(kinds):
            indices.setdefault(number, []).append(index)
        call.pairs = {number: map(rings.pair, of_kind) for number, of_kind in indices.items()}
        return len(kinds)

    def _finish(self, token: int) -> Any:
        call = self._finishing = self._calls.pop(token)
        if isinstance(call.result, Err) and isinstance(call.adapted.func.result, types.Result):
            raise WitError(call.result.value)
        return call.result.value if isinstance(call.adapted.func.result, types.Result) else call.result

    def stream_from_handle(self, kind: Kind, handle: int) -> object:
        return incoming.receive(self._instance, self._wiring.kind(kind), kind, handle)

    def handle_from_stream(self, kind: Kind, obj: Any) -> int:
        if self._goes_home(kind, obj):
            return obj.give_away()  # type: ignore[no-any-return]
        if self._finishing is None:
            raise UnsupportedTypeError("a stream or future inside the elements of another that a provider returns")
        number = self._wiring.kind(kind)
        readable, writable = next(self._finishing.pairs[number])
        pump = outgoing.feed(self._instance, number, kind, writable, obj)
        pump.path = self._finishing.adapted.path
        return readable

    def _goes_home(self, kind: Kind, obj: Any) -> bool:
        """Whether `obj` is an end that this guest passed and that can go back as it is. One that was read from can be
        read on like any other iterator."""
        return (
            isinstance(obj, incoming.Reader | incoming.FutureReader)
            and (obj.machine, obj.kind) == (self._instance, kind)
            and (obj.is_fresh or obj.over)
        )

    # ---- cancel

    def _cancel(self, token: int) -> None:
        call = self._calls[token]
        call.cancelled = True
        if call.task is None:
            del self._calls[token]  # not begun yet, see _run
        elif call.task in self.tasks:
            call.task.cancel()  # `_done` comes later, also if the task has ended just now
        else:
            # It was done already, and its completion is on the way: that is a no-op now.
            del self._calls[token]
            self._discard(call)

    def close(self) -> None:
        """The instance is over: closes what calls hold that began and will not be finished."""
        calls, self._calls = self._calls, {}
        for call in calls.values():
            held = call.result.value if isinstance(call.result, Ok) else call.result
            if asyncio.iscoroutine(held) and call.adapted.func.is_async:
                held.close()  # not begun yet, see _run
            elif call.result is not None:
                self._discard(call)

    def _discard(self, call: HostCall) -> None:
        """Nobody takes this result any more: closes what it holds."""
        if call.adapted.func.result is not None:
            discard(call.adapted.func.result, call.result)

    # ---- values of streams and futures

    def take_values(self, token: int, values: Sequence[Any]) -> None:
        """The next `take` of this token gives these values."""
        self._values[token] = values

    def _take(self, token: int) -> Sequence[Any]:
        self._finishing = None  # there are no pairs of ends for elements
        return self._values.pop(token)

    def untaken_values(self, token: int, kind: Kind) -> None:
        """There will be no `take`: closes what these values hold."""
        values = self._values.pop(token, ())
        if kind.payload is not None:
            discard(types.List(kind.payload), values)

    def expect_values(self, token: int, callback: Callable[[list[Any]], None]) -> None:
        """The next `give` of this token calls back."""
        self._expected[token] = callback

    def _give(self, token: int, values: list[Any]) -> None:
        self._expected.pop(token)(values)


def discard(t: types.ValType, value: Any) -> None:
    """Drops the resources inside a value that no guest gets, and closes the streams and futures."""
    for leaf, obj in leaves(t, value):
        if isinstance(leaf, types.Own) and hasattr(obj, "drop"):
            obj.drop()
        elif isinstance(obj, Source):
            obj.close(None)
        elif isinstance(leaf, types.Future) and asyncio.iscoroutine(obj):
            obj.close()


def leaves(t: types.ValType, value: Any) -> Iterator[tuple[types.ValType, Any]]:
    """Every handle inside a value, in the order in which plans meet them, with its type."""
    match t:
        case types.Own() | types.Borrow() | types.Stream() | types.Future():
            yield t, value
        case _ if not types.contains(t, (types.Own, types.Stream, types.Future)):
            return
        case types.List(element=element):
            for item in value:
                yield from leaves(element, item)
        case types.Tuple(elements=elements):
            for inner, item in zip(elements, value, strict=False):
                yield from leaves(inner, item)
        case types.Record(fields=fields):
            for name, inner in fields:
                yield from leaves(inner, getattr(value, snake_case(name)))
        case types.Option(payload=payload):
            if value is not None:
                yield from leaves(payload, value.value if isinstance(payload, types.Option) else value)
        case types.Result(ok=ok, err=err):
            inner_type = ok if isinstance(value, Ok) else err
            if inner_type is not None:
                yield from leaves(inner_type, value.value)
        case types.Variant(cases=cases):
            payload_type = dict(cases).get(getattr(value, "case", ""))
            if payload_type is not None:
                yield from leaves(payload_type, value.value)
