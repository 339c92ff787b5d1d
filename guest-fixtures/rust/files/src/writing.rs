//! `write-via-stream`, `append-via-stream` and `set-size`.

use support::Checked;
use wit_bindgen::{FutureReader, StreamReader};

use crate::bindings::wit_stream;
use crate::node::ErrorCode::{BadDescriptor, FileTooLarge, Invalid, IsDirectory};
use crate::node::{ErrorCode, Node, equal, refused, refused_any};
use crate::tree::{self, READ, WRITE};

pub async fn write() -> Checked {
    let base = tree::planted("write").await?;
    let file = tree::open(&base, "f", READ | WRITE).await?;
    tree::write(&file, b"ab", 3).await?;
    tree::has(&base, "f", b"012ab56789").await?;
    tree::write(&file, b"", 0).await?;
    tree::write(&file, b"x", 12).await?;
    tree::has(&base, "f", b"012ab56789\0\0x").await?;
    let writer = tree::open(&base, "f", WRITE).await?;
    tree::write(&writer, b"only", 0).await?;
    tree::has(&base, "f", b"onlyb56789\0\0x").await?;
    // of the future nothing need be heard: what was taken is written
    let (mut stream, data) = wit_stream::new();
    drop(writer.write_via_stream(data, 0));
    equal(stream.write_all(b"ONLY".to_vec()).await, b"")?;
    tree::has(&base, "f", b"ONLYb56789\0\0x").await
}

type Outcome = FutureReader<Result<(), ErrorCode>>;

/// What became of a stream into which the guest writes: the bytes that it did not take, and the future.
async fn written(writing: impl FnOnce(StreamReader<u8>) -> Outcome) -> (Vec<u8>, Result<(), ErrorCode>) {
    let (mut writer, data) = wit_stream::new();
    let outcome = writing(data);
    let rest = writer.write_all(b"abc".to_vec()).await;
    drop(writer);
    (rest, outcome.await)
}

/// The stream takes nothing, and the future says why.
pub async fn takes_nothing(writing: impl FnOnce(StreamReader<u8>) -> Outcome, wanted: &[ErrorCode]) -> Checked {
    let (rest, outcome) = written(writing).await;
    equal(rest, b"abc")?;
    refused_any(outcome, wanted)
}

pub async fn errors() -> Checked {
    let base = tree::planted("write-errors").await?;
    takes_nothing(|data| base.write_via_stream(data, 0), &[BadDescriptor, IsDirectory]).await?;
    takes_nothing(|data| base.append_via_stream(data), &[BadDescriptor, IsDirectory]).await?;
    // errors of writing: a host may have taken what it then could not write
    let reader = tree::open(&base, "f", READ).await?;
    refused(written(|data| reader.write_via_stream(data, 0)).await.1, BadDescriptor)?;
    refused(written(|data| reader.append_via_stream(data)).await.1, BadDescriptor)?;
    let file = tree::open(&base, "f", WRITE).await?;
    refused(written(|data| file.write_via_stream(data, 1 << 63)).await.1, Invalid)?;
    refused(written(|data| file.write_via_stream(data, u64::MAX)).await.1, Invalid)?;
    tree::has(&base, "f", b"0123456789").await?;
    // a writer that writes nothing
    let (writer, data) = wit_stream::new();
    let outcome = file.write_via_stream(data, 0);
    drop(writer);
    Ok(outcome.await?)
}

pub async fn two_streams() -> Checked {
    let base = tree::planted("write-two-streams").await?;
    let file = tree::open(&base, "f", WRITE).await?;
    let (mut one, data) = wit_stream::new();
    let one_outcome = file.write_via_stream(data, 0);
    let (mut two, data) = wit_stream::new();
    let two_outcome = file.write_via_stream(data, 8);
    one.write_all(b"ab".to_vec()).await;
    two.write_all(b"yz!".to_vec()).await;
    one.write_all(b"cd".to_vec()).await;
    // the second outlives the descriptor
    drop(one);
    one_outcome.await?;
    drop(file);
    two.write_all(b"?".to_vec()).await;
    drop(two);
    two_outcome.await?;
    tree::has(&base, "f", b"abcd4567yz!?").await
}

pub async fn append() -> Checked {
    let base = tree::planted("append").await?;
    let file = tree::open(&base, "f", READ | WRITE).await?;
    let (mut one, data) = wit_stream::new();
    let one_outcome = file.append_via_stream(data);
    let (mut two, data) = wit_stream::new();
    let two_outcome = file.append_via_stream(data);
    one.write_all(b"a".to_vec()).await;
    two.write_all(b"b".to_vec()).await;
    one.write_all(b"c".to_vec()).await;
    // the descriptor itself writes where it is told to
    tree::write(&file, b"X", 0).await?;
    tree::has(&base, "f", b"X123456789abc").await?;
    file.set_size(0).await?;
    two.write_all(b"d".to_vec()).await;
    drop((one, two));
    one_outcome.await?;
    two_outcome.await?;
    tree::has(&base, "f", b"d").await
}

pub async fn big_file() -> Checked {
    let base = tree::empty("big-file").await?;
    let bytes: Vec<u8> = (0..4_000_000u32).map(|i| (i % 251) as u8).collect();
    let file = tree::put(&base, "big", &bytes).await?;
    equal(file.stat().await?.size, 4_000_000)?;
    tree::has(&base, "big", &bytes).await
}

/// The stream that one file gives goes into another as it is.
pub async fn file_to_file() -> Checked {
    let base = tree::empty("file-to-file").await?;
    let bytes: Vec<u8> = (0..500_000u32).map(|i| (i % 251) as u8).collect();
    let from = tree::put(&base, "from", &bytes).await?;
    let to = tree::put(&base, "to", b"").await?;
    let (reader, read) = from.read_via_stream(0);
    to.write_via_stream(reader, 0).await?;
    read.await?;
    tree::has(&base, "to", &bytes).await
}

pub async fn set_size() -> Checked {
    let base = tree::planted("set-size").await?;
    let file = tree::open(&base, "f", READ | WRITE).await?;
    file.set_size(3).await?;
    tree::has(&base, "f", b"012").await?;
    file.set_size(5).await?;
    tree::has(&base, "f", b"012\0\0").await?;
    file.set_size(1 << 20).await?;
    equal(file.stat().await?.size, 1 << 20)?;
    refused(file.set_size(1 << 63).await, Invalid)?;
    refused(file.set_size(u64::MAX).await, Invalid)?;
    let reader: Node = tree::open(&base, "f", READ).await?;
    refused_any(reader.set_size(0).await, &[Invalid, BadDescriptor])?;
    refused_any(base.set_size(0).await, &[BadDescriptor, IsDirectory])
}

/// The host lets no file become larger than this.
const LARGEST: u64 = 4_000_000;

pub async fn file_too_large() -> Checked {
    let base = tree::empty("file-too-large").await?;
    let file = tree::put(&base, "big", b"").await?;
    refused(tree::write(&file, &vec![7; LARGEST as usize + 1], 0).await, FileTooLarge)?;
    tree::has(&base, "big", &vec![7; LARGEST as usize]).await?;
    refused(file.set_size(LARGEST + 1).await, FileTooLarge)?;
    tree::write(&file, b"fits", 0).await?;
    Ok(file.set_size(4).await?)
}
