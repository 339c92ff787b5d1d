"""Host functions as C callbacks: arguments to Python, the call, its result back, and no exception ever into C.

A callback serves all instances of a component: it finds the one that calls among `contexts`, and in that the function
to call. It must not refer to the linker that it is in, which would then never be freed.

An exception that left a callback would be lost or crash the process, BaseException included. So each is kept in the
store's `StoreContext`, Wasmtime gets an error that ends the guest, and whoever drives the store raises the original.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from wasihost._base import eager
from wasihost._base.errors import ProviderError
from wasihost._component import ffi
from wasihost._component.conversion.plancode import block_at
from wasihost._component.conversion.plans import ArgumentsToPython, CallContext, FunctionPlans
from wasihost._component.running.loop.suspension import Suspension
from wasihost._component.running.store_context import StoreContext
from wasihost._component.values import WitError
from wasihost._component.world import types

Give = Callable[[Any, int, Any], None]
Conclude = Callable[[Any, "asyncio.Future[Any]"], Any]
Contexts = Mapping[int, StoreContext]
"""Instances by the addresses of their stores' contexts."""


def no_result_error(path: str) -> ProviderError:
    """What a `WitError` becomes where the WIT has no `result`."""
    return ProviderError(f"{path}: the provider raised a WitError, but this function returns no result")


def read_arguments(plans: FunctionPlans, func: types.Func, takes_words: bool) -> ArgumentsToPython:
    """What reads the arguments."""
    ts = [t for _, t in func.params]
    return plans.words_to_python(ts) if takes_words else plans.arguments_to_python(ts)


def give_result(plans: FunctionPlans, result: types.ValType | None) -> tuple[Give, Give | None]:
    """What stores a returned value, and what stores the value of a `WitError` if the function returns a result."""
    return (expect_nothing, None) if result is None else plans.return_from_python(result)


def expect_nothing(value: Any, _address: int = 0, _context: Any = None) -> None:
    """What a function without a result returns; ProviderError for a value."""
    if value is not None:
        raise ProviderError(f"expected no result, got {type(value).__name__!r}")


class _Crossing:
    """How the values of one function cross: arguments to Python by `read`, a result by `give`, a `WitError` by `fail`.

    All three are compiled when the first is called: a guest imports many functions that it does not call.
    """

    def __init__(self, path: str, func: types.Func, plans: FunctionPlans, takes_words: bool) -> None:
        self._path = path
        self._func = func
        self._plans = plans
        self._takes_words = takes_words
        self.read: ArgumentsToPython = self._compile_and_read
        self.give: Give = expect_nothing
        self._give_error: Give | None = None

    def exchange(self, call: Callable[..., Any], values: tuple[Any, ...], results: int, context: CallContext) -> None:
        """Calls a function and gives its result."""
        try:
            self.give(call(*values), results, context)
        except WitError as error:
            self.fail(error, results, context)

    def fail(self, error: WitError, results: int, context: CallContext) -> None:
        if self._give_error is None:
            raise no_result_error(self._path) from error
        self._give_error(error.value, results, context)

    def _compile_and_read(self, address: int, context: CallContext) -> tuple[Any, ...]:
        self.give, self._give_error = give_result(self._plans, self._func.result)
        self.read = read_arguments(self._plans, self._func, self._takes_words)
        return self.read(address, context)


def callback(
    contexts: Contexts, name: str, path: str, func: types.Func, plans: FunctionPlans, takes_words: bool = False
) -> Any:
    """A `ffi.Callback` that calls the instance's function of this name."""
    crossing = _Crossing(path, func, plans, takes_words)
    read: ArgumentsToPython
    give = crossing.give

    def compile_and_read(address: int, context: CallContext) -> tuple[Any, ...]:
        nonlocal read, give
        values = crossing.read(address, context)
        read = crossing.read
        give = crossing.give
        return values

    read = compile_and_read
    # A function without parameters and result needs no plan: half of the time that it takes is that of the callback.
    exchanges = bool(func.params) or func.result is not None
    gives_value = func.result is not None

    def run(_data: int, store: int, _type: int, args: int, _count: int, results: int, _result_count: int) -> int | None:
        try:
            context = contexts[store]
            values = read(args, context) if exchanges else ()
            call = context.functions.get(name) or context.function(name)
            switched = context.switched
            if switched is not None:
                switched.run(crossing.exchange, call, values, results, context)
                return None
            try:  # as `exchange`, in less time; so are `read` and `give` names here
                given = call(*values)
                if given is not None or gives_value:
                    give(given, results, context)
            except WitError as error:
                crossing.fail(error, results, context)
        except BaseException as error:
            return contexts[store].keep(error, path)
        return None

    return ffi.Callback(run)


def finishing_callback(contexts: Contexts, name: str, path: str, func: types.Func, plans: FunctionPlans) -> Any:
    """A `ffi.Callback` that gives the result of a call which began before, in that call's context.

    The instance's function of this name gives that context, and what gives the result.
    """
    crossing = _Crossing(path, func, plans, takes_words=False)

    def run(_data: int, store: int, _type: int, args: int, _count: int, results: int, _result_count: int) -> int | None:
        try:
            context = contexts[store]
            caller, finish = context.function(name)(*crossing.read(args, context))
            caller.run(crossing.exchange, finish, (), results, context)
        except BaseException as error:
            return contexts[store].keep(error, path)
        return None

    return ffi.Callback(run)


def bare_callback(contexts: Contexts, name: str) -> Any:
    """A `ffi.Callback` for a function without parameters and result, called very often: what it needs is in memory."""

    def run(
        _data: int, store: int, _type: int, _args: int, _count: int, _results: int, _result_count: int
    ) -> int | None:
        try:
            context = contexts[store]
            call = context.functions.get(name) or context.function(name)
            call()
        except BaseException as error:
            return contexts[store].keep(error, name)
        return None

    return ffi.Callback(run)


def at_once(path: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """A provider's method where nothing can wait: an `async def` must come to its end without waiting."""
    if inspect.iscoroutinefunction(call):
        return _finished_at_once(path, call)
    return _without_waiting(path, call) if getattr(call, "may_wait", False) else call


def _finished_at_once(path: str, call: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        coroutine = call(*args)
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value
        coroutine.close()
        raise _waited(path)

    return run


def _without_waiting(path: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        result = call(*args)
        if inspect.isawaitable(result):
            if inspect.iscoroutine(result):
                result.close()
            raise _waited(path)
        return result

    return run


def _waited(path: str) -> ProviderError:
    return ProviderError(
        f"{path} waited, which is only possible in a Host or an adapted component: use a policy that answers at once"
    )


def result_of(_context: Any, task: asyncio.Future[Any]) -> Any:
    """What a provider's awaitable gave."""
    return task.result()


def suspending_callback(
    contexts: Contexts,
    name: str,
    path: str,
    func: types.Func,
    plans: FunctionPlans,
    takes_words: bool = False,
    conclude: Conclude = result_of,
) -> Any:
    """A `ffi.AsyncCallback` for a sync-typed function that returns its result, or an awaitable if it has to wait.

    The instance keeps the suspension, and waits for its task before the store is polled again. `conclude` then makes
    the result.
    """
    crossing = _Crossing(path, func, plans, takes_words)

    def begin(context: StoreContext, args: int, results: int, error_out: Any) -> Any:
        try:
            value = context.function(name)(*crossing.read(args, context))
            if (task := eager.begun(value)) is not None:
                if not task.done():
                    suspension = Suspension(task, lambda task: finish(context, task, results, error_out))
                    context.suspend(suspension)
                    return suspension.continuation
                value = conclude(context, task)
            crossing.give(value, results, context)
        except WitError as error:
            crossing.fail(error, results, context)
        return _DONE

    def finish(context: StoreContext, task: asyncio.Future[Any], results: int, error_out: Any) -> None:
        try:
            try:
                crossing.give(conclude(context, task), results, context)
            except WitError as error:
                crossing.fail(error, results, context)
        except BaseException as error:
            error_out[0] = context.keep(error, path)

    def run(
        _data: int,
        store: int,
        _type: int,
        args: int,
        _count: int,
        results: int,
        _result_count: int,
        error_out: Any,
        continuation: int,
    ) -> None:
        try:
            context = contexts[store]
            switched = context.switched
            if switched is None:
                function = begin(context, args, results, error_out)
            else:
                function = switched.run(begin, context, args, results, error_out)
        except BaseException as error:
            error_out[0] = contexts[store].keep(error, path)
            function = _DONE
        ffi.continue_with(continuation, function)

    return ffi.AsyncCallback(run)


def handing_over(contexts: Contexts, name: str) -> Any:
    """A `ffi.Callback` that gives a C value made before, which the instance's function of this name has."""
    value_at = block_at(ffi.VAL_SIZE)

    def run(
        _data: int, store: int, _type: int, _args: int, _count: int, results: int, _result_count: int
    ) -> int | None:
        context = contexts[store]
        value = context.functions.get(name) or context.function(name)
        value_at(results).raw = value()
        return None

    return ffi.Callback(run)


_DONE = ffi.Continuation(lambda _env: True)


def destructor(contexts: Contexts, path: str) -> Any:
    """A `ffi.Destructor` that drops an object of the instance's table."""

    def run(_data: int, store: int, rep: int) -> int | None:
        try:
            contexts[store].table.drop(rep)
        except BaseException as error:
            return contexts[store].keep(error, path)
        return None

    return ffi.Destructor(run)
