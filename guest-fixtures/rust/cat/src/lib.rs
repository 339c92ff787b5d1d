//! Copies stdin to stdout, or only one half of that.
//!
//! MODE   copy (default), discard (stdin only), produce (stdout only) or splice (stdin's own stream becomes stdout's)
//! BYTES  how many to produce (65536), or after how many to stop reading (never)
//! CHUNK  the size of one read and write (65536)
//!
//! Tells the number of bytes on stderr.

use support::bindings::wasi::cli::types::ErrorCode;
use support::bindings::wasi::cli::{stdin, stdout};
use support::{Checked, Failure, environment, print, pump, wit_stream};

support::program!(cat);

async fn cat() -> Checked {
    let chunk = environment::number_or("CHUNK", 65536)? as usize;
    let bytes = environment::number("BYTES")?;
    let count = match environment::text_or("MODE", "copy").as_str() {
        "copy" => copy(chunk).await?,
        "discard" => discard(chunk, bytes.unwrap_or(u64::MAX)).await?,
        "produce" => produce(chunk, bytes.unwrap_or(65536)).await?,
        "splice" => splice().await?,
        other => return Err(Failure::new(format!("MODE={other} is unknown"))),
    };
    print::error(&format!("{count} bytes\n")).await;
    Ok(())
}

async fn copy(chunk: usize) -> Checked<u64> {
    let (mut input, read) = stdin::read_via_stream();
    let (mut writer, data) = wit_stream::new();
    let written = stdout::write_via_stream(data);
    let count = pump::copy(&mut input, &mut writer, chunk).await;
    drop((input, writer));
    went_well("reading", read.await)?;
    went_well("writing", written.await)?;
    Ok(count)
}

async fn discard(chunk: usize, limit: u64) -> Checked<u64> {
    let (mut input, read) = stdin::read_via_stream();
    let count = pump::discard(&mut input, chunk, limit).await;
    drop(input);
    went_well("reading", read.await)?;
    Ok(count)
}

async fn produce(chunk: usize, bytes: u64) -> Checked<u64> {
    let (mut writer, data) = wit_stream::new();
    let written = stdout::write_via_stream(data);
    let pattern = (0..chunk).map(|at| at as u8).collect();
    let count = pump::produce(&mut writer, pattern, bytes).await;
    drop(writer);
    went_well("writing", written.await)?;
    Ok(count)
}

/// Nobody here sees the bytes, so nobody counts them.
async fn splice() -> Checked<u64> {
    let (input, read) = stdin::read_via_stream();
    let written = stdout::write_via_stream(input);
    went_well("writing", written.await)?;
    went_well("reading", read.await)?;
    Ok(0)
}

#[track_caller]
fn went_well(what: &str, got: Result<(), ErrorCode>) -> Checked {
    got.map_err(|code| Failure::new(format!("{what}: {code:?}")))
}
