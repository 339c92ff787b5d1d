"""Guests that serve HTTP, as handlers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final, Protocol

from wasihost._base.errors import LinkError
from wasihost._base.frozen import Frozen
from wasihost._base.quoting import some
from wasihost._component.adapt import Component
from wasihost._component.instance import Instance
from wasihost._http.messages import Handler, Request, Response
from wasihost._wasi.http.fields import FieldRules
from wasihost._wasi.p2.http import incoming_handler
from wasihost._wasi.p3.http import handler


class InstanceHandler(Protocol):
    """A `Handler` that calls one instance of a guest."""

    async def __call__(self, request: Request) -> Response:
        """The guest's response. Errors: HttpError."""
        ...

    @property
    def cancels_tasks(self) -> bool:
        """Whether a call that is cancelled cancels the guest's task."""
        ...

    @property
    def is_busy(self) -> bool:
        """Whether a call has not returned."""
        ...

    async def end(self, *, cancel: bool) -> None:
        """Returns when the guest has returned from all calls; `cancel` ends them."""


class Service(Frozen):
    """How a version of WASI serves: a handler of an instance, and how many requests that gets, of all and at a time."""

    make: Callable[[Instance, FieldRules, bool], InstanceHandler]
    """With whether a call that is cancelled cancels the guest's task, if it can."""
    reuse: int
    at_once: int


_SERVICES: Final = {
    handler.HANDLE: Service(handler.GuestHandler, reuse=128, at_once=16),  # as of `wasmtime serve`
    incoming_handler.HANDLE: Service(incoming_handler.GuestHandler, reuse=1, at_once=1),
}
"""By the function that a component exports, the newest first."""


def service_of(component: Component) -> Service:
    """How a component serves HTTP, by the newest version of WASI that it exports. Errors: LinkError, if it does not."""
    for path, service in _SERVICES.items():
        with contextlib.suppress(LookupError):
            component.find_export(path)
            return service
    raise LinkError(
        f"the component serves no HTTP: it exports {some(component.exports) or 'nothing'}, but neither "
        "wasi:http/handler nor wasi:http/incoming-handler"
    )


def serves(component: Component) -> bool:
    """Whether a component serves HTTP."""
    with contextlib.suppress(LinkError):
        service_of(component)
        return True
    return False


def serve_handler(component: Component, instance: Instance) -> Handler:
    """Answers requests by an instance of a component. Errors: LinkError, if it serves no HTTP."""
    return service_of(component).make(instance, FieldRules(), False)
