//! Load of many connections, for benchmarks; prints one line of summary, times in nanoseconds.
//!
//! MODE         hello | accept | idle | busy (default hello)
//! ADDRESS      the echo server; accept: where to listen (127.0.0.1:0)
//! ROUNDS       accept: connections to accept, each is closed at once; idle: round trips of one byte (default 1)
//! CONNECTIONS  idle: connections that are open and silent; busy: connections that echo at the same time (default 1)
//! BYTES        to echo: idle on the one active connection; busy on each (default 65536)
//! CHUNK        size of the buffers of the connections that move data (default 65536)
//!
//! What is open, or listening, is told in a line of its own before anything is timed.

mod accept;
mod connection;
mod many;

use support::{Checked, Failure, IpSocketAddress, environment, print, program};

program!(load);

pub struct Settings {
    address: IpSocketAddress,
    rounds: u64,
    connections: u64,
    bytes: u64,
    chunk: usize,
}

async fn load() -> Checked {
    let settings = Settings {
        address: environment::address_or("ADDRESS", "127.0.0.1:0")?,
        rounds: environment::number_or("ROUNDS", 1)?,
        connections: environment::number_or("CONNECTIONS", 1)?,
        bytes: environment::number_or("BYTES", 65536)?,
        chunk: environment::number_or("CHUNK", 65536)? as usize,
    };
    let mode = environment::text_or("MODE", "hello");
    let summary = match mode.as_str() {
        "hello" => String::new(),
        "accept" => accept::accept(&settings).await?,
        "idle" => many::idle(&settings).await?,
        "busy" => many::busy(&settings).await?,
        other => return Err(Failure::new(format!("MODE={other} is unknown"))),
    };
    print::out(&format!("{mode}: {summary}\n")).await;
    Ok(())
}
