//! Text to stdout and stderr. Each call waits until the host has taken all of it, so that lines keep their order.

use crate::bindings::wasi::cli::{stderr, stdout};
use crate::bindings::wit_stream;

pub async fn out(text: &str) {
    let (mut writer, reader) = wit_stream::new();
    let written = stdout::write_via_stream(reader);
    writer.write_all(text.as_bytes().to_vec()).await;
    drop(writer);
    // a program cannot do anything useful about a broken stdout
    let _ = written.await;
}

pub async fn error(text: &str) {
    let (mut writer, reader) = wit_stream::new();
    let written = stderr::write_via_stream(reader);
    writer.write_all(text.as_bytes().to_vec()).await;
    drop(writer);
    let _ = written.await;
}
