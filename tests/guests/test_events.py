"""`Host(on_event=…)`: what a recording would have, at once and without bytes."""

from __future__ import annotations

import io

import pytest

from tests.guests.harness import Output, load
from tests.guests.test_http_recordings import echoing_origin, request_for
from tests.unit.http.peers import whole
from wasihost import ConfigError, Host, allow_all
from wasihost.files import MemoryFiles
from wasihost.recording import Recording, Trace, events

CONNECT = {"FAMILY": "ipv4", "CASE": "connect"}


def heard(**options: object) -> list[events.Event]:
    """The events of a run that connects, sends and receives."""
    found: list[events.Event] = []
    host = Host(policy=allow_all, env=CONNECT, stdout=Output(), on_event=found.append, **options)  # type: ignore[arg-type]
    host.run(load("rust-tcp-connections"))
    return found


def sizes(found: list[events.Event]) -> list[int]:
    return [len(event.data) for event in found if isinstance(event, events.Sent | events.Received)]


def test_the_events_are_those_of_a_recording() -> None:
    recording = Recording()
    Host(policy=allow_all, env=CONNECT, stdout=Output(), recording=recording).run(load("rust-tcp-connections"))
    found = heard()
    assert [event.kind for event in found] == [event.kind for event in recording.events]
    assert sizes(found) == sizes(recording.events) != []


def test_they_have_the_number_of_bytes_and_not_the_bytes() -> None:
    data = [event.data for event in heard() if isinstance(event, events.Sent | events.Received | events.Wrote)]
    assert all(isinstance(each, events.Omitted) and each for each in data)
    assert {bytes(each) for each in data} == {b""}
    assert repr(data[0]) == f"Omitted({len(data[0])})"


def test_files_and_output_are_without_bytes_too() -> None:
    found: list[events.Event] = []
    host = Host(files={"/data": MemoryFiles()}, env={"CASE": "write"}, stdout=Output(), on_event=found.append)
    host.run(load("rust-files"))
    data = [event.data for event in found if isinstance(event, events.FileRead | events.FileWritten | events.Wrote)]
    assert len(data) > 3
    assert all(isinstance(each, events.Omitted) for each in data)


async def test_requests_are_without_content() -> None:
    found: list[events.Event] = []
    host = Host(policy=allow_all, http={"api.test": echoing_origin}, on_event=found.append)
    headers = {"scheme": "http", "authority": "api.test", "bytes": "100000"}
    async with host.answering(load("rust-http"), instances=1) as handler:
        await whole(await handler(request_for("send", headers=headers)))
    exchanges = [event for event in found if isinstance(event, events.HttpExchange)]
    assert [(each.way, each.status) for each in exchanges] == [("out", 201), ("in", 200)]
    assert len(exchanges[0].content) == 100_000
    assert all(isinstance(each.response_content, events.Omitted) for each in exchanges)


def test_nothing_is_kept() -> None:
    host = Host(env={"CASE": "u64"}, stdout=Output(), on_event=lambda _: None)
    host.run(load("rust-random"))
    recording = host._settings.recording
    assert recording is not None
    assert recording.events == []


def test_what_it_raises_ends_the_guest() -> None:
    def refuse(event: events.Event) -> None:
        if isinstance(event, events.Created):
            raise RuntimeError("no sockets here")

    with pytest.raises(RuntimeError, match="no sockets here"):
        Host(policy=allow_all, env=CONNECT, stdout=Output(), on_event=refuse).run(load("rust-tcp-connections"))


def test_a_trace_takes_them() -> None:
    stream = io.StringIO()
    host = Host(policy=allow_all, env=CONNECT, stdout=Output(), on_event=Trace(stream, colours=False))
    host.run(load("rust-tcp-connections"))
    assert "12 B" in stream.getvalue()


def test_a_host_with_a_recording_has_its_subscribe_instead() -> None:
    with pytest.raises(ConfigError, match=r"use recording.subscribe\(on_event\) instead"):
        Host(recording=Recording(), on_event=print)
    with pytest.raises(TypeError, match="on_event: expected a callable"):
        Host(on_event="print")  # type: ignore[arg-type]
