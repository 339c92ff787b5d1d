//! Writes what the host gets, in tasks that go on after the call has returned.

use std::cell::Cell;

use wit_bindgen::{FutureReader, StreamReader, StreamResult, StreamWriter, spawn_local};

use crate::bindings::{wit_future, wit_stream};

thread_local! {
    static WRITING: Cell<u32> = const { Cell::new(0) };
}

/// Counts a stream for as long as it is written.
struct Writing;

impl Writing {
    fn begin() -> Writing {
        WRITING.set(WRITING.get() + 1);
        Writing
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        WRITING.set(WRITING.get() - 1);
    }
}

pub fn writing() -> u32 {
    WRITING.get()
}

pub fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_string).collect()
}

/// A stream of these values.
pub fn stream<T: 'static>(values: Vec<T>) -> StreamReader<T>
where
    T: crate::bindings::wit_stream::StreamPayload,
{
    let (writer, reader) = wit_stream::new::<T>();
    spawn_local(write(writer, values));
    reader
}

async fn write<T: 'static>(mut writer: StreamWriter<T>, values: Vec<T>) -> usize {
    let _counted = Writing::begin();
    writer.write_all(values).await.len()
}

pub fn promise(value: String) -> FutureReader<String> {
    let (writer, reader) = wit_future::new::<String>(String::new);
    spawn_local(async move {
        let _ = writer.write(value).await;
    });
    reader
}

pub fn lines(text: String) -> Result<(StreamReader<String>, FutureReader<String>), String> {
    let lines = words(&text);
    if lines.is_empty() {
        return Err("no words".to_string());
    }
    let (writer, reader) = wit_stream::new::<String>();
    let (taken, future) = wit_future::new::<String>(String::new);
    spawn_local(async move {
        let count = lines.len();
        let left = write(writer, lines).await;
        let _ = taken.write(format!("{} taken", count - left)).await;
    });
    Ok((reader, future))
}

/// Each word as soon as it comes, in capitals.
pub fn upper(mut words: StreamReader<String>) -> StreamReader<String> {
    let (mut writer, reader) = wit_stream::new::<String>();
    spawn_local(async move {
        let _counted = Writing::begin();
        while let Some(word) = words.next().await {
            if writer.write_one(word.to_uppercase()).await.is_some() {
                return;
            }
        }
    });
    reader
}

pub fn copy(mut data: StreamReader<u8>) -> StreamReader<u8> {
    let (mut writer, reader) = wit_stream::new::<u8>();
    spawn_local(async move {
        let _counted = Writing::begin();
        let mut buffer = Vec::with_capacity(65536);
        loop {
            let (status, bytes) = data.read(buffer).await;
            buffer = writer.write_all(bytes).await;
            if status == StreamResult::Dropped || !buffer.is_empty() {
                return;
            }
        }
    });
    reader
}
