"""HTTP: components as ASGI applications, servers, and the messages that handlers take and give.

    app = wasihost.http.asgi(Host(), "app.wasm")  # for uvicorn, hypercorn, granian, or to mount

Guests that send over a network need the extra `http`.
"""

from typing import Any

from wasihost._base.public import publish as _publish
from wasihost._host.host import Host
from wasihost._host.http_server import GuestHandler, GuestServer
from wasihost._host.source import ComponentSource
from wasihost._http.answering import Answered
from wasihost._http.asgi import Application, AsgiHandler
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.limits import ServerLimits
from wasihost._http.messages import Body, BytesBody, Handler, Header, Request, RequestOptions, Response
from wasihost._http.tls import client_context, server_context

__all__ = [
    "Answered",
    "Application",
    "AsgiHandler",
    "Body",
    "BytesBody",
    "ErrorCode",
    "GuestHandler",
    "GuestServer",
    "Handler",
    "Header",
    "HttpError",
    "Request",
    "RequestOptions",
    "Response",
    "ServerLimits",
    "asgi",
    "client_context",
    "server_context",
]


def asgi(host: Host, component: ComponentSource, **options: Any) -> Application:
    """An ASGI 3 application, with lifespan, that answers with a component; `options` are those of `Host.answering`.

    The component is compiled and its instances are made when the server starts the lifespan; with a server that has
    none, when the first request comes. Errors of loading are those of the start.
    """
    return Application(lambda: host.answering(component, **options))


_publish(globals())
