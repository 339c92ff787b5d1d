"""Recordings as text: JSON Lines, a header and then one event a line. docs/how-to/recordings.md describes the format.

Text because it can be searched, compared and cut with common tools. Nothing is lost: `bytes` are a
string if they are printable UTF-8, else `{"base64": "…"}`.
"""

from __future__ import annotations

import base64
import binascii
import errno
import functools
import json
import os
import re
import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address
from typing import Any, Final, get_args, get_type_hints

from wasihost._base.errors import RecordingError
from wasihost._base.frozen import Frozen
from wasihost._base.version import __version__
from wasihost._network.base import MAX_DATAGRAM_BYTES, Address, Family, IpAddress, Option
from wasihost._recording.events import (
    EVENTS,
    DatagramReceived,
    DatagramSent,
    Direction,
    Event,
    Side,
    StandardStream,
    Transport,
    Way,
)

FORMAT: Final = "wasihost-recording"
VERSION: Final = 1
_UTF_8 = ("utf-8", "surrogateescape")  # names of files need not be UTF-8


class Header(Frozen):
    """The first line: the writer of the recording, and the calendar time at its beginning (`Clock.system_ns`)."""

    system_ns: int = 0
    wasihost: str = __version__


# ---- lines


def header_line(header: Header) -> bytes:
    """The first line of a transcript."""
    fields = {"format": FORMAT, "version": VERSION, "wasihost": header.wasihost, "system_ns": header.system_ns}
    return _line(fields)


def event_line(event: Event) -> bytes:
    """The line of an event."""
    fields: dict[str, Any] = {"time_ns": event.time_ns, "guest": event.guest, "event": event.kind}
    for name, codec in _codecs(event.kind):
        fields[name] = codec.encode(getattr(event, name))
    return _line(fields)


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode(*_UTF_8) + b"\n"


def read(lines: Iterable[bytes], origin: str) -> tuple[Header, list[Event]]:
    """The content of a transcript. Errors: RecordingError, naming the line; `origin` names the transcript in it."""
    header = None
    events = []
    number = 1
    for number, line in enumerate(lines, 1):
        try:
            if not line.endswith(b"\n"):
                raise _Wrong("the line is cut off; whoever wrote it did not come to its end")
            if header is None:
                header = _header(_object(line))
            else:
                events.append(_event(_object(line)))
        except _Wrong as wrong:
            raise RecordingError(f"{origin}:{number}: {wrong}") from None
        except RecursionError:
            raise RecordingError(f"{origin}:{number}: not JSON of ours: nested too deep") from None
    if header is None:
        raise RecordingError(f"{origin}:{number}: not a recording: the file is empty")
    return header, events


class _Wrong(Exception):
    """A mistake in a line."""


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line.decode(*_UTF_8))
    except ValueError as error:
        raise _Wrong(f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise _Wrong(f"expected an object, got {_shown(found)}")
    return found


def _header(fields: dict[str, Any]) -> Header:
    if fields.get("format") != FORMAT:
        raise _Wrong(f'not a recording: expected a header with "format": "{FORMAT}", got {_shown(fields)}')
    version = _integer(_taken(fields, "version"))
    if version > VERSION:
        raise _Wrong(
            f"version {version} of the format; wasihost {__version__} reads up to version {VERSION}: read it with the "
            f"wasihost that wrote it, {fields.get('wasihost', 'an unknown one')}"
        )
    return Header(_int64(_taken(fields, "system_ns")), _text(_taken(fields, "wasihost")))


def _event(fields: dict[str, Any]) -> Event:
    name = _text(_taken(fields, "event"))
    kind = EVENTS.get(name)
    if kind is None:
        raise _Wrong(f"there is no event {name!r}; those of version {VERSION} are {', '.join(EVENTS)}")
    values = [_field(fields, "time_ns", _int64), _field(fields, "guest", _int64)]
    values += [_field(fields, name, codec.decode) for name, codec in _codecs(name)]
    if unknown := fields.keys() - kind.__match_args__ - {"event"}:
        raise _Wrong(f"{name}: there is no field {min(unknown)!r}; it has {', '.join(kind.__match_args__)}")
    event = kind(*values)
    if isinstance(event, DatagramSent | DatagramReceived):
        size = len(event.data)
        most = MAX_DATAGRAM_BYTES[event.remote.ip.version]
        if size > most:
            raise _Wrong(f"{name}: data: a datagram has at most {most} bytes, got {size}")
    return event


def _field(fields: dict[str, Any], name: str, decode: Callable[[Any], Any]) -> Any:
    try:
        return decode(_taken(fields, name))
    except _Wrong as wrong:
        raise _Wrong(f"{fields['event']}: {name}: {wrong}") from None


def _taken(fields: dict[str, Any], name: str) -> Any:
    try:
        return fields[name]
    except KeyError:
        raise _Wrong(f"there is no field {name!r}") from None


# ---- fields


class _Codec(Frozen):
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise _Wrong(f"expected an integer, got {_shown(value)}")
    return value


def _int64(value: Any) -> int:
    if not -(1 << 63) <= _integer(value) < 1 << 63:
        raise _Wrong(f"expected an integer of 64 bits, got {_shown(value)}")
    return int(value)


def _text(value: Any) -> str:
    try:
        if isinstance(value, str):
            value.encode(*_UTF_8)
            return value
    except UnicodeEncodeError:
        pass
    raise _Wrong(f"expected a string of Unicode, got {_shown(value)}")


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(f"expected true or false, got {_shown(value)}")
    return value


def _option(value: Any) -> Option:
    names = Option.__members__
    if not isinstance(value, str) or value not in names:
        raise _Wrong(f"expected one of {', '.join(names)}, got {_shown(value)}")
    return names[value]


_SPACES = str.maketrans("", "", "\t\r\n")


def encode_bytes(data: bytes) -> str | dict[str, str]:
    """The JSON of bytes: themselves if they can be read, else Base64."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    return text if text.translate(_SPACES).isprintable() else {"base64": base64.b64encode(data).decode()}


def _bytes(value: Any) -> bytes:
    try:
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, dict) and value.keys() == {"base64"}:
            return base64.b64decode(value["base64"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        pass
    raise _Wrong(f'expected a string, or {{"base64": "…"}} in Base64, got {_shown(value)}')


_ADDRESS = re.compile(
    r"(?:\[(?P<six>[0-9a-fA-F:.]+)(?:%(?P<scope>\d+))?\]|(?P<four>[0-9.]+)):(?P<port>\d+)(?: flow (?P<flow>\d+))?",
    re.ASCII,
)


def encode_address(address: Address) -> str:
    """`127.0.0.1:80`, `[fe80::1%2]:80`: with the number of the scope; and with ` flow 5` behind, where there is one."""
    if address.ip.version == 4:
        return f"{address.ip}:{address.port}"
    scope = f"%{address.scope_id}" if address.scope_id else ""
    flow = f" flow {address.flow_info}" if address.flow_info else ""
    return f"[{IPv6Address(int(address.ip))}{scope}]:{address.port}{flow}"


def _address(value: Any) -> Address:
    match = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    try:
        if match is not None and (match["four"] is None or match["flow"] is None):
            ip = ip_address(match["four"] or match["six"])
            port, flow, scope = (int(match[name] or 0) for name in ("port", "flow", "scope"))
            if port <= 0xFFFF and max(flow, scope) < 1 << 32:
                return Address(ip, port, flow, scope)
    except ValueError:
        pass
    raise _Wrong(f"expected an address, such as 127.0.0.1:80 or [::1]:80, got {_shown(value)}")


def _ip(value: Any) -> IpAddress:
    try:
        return ip_address(_text(value))
    except ValueError:
        raise _Wrong(f"expected an IP address, got {_shown(value)}") from None


def _words(literal: Any) -> _Codec:
    """For one of the values of a `Literal`."""
    words = get_args(literal)

    def decode(value: Any) -> Any:
        if type(value) is not type(words[0]) or value not in words:
            raise _Wrong(f"expected {' or '.join(map(json.dumps, words))}, got {_shown(value)}")
        return value

    return _Codec(_same, decode)


def _several(encode: Callable[[Any], Any], decode: Callable[[Any], Any]) -> _Codec:
    def decode_all(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _Wrong(f"expected an array, got {_shown(value)}")
        return tuple(map(decode, value))

    return _Codec(lambda values: list(map(encode, values)), decode_all)


def _or_none(codec: _Codec) -> _Codec:
    return _Codec(
        lambda value: None if value is None else codec.encode(value),
        lambda value: None if value is None else codec.decode(value),
    )


def _same(value: Any) -> Any:
    return value


def _header_pair(value: Any) -> tuple[str, bytes]:
    if not isinstance(value, list) or len(value) != 2:
        raise _Wrong(f"expected an array of a name and a value, got {_shown(value)}")
    return _text(value[0]), _bytes(value[1])


_STR = _Codec(_same, _text)
_ADDRESS_CODEC = _Codec(encode_address, _address)
_CODECS: dict[Any, _Codec] = {
    int: _Codec(_same, _int64),
    int | None: _or_none(_Codec(_same, _integer)),  # exit codes, and seeds, which may have any size
    str: _STR,
    str | None: _or_none(_STR),
    bool: _Codec(_same, _bool),
    bytes: _Codec(encode_bytes, _bytes),
    Address: _ADDRESS_CODEC,
    Address | None: _or_none(_ADDRESS_CODEC),
    Option: _Codec(lambda option: option.name, _option),
    tuple[str, ...]: _several(_same, _text),
    tuple[tuple[str, bytes], ...]: _several(lambda pair: [pair[0], encode_bytes(pair[1])], _header_pair),
    tuple[IpAddress, ...]: _several(str, _ip),
    **{literal: _words(literal) for literal in (Family, Transport, Direction, Side, StandardStream, Way)},
}


@functools.cache
def _codecs(kind: str) -> list[tuple[str, _Codec]]:
    """The fields of a kind after time and guest, each with the codec of its type."""
    event = EVENTS[kind]
    field_types = get_type_hints(event)
    names: tuple[str, ...] = event.__match_args__[2:]
    return [(name, _CODECS[field_types[name]]) for name in names]


# ---- errors


_TEXT_IS_KNOWN = ("EAI_NONAME", "EAI_AGAIN", "EAI_FAIL")  # to mean no more than the name, see `Network.resolve`


def error_name(error: OSError) -> str:
    """The name of an error in POSIX, which is the same everywhere, and its text where that is a text of its own."""
    if error.errno is None:
        return str(error)
    if isinstance(error, socket.gaierror):
        found = (name for name in dir(socket) if name.startswith("EAI_") and getattr(socket, name) == error.errno)
        name = min(found, default="EAI_FAIL")
        is_known = name in _TEXT_IS_KNOWN
    else:
        name = errno.errorcode.get(error.errno, "EIO")
        is_known = error.strerror in (None, os.strerror(error.errno))
    return name if is_known else f"{name}: {error.strerror}"


def error_from_name(name: str) -> OSError:
    """The error that `error_name` named, as this system has it."""
    word, _, text = name.partition(": ")
    if word.startswith("EAI_") and hasattr(socket, word):
        return socket.gaierror(getattr(socket, word), text or word)
    code = getattr(errno, word, None) if word.startswith("E") else None
    return OSError(name) if code is None else OSError(code, text or os.strerror(code))
