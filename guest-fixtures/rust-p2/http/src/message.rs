//! Messages that the headers of a request describe, all optional:
//!
//! - `bytes`: so many of content, in `parts`; without it there is none
//! - `length`: the value of `content-length`
//! - `trailers`: `none` (by default), `fields` (`x-sum: 1` twice), `drop` (the body is not finished)
//! - for answers `status`, for requests `method`, `scheme`, `authority`, `path`, and `timeout` in nanoseconds, for all three
//!
//! `send` answers with lines: the response, and how the request ended; `outcome` with how the last answer ended.

use std::sync::Mutex;

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingRequest, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, OutgoingResponse, RequestOptions, ResponseOutparam, Scheme, http_error_code,
};
use wasip2::io::streams::StreamError;

use crate::{header, read, trailers, write};

static OUTCOME: Mutex<String> = Mutex::new(String::new());

pub fn outcome() -> String {
    OUTCOME.lock().unwrap().clone()
}

fn note(line: String) {
    *OUTCOME.lock().unwrap() += &line;
}

fn number(headers: &Fields, name: &str) -> Option<u64> {
    header(headers, name)?.parse().ok()
}

fn fields(described: &Fields) -> Fields {
    let fields = Fields::new();
    if let Some(length) = header(described, "length") {
        fields.append("content-length", length.as_bytes()).expect("a length");
    }
    fields.append("X-Kept", b"Yes").expect("a header");
    fields
}

/// Writes what is described; notes what fails, and how it ended.
fn fill(described: &Fields, body: OutgoingBody) {
    if let Some(size) = number(described, "bytes") {
        let parts = number(described, "parts").unwrap_or(1);
        let stream = body.write().expect("its stream");
        for part in 0..parts {
            let content = vec![b'a' + (part % 26) as u8; (size / parts) as usize];
            if let Err(error) = write(&stream, &content) {
                note(match error {
                    StreamError::Closed => "closed\n".into(),
                    StreamError::LastOperationFailed(error) => format!("{:?}\n", http_error_code(&error)),
                });
                break;
            }
        }
    }
    let given = match header(described, "trailers").unwrap_or_default().as_str() {
        "drop" => return,
        "fields" => {
            let fields = Fields::new();
            fields.append("x-sum", b"1").expect("a trailer");
            fields.append("x-sum", b"2").expect("a trailer");
            Some(fields)
        }
        _ => None,
    };
    note(format!("{:?}\n", OutgoingBody::finish(body, given)));
}

fn has_body(described: &Fields) -> bool {
    described.has("bytes") || described.has("trailers")
}

pub fn answer(described: &Fields, out: ResponseOutparam) {
    OUTCOME.lock().unwrap().clear();
    let response = OutgoingResponse::new(fields(described));
    if let Some(status) = number(described, "status") {
        response.set_status_code(status as u16).expect("a status");
    }
    let body = has_body(described).then(|| response.body().expect("its body"));
    ResponseOutparam::set(out, Ok(response));
    if let Some(body) = body {
        fill(described, body);
    }
}

pub fn send(described: &Fields) -> String {
    OUTCOME.lock().unwrap().clear();
    let options = number(described, "timeout").map(|timeout| {
        let options = RequestOptions::new();
        options.set_connect_timeout(Some(timeout)).expect("a time-out");
        options.set_first_byte_timeout(Some(timeout)).expect("a time-out");
        options.set_between_bytes_timeout(Some(timeout)).expect("a time-out");
        options
    });
    let request = OutgoingRequest::new(fields(described));
    if let Err(()) = describe(&request, described) {
        return "bad setter".into();
    }
    let body = has_body(described).then(|| request.body().expect("its body"));
    let future = match outgoing_handler::handle(request, options) {
        Ok(future) => future,
        Err(code) => return format!("at once {code:?}\n"),
    };
    if let Some(body) = body {
        fill(described, body);
    }
    let told = match wait(&future) {
        Ok(response) => told(response),
        Err(code) => format!("{code:?}\n"),
    };
    told + &outcome()
}

fn wait(future: &FutureIncomingResponse) -> Result<IncomingResponse, ErrorCode> {
    future.subscribe().block();
    let found = future.get().expect("what it waited for").expect("the first time");
    assert!(matches!(future.get(), Some(Err(()))));
    found
}

fn describe(request: &OutgoingRequest, described: &Fields) -> Result<(), ()> {
    if let Some(method) = header(described, "method") {
        request.set_method(&Method::Other(method))?;
    }
    if let Some(scheme) = header(described, "scheme") {
        request.set_scheme(Some(&Scheme::Other(scheme)))?;
    }
    request.set_authority(header(described, "authority").as_deref())?;
    request.set_path_with_query(header(described, "path").as_deref())
}

/// A response in lines: status, headers, size of the content, trailers.
fn told(response: IncomingResponse) -> String {
    let mut lines = format!("{}\n", response.status());
    for (name, value) in response.headers().entries() {
        lines += &format!("{name}: {}\n", String::from_utf8_lossy(&value));
    }
    let body = response.consume().expect("its body");
    let contents = body.stream().expect("its stream");
    let mut size = 0;
    loop {
        match read(&contents) {
            Ok(part) if part.is_empty() => break,
            Ok(part) => size += part.len(),
            Err(code) => {
                lines += &format!("broke off: {code:?}\n");
                break;
            }
        }
    }
    drop(contents);
    lines += &format!("{size} bytes\n");
    match trailers(body) {
        Ok(None) => {}
        Ok(Some(fields)) => {
            for (name, value) in fields.entries() {
                lines += &format!("{name}: {}\n", String::from_utf8_lossy(&value));
            }
        }
        Err(code) => lines += &format!("{code:?}\n"),
    }
    lines
}

pub fn forward(request: IncomingRequest, out: ResponseOutparam) {
    let headers = request.headers();
    let forwarded = OutgoingRequest::new(headers.clone());
    forwarded.set_method(&request.method()).expect("its method");
    forwarded.set_path_with_query(request.path_with_query().as_deref()).expect("its path");
    forwarded.set_scheme(request.scheme().as_ref()).expect("its scheme");
    forwarded.set_authority(header(&headers, "to").as_deref()).expect("an authority");
    let body = forwarded.body().expect("its body");
    match outgoing_handler::handle(forwarded, None) {
        Err(code) => ResponseOutparam::set(out, Err(code)),
        Ok(future) => {
            pass(request.consume().expect("its body"), body);
            match wait(&future) {
                Err(code) => ResponseOutparam::set(out, Err(code)),
                Ok(response) => {
                    let answer = OutgoingResponse::new(response.headers().clone());
                    answer.set_status_code(response.status()).expect("its status");
                    let body = answer.body().expect("its body");
                    ResponseOutparam::set(out, Ok(answer));
                    pass(response.consume().expect("its body"), body);
                }
            }
        }
    }
}

fn pass(from: IncomingBody, to: OutgoingBody) {
    let contents = from.stream().expect("its stream");
    let stream = to.write().expect("its stream");
    while stream.blocking_splice(&contents, 1 << 20).is_ok() {}
    let flushed = stream.blocking_flush();
    drop((contents, stream));
    if let (Ok(found), Ok(())) = (trailers(from), flushed) {
        let _ = OutgoingBody::finish(to, found.map(|fields| fields.clone()));
    }
}
