"""Origins that the embedder answers for: `{"api.internal": handler, "db.internal:8080": asgi_app}`."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, cast

from wasihost._base.errors import ConfigError
from wasihost._http.errors import HttpError
from wasihost._http.messages import Handler, Request, Response
from wasihost._http.targets import PORTS, Target, split_authority, target_of

if TYPE_CHECKING:
    from wasihost._http.asgi import App


class Origins:
    """Answers requests to some hosts, and passes on those to others: a `Handler` around another.

    A name without a port is for the port of either scheme.
    """

    def __init__(self, handlers: Mapping[str, Handler], otherwise: Handler) -> None:
        self._handlers = {_authority(name): handler for name, handler in handlers.items()}
        self._otherwise = otherwise

    def __call__(self, request: Request) -> Awaitable[Response]:
        """The response. Errors: HttpError."""
        handler = self.find(target_of(request)) or self._otherwise
        return handler(request)

    def find(self, target: Target) -> Handler | None:
        """The handler of requests to there, if the embedder has one."""
        found = self._handlers.get((target.host, target.port))
        if found is None and target.port == PORTS[target.scheme]:
            return self._handlers.get((target.host, None))
        return found


def handler_of(given: Handler | App) -> Handler:
    """The handler itself, or one that answers with an ASGI application. Errors: ConfigError, if it is neither."""
    with contextlib.suppress(TypeError):
        signature = inspect.signature(given)
        with contextlib.suppress(TypeError):
            signature.bind(None)
            return cast(Handler, given)
        signature.bind(None, None, None)
        from wasihost._http.asgi import AsgiHandler

        return AsgiHandler(cast("App", given))
    raise ConfigError(f"http: {given!r}: expected a handler (request), or an ASGI application (scope, receive, send)")


def _authority(name: str) -> tuple[str, int | None]:
    try:
        return split_authority(name)
    except HttpError:
        raise ConfigError(f"http: {name!r}: expected a host, perhaps with a port, such as api.internal:8080") from None
