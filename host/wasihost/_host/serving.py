"""Guests that serve HTTP, as handlers."""

from __future__ import annotations

import contextlib

from wasihost._base.errors import LinkError
from wasihost._base.quoting import some
from wasihost._component.adapt import Component
from wasihost._component.instance import Instance
from wasihost._http.messages import Handler
from wasihost._wasi.http.fields import FieldRules
from wasihost._wasi.p3.http.handler import HANDLE, GuestHandler


def serve_handler(component: Component, instance: Instance) -> Handler:
    """Answers requests by an instance of a component, by the newest version of WASI that it serves.

    Errors: LinkError, if it serves none.
    """
    with contextlib.suppress(LookupError):
        component.find_export(HANDLE)
        return GuestHandler(instance, FieldRules())
    raise LinkError(
        f"the component serves no HTTP: it exports {some(component.exports) or 'nothing'}, but not wasi:http/handler"
    )
