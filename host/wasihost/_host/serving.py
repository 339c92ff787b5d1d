"""Guests that serve HTTP, as handlers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from wasihost._base.errors import LinkError
from wasihost._base.quoting import some
from wasihost._component.adapt import Component
from wasihost._component.instance import Instance
from wasihost._http.messages import Handler
from wasihost._wasi.http.fields import FieldRules
from wasihost._wasi.p2.http import incoming_handler
from wasihost._wasi.p3.http import handler

HANDLERS: Final[dict[str, Callable[[Instance, FieldRules], Handler]]] = {
    handler.HANDLE: handler.GuestHandler,
    incoming_handler.HANDLE: incoming_handler.GuestHandler,
}
"""By the function that a service exports, the newest first."""


def handler_maker(component: Component) -> Callable[[Instance], Handler]:
    """What makes a handler of an instance of a component, by the newest version of WASI that it serves.

    Errors: LinkError, if it serves none.
    """
    for path, make in HANDLERS.items():
        with contextlib.suppress(LookupError):
            component.find_export(path)
            return lambda instance: make(instance, FieldRules())
    raise LinkError(
        f"the component serves no HTTP: it exports {some(component.exports) or 'nothing'}, but neither "
        "wasi:http/handler nor wasi:http/incoming-handler"
    )


def serve_handler(component: Component, instance: Instance) -> Handler:
    """Answers requests by an instance of a component. Errors: LinkError, if it serves no HTTP."""
    return handler_maker(component)(instance)
