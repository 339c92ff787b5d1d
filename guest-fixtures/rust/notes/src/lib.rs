//! A service as one writes it: keeps notes as files of the directory /notes, and publishes them to another service.
//!
//! - `GET /` lists the names of notes
//! - `PUT /NAME` keeps the content of the request, `GET /NAME` gives it back
//! - `POST /NAME` sends the note to the URL `http://$PUBLISH_TO/NAME`, and answers what came of it

use std::{env, fs, io};

use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme};
use wasip3::wit_bindgen::StreamReader;
use wasip3::{spawn_local, wit_future, wit_stream};

const FOLDER: &str = "/notes";

struct Service;

wasip3::http::service::export!(Service);

impl wasip3::exports::http::handler::Guest for Service {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        let name = path.trim_start_matches('/').to_owned();
        if name.contains('/') {
            return Ok(text(404, "a note's name has no slashes\n"));
        }
        match request.get_method() {
            Method::Get if name.is_empty() => Ok(answer(list())),
            Method::Get => Ok(answer(fs::read_to_string(file(&name)))),
            Method::Put => {
                let content = content(request).await;
                Ok(answer(fs::write(file(&name), content).map(|()| format!("kept {name}\n"))))
            }
            Method::Post => Ok(publish(&name).await),
            _ => Ok(text(405, "GET, PUT or POST\n")),
        }
    }
}

fn file(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

fn list() -> io::Result<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(FOLDER)? {
        names.push(entry?.file_name().to_string_lossy().into_owned() + "\n");
    }
    names.sort();
    Ok(names.concat())
}

async fn publish(name: &str) -> Response {
    let note = match fs::read(file(name)) {
        Ok(note) => note,
        Err(error) => return answer(Err(error)),
    };
    let to = env::var("PUBLISH_TO").unwrap_or_else(|_| "archive.example".to_owned());
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _) = Request::new(Fields::new(), Some(body(note)), trailers, None);
    request.set_method(&Method::Post).expect("a method");
    request.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    if request.set_authority(Some(&to)).is_err() || request.set_path_with_query(Some(&format!("/{name}"))).is_err() {
        return text(500, &format!("http://{to}/{name} is no URL\n"));
    }
    match client::send(request).await {
        Ok(response) => text(200, &format!("{to} answered {}\n", response.get_status_code())),
        Err(error) => text(502, &format!("not published: {error:?}\n")),
    }
}

async fn content(request: Request) -> Vec<u8> {
    let (_, outcome) = wit_future::new(|| Ok(()));
    let (contents, _trailers) = Request::consume_body(request, outcome);
    contents.collect().await
}

/// What an operation on a file gave, as a response.
fn answer(outcome: io::Result<String>) -> Response {
    match outcome {
        Ok(content) => text(200, &content),
        Err(error) if error.kind() == io::ErrorKind::NotFound => text(404, "no such note\n"),
        Err(error) => text(500, &format!("{error}\n")),
    }
}

fn text(status: u16, content: &str) -> Response {
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _) = Response::new(Fields::new(), Some(body(content.as_bytes().to_vec())), trailers);
    response.set_status_code(status).expect("a status");
    response
}

/// Content that a task of its own writes.
fn body(content: Vec<u8>) -> StreamReader<u8> {
    let (mut writer, contents) = wit_stream::new();
    spawn_local(async move { drop(writer.write_all(content).await) });
    contents
}
