"""TLS around any socket of a network: `TlsSocket`, on `ssl.MemoryBIO`.

Theory of operation. OpenSSL has two buffers in the place of a connection. A call moves the bytes of the inner socket
into the one, lets OpenSSL work, and gives the inner socket the bytes of the other. A read that cannot go on waits for
the inner socket to be readable, but only if OpenSSL has used up all that came: it may hold decrypted bytes. A write is
done when its ciphertext has gone to the inner socket. Until then it blocks, and the same bytes are to be written again,
as with SSL_write(3): so nothing is left in here when the last write has returned.

Connections are TLS 1.2 or newer. An end without close_notify is an SSLEOFError: whoever cut it may not be the peer.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from wasihost._base.errors import ConfigError
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._network.base import Address, Socket
from wasihost._network.waiting import readable, writable
from wasihost._network.wrapping import SocketAround

_READ_BYTES = 1 << 16
_WRITE_BYTES = 1 << 16
"""Four records: bytes encrypted before any of them is sent."""
HAS_HTTP2: Final = find_spec("h2") is not None
_ALPN = ["h2", "http/1.1"] if HAS_HTTP2 else ["http/1.1"]


def client_context(
    *, ca: Path | str | None = None, cert: Path | str | None = None, key: Path | str | None = None
) -> ssl.SSLContext:
    """A context that verifies servers: with the roots of the system, or those in the file `ca` alone.

    `cert` is a certificate to show, with its chain, and `key` its private key, if that is in another file; all are PEM.
    It offers HTTP/2 where h2 is installed. Errors: ConfigError.
    """
    try:
        context = ssl.create_default_context(cafile=ca)
        context.set_alpn_protocols(_ALPN)
        if cert is not None:
            context.load_cert_chain(cert, key)
    except OSError as error:
        raise ConfigError(f"TLS: {ca or cert}: {error}") from error
    return context


def server_context(cert: Path | str, key: Path | str | None = None, *, ca: Path | str | None = None) -> ssl.SSLContext:
    """A context of a server: a certificate with its chain, and its private key; `ca` has clients show theirs.

    It offers HTTP/2 where h2 is installed. Errors: ConfigError.
    """
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.set_alpn_protocols(_ALPN)
        context.load_cert_chain(cert, key)
        if ca is not None:
            context.load_verify_locations(ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:
        raise ConfigError(f"TLS: {cert}: {error}") from error
    return context


async def connected(socket: Socket, context: ssl.SSLContext, host: str) -> TlsSocket:
    """A connected socket after the handshake with a server of that name or address. Errors: HttpError, OSError."""
    try:
        around = _named(socket, context, host)
        await around.shake_hands()
    except ConnectionError:
        socket.close()
        raise HttpError(ErrorCode.TLS_PROTOCOL_ERROR) from None
    except BaseException:
        socket.close()
        raise
    return around


def _named(socket: Socket, context: ssl.SSLContext, host: str) -> TlsSocket:
    try:
        return TlsSocket(socket, context, server_hostname=host)
    except ValueError:
        raise HttpError(ErrorCode.HTTP_REQUEST_URI_INVALID) from None


class TlsListener(SocketAround):
    """A listening socket whose connections are TLS; each shakes hands when it is first read or written."""

    __slots__ = ("_context",)

    def __init__(self, inner: Socket, context: ssl.SSLContext) -> None:
        super().__init__(inner)
        self._context = context

    def around(self, accepted: Socket, peer: Address) -> Socket:
        return TlsSocket(accepted, self._context, server_side=True)


class TlsSocket(SocketAround):
    """A connected socket that speaks TLS on the inner one. Errors: ssl.SSLError, and those of the inner one.

    The side of the server reads before it writes, since the handshake begins with the client. ValueError:
    `server_hostname` cannot be in a certificate.
    """

    __slots__ = ("_has_all_read", "_incoming", "_outgoing", "_sent", "_soon", "_tls", "_unsent")

    def __init__(
        self, inner: Socket, context: ssl.SSLContext, *, server_side: bool = False, server_hostname: str | None = None
    ) -> None:
        super().__init__(inner)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_hostname
        )
        self._unsent = memoryview(b"")  # ciphertext
        self._sent = 0  # bytes of a write that is not done
        self._has_all_read = False
        self._soon: asyncio.Handle | None = None

    @property
    def protocol(self) -> str | None:
        """The protocol agreed on by ALPN, after the handshake."""
        return self._tls.selected_alpn_protocol()

    # ---- ciphertext

    def _flush(self) -> None:
        """Sends all ciphertext. BlockingIOError: there is some left."""
        while True:
            if not self._unsent:
                self._unsent = memoryview(self._outgoing.read())
            if not self._unsent:
                return
            self._unsent = self._unsent[self.inner.send(self._unsent) :]

    def _receive(self) -> None:
        """Takes more ciphertext. BlockingIOError: none has come yet."""
        with contextlib.suppress(BlockingIOError):
            self._flush()  # the peer may wait for it
        try:
            data = self.inner.recv(_READ_BYTES)
        except BlockingIOError:
            self._has_all_read = True
            raise
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _attempt(self, call: Callable[[], Any]) -> Any:
        """The result of OpenSSL, with as much ciphertext as it wants."""
        self._has_all_read = False
        while True:
            try:
                return call()
            except ssl.SSLWantReadError:
                self._receive()
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    self._flush()  # the alert
                raise

    async def shake_hands(self) -> None:
        """Returns when both sides trust each other. Errors: ssl.SSLError, OSError."""
        while True:
            try:
                self._attempt(self._tls.do_handshake)
                break
            except BlockingIOError:
                await readable(self)
        while True:
            try:
                self._flush()
                return
            except BlockingIOError:
                await writable(self.inner)

    # ---- plaintext

    def recv_into(self, view: memoryview) -> int:
        try:
            return int(self._attempt(lambda: self._tls.read(len(view), view)))
        except ssl.SSLZeroReturnError:
            return 0

    def send(self, view: memoryview) -> int:
        self._flush()
        if not self._sent:
            self._sent = self._attempt(lambda: self._tls.write(view[:_WRITE_BYTES]))
            self._flush()
        sent = self._sent
        self._sent = 0
        return sent

    def wait_readable(self, callback: Callable[[], None]) -> None:
        if self._has_all_read:
            self.inner.wait_readable(callback)
        else:
            self._soon = asyncio.get_running_loop().call_soon(callback)

    def cancel_readable(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
        self.inner.cancel_readable()

    # ---- ends

    def shutdown_write(self) -> None:
        self._notify()
        self.inner.shutdown_write()

    def close(self) -> None:
        self._notify()
        self.inner.close()

    def _notify(self) -> None:
        """Sends close_notify, if the connection is there for it."""
        with contextlib.suppress(OSError):
            self._tls.unwrap()
        with contextlib.suppress(OSError):
            self._flush()
