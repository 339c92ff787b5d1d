"""The guests that pages of docs/ show: a command that uses files, and a service that uses them and sends requests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.guests.harness import Output, load
from tests.unit.http.peers import whole
from wasihost import GuestExit, Host
from wasihost._network.virtual import VirtualNetwork
from wasihost.files import MemoryFiles
from wasihost.http import BytesBody, Request, Response

TABLE = b"name,number\nAda,36\nBob,4\nAda,1\n"


def asking(method: str, path: str, content: bytes = b"") -> Request:
    return Request(method=method, scheme="http", authority="notes.test", path=path, headers=[], body=BytesBody(content))


async def test_a_report_of_a_table_is_written() -> None:
    files, printed = MemoryFiles({"/in.csv": TABLE}), Output()
    host = Host(files={"/": files}, args=["report", "/in.csv", "/out"], stdout=printed)
    await host.run_async(load("rust-report"))
    assert printed.lines == ["wrote /out/report.txt"]
    assert files["/out/report.txt"] == b"Ada             37\nBob              4\ntotal           41\n"


@pytest.mark.parametrize("args", [["report"], ["report", "/none", "/out"]])
async def test_a_report_of_nothing_fails(args: list[str]) -> None:
    complaint = Output()
    with pytest.raises(GuestExit) as caught:
        await Host(files={"/": MemoryFiles()}, args=args, stderr=complaint).run_async(load("rust-report"))
    assert (caught.value.code, len(complaint.lines)) == (1, 1)


async def test_notes_are_files_and_are_sent_to_where_they_may() -> None:
    published: list[tuple[str | None, bytes]] = []

    async def archive(request: Request) -> Response:
        _, content = await whole(Response(status=200, body=request.body))
        published.append((request.path, content))
        return Response(status=201)

    files = MemoryFiles()
    host = Host(
        files={"/notes": files},
        env={"PUBLISH_TO": "archive.test"},
        http={"archive.test": archive},
        network=VirtualNetwork().guest,
    )
    async with host.answering(load("rust-notes")) as notes:
        answers = [
            await whole(await notes(asking(method, path, content)))
            for method, path, content in (
                ("PUT", "/today", b"milk"),
                ("GET", "/today", b""),
                ("GET", "/", b""),
                ("POST", "/today", b""),
                ("GET", "/a/b", b""),
                ("GET", "/none", b""),
                ("DELETE", "/today", b""),
            )
        ]
    assert answers == [
        (200, b"kept today\n"),
        (200, b"milk"),
        (200, b"today\n"),
        (200, b"archive.test answered 201\n"),
        (404, b"a note's name has no slashes\n"),
        (404, b"no such note\n"),
        (405, b"GET, PUT or POST\n"),
    ]
    assert (dict(files), published) == ({"/today": b"milk"}, [("/today", b"milk")])


async def test_a_note_that_may_not_be_sent_is_not_published() -> None:
    host = Host(files={"/notes": MemoryFiles({"/today": b"milk"})}, network=VirtualNetwork().guest)
    async with host.answering(load("rust-notes")) as notes:
        status, content = await whole(await notes(asking("POST", "/today")))
    assert (status, content) == (502, b"not published: ErrorCode::HttpRequestDenied\n")


async def _words() -> AsyncIterator[str]:
    for word in ("a", "b"):
        yield word


async def test_the_exports_of_the_pages_do_what_they_say() -> None:
    async with Host().open(load("rust-shown")) as instance:
        assert await instance.call("my:app/api#divide", 7, 2) == (3, 1)
        assert [word async for word in await instance.call("my:app/api#upper", _words())] == ["A", "B"]
