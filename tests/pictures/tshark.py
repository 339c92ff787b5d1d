"""What tshark makes of a file of packets."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

CHECKSUMS = ("ip.checksum.status", "tcp.checksum.status", "udp.checksum.status")
# That happened.
HARMLESS = "tcp.analysis.reused_ports"


def tshark(path: Path, *words: str, names: bool = False) -> list[str]:
    """The lines that tshark prints, with checksums checked, and with names of addresses that the file has."""
    checked = [f"-o{protocol}.check_checksum:TRUE" for protocol in ("ip", "tcp", "udp")]
    command = ["tshark", "-r", str(path), "-Nn" if names else "-n", *checked, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def fields(path: Path, *wanted: str, where: str = "", names: bool = False) -> list[tuple[str, ...]]:
    """Fields of each packet."""
    words = [word for name in wanted for word in ("-e", name)]
    return [tuple(line.split("\t")) for line in tshark(path, "-Tfields", *words, "-Y", where or "frame", names=names)]


def streams(path: Path, count: int) -> list[tuple[bytes, bytes]]:
    """What the client and what the server sent, in each of the first streams, as “Follow TCP Stream” shows it."""
    words = [word for number in range(count) for word in ("-z", f"follow,tcp,raw,{number}")]
    found: dict[int, tuple[bytearray, bytearray]] = {}
    sides = None
    for line in tshark(path, "-q", *words):
        if match := re.fullmatch(r"Filter: tcp.stream eq (\d+)", line):
            sides = found[int(match[1])] = bytearray(), bytearray()
        elif sides is not None and re.fullmatch(r"\t?[0-9a-f]+", line):
            sides[line.startswith("\t")].extend(bytes.fromhex(line))
    return [(bytes(found[number][0]), bytes(found[number][1])) for number in range(count)]


def stream_count(path: Path) -> int:
    """How many TCP streams there are."""
    return len({number for (number,) in fields(path, "tcp.stream", where="tcp")})


def problems(path: Path) -> list[str]:
    """What is odd about the packets: lost or repeated ones, full windows, wrong checksums."""
    odd = [
        f"(tcp.analysis.flags and not {HARMLESS})",
        "tcp.analysis.ack_lost_segment",
    ]
    odd += [f'{field} == "Bad"' for field in CHECKSUMS]
    return tshark(path, "-Y", " or ".join(odd))
