"""Recordings for Wireshark: `write_pcapng`. The file is written by scapy, which the extra `pcap` brings."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, Final

from wasihost._base import files
from wasihost._base.clock import NS_PER_S
from wasihost._base.errors import MissingExtraError
from wasihost._base.quoting import printable
from wasihost._recording import Recording, events
from wasihost._recording.pictures.wire import Packet, Wire

_LINKTYPE_RAW: Final = 101  # IP without anything around it
_NAME_RESOLUTION: Final = struct.pack("<I", 4)  # the type of a block
_IF_TSRESOL: Final = 9  # an option of the interface: the unit of times, as a power of ten


def write_pcapng(recording: Recording, path: str | os.PathLike[str]) -> None:
    """Writes the traffic as packets, which Wireshark and tshark open: each connection is a TCP stream.

    Names that were looked up are in it; calls and decisions of the policy are not. Errors: MissingExtraError, OSError.
    """
    with _writer(path) as writer:
        writer.write_header(None)
        writer.f.write(writer.build_block(_NAME_RESOLUTION, _names(recording.events)))
        wire = Wire()
        for event in recording.events:
            for packet in wire.packets(event):
                time_ns = max(0, recording.header.system_ns + packet.time_ns)  # the format knows no years before 1970
                writer.write_packet(_Commented(packet), sec=Fraction(time_ns, NS_PER_S))


def _names(found: Iterable[events.Event]) -> bytes:
    """The names of addresses from the lookups, as the body of a block."""
    known = {(ip, event.name) for event in found if isinstance(event, events.Resolved) for ip in event.addresses}
    records = []
    for ip, name in sorted(known, key=str):
        value = ip.packed + printable(name).encode()[:255] + b"\0"
        records.append(struct.pack("<HH", 1 if ip.version == 4 else 2, len(value)) + value + bytes(-len(value) % 4))
    return b"".join(records) + bytes(4)


class _Commented(bytes):
    """The bytes of a packet, with the attribute in which scapy looks for a comment."""

    comments: list[bytes] | None

    def __new__(cls, packet: Packet) -> _Commented:
        made = super().__new__(cls, packet.data)
        made.comments = [packet.comment.encode()] if packet.comment else None
        return made


def _writer(path: str | os.PathLike[str]) -> Any:
    try:
        from scapy.utils import PcapNgWriter
    except ImportError:
        raise MissingExtraError("pcap", "packets are written by scapy") from None

    class Writer(PcapNgWriter):
        """With times in nanoseconds; scapy's are in microseconds."""

        def __init__(self) -> None:
            opened = files.private(os.fspath(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            super().__init__(opened)  # type: ignore[arg-type]  # which goes to open(), so it may be a descriptor
            self.linktype = _LINKTYPE_RAW
            self.tsresol = NS_PER_S

        def _write_block_idb(self, linktype: int, ifname: bytes | None = None) -> None:
            body = struct.pack("<HHI", linktype, 0, 0)
            options = struct.pack("<HHBxxxHH", _IF_TSRESOL, 1, 9, 0, 0)
            self.f.write(self.build_block(struct.pack("<I", 1), body, options=options))

    return Writer()
