//! Load for benchmarks, on /data; each prints a line of figures.
//!
//! BYTES, CHUNK  of the file (1 MiB, 64 KiB)
//! COUNT         of the files that are opened and listed (100)

use futures::future::join;
use support::{Checked, check, environment, monotonic_clock, print, pump};
use wit_bindgen::StreamResult;

use crate::bindings::wit_stream;
use crate::node::OpenFlags;
use crate::tree::{self, NO_FOLLOW, READ, WRITE};

async fn tell(what: &str, amount: u64, start: u64) {
    let nanoseconds = monotonic_clock::now() - start;
    print::out(&format!("{what}={amount} ns={nanoseconds}\n")).await;
}

pub async fn write() -> Checked {
    let (bytes, chunk) = (environment::number_or("BYTES", 1 << 20)?, environment::number_or("CHUNK", 65536)?);
    let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let file = tree::mount("/data")?.open_at(NO_FOLLOW, "load", flags, WRITE).await?;
    let (mut writer, data) = wit_stream::new();
    let start = monotonic_clock::now();
    let written = file.write_via_stream(data, 0);
    let produced = async {
        let count = pump::produce(&mut writer, vec![7; chunk as usize], bytes).await;
        drop(writer);
        count
    };
    let (outcome, count) = join(async { written.await }, produced).await;
    outcome?;
    check::equal(count, bytes)?;
    tell("write bytes", bytes, start).await;
    Ok(())
}

/// Reads what `write` wrote.
pub async fn read() -> Checked {
    let chunk = environment::number_or("CHUNK", 65536)?;
    let file = tree::open(&tree::mount("/data")?, "load", READ).await?;
    let start = monotonic_clock::now();
    let (mut reader, outcome) = file.read_via_stream(0);
    let bytes = pump::discard(&mut reader, chunk as usize, u64::MAX).await;
    outcome.await?;
    tell("read bytes", bytes, start).await;
    Ok(())
}

/// Makes files; then opens each, asks for its size and closes it.
pub async fn open() -> Checked {
    let data = tree::mount("/data")?;
    let names: Vec<String> = (0..environment::number_or("COUNT", 100)?).map(|i| format!("file-{i}")).collect();
    for name in &names {
        data.open_at(NO_FOLLOW, name, OpenFlags::CREATE, WRITE).await?;
    }
    let start = monotonic_clock::now();
    for name in &names {
        check::equal(tree::open(&data, name, READ).await?.stat().await?.size, 0)?;
    }
    tell("open calls", names.len() as u64, start).await;
    Ok(())
}

/// Lists what `open` made.
pub async fn list() -> Checked {
    let data = tree::mount("/data")?;
    let start = monotonic_clock::now();
    let (mut reader, outcome) = data.read_directory();
    let mut count = 0;
    let mut entries = Vec::with_capacity(256);
    loop {
        let (status, found) = reader.read(entries).await;
        count += found.len() as u64;
        if status == StreamResult::Dropped {
            break;
        }
        entries = found;
        entries.clear();
    }
    outcome.await?;
    tell("list calls", count, start).await;
    Ok(())
}
