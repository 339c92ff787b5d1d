"""Guests that serve HTTP in tests: requests, origins, time, faults and what they leave behind."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project

pytestmark = pytest.mark.slow  # a pytest of its own


def test_a_test_asks_a_guest_and_answers_its_requests(project: Project) -> None:
    result = project.run("""
        def test_an_answer(wasi_http, wasi_trace):
            with wasi_http.serve("guest/rust-http.wasm") as app:
                answer = app.get("/x?y", headers={"case": "describe"})
                assert (answer.status, answer.header("Transfer-Encoding")) == (200, "chunked")
                assert answer.text.startswith('Method::Get Some(Scheme::Http) Some("app") Some("/x?y")')
                assert app.post("/", b"abc", headers=[("case", b"copy")]).content == b"abc"
            assert "GET /x?y" in wasi_trace

        def test_an_origin(wasi_http):
            api = wasi_http.origin("api.test:81", lambda asked: (201, asked.content + b"!"))
            with wasi_http.serve("guest/rust-http.wasm") as app:
                headers = {"case": "send", "scheme": "http", "authority": "api.test:81", "bytes": "3"}
                assert app.get(headers=headers).text.splitlines()[:2] == ["201", "content-length: 4"]
            assert [(asked.method, asked.path, len(asked.content)) for asked in api.requests] == [("GET", "/", 3)]

        async def test_an_async_test(wasi_http):
            async with wasi_http.serve("guest/rust-http.wasm") as app:
                assert (await app.ask_async("GET", headers={"case": "hello"})).text == "hello"

        def test_time_is_virtual(wasi_http, wasi_clock):
            with wasi_http.serve("guest/rust-http.wasm", timeout_s=60) as app:
                assert app.get(headers={"case": "hang"}).status == 504
            assert wasi_clock.seconds >= 60

        @pytest.mark.wasi_faults(Fault("connect", "ECONNREFUSED", address="10.0.0.7"))
        def test_a_fault(wasi_http, wasi_net):
            wasi_net.host("api.test", "10.0.0.7")
            wasi_http.origin("api.test", lambda asked: b"")
            with wasi_http.serve("guest/rust-http.wasm") as app:
                headers = {"case": "send", "scheme": "http", "authority": "api.test"}
                assert "ConnectionRefused" in app.get(headers=headers).text

        @pytest.mark.wasi_real_network
        def test_the_real_network(wasi_http):
            with wasi_http.serve("guest/rust-http.wasm") as app:
                assert app.authority.startswith("127.0.0.1:")
                assert app.get(headers={"case": "hello"}).text == "hello"
            with pytest.raises(TypeError, match="only on a virtual network"):
                wasi_http.origin("api.test", lambda asked: b"")
        """)
    result.assert_outcomes(passed=6)
