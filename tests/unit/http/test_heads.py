"""Heads: as h11 reads them, but for what it takes of requests and two servers may read differently."""

from __future__ import annotations

from random import Random

import h11
import pytest

from tests.unit.http.test_mutations import REQUESTS, RESPONSES, mutated
from wasihost._http.heads import BadRequest, RequestHead, is_ambiguous, plain_head, request_head
from wasihost._http.messages import Header


def by_h11(text: bytes) -> tuple[str, str, str, list[Header]] | int:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(text)
    try:
        request = connection.next_event()
    except h11.RemoteProtocolError as error:
        return error.error_status_hint
    assert isinstance(request, h11.Request)
    headers = [(name.decode(), value) for name, value in request.headers.raw_items()]
    return request.method.decode(), request.target.decode(), request.http_version.decode(), headers


def by_us(text: bytes) -> RequestHead | int:
    try:
        return request_head(text)
    except BadRequest as error:
        return error.status


def heads() -> list[bytes]:
    """Some, with changes, in which nothing is ambiguous."""
    random = Random(1)
    found = (mutated(random, REQUESTS).partition(b"\r\n\r\n")[0] + b"\r\n\r\n" for _ in range(3000))
    return [text for text in found if not is_ambiguous(text) and b"\n " not in text and b"\n\t" not in text]


def test_heads_are_read_as_h11_reads_them_or_refused() -> None:
    taken = 0
    for text in heads():
        theirs, ours = by_h11(text), by_us(text)
        if isinstance(ours, RequestHead):
            assert theirs == (ours.method, ours.target, ours.version, ours.headers)
            taken += 1
        elif isinstance(theirs, int):
            assert ours == theirs
        else:
            assert ours in (400, 417, 505)
    assert taken > 500


def response_by_h11(text: bytes) -> tuple[int, bytes, list[Header]] | None:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "")]))
    connection.receive_data(text)
    try:
        response = connection.next_event()
    except h11.RemoteProtocolError:
        return None
    assert isinstance(response, h11.Response)
    headers = [(name.decode(), value) for name, value in response.headers.raw_items()]
    return response.status_code, response.http_version, headers


def test_heads_of_responses_are_read_as_h11_reads_them_or_left_to_it() -> None:
    random = Random(1)
    taken = 0
    for _ in range(1000):
        text = mutated(random, RESPONSES).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        ours = plain_head(text)
        if ours is not None:
            assert response_by_h11(text) == ours
            taken += 1
    assert taken > 200


REPEATED = (b"Content-Length: 1\r\nContent-Length: 1", b"Content-Length: 1, 1")


@pytest.mark.parametrize("lengths", REPEATED)
def test_a_length_that_is_said_twice_is_refused(lengths: bytes) -> None:
    assert by_us(b"POST / HTTP/1.1\r\nHost: web\r\n" + lengths + b"\r\n\r\n") == 400
