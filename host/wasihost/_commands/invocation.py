"""`wasihost run --invoke`: calls one export, with JSON arguments or as Wasmtime's command line does."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from wasihost._base.quoting import json_text
from wasihost._commands import jsonvalues, wave
from wasihost._commands.jsonvalues import JsonError
from wasihost._component.adapt import Component, wiring_of
from wasihost._component.values import Err, Ok, WitError
from wasihost._component.world import types
from wasihost._component.world.wiring import Called, Wiring
from wasihost._host.host import Host

_WASMTIME_NAME = re.compile(r"([^#.]+/[^#.@]+)\.([^#@]+)(@.*)?")
"""`my:pkg/api.f@1.0.0` for `my:pkg/api@1.0.0#f`."""


class InvokedErr(Exception):
    """The function returned err: its value as JSON."""


async def invoke(
    host: Host, component: Component, call: str, words: Sequence[str], encoding: str = "utf-8"
) -> str | None:
    """The result of a call: of a function by its path, with `words` as JSON, or of `f("a", 1)` in Wasmtime's form.

    The result is JSON, or None if the function has none or a result without ok; in Wasmtime's form it is as Wasmtime
    prints it; both have escapes for characters that `encoding` lacks. Errors: LookupError for an unknown function,
    JsonError for wrong arguments, InvokedErr, and those of `Host.run`.
    """
    name, parenthesis, rest = call.partition("(")
    called = _find(wiring_of(component), name)
    jsonvalues.check(called.path, called.func)
    if not parenthesis:
        found = _json(called, await _call(host, component, called, _parse(called, words)))
        return None if found is None else json_text(found, encoding)
    if words:
        raise JsonError(f"expected no arguments beside those of {call}, got {words[0]!r}")
    wave.check(called.path, called.func)
    params = called.func.params
    values = wave.read_arguments(parenthesis + rest, params)
    arguments = [jsonvalues.from_json(t, v, f"argument {name}") for (name, t), v in zip(params, values, strict=True)]
    return wave.text(called.func.result, await _call(host, component, called, arguments), encoding)


def _find(wiring: Wiring, name: str) -> Called:
    """The export of this path, or of this name if only one interface has it. Errors: LookupError."""
    interfaces = {called.interface.partition("@")[0] for called in wiring.called if called.name == name}
    if len(interfaces) == 1 and "" not in interfaces:
        return wiring.find(f"{interfaces.pop()}#{name}")
    return wiring.find(_WASMTIME_NAME.sub(r"\1\3#\2", name))


async def _call(host: Host, component: Component, called: Called, arguments: Sequence[Any]) -> Any:
    """The result of the function, as JSON: a result as `{"ok": …}` or `{"err": …}`."""
    result = called.func.result
    async with host.open(component, detect_deadlock=True) as instance:
        try:
            found = await instance.call(called.path, *arguments)
            return await jsonvalues.to_json(result, Ok(found) if isinstance(result, types.Result) else found)
        except WitError as error:
            return await jsonvalues.to_json(result, Err(error.value))
        finally:
            await instance.drain()


def _json(called: Called, found: Any) -> str | None:
    result = called.func.result
    if isinstance(result, types.Result):
        if "err" in found:
            raise InvokedErr(_text(found["err"]))
        result = result.ok
        found = found["ok"]
    return None if result is None else _text(found)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _parse(called: Called, words: Sequence[str]) -> list[Any]:
    params = called.func.params
    if len(words) != len(params):
        names = ", ".join(name for name, _ in params)
        raise JsonError(f"{called.path} takes {len(params)} arguments ({names}), not {len(words)}")
    return [_argument(f"argument {name}", t, word) for (name, t), word in zip(params, words, strict=True)]


def _argument(where: str, t: types.ValType, word: str) -> Any:
    try:
        return jsonvalues.from_json(t, _loads(where, word), where)
    except RecursionError:
        raise JsonError(f"{where}: the JSON is nested too deep") from None


def _loads(where: str, word: str) -> Any:
    try:
        return json.loads(word)
    except json.JSONDecodeError as error:
        raise JsonError(f"{where}: {word!r} is not JSON ({error.msg}); a string is {json.dumps(word)}") from None
    except ValueError as error:  # int(), of more digits than sys.get_int_max_str_digits()
        raise JsonError(f"{where}: {error}") from None
