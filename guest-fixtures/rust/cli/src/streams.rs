//! The standard streams as streams: order, ends, errors.

use futures::future::join_all;
use support::bindings::wasi::cli::types::ErrorCode;
use support::bindings::wasi::cli::{stdin, stdout};
use support::check::{equal, holds};
use support::{Checked, Failure, environment, print, pump, wit_stream};
use wit_bindgen::StreamResult;

/// What completed earlier comes out earlier, whichever stream it went through.
pub async fn stdout_in_order() -> Checked {
    let (mut first, data) = wit_stream::new();
    let first_written = stdout::write_via_stream(data);
    let (mut second, data) = wit_stream::new();
    let second_written = stdout::write_via_stream(data);
    for (writer, text) in [(&mut first, "one "), (&mut second, "two ")] {
        equal(writer.write_all(text.into()).await.len(), 0)?;
    }
    equal(first.write_all("three\n".into()).await.len(), 0)?;
    drop((first, second));
    equal((first_written.await, second_written.await), (Ok(()), Ok(())))
}

/// More than a pipe holds, through several streams at once.
pub async fn stdout_large() -> Checked {
    let results = join_all([b'a', b'b', b'c', b'd'].map(|letter| async move {
        let (mut writer, data) = wit_stream::new();
        let written = stdout::write_via_stream(data);
        let mut line = vec![letter; 65535];
        line.push(b'\n');
        let rest = writer.write_all(line).await;
        drop(writer);
        (rest.len(), written.await)
    }));
    equal(results.await, vec![(0, Ok(())); 4])
}

pub async fn stdout_empty() -> Checked {
    let (writer, data) = wit_stream::new();
    let written = stdout::write_via_stream(data);
    drop(writer);
    equal(written.await, Ok(()))
}

/// "If the stream's readable end is dropped the future will resolve to success."
pub async fn stdin_not_read() -> Checked {
    let (reader, read) = stdin::read_via_stream();
    drop(reader);
    equal(read.await, Ok(()))
}

/// What one stream did not take is there for the next: 16 bytes of stdin through streams of one byte each.
pub async fn stdin_continued() -> Checked {
    let mut got = Vec::new();
    while got.len() < 16 {
        let (mut reader, read) = stdin::read_via_stream();
        got.extend(pump::exactly(&mut reader, 1).await);
        drop(reader);
        equal(read.await, Ok(()))?;
    }
    equal(String::from_utf8_lossy(&got).as_ref(), "0123456789abcdef")
}

/// Two streams at once: who gets which bytes is up to the host, and both see the end.
pub async fn stdin_shared() -> Checked {
    let (mut first, first_read) = stdin::read_via_stream();
    let (mut second, second_read) = stdin::read_via_stream();
    equal(pump::exactly(&mut first, 1).await.len(), 1)?;
    pump::discard(&mut second, 65536, u64::MAX).await;
    pump::discard(&mut first, 65536, u64::MAX).await;
    equal((first_read.await, second_read.await), (Ok(()), Ok(())))
}

pub async fn lines() -> Checked {
    let (mut input, read) = stdin::read_via_stream();
    let mut buffer = Vec::with_capacity(4096);
    loop {
        print::out("> ").await;
        let (status, bytes) = input.read(buffer).await;
        if status == StreamResult::Dropped {
            break;
        }
        let line = String::from_utf8_lossy(&bytes);
        print::out(&format!("you said {:?}\n", line.trim_end())).await;
        buffer = bytes;
        buffer.clear();
    }
    print::out("bye\n").await;
    equal(read.await, Ok(()))
}

pub async fn read_a_little() -> Checked {
    let (mut input, _read) = stdin::read_via_stream();
    let got = pump::exactly(&mut input, 1).await;
    equal(got.len(), 1)
}

pub async fn stdin_fails() -> Checked {
    let (mut input, read) = stdin::read_via_stream();
    pump::discard(&mut input, 65536, u64::MAX).await;
    equal(read.await, Err(wanted()?))
}

/// The host finds out when it writes; whatever is written later is not taken.
pub async fn stdout_fails() -> Checked {
    let (mut writer, data) = wit_stream::new();
    let written = stdout::write_via_stream(data);
    let taken = pump::produce(&mut writer, vec![b'x'; 65536], u64::MAX).await;
    holds(taken < 1 << 30, "a broken stdout took everything")?;
    equal(written.await, Err(wanted()?))?;
    print::error("stdout failed as it should\n").await;
    Ok(())
}

fn wanted() -> Checked<ErrorCode> {
    match environment::text_or("ERROR", "").as_str() {
        "io" => Ok(ErrorCode::Io),
        "illegal-byte-sequence" => Ok(ErrorCode::IllegalByteSequence),
        "pipe" => Ok(ErrorCode::Pipe),
        other => Err(Failure::new(format!("ERROR={other} is unknown"))),
    }
}
