"""`write_pcapng`: what tshark, which is Wireshark without windows, makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pictures.stories import CLIENT, CLIENT_6, SERVER, SERVER_6, Story, Talk, address
from tests.pictures.tshark import fields, problems, stream_count, streams
from tests.tools import needs
from wasihost._recording import Recording, events
from wasihost._recording.pictures import write_pcapng
from wasihost._recording.transcript import Header

pytestmark = needs("tshark")
ends = pytest.mark.parametrize("recorded", [(0,), (1,), (0, 1)], ids=["client", "server", "both"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.pcapng"


def flags(path: Path) -> list[str]:
    """The flags of each TCP packet, such as `SA`."""
    return [text.replace("·", "") for (text,) in fields(path, "tcp.flags.str", where="tcp")]


# ---- streams


@ends
@pytest.mark.parametrize(("client", "server"), [(CLIENT, SERVER), (CLIENT_6, SERVER_6)], ids=["ipv4", "ipv6"])
def test_following_a_stream_gives_back_the_bytes(
    recorded: tuple[int, ...], client: object, server: object, path: Path
) -> None:
    story = Story()
    talk = Talk(story, client, server, recorded).open()  # type: ignore[arg-type]
    talk.send(0, b"Hello").send(1, bytes(range(256)) * 400).send(0, b"!").finish(0).send(1, b"bye").finish(1).close()
    write_pcapng(story.recording, path)
    assert stream_count(path) == 1
    assert streams(path, 1) == [talk.said]
    assert problems(path) == []
    found = flags(path)
    assert found[:3] == ["S", "AS", "A"]
    assert found.count("AF") == 2


def test_checksums_are_right(path: Path) -> None:
    story = Story()
    for client, server in ((CLIENT, SERVER), (CLIENT_6, SERVER_6)):
        Talk(story, client, server).open().send(0, b"odd").send(1, b"even").close()
    write_pcapng(story.recording, path)
    assert set(fields(path, "tcp.checksum.status")) == {("1",)}  # good
    assert set(fields(path, "ip.checksum.status", where="ip")) == {("1",)}


def test_times_are_those_of_the_calendar_to_the_nanosecond(path: Path) -> None:
    recording = Recording()
    recording.header = Header(1_700_000_000_123_456_789)
    recording.add(events.Connecting(111, 1, 1, CLIENT, SERVER))
    write_pcapng(recording, path)
    assert fields(path, "frame.time_epoch") == [("1700000000.123456900",)]


def test_a_comment_says_which_socket_it_is(path: Path) -> None:
    story = Story()
    Talk(story, recorded=(1,), guest=3).open()
    write_pcapng(story.recording, path)
    assert fields(path, "frame.comment") == [("socket 1 of guest 3",), ("",), ("",)]


def test_addresses_have_the_names_that_were_looked_up(path: Path) -> None:
    story = Story()
    for ip in (SERVER.ip, SERVER_6.ip):
        story.add(events.Resolved, "db.example", (ip,), None)
    story.add(events.Resolved, "evil\0\x1b" + "x" * 300, (CLIENT.ip,), None)
    Talk(story).open()
    Talk(story, CLIENT_6, SERVER_6).open()
    write_pcapng(story.recording, path)
    assert set(fields(path, "ip.dst_host", "ipv6.dst_host", where="tcp.dstport == 7000", names=True)) == {
        ("db.example", ""),
        ("", "db.example"),
    }


def test_the_same_recording_gives_the_same_file(tmp_path: Path) -> None:
    story = Story()
    Talk(story).open().send(0, b"Hello").close()
    for name in ("one", "two"):
        write_pcapng(story.recording, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_an_empty_recording_gives_a_file_without_packets(path: Path) -> None:
    write_pcapng(Recording(), path)
    assert fields(path, "frame.number") == []


@ends
def test_more_than_a_window_is_no_trouble(recorded: tuple[int, ...], path: Path) -> None:
    story = Story()
    talk = Talk(story, recorded=recorded).open().send(0, bytes(1_000_000)).send(1, b"x" * 1_000_001).close()
    write_pcapng(story.recording, path)
    assert streams(path, 1) == [talk.said]
    assert problems(path) == []


# ---- how connections end


@ends
@pytest.mark.parametrize("end", [0, 1])
def test_a_half_closed_stream_goes_on_in_the_other_direction(recorded: tuple[int, ...], end: int, path: Path) -> None:
    story = Story()
    talk = Talk(story, recorded=recorded).open().send(end, b"last").finish(end).send(1 - end, b"more").close()
    write_pcapng(story.recording, path)
    assert streams(path, 1) == [talk.said]
    assert problems(path) == []


@ends
@pytest.mark.parametrize("end", [0, 1])
def test_a_reset_is_one_reset(recorded: tuple[int, ...], end: int, path: Path) -> None:
    story = Story()
    talk = Talk(story, recorded=recorded).open().send(0, b"x").send(1, b"y").reset(end).close()
    write_pcapng(story.recording, path)
    found = flags(path)
    assert found[-1] == "AR"
    assert found.count("AR") == 1
    assert streams(path, 1) == [talk.said]
    assert problems(path) == []


def test_a_refused_connect_is_answered_by_a_reset(path: Path) -> None:
    talk = Talk(Story()).ask()
    talk.tell(0, events.Failed, "finish_connect", "ECONNREFUSED", SERVER)
    talk.close()
    write_pcapng(talk.story.recording, path)
    assert flags(path) == ["S", "AR"]
    assert problems(path) == []


def test_a_connect_that_times_out_is_not_answered(path: Path) -> None:
    talk = Talk(Story()).ask()
    talk.tell(0, events.Failed, "finish_connect", "ETIMEDOUT", SERVER)
    talk.close()
    write_pcapng(talk.story.recording, path)
    assert flags(path) == ["S"]


# ---- which connection it is


def test_a_connection_that_is_accepted_after_the_client_closed_it_is_one_stream(path: Path) -> None:
    story = Story()
    talk = Talk(story).open().send(0, b"all").close()
    accepted = story.socket()
    story.add(events.Accepted, story.socket(), accepted, SERVER, CLIENT)
    story.add(events.Received, accepted, b"all")
    story.add(events.ReceivedEnd, accepted)
    story.add(events.Closed, accepted)
    write_pcapng(story.recording, path)
    assert stream_count(path) == 1
    assert streams(path, 1) == [talk.said]
    assert problems(path) == []


@ends
def test_ports_that_are_used_again_are_another_stream(recorded: tuple[int, ...], path: Path) -> None:
    story = Story()
    talks = [Talk(story, recorded=recorded).open().send(0, b"%d" % number).close() for number in range(3)]
    write_pcapng(story.recording, path)
    assert streams(path, 3) == [talk.said for talk in talks]
    assert problems(path) == []


def test_the_same_loopback_addresses_on_two_hosts_are_two_streams(path: Path) -> None:
    story, here, there = Story(), address("127.0.0.1", 32768), address("127.0.0.1", 80)
    talks = [Talk(story, here, there, (0, 1), guest) for guest in (1, 2)]
    for talk in talks:
        talk.open()
    for end in (0, 1, 0):
        for number, talk in enumerate(talks):
            talk.send(end, b"%d of guest %d" % (end, number))
    for talk in talks:
        talk.close()
    write_pcapng(story.recording, path)
    assert streams(path, 2) == [talk.said for talk in talks]
    assert problems(path) == []


def test_a_client_that_was_refused_is_not_the_one_that_is_accepted_later(path: Path) -> None:
    story = Story()
    refused = Talk(story).ask()
    refused.tell(0, events.Failed, "finish_connect", "ECONNREFUSED", SERVER)
    later = Talk(story, recorded=(1,)).open().send(0, b"later").close()
    write_pcapng(story.recording, path)
    assert streams(path, 2) == [(b"", b""), later.said]


Step = tuple[int, str, int, bytes]
steps = st.tuples(
    st.integers(0, 3),
    st.sampled_from(["send", "send", "send", "send", "finish", "reset", "close"]),
    st.integers(0, 1),
    st.binary(min_size=1, max_size=40) | st.integers(32760, 70000).map(bytes),
)


@pytest.mark.nightly
@settings(max_examples=15)
@given(st.lists(st.sampled_from([(0,), (1,), (0, 1)]), min_size=4, max_size=4), st.lists(steps, max_size=40))
def test_any_conversations_at_once_can_be_followed(
    tmp_path_factory: pytest.TempPathFactory, recorded: list[tuple[int, ...]], script: list[Step]
) -> None:
    story = Story()
    talks = [
        Talk(
            story,
            address(["127.0.0.1", "::1"][number % 2], 50000 + number),
            address(["127.0.0.1", "::1"][number % 2], 7),
            ends,
        ).open()
        for number, ends in enumerate(recorded)
    ]
    finished = [set[int]() for _ in talks]
    for number, action, end, data in script:
        talk, done = talks[number], finished[number]
        if action == "send" and end not in done:
            talk.send(end, data)
        elif action == "finish" and end not in done:
            talk.finish(end)
            done.add(end)
        elif action == "reset" and not done:
            talk.reset(end)
            done |= {0, 1}
        elif action == "close":
            done |= {0, 1}
            talk.close()
    path = tmp_path_factory.mktemp("any") / "run.pcapng"
    write_pcapng(story.recording, path)
    assert stream_count(path) == 4
    assert streams(path, 4) == [talk.said for talk in talks]
    assert problems(path) == []


# ---- UDP


@pytest.mark.parametrize(("local", "remote"), [(CLIENT, SERVER), (CLIENT_6, SERVER_6)], ids=["ipv4", "ipv6"])
def test_datagrams_are_packets(local: object, remote: object, path: Path) -> None:
    story = Story()
    number = story.datagram_socket(local)  # type: ignore[arg-type]
    story.add(events.DatagramSent, number, b"ping", remote)
    story.add(events.DatagramReceived, number, b"", remote)
    story.add(events.DatagramReceived, number, b"x" * 65000, remote)
    write_pcapng(story.recording, path)
    found = fields(path, "udp.srcport", "udp.dstport", "udp.length", "udp.checksum.status")
    assert found == [("40000", "7000", "12", "1"), ("7000", "40000", "8", "1"), ("7000", "40000", "65008", "1")]
    assert fields(path, "udp.payload")[0] == (b"ping".hex(),)
    assert problems(path) == []


def test_a_datagram_between_sockets_of_the_recording_is_one_packet(path: Path) -> None:
    story = Story()
    sender, receiver = story.datagram_socket(CLIENT), story.datagram_socket(address("0.0.0.0", 7000))
    story.add(events.DatagramSent, sender, b"ping", SERVER)
    story.add(events.DatagramReceived, receiver, b"ping", CLIENT)
    story.add(events.DatagramReceived, receiver, b"ping", CLIENT)  # the network doubled it
    write_pcapng(story.recording, path)
    assert len(fields(path, "frame.number")) == 2


def test_a_socket_that_is_bound_to_any_address_talks_to_loopback_from_there(path: Path) -> None:
    story = Story()
    number = story.datagram_socket(address("0.0.0.0", 9))
    story.add(events.DatagramSent, number, b"ping", address("127.0.0.1", 10))
    write_pcapng(story.recording, path)
    assert fields(path, "ip.src", "ip.dst") == [("127.0.0.1", "127.0.0.1")]
