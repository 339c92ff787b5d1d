"""A service of `wasi:http/proxy` 0.2: says what it was asked, and sends the content back."""

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        content = f"{request.authority()} {request.path_with_query()}: ".encode() + received(request)
        response = OutgoingResponse(Fields.from_list([("content-length", str(len(content)).encode())]))
        body = response.body()
        ResponseOutparam.set(response_out, Ok(response))
        with body.write() as stream:
            for start in range(0, len(content), 4096):
                stream.blocking_write_and_flush(content[start : start + 4096])
        OutgoingBody.finish(body, None)


def received(request: IncomingRequest) -> bytes:
    content = b""
    with request.consume() as body, body.stream() as stream:
        while True:
            try:
                content += stream.blocking_read(65536)
            except Err:  # its end
                return content
