//! A TCP client for tests and benchmarks; prints one line of summary, times in nanoseconds.
//!
//! ADDRESS      the peer (required)
//! MODE         send | receive | echo | pingpong | connect (default echo)
//! BYTES        bytes per connection: to send, to expect (default 65536; receive: until FIN, unchecked)
//! CHUNK        size of the buffer in the guest (default 65536)
//! CONNECTIONS  connections at the same time (default 1)
//! ROUNDS       pingpong: messages of CHUNK bytes each way, whose p50 and p99 are printed; other modes: repetitions of the
//!              whole connection (default 1)
//! VERIFY=1     echo: compare every byte

mod modes;

use futures::future::try_join_all;
use modes::Moved;
use support::{Checked, Failure, IpSocketAddress, environment, monotonic_clock, print, program};

program!(client);

#[derive(Clone)]
pub struct Settings {
    address: IpSocketAddress,
    bytes: Option<u64>,
    chunk: usize,
    rounds: u64,
    verify: bool,
}

async fn client() -> Checked {
    let settings = Settings {
        address: environment::address_or("ADDRESS", "")?,
        bytes: environment::number("BYTES")?,
        chunk: environment::number_or("CHUNK", 65536)? as usize,
        rounds: environment::number_or("ROUNDS", 1)?,
        verify: environment::text_or("VERIFY", "0") == "1",
    };
    let mode = environment::text_or("MODE", "echo");
    let connections = environment::number_or("CONNECTIONS", 1)?;

    let start = monotonic_clock::now();
    let all = (0..connections).map(|_| one_connection(&mode, &settings));
    let moved = try_join_all(all).await?;
    let nanoseconds = monotonic_clock::now() - start;
    let bytes: u64 = moved.iter().map(|one| one.bytes).sum();
    let latencies =
        moved.iter().find(|one| !one.latencies.is_empty()).map_or(String::new(), |one| format!(", {}", one.latencies));
    print::out(&format!("{mode}: {connections} connections, {bytes} bytes, {nanoseconds} ns{latencies}\n")).await;
    Ok(())
}

/// Everything one of the concurrent connections does.
async fn one_connection(mode: &str, settings: &Settings) -> Checked<Moved> {
    if mode == "pingpong" {
        return modes::pingpong(settings).await;
    }
    let mut moved = Moved::default();
    for _ in 0..settings.rounds {
        moved.bytes += match mode {
            "send" => modes::send(settings).await?,
            "receive" => modes::receive(settings).await?,
            "echo" => modes::echo(settings).await?,
            "connect" => modes::connect(settings).await?,
            other => return Err(Failure::new(format!("MODE={other} is unknown"))),
        };
    }
    Ok(moved)
}
