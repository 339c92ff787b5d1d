//! Moving bytes between streams with one reused buffer per direction and no work per byte.

use wit_bindgen::{StreamReader, StreamResult, StreamWriter};

/// Copies until the reader ends (FIN) or the writer's peer is gone; tells how many bytes went through.
pub async fn copy(reader: &mut StreamReader<u8>, writer: &mut StreamWriter<u8>, chunk: usize) -> u64 {
    let mut buffer = Vec::with_capacity(chunk);
    let mut total = 0;
    loop {
        let (status, bytes) = reader.read(buffer).await;
        let count = bytes.len();
        let unwritten = writer.write_all(bytes).await;
        total += (count - unwritten.len()) as u64;
        if status == StreamResult::Dropped || !unwritten.is_empty() {
            return total;
        }
        buffer = unwritten;
    }
}

/// Reads until the stream ends or `limit` bytes came, throwing the bytes away; tells how many came.
pub async fn discard(reader: &mut StreamReader<u8>, chunk: usize, limit: u64) -> u64 {
    let mut buffer = Vec::with_capacity(chunk);
    let mut total = 0;
    while total < limit {
        let (status, mut bytes) = reader.read(buffer).await;
        total += bytes.len() as u64;
        if status == StreamResult::Dropped {
            break;
        }
        bytes.clear();
        buffer = bytes;
    }
    total
}

/// Writes `total` bytes of `pattern` (over and over) in pieces of its length; tells how many were taken.
pub async fn produce(writer: &mut StreamWriter<u8>, pattern: Vec<u8>, total: u64) -> u64 {
    let chunk = pattern.len();
    let mut buffer = pattern;
    let mut sent = 0;
    while sent < total {
        buffer.truncate((total - sent).min(chunk as u64) as usize);
        let length = buffer.len();
        let rest = writer.write_all(buffer).await;
        sent += (length - rest.len()) as u64;
        if !rest.is_empty() {
            break;
        }
        buffer = rest;
        // SAFETY: write_all gives the same allocation back emptied; its first `length` bytes are still the pattern's, so
        // growing the length shows initialised bytes again and nothing has to be filled a second time
        unsafe { buffer.set_len(length) };
    }
    sent
}

/// Reads exactly `count` bytes; fewer only if the stream ended before.
pub async fn exactly(reader: &mut StreamReader<u8>, count: usize) -> Vec<u8> {
    let mut got = Vec::new();
    while got.len() < count {
        let (status, bytes) = reader.read(Vec::with_capacity(count - got.len())).await;
        got.extend_from_slice(&bytes);
        if status == StreamResult::Dropped {
            break;
        }
    }
    got
}
