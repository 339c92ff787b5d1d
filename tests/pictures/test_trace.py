"""`Trace`: the lines that it writes, and that nothing of a guest's gets to the terminal as it is."""

from __future__ import annotations

import io
from ipaddress import ip_address

from tests.pictures.stories import SERVER, Story, Talk, address
from wasihost._network.base import Option
from wasihost._recording import events
from wasihost._recording.pictures import Trace


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def traced(story: Story, *, colours: bool | None = None, stream: io.StringIO | None = None) -> list[str]:
    """The lines for a story."""
    stream = stream or io.StringIO()
    trace = Trace(stream, colours=colours)
    for event in story.recording.events:
        trace(event)
    trace.close()
    return stream.getvalue().splitlines()


def test_a_connection_from_its_begin_to_its_end() -> None:
    story = Story()
    talk = Talk(story).open().send(0, b"Hello\r\n").send(1, bytes(100)).finish(1)
    talk.tell(0, events.ShutDown, "read")
    talk.close()
    assert traced(story) == [
        "   0.000000       #1   tcp socket for IPv4, of guest 1",
        "   0.000001       #1 → connecting to 198.51.100.7:7000, from 192.0.2.1:40000",
        "   0.000002       #1   connected to 198.51.100.7:7000, from 192.0.2.1:40000",
        r"   0.000003       #1 →       7 B  Hello\r\n",
        r"   0.000004       #1 ←     100 B  " + 12 * r"\x00" + " …",
        "   0.000005       #1 ← end",
        "   0.000006       #1   receives no more",
        "   0.000007       #1   closed",
    ]


def test_what_else_happens_to_sockets_and_guests() -> None:
    story, local = Story(), address("::1", 80)
    story.add(events.GuestStarted, "guest.wasm", ("guest.wasm", "-x"), None)
    story.add(events.Listening, 1, 128, local)
    story.add(events.Accepted, 1, 2, local, address("::1", 9))
    story.add(events.Aborted, 2)
    story.add(events.OptionSet, 1, Option.HOP_LIMIT, 3)
    number = story.datagram_socket(local)
    story.add(events.DatagramSent, number, b"ping", SERVER)
    story.add(events.DatagramReceived, number, b"pong", SERVER)
    story.add(events.Disconnected, number, local)
    story.add(events.HostCall, "wasi:sockets/types@0.3.0#[method]tcp-socket.bind", 1500, None)
    story.add(events.Resolved, "db.example", (ip_address("10.0.0.1"), ip_address("::1")), None)
    story.add(events.Decided, "tcp-bind", local, ("db.example",), True, "tcp://*:*")
    story.add(events.GuestEnded, None, "GuestTrap: unreachable")
    assert [line[12:] for line in traced(story)] == [
        " guest 1   guest.wasm starts: guest.wasm -x",
        "      #1   listening on [::1]:80, backlog 128",
        "      #2 ← accepted by #1 from [::1]:9, at [::1]:80",
        "      #2 → reset",
        "      #1   hop_limit set to 3",
        "      #1   udp socket for IPv6, of guest 1",
        "      #1   bound to [::1]:80",
        "      #1 →       4 B  ping  to 198.51.100.7:7000",
        "      #1 ←       4 B  pong  from 198.51.100.7:7000",
        "      #1   disconnected",
        " guest 1   wasi:sockets/types tcp-socket.bind: 1.50 µs",
        " guest 1   db.example: 10.0.0.1, ::1",
        " guest 1   the policy allows tcp-bind [::1]:80 (db.example): tcp://*:*",
        " guest 1   ends: GuestTrap: unreachable",
    ]


def test_what_happens_to_files() -> None:
    story = Story()
    story.add(events.DirectoryGiven, 1, "/data", True, "1:2")
    story.add(events.FileCalled, 1, "open", ("a.txt", "yes", "", "read"), ("file", "2", "1:3"), None)
    story.add(events.FileRead, 2, 0, b"hello\n")
    story.add(events.FileWritten, 2, None, b"x")
    story.add(events.FileCalled, 2, "set_size", ("9",), (), "EINVAL")
    story.add(events.FileCalled, 2, "sync", ("yes",), (), None)
    story.add(events.FileClosed, 2)
    assert [line[12:] for line in traced(story)] == [
        "  file 1   /data is given to guest 1, read-only",
        "  file 1   open(a.txt, yes, , read): file 2",
        "  file 2 ←       6 B  hello\\n",
        "  file 2 →       1 B  x",
        "  file 2   set_size(9): EINVAL",
        "  file 2   sync(yes)",
        "  file 2   closed",
    ]


def test_what_goes_wrong_is_red() -> None:
    story = Story()
    story.add(events.Decided, "tcp-connect", SERVER, (), False, "no rule allows it")
    story.add(events.Failed, 1, "finish_connect", "ECONNREFUSED", SERVER)
    story.add(events.Resolved, "nowhere", (), "EAI_NONAME")
    assert [line[21:] for line in traced(story, colours=True)] == [
        "\x1b[1;31m× the policy refuses tcp-connect 198.51.100.7:7000: no rule allows it\x1b[0m",
        "\x1b[1;31m× connect 198.51.100.7:7000: ECONNREFUSED\x1b[0m",
        "\x1b[1;31m  nowhere: EAI_NONAME\x1b[0m",
    ]


def test_nothing_of_a_guest_reaches_the_terminal_as_it_is() -> None:
    story, evil = Story(), "\x1b]0;owned\x07\x9b31m\r\n\u202e\udcff"
    story.add(events.GuestStarted, evil, (evil,), None)
    story.add(events.Resolved, evil, (), evil)
    story.add(events.Decided, evil, None, (evil,), False, evil)
    story.add(events.HostCall, evil, 1, evil)
    story.add(events.Failed, 1, evil, evil, None)
    story.add(events.Sent, 1, evil.encode(errors="surrogatepass"))
    story.add(events.DirectoryGiven, 1, evil, True, "1:2")
    story.add(events.FileCalled, 1, evil, (evil,), (evil,), evil)
    story.add(events.FileRead, 1, 0, evil.encode(errors="surrogatepass"))
    story.add(events.GuestEnded, None, evil)
    lines = traced(story, colours=False)
    assert len(lines) == len(story.recording.events)
    assert all(line.isprintable() for line in lines)


# ---- bursts


def test_bytes_in_bulk_are_gathered() -> None:
    story = Story()
    talk = Talk(story).open()
    for _ in range(1000):
        talk.send(0, bytes(65536))
    talk.finish(0)
    lines = traced(story)
    assert len(lines) == 3 + 10 + 1 + 1
    assert lines[-2:] == ["   0.001002       #1 → 990 more, 61.9 MiB", "   0.001003       #1 → end"]


def test_a_few_lines_a_second_are_told_at_once() -> None:
    story = Story()
    talk = Talk(story).open()
    for number in range(20):
        for end in (0, 1):
            story.recording.add((events.Sent, events.Received)[end](number * 150_000_000, 1, talk.sockets[0], b"x"))
    assert len(traced(story)) == 3 + 40


def test_what_was_gathered_is_told_when_its_second_is_over_and_at_the_end() -> None:
    story = Story()
    for ns in (*range(15), 10**9 + 1, *range(10**9 + 2, 10**9 + 22)):
        story.recording.add(events.HostCall(ns, 1, "a:b/c#f", 5, None))
    lines = [line[21:].strip() for line in traced(story)]
    assert lines == ["a:b/c f: 5 ns"] * 10 + ["5 more, a:b/c f"] + ["a:b/c f: 5 ns"] * 10 + ["11 more, a:b/c f"]


def test_calls_that_fail_are_gathered_by_themselves() -> None:
    story = Story()
    for number in range(40):
        story.add(events.HostCall, "a:b/c#f", 5, "access-denied" if number % 2 else None)
    assert [line[21:].strip() for line in traced(story)][-2:] == ["10 more, a:b/c f", "10 more, a:b/c f, access-denied"]


# ---- the stream


def test_a_line_that_the_guest_began_on_stderr_is_left_alone() -> None:
    story = Story()
    story.add(events.Wrote, "stderr", b"progress: ")
    story.add(events.GuestEnded, 0, None)
    assert traced(story) == ["", "   0.000001  guest 1   ends: exit code 0"]


def test_every_line_is_flushed_at_once() -> None:
    class Counting(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    stream, story = Counting(), Story()
    Talk(story).open()
    assert len(traced(story, stream=stream)) == stream.flushed == 3


def test_that_nobody_reads_it_does_not_end_the_guest() -> None:
    class Unread(io.StringIO):
        def write(self, text: str, /) -> int:
            raise BrokenPipeError

    story = Story()
    Talk(story).open()
    assert traced(story, stream=Unread()) == []
