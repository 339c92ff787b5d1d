"""`wasihost run --invoke`: calls one export with JSON arguments."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from wasihost.commands import jsonvalues
from wasihost.commands.jsonvalues import JsonError
from wasihost.component.adapt import AdaptedComponent
from wasihost.component.values import WitError
from wasihost.component.world import types
from wasihost.component.world.wiring import Called
from wasihost.host import Host


class InvokedErr(Exception):
    """The function returned err: its value as JSON."""


async def invoke(host: Host, component: AdaptedComponent, name: str, words: Sequence[str]) -> str | None:
    """The result as JSON; None if the function has none, or a result without ok.

    Errors: LookupError for an unknown function, JsonError for wrong arguments, InvokedErr, and those of `Host.run`.
    """
    called = component.wiring.find(name)
    jsonvalues.check(called.path, called.func)
    return await _call(host, component, called, _parse(called, words))


async def _call(host: Host, component: AdaptedComponent, called: Called, arguments: Sequence[Any]) -> str | None:
    result = called.func.result
    ok, err = (result.ok, result.err) if isinstance(result, types.Result) else (result, None)
    async with host.open(component, detect_deadlock=True) as instance:
        try:
            found = await jsonvalues.to_json(ok, await instance.call(called.path, *arguments))
        except WitError as error:
            raise InvokedErr(_text(await jsonvalues.to_json(err, error.value))) from None
        finally:
            await instance.drain()
    return None if ok is None else _text(found)


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
