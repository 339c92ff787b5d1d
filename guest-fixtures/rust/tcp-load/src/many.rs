//! Many connections at once: all silent but one, or all busy.

use futures::future::{join_all, try_join_all};
use support::{Checked, latencies, monotonic_clock, print};

use crate::Settings;
use crate::connection::Connection;

/// One active connection among silent ones: the guest waits for bytes on each of them.
pub async fn idle(settings: &Settings) -> Checked<String> {
    print::out("none open\n").await;
    let mut writers = Vec::new();
    let mut waiting = Vec::new();
    for _ in 0..settings.connections {
        let (writer, end) = Connection::open(settings.address).await?.wait_for_end();
        writers.push(writer);
        waiting.push(end);
    }
    print::out("all open\n").await;
    let summary = active(settings).await?;
    drop(writers);
    for end in waiting {
        end.await;
    }
    Ok(summary)
}

async fn active(settings: &Settings) -> Checked<String> {
    let Settings { connections, rounds, bytes, chunk, .. } = *settings;
    let mut connection = Connection::open(settings.address).await?;
    let (writer, reader) = (&mut connection.writer, &mut connection.reader);
    let latencies = latencies::pingpong(writer, reader, &[1], rounds).await?;
    let start = monotonic_clock::now();
    connection.echo(bytes, chunk).await?;
    let nanoseconds = monotonic_clock::now() - start;
    connection.close().await?;
    Ok(format!("{connections} connections, {} bytes, {nanoseconds} ns, {latencies}", 2 * bytes))
}

/// All connections echo the same number of bytes; the fastest and the slowest tell how fair the host is.
pub async fn busy(settings: &Settings) -> Checked<String> {
    let mut connections = Vec::new();
    for _ in 0..settings.connections {
        connections.push(Connection::open(settings.address).await?);
    }
    print::out("all open\n").await;
    let start = monotonic_clock::now();
    let times = try_join_all(connections.iter_mut().map(async |connection| {
        connection.echo(settings.bytes, settings.chunk).await?;
        Checked::Ok(monotonic_clock::now() - start)
    }))
    .await?;
    let nanoseconds = monotonic_clock::now() - start;
    join_all(connections.into_iter().map(Connection::close)).await;
    let bytes = 2 * settings.bytes * settings.connections;
    let (fastest, slowest) = (times.iter().min().unwrap_or(&0), times.iter().max().unwrap_or(&0));
    Ok(format!(
        "{} connections, {bytes} bytes, {nanoseconds} ns, {fastest} fastest, {slowest} slowest",
        settings.connections
    ))
}
