//! Messages that the headers of a request describe, all optional:
//!
//! - `bytes`: so many of content, in `parts`; without it there is none
//! - `length`: the value of `content-length`
//! - `trailers`: `none` (by default), `fields` (`x-sum: 1` twice), `error` (configuration-error), `never`
//! - for answers `status`, for requests `method`, `scheme`, `authority`, `path`, and `timeout` in nanoseconds, for all three
//!
//! `send` answers with lines: the response, and how the request ended; `outcome` with how the last answer ended.

use std::sync::Mutex;

use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme, Trailers};
use wasip3::wit_bindgen::{FutureReader, StreamReader};
use wasip3::{spawn_local, wit_future, wit_stream};

use crate::header;

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

type Body = (Fields, Option<StreamReader<u8>>, FutureReader<Result<Option<Trailers>, ErrorCode>>);

/// Begins to write what is described; notes how many bytes were not taken.
fn body(described: &Fields) -> Body {
    let fields = Fields::new();
    if let Some(length) = header(described, "length") {
        fields.append("content-length", length.as_bytes()).expect("a length");
    }
    fields.append("X-Kept", b"Yes").expect("a header");
    let kind = header(described, "trailers").unwrap_or_default();
    let (end, trailers) = wit_future::new(|| Ok(None));
    let size = number(described, "bytes");
    let parts = number(described, "parts").unwrap_or(1);
    let contents = size.map(|_| wit_stream::new()).unzip();
    spawn_local(async move {
        if let (Some(mut writer), Some(size)) = (contents.0, size) {
            for part in 0..parts {
                let content = vec![b'a' + (part % 26) as u8; (size / parts) as usize];
                let left = writer.write_all(content).await;
                if !left.is_empty() {
                    note(format!("left {}\n", left.len()));
                    break;
                }
            }
        }
        let given = match kind.as_str() {
            "fields" => {
                let fields = Fields::new();
                fields.append("x-sum", b"1").expect("a trailer");
                fields.append("x-sum", b"2").expect("a trailer");
                Ok(Some(fields))
            }
            "error" => Err(ErrorCode::ConfigurationError),
            "never" => crate::hang().await,
            _ => Ok(None),
        };
        let _ = end.write(given).await;
    });
    (fields, contents.1, trailers)
}

pub async fn answer(described: &Fields) -> Result<Response, ErrorCode> {
    OUTCOME.lock().unwrap().clear();
    let (fields, contents, trailers) = body(described);
    let (response, outcome) = Response::new(fields, contents, trailers);
    if let Some(status) = number(described, "status") {
        response.set_status_code(status as u16).map_err(|()| ErrorCode::InternalError(None))?;
    }
    spawn_local(async move { note(format!("{:?}\n", outcome.await)) });
    Ok(response)
}

pub async fn send(described: &Fields) -> String {
    OUTCOME.lock().unwrap().clear();
    let (fields, contents, trailers) = body(described);
    let options = number(described, "timeout").map(|timeout| {
        let options = RequestOptions::new();
        options.set_connect_timeout(Some(timeout)).expect("a time-out");
        options.set_first_byte_timeout(Some(timeout)).expect("a time-out");
        options.set_between_bytes_timeout(Some(timeout)).expect("a time-out");
        options
    });
    let (request, outcome) = Request::new(fields, contents, trailers, options);
    if let Err(()) = describe(&request, described) {
        return "bad setter".into();
    }
    let answer = match client::send(request).await {
        Ok(response) => told(response).await,
        Err(code) => format!("{code:?}\n"),
    };
    answer + &format!("{:?}\n", outcome.await) + &crate::message::outcome()
}

fn describe(request: &Request, described: &Fields) -> Result<(), ()> {
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
async fn told(response: Response) -> String {
    let mut lines = format!("{}\n", response.get_status_code());
    for (name, value) in response.get_headers().copy_all() {
        lines += &format!("{name}: {}\n", String::from_utf8_lossy(&value));
    }
    let (_, outcome) = wit_future::new(|| Ok(()));
    let (contents, trailers) = Response::consume_body(response, outcome);
    lines += &format!("{} bytes\n", contents.collect().await.len());
    match trailers.await {
        Ok(None) => {}
        Ok(Some(fields)) => {
            for (name, value) in fields.copy_all() {
                lines += &format!("{name}: {}\n", String::from_utf8_lossy(&value));
            }
        }
        Err(code) => lines += &format!("{code:?}\n"),
    }
    lines
}
