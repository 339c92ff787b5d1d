"""A service of `wasi:http` 0.3: says what it was asked, and sends the content back while more of it comes."""

import componentize_py_async_support
import wit_world
from componentize_py_types import Ok
from wit_world import exports
from wit_world.imports.wasi_http_types import Fields, Request, Response


class Handler(exports.Handler):
    async def handle(self, request: Request) -> Response:
        asked = f"{request.get_authority()} {request.get_path_with_query()}: "
        content, contents = wit_world.byte_stream()
        trailers, future = wit_world.result_option_wasi_http_types_fields_wasi_http_types_error_code_future(no_trailers)
        _, outcome = wit_world.result_unit_wasi_http_types_error_code_future(lambda: Ok(None))
        received, _ = Request.consume_body(request, outcome)

        async def answer() -> None:
            with received, content:
                await content.write_all(asked.encode())
                while not received.writer_dropped:
                    await content.write_all(await received.read(65536))
            await trailers.write(no_trailers())

        componentize_py_async_support.spawn(answer())
        return Response.new(Fields(), contents, future)[0]


def no_trailers() -> Ok[None]:
    return Ok(None)
