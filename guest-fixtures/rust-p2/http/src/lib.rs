//! A service of WASI 0.2 by the crate `wasip2`: the header `case` of a request says what it does with it.
//!
//! - `hello`; `describe`: what the request is, as text; `copy`: the body and trailers, part by part; `splice`: the body
//! - `answer`, `send`, `outcome`: see `message.rs`
//! - `forward`: sends the request on to the header `to`, body and all, and answers with what comes
//! - `error`: the error-code of the header `code`
//! - `fields`, `requests`, `responses`, `options`, `once`: checks of every method; `ok`, or what was not as it should be
//! - `skip`: drops the stream of the request early, and answers with the trailers
//! - `silent` (sets nothing), `trap`, `trap-after` (the head and some content), `trap-alive` (finishes a body whose stream is
//!   there), `trap-size` (fields without room), `drop` (a body that is not finished), `leave` and `leave-some` (one that is
//!   neither finished nor dropped, without content and with some)
//! - `permitted`: a body of `content-length` 4, by `check-write` and `write`

mod checks;
mod codes;
mod message;

use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam, Trailers,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

struct Service;

wasip2::http::proxy::export!(Service);

impl wasip2::exports::http::incoming_handler::Guest for Service {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let headers = request.headers();
        match header(&headers, "case").unwrap_or_default().as_str() {
            "hello" => text(out, 200, "hello"),
            "describe" => text(out, 200, &describe(&request)),
            "copy" => copy(request, out),
            "splice" => splice(request, out),
            "skip" => skip(request, out),
            "answer" => message::answer(&headers, out),
            "send" => text(out, 200, &message::send(&headers)),
            "outcome" => text(out, 200, &message::outcome()),
            "forward" => message::forward(request, out),
            "error" => ResponseOutparam::set(out, Err(codes::code(&header(&headers, "code").unwrap_or_default()))),
            "fields" => checked(out, checks::fields()),
            "requests" => checked(out, checks::requests()),
            "responses" => checked(out, checks::responses()),
            "options" => checked(out, checks::options()),
            "once" => checked(out, checks::once(&request)),
            "silent" => {}
            "trap" => core::arch::wasm32::unreachable(),
            "trap-after" => {
                let (_body, stream) = respond(out, 200);
                write(&stream, b"some").expect("somebody who reads");
                core::arch::wasm32::unreachable()
            }
            "trap-alive" => {
                let (body, _stream) = respond(out, 200);
                let _ = OutgoingBody::finish(body, None);
            }
            "trap-size" => {
                let _ = Fields::new().append("a", &vec![b'x'; 200_000]);
            }
            "drop" => {
                let (_body, stream) = respond(out, 200);
                write(&stream, b"some").expect("somebody who reads");
                drop(stream);
            }
            "leave" => core::mem::forget(respond(out, 500)),
            "leave-some" => {
                let (body, stream) = respond(out, 200);
                write(&stream, b"some").expect("somebody who reads");
                core::mem::forget((body, stream));
            }
            "permitted" => permitted(out),
            other => text(out, 404, other),
        }
    }
}

fn header(headers: &Fields, name: &str) -> Option<String> {
    headers.get(name).into_iter().next().map(|value| String::from_utf8_lossy(&value).into_owned())
}

fn checked(out: ResponseOutparam, outcome: Result<(), String>) {
    match outcome {
        Ok(()) => text(out, 200, "ok"),
        Err(what) => text(out, 500, &what),
    }
}

fn text(out: ResponseOutparam, status: u16, content: &str) {
    let (body, stream) = respond(out, status);
    if write(&stream, content.as_bytes()).is_ok() {
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}

/// A response whose head is out.
fn respond(out: ResponseOutparam, status: u16) -> (OutgoingBody, OutputStream) {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(status).expect("a status");
    let body = response.body().expect("its body");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("its stream");
    (body, stream)
}

fn write(stream: &OutputStream, content: &[u8]) -> Result<(), StreamError> {
    content.chunks(4096).try_for_each(|part| stream.blocking_write_and_flush(part))
}

/// Writes as it is permitted, with no call that waits for the write.
fn permitted(out: ResponseOutparam) {
    let fields = Fields::from_list(&[("content-length".into(), b"4".to_vec())]).expect("a length");
    let response = OutgoingResponse::new(fields);
    let body = response.body().expect("its body");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("its stream");
    assert!(stream.check_write().expect("a permit") >= 4);
    stream.write(b"some").expect("room for it");
    drop(stream);
    OutgoingBody::finish(body, None).expect("what content-length says");
}

fn describe(request: &IncomingRequest) -> String {
    let mut lines =
        format!("{:?} {:?} {:?} {:?}\n", request.method(), request.scheme(), request.authority(), request.path_with_query());
    for (name, value) in request.headers().entries() {
        lines += &format!("{name}: {}\n", String::from_utf8_lossy(&value));
    }
    lines
}

/// The next part, or none at the end; or why the stream broke off.
fn read(stream: &InputStream) -> Result<Vec<u8>, ErrorCode> {
    match stream.blocking_read(1 << 14) {
        Ok(part) => Ok(part),
        Err(StreamError::Closed) => Ok(Vec::new()),
        Err(StreamError::LastOperationFailed(error)) => {
            Err(wasip2::http::types::http_error_code(&error).unwrap_or(ErrorCode::LoopDetected))
        }
    }
}

fn trailers(body: IncomingBody) -> Result<Option<Trailers>, ErrorCode> {
    let future = IncomingBody::finish(body);
    future.subscribe().block();
    let found = future.get().expect("what it waited for").expect("the first time");
    assert!(matches!(future.get(), Some(Err(()))));
    found
}

fn copy(request: IncomingRequest, out: ResponseOutparam) {
    let (body, stream) = respond(out, 200);
    let received = request.consume().expect("its body");
    let contents = received.stream().expect("its stream");
    loop {
        match read(&contents) {
            Ok(part) if part.is_empty() => break,
            Ok(part) => {
                if write(&stream, &part).is_err() {
                    return;
                }
            }
            Err(code) => {
                let _ = write(&stream, format!("broke off: {code:?}").as_bytes());
                break;
            }
        }
    }
    drop((contents, stream));
    if let Ok(found) = trailers(received) {
        let _ = OutgoingBody::finish(body, found.map(|fields| fields.clone()));
    }
}

fn splice(request: IncomingRequest, out: ResponseOutparam) {
    let (body, stream) = respond(out, 200);
    let received = request.consume().expect("its body");
    let contents = received.stream().expect("its stream");
    while stream.blocking_splice(&contents, 1 << 20).is_ok() {}
    if stream.blocking_flush().is_ok() {
        drop((contents, stream));
        let _ = OutgoingBody::finish(body, None);
    }
}

fn skip(request: IncomingRequest, out: ResponseOutparam) {
    let received = request.consume().expect("its body");
    let contents = received.stream().expect("its stream");
    let first = contents.blocking_read(2).expect("content");
    drop(contents);
    let found = trailers(received).expect("trailers").map(|fields| fields.entries().len());
    text(out, 200, &format!("{} {found:?}", String::from_utf8_lossy(&first)));
}
