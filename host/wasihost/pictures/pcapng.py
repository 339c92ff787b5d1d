"""Recordings for Wireshark: `write_pcapng`. The file is written by scapy, which the extra `pcap` brings."""

from __future__ import annotations

import os
import struct
from fractions import Fraction
from typing import Any, Final

from wasihost.errors import MissingExtraError
from wasihost.network.recording import Recording
from wasihost.pictures.wire import Packet, Wire

_LINKTYPE_RAW: Final = 101  # IP without anything around it
_IF_TSRESOL: Final = 9  # an option of the interface: the unit of times, as a power of ten
_NS: Final = 1_000_000_000


def write_pcapng(recording: Recording, path: str | os.PathLike[str]) -> None:
    """Writes what went over the network as packets, which Wireshark and tshark open: each connection is a TCP stream.

    What only guests and policies know is not in it. Errors: MissingExtraError, OSError.
    """
    with _writer(path) as writer:
        writer.write_header(None)
        wire = Wire()
        for event in recording.events:
            for packet in wire.packets(event):
                time_ns = recording.header.system_ns + packet.time_ns
                writer.write_packet(_Commented(packet), sec=Fraction(time_ns, _NS))


class _Commented(bytes):
    """The bytes of a packet, with what scapy looks for to find a comment."""

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
            super().__init__(os.fspath(path))
            self.linktype, self.tsresol = _LINKTYPE_RAW, _NS

        def _write_block_idb(self, linktype: int, ifname: bytes | None = None) -> None:
            body = struct.pack(self.endian + "HHI", linktype, 0, 0)
            options = struct.pack(self.endian + "HHBxxxHH", _IF_TSRESOL, 1, 9, 0, 0)
            self.f.write(self.build_block(struct.pack(self.endian + "I", 1), body, options=options))

    return Writer()
