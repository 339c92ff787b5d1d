"""`save`: formats by the name of the file, and what is missing for them."""

from __future__ import annotations

import stat
import sys
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pictures.stories import Story, Talk
from tests.recordings import EVERY_EVENT
from wasihost._base.errors import MissingExtraError
from wasihost._network.base import MAX_DATAGRAM_BYTES, Address
from wasihost._recording import Recording, events
from wasihost._recording.events import Event
from wasihost._recording.pictures import save, write_pcapng, write_report


@pytest.fixture
def recording() -> Recording:
    story = Story()
    Talk(story).open().send(0, b"Hello").close()
    return story.recording


@pytest.mark.parametrize(
    ("name", "begin"),
    [("a.pcapng", b"\n\r\r\n"), ("a.HTML", b"<!DOCTYPE"), ("a.jsonl", b'{"format'), ("a", b'{"format')],
)
def test_the_name_of_a_file_says_its_format(recording: Recording, tmp_path: Path, name: str, begin: bytes) -> None:
    save(recording, tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(begin)


@pytest.mark.parametrize(
    ("module", "write", "extra"), [("scapy.utils", write_pcapng, "pcap"), ("jinja2", write_report, "report")]
)
def test_an_extra_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, recording: Recording, tmp_path: Path, module: str, write: object, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'wasihost\[{extra}\]'"):
        write(recording, tmp_path / "x")  # type: ignore[operator]


@pytest.mark.parametrize("name", ["a.pcapng", "a.html", "a.jsonl"])
def test_a_file_that_cannot_be_written_is_an_oserror(recording: Recording, tmp_path: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError):
        save(recording, tmp_path / "nowhere" / name)


@pytest.mark.parametrize("name", ["a.pcapng", "a.html", "a.jsonl"])
def test_only_its_owner_can_read_what_is_saved(recording: Recording, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for _ in ("made", "there already"):
        save(recording, path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)


def test_only_its_owner_can_read_what_is_recorded_into_a_file(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.touch(0o644)
    with Recording(to=path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.slow
@given(st.lists(EVERY_EVENT))
def test_whatever_can_be_read_can_be_shown(tmp_path_factory: pytest.TempPathFactory, found: list[Event]) -> None:
    recording = Recording()
    recording.events = found
    for name in ("a.pcapng", "a.html", "a.jsonl"):
        save(recording, tmp_path_factory.getbasetemp() / name)


def test_a_socket_whose_addresses_are_of_two_families_is_shown(tmp_path: Path) -> None:
    recording = Recording()
    local, remote = Address(IPv4Address("10.0.0.1"), 1), Address(IPv6Address("2001:db8::1"), 1)
    recording.add(events.Created(0, 1, 1, "udp", 4))
    recording.add(events.Bound(0, 1, 1, local, local))
    recording.add(events.DatagramSent(0, 1, 1, bytes(MAX_DATAGRAM_BYTES[6]), remote))
    save(recording, tmp_path / "a.pcapng")
