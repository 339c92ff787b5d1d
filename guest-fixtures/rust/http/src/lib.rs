//! A service of WASI 0.3 by the crate `wasip3`: the header `case` of a request says what it does with it.
//!
//! - `hello`; `describe`: what the request is, as text; `echo`: the body and trailers as they were handed over; `copy`: the
//!   same, read and written part by part
//! - `answer`, `send`, `outcome`: see `message.rs`
//! - `forward`: sends the request on to the header `to`, body and all, and answers with what comes
//! - `error`: the error-code of the header `code`
//! - `fields`, `requests`, `responses`, `options`: checks of every method; `ok`, or what was not as it should be
//! - `trap`, `trap-after` (the head and some content), `hang`, `late` (reads the request after the head is out)

mod checks;
mod codes;
mod message;

use wasip3::clocks::monotonic_clock;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Request, Response, Trailers};
use wasip3::wit_bindgen::StreamReader;
use wasip3::{spawn_local, wit_future, wit_stream};

struct Service;

wasip3::http::service::export!(Service);

impl wasip3::exports::http::handler::Guest for Service {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let headers = request.get_headers();
        match header(&headers, "case").unwrap_or_default().as_str() {
            "hello" => Ok(text(200, "hello")),
            "describe" => Ok(text(200, &describe(&request))),
            "echo" => Ok(echo(request)),
            "copy" => Ok(copy(request)),
            "answer" => message::answer(&headers).await,
            "send" => Ok(text(200, &message::send(&headers).await)),
            "outcome" => Ok(text(200, &message::outcome())),
            "forward" => forward(request).await,
            "error" => Err(codes::code(&header(&headers, "code").unwrap_or_default())),
            "fields" => Ok(checked(checks::fields())),
            "requests" => Ok(checked(checks::requests())),
            "responses" => Ok(checked(checks::responses())),
            "options" => Ok(checked(checks::options())),
            "trap" => core::arch::wasm32::unreachable(),
            "trap-after" => Ok(trap_after()),
            "hang" => hang().await,
            "late" => Ok(late(request)),
            other => Ok(text(404, other)),
        }
    }
}

fn header(headers: &Fields, name: &str) -> Option<String> {
    headers.get(name).into_iter().next().map(|value| String::from_utf8_lossy(&value).into_owned())
}

fn checked(outcome: Result<(), String>) -> Response {
    match outcome {
        Ok(()) => text(200, "ok"),
        Err(what) => text(500, &what),
    }
}

/// A response whose content is written by a task of its own.
fn text(status: u16, content: &str) -> Response {
    let (mut writer, contents) = wit_stream::new();
    let content = content.as_bytes().to_vec();
    spawn_local(async move { drop(writer.write_all(content).await) });
    respond(status, contents)
}

fn respond(status: u16, contents: StreamReader<u8>) -> Response {
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _) = Response::new(Fields::new(), Some(contents), trailers);
    response.set_status_code(status).expect("a status");
    response
}

fn describe(request: &Request) -> String {
    let mut lines = format!(
        "{:?} {:?} {:?} {:?}\n",
        request.get_method(),
        request.get_scheme(),
        request.get_authority(),
        request.get_path_with_query()
    );
    for (name, value) in request.get_headers().copy_all() {
        lines += &format!("{name}: {}\n", String::from_utf8_lossy(&value));
    }
    lines
}

/// The body of a request; what becomes of it is ok from the start.
fn consume(request: Request) -> (StreamReader<u8>, wasip3::wit_bindgen::FutureReader<Result<Option<Trailers>, ErrorCode>>) {
    let (_, outcome) = wit_future::new(|| Ok(()));
    Request::consume_body(request, outcome)
}

fn echo(request: Request) -> Response {
    let (contents, trailers) = consume(request);
    Response::new(Fields::new(), Some(contents), trailers).0
}

fn copy(request: Request) -> Response {
    let (mut contents, trailers) = consume(request);
    let (mut writer, copied) = wit_stream::new();
    let (end, end_reader) = wit_future::new(|| Ok(None));
    spawn_local(async move {
        loop {
            let (_, data) = contents.read(Vec::with_capacity(1 << 14)).await;
            if data.is_empty() || !writer.write_all(data).await.is_empty() {
                break;
            }
        }
        drop((writer, contents));
        let _ = end.write(trailers.await.map(|found| found.map(|fields| fields.clone()))).await;
    });
    Response::new(Fields::new(), Some(copied), end_reader).0
}

/// Asks for nothing but what is its own: name, path, body and trailers go on as they came.
async fn forward(request: Request) -> Result<Response, ErrorCode> {
    let headers = request.get_headers();
    let method = request.get_method();
    let path = request.get_path_with_query();
    let scheme = request.get_scheme();
    let to = header(&headers, "to");
    let (contents, trailers) = consume(request);
    let kept = headers.clone();
    let (forwarded, _) = Request::new(kept, Some(contents), trailers, None);
    forwarded.set_method(&method).expect("its method");
    forwarded.set_path_with_query(path.as_deref()).expect("its path");
    forwarded.set_scheme(scheme.as_ref()).expect("its scheme");
    forwarded.set_authority(to.as_deref()).expect("an authority");
    client::send(forwarded).await
}

/// For longer than anybody waits: a task that waits for nothing is a panic of wit-bindgen.
async fn hang<T>() -> T {
    loop {
        monotonic_clock::wait_for(3_600_000_000_000).await;
    }
}

fn trap_after() -> Response {
    let (mut writer, contents) = wit_stream::new();
    spawn_local(async move {
        writer.write_all(b"some".to_vec()).await;
        core::arch::wasm32::unreachable()
    });
    respond(200, contents)
}

fn late(request: Request) -> Response {
    let (mut writer, contents) = wit_stream::new();
    spawn_local(async move {
        if writer.write_all(b"first, then ".to_vec()).await.is_empty() {
            let (received, _trailers) = consume(request);
            writer.write_all(received.collect().await).await;
        }
    });
    respond(200, contents)
}
