//! Reads what the host passes.

use wit_bindgen::{StreamReader, StreamResult};

use crate::api;

pub async fn all<T: 'static>(stream: StreamReader<T>) -> Vec<T> {
    stream.collect().await
}

pub async fn total(mut data: StreamReader<u8>) -> (u64, u64) {
    let (mut count, mut sum) = (0, 0);
    let mut buffer = Vec::with_capacity(65536);
    loop {
        let (status, mut bytes) = data.read(buffer).await;
        count += bytes.len() as u64;
        sum += bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
        if status == StreamResult::Dropped {
            return (count, sum);
        }
        bytes.clear();
        buffer = bytes;
    }
}

pub async fn size(data: StreamReader<u8>) -> u64 {
    total(data).await.0
}

pub async fn totals(data: Vec<StreamReader<u8>>) -> Vec<u64> {
    let mut sizes = Vec::new();
    for one in data {
        sizes.push(size(one).await);
    }
    sizes
}

pub async fn store(upload: api::Upload) -> (String, u64, Option<bool>) {
    let size = size(upload.data).await;
    let checked = match upload.checked {
        Some(checked) => Some(checked.await),
        None => None,
    };
    (upload.name, size, checked)
}
