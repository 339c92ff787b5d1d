"""Origins that the embedder answers for: `{"api.internal": handler, "db.internal:8080": handler}`."""

from __future__ import annotations

from collections.abc import Mapping

from wasihost._base.errors import ConfigError
from wasihost._http.errors import HttpError
from wasihost._http.messages import Handler, Request, Response
from wasihost._http.targets import PORTS, Target, split_authority, target_of


class Origins:
    """Answers requests to some hosts, and passes on those to others: a `Handler` around another.

    A name without a port is for the port of either scheme.
    """

    def __init__(self, handlers: Mapping[str, Handler], otherwise: Handler) -> None:
        self._handlers = {_authority(name): handler for name, handler in handlers.items()}
        self._otherwise = otherwise

    async def __call__(self, request: Request) -> Response:
        """The response. Errors: HttpError."""
        handler = self.find(target_of(request)) or self._otherwise
        return await handler(request)

    def find(self, target: Target) -> Handler | None:
        """What answers requests there, if the embedder does."""
        found = self._handlers.get((target.host, target.port))
        if found is None and target.port == PORTS[target.scheme]:
            return self._handlers.get((target.host, None))
        return found


def _authority(name: str) -> tuple[str, int | None]:
    try:
        return split_authority(name)
    except HttpError:
        raise ConfigError(f"http: {name!r}: expected a host, perhaps with a port, such as api.internal:8080") from None
