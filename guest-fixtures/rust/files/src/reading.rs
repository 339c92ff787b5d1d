//! `read-via-stream`.

use support::net::Boxed;
use support::{Checked, pump};

use crate::node::ErrorCode::{BadDescriptor, Invalid, IsDirectory};
use crate::node::{ErrorCode, Node, equal, refused, refused_any};
use crate::tree::{self, READ, WRITE};

pub async fn read() -> Checked {
    let base = tree::planted("read").await?;
    let file = tree::open(&base, "f", READ).await?;
    for (offset, wanted) in [(0, "0123456789"), (7, "789"), (10, ""), (1 << 40, "")] {
        let (got, outcome) = tree::read(&file, offset).await;
        outcome?;
        equal(got, wanted.as_bytes())?;
    }
    let bytes: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
    tree::put(&base, "big", &bytes).await?;
    tree::has(&base, "big", &bytes).await
}

fn ends_with<'a>(file: &'a Node, offset: u64, wanted: &'a [ErrorCode]) -> Boxed<'a> {
    Box::pin(async move {
        let (got, outcome) = tree::read(file, offset).await;
        equal(got, b"")?;
        refused_any(outcome, wanted)
    })
}

pub async fn errors() -> Checked {
    let base = tree::planted("read-errors").await?;
    let file = tree::open(&base, "f", READ).await?;
    ends_with(&file, 1 << 63, &[Invalid]).await?;
    ends_with(&file, u64::MAX, &[Invalid]).await?;
    ends_with(&tree::open(&base, "f", WRITE).await?, 0, &[BadDescriptor]).await?;
    ends_with(&base, 0, &[IsDirectory, BadDescriptor]).await?;
    // a stream that was never read
    let (reader, outcome) = base.read_via_stream(0);
    drop(reader);
    refused(outcome.await, IsDirectory)
}

pub async fn two_streams() -> Checked {
    let base = tree::planted("read-two-streams").await?;
    let file = tree::open(&base, "f", READ).await?;
    let (mut one, one_outcome) = file.read_via_stream(0);
    let (mut two, two_outcome) = file.read_via_stream(5);
    equal(pump::exactly(&mut one, 3).await, b"012")?;
    equal(pump::exactly(&mut two, 2).await, b"56")?;
    equal(pump::exactly(&mut one, 2).await, b"34")?;
    equal(two.collect().await, b"789")?;
    equal(one.collect().await, b"56789")?;
    one_outcome.await?;
    Ok(two_outcome.await?)
}

pub async fn and_stop() -> Checked {
    let base = tree::planted("read-and-stop").await?;
    let file = tree::open(&base, "f", READ).await?;
    let (mut reader, outcome) = file.read_via_stream(0);
    equal(pump::exactly(&mut reader, 3).await, b"012")?;
    drop(reader);
    outcome.await?;
    // of the future nothing need be heard
    let (reader, outcome) = file.read_via_stream(4);
    drop(outcome);
    equal(reader.collect().await, b"456789")
}

pub async fn streams_outlive_descriptors() -> Checked {
    let base = tree::planted("streams-outlive-descriptors").await?;
    let file = tree::open(&base, "f", READ | WRITE).await?;
    tree::write(&file, b"abc", 10).await?;
    let (reader, outcome) = file.read_via_stream(0);
    drop(file);
    base.unlink_file_at("f").await?;
    equal(reader.collect().await, b"0123456789abc")?;
    Ok(outcome.await?)
}
