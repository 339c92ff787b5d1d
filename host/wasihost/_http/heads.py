"""Heads of messages, and lines of headers (RFC 9112, sections 2 to 6).

Text that a proxy in front may understand in another way is refused (section 11.2): lines that end in LF alone, folded
ones, control characters, several hosts, lengths that are not one number, content-length beside transfer-encoding, and
chunks of HTTP/1.0. h11 takes some of it, and twice the time for a head.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Final, NamedTuple, cast

from wasihost._http.messages import Header, values

AMBIGUOUS: Final = re.compile(rb"[^\r]\n|\r[^\n]|\n[ \t]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Mistakes in trailers, though some servers take them: ends that are not CR and LF, lines that are
folded, and control characters.
"""
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rb"%s [\x21-\x7e]+ HTTP/[0-9]\.[0-9]" % _TOKEN)
_STATUS_LINE = re.compile(rb"HTTP/(1\.[01]) ([0-9]{3})(?: [^\r]*)?")
_NAME = re.compile(_TOKEN)
_LENGTH = re.compile(rb"[0-9]{1,20}")
_READ = frozenset({"connection", "content-length", "expect", "host", "te", "transfer-encoding"})
"""The headers of a request that the server reads itself."""
_PLAIN = b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))
"""All characters of a head but for the ends of its lines."""


class BadRequest(Exception):
    """The bytes that came are not a request that can be answered, except with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Http2Preface(Exception):
    """The client speaks HTTP/2 from the start (RFC 9113, section 3.4); `data` are its bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


@dataclass(slots=True)
class RequestHead:
    """A request without its body; `length` is None if only the end says how long that is, `scheme` if none is given."""

    method: str
    target: str
    version: str
    headers: list[Header]
    length: int | None
    host: str | None
    keeps_alive: bool
    expects_continue: bool
    scheme: str | None = None
    takes_trailers: bool = False
    """Whether the client says that it reads them."""


def header(line: bytes) -> Header | None:
    """The header or trailer of a line in which nothing is ambiguous; None if there is none."""
    name, colon, value = line.partition(b":")
    text = _name(name)
    if not colon or text is None:
        return None
    return text, value.strip(b" \t")  # a pattern that strips would take quadratic time for blanks


@functools.lru_cache(maxsize=256)  # messages have the same few names
def _name(name: bytes) -> str | None:
    """The name of a header as text; None if it is none."""
    return name.decode("ascii") if _NAME.fullmatch(name) else None


def is_ambiguous(head: bytes) -> bool:
    """Whether a whole head has line ends other than CR and LF, or control characters; `header` refuses folded lines."""
    return len(head.translate(None, _PLAIN)) != 2 * head.count(b"\r\n")


def closes(connection: bytes) -> bool:
    """Whether the value of `connection` says that it ends."""
    return b"close" in map(bytes.strip, connection.lower().split(b","))


def request_head(text: bytes) -> RequestHead:
    """A head with the empty line at its end. Errors: BadRequest."""
    if is_ambiguous(text):
        raise BadRequest(400)
    first, *lines = text[:-4].split(b"\r\n")
    request = _REQUEST_LINE.fullmatch(first)
    if request is None:
        raise BadRequest(400)
    headers: list[Header] = []
    named: dict[str, list[bytes]] = {}
    for line in lines:
        found = header(line)
        if found is None:
            raise BadRequest(400)
        headers.append(found)
        name = found[0].lower()
        if name in _READ:
            named.setdefault(name, []).append(found[1])
    method, target, version = request[0].decode().split(" ")
    version = version.removeprefix("HTTP/")
    length = _length(named, version) if "content-length" in named or "transfer-encoding" in named else 0
    host = _host(named, version)
    if version not in ("1.0", "1.1"):
        raise BadRequest(505)
    expected = b",".join(named["expect"]).lower() if "expect" in named else b""
    if expected not in (b"", b"100-continue"):
        raise BadRequest(417)
    return RequestHead(
        method=method,
        target=target,
        version=version,
        headers=headers,
        length=length,
        host=host,
        keeps_alive=version == "1.1" and not ("connection" in named and closes(b",".join(named["connection"]))),
        expects_continue=bool(expected) and version == "1.1",
        takes_trailers="te" in named and b"trailers" in b",".join(named["te"]).lower(),
    )


class PlainHead(NamedTuple):
    """The head of a response about which nothing is odd."""

    status: int
    version: bytes
    headers: list[Header]


def plain_head(text: bytes) -> PlainHead | None:
    """A head with the empty line at its end; None if anything in it is odd, or it is that of an interim response."""
    first, *lines = text[:-4].split(b"\r\n")
    status_line = _STATUS_LINE.fullmatch(first)
    headers = list(map(header, lines))
    if status_line is None or status_line[2] < b"200" or None in headers or is_ambiguous(text):
        return None
    found = cast(list[Header], headers)
    lengths = values(found, "content-length")
    codings = values(found, "transfer-encoding")
    if len(lengths) + len(codings) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
        return None
    if codings and codings[0].lower() != b"chunked":
        return None
    return PlainHead(int(status_line[2]), status_line[1], found)


def _length(named: dict[str, list[bytes]], version: str) -> int | None:
    """Of the content; None if it comes in chunks. Errors: BadRequest."""
    codings = named.get("transfer-encoding")
    lengths = named.get("content-length", [b"0"])
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise BadRequest(400)
    if codings is None:
        return int(lengths[0])
    if [coding.lower() for coding in codings] != [b"chunked"]:
        raise BadRequest(501)
    if "content-length" in named or version == "1.0":
        raise BadRequest(400)
    return None


def _host(named: dict[str, list[bytes]], version: str) -> str | None:
    """Errors: BadRequest, if there are several, or none where there has to be one."""
    hosts = named.get("host", ())
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        raise BadRequest(400)
    return hosts[0].decode("latin-1") if hosts else None
