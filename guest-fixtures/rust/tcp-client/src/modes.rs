//! What one connection does in each MODE.

use futures::future::join;
use support::latencies::{self, Latencies};
use support::{Checked, Failure, TcpSocket, address, check, pump, wit_stream};
use wit_bindgen::{StreamReader, StreamResult};

use crate::Settings;

const DEFAULT_BYTES: u64 = 65536;

/// How many bytes one connection moved, and how long each round of a pingpong took.
#[derive(Default)]
pub struct Moved {
    pub bytes: u64,
    pub latencies: Latencies,
}

async fn connected(settings: &Settings) -> Checked<TcpSocket> {
    let socket = TcpSocket::create(address::family(&settings.address))?;
    socket.connect(settings.address).await?;
    Ok(socket)
}

/// Byte `i` of a transfer is `i % PERIOD`. PERIOD is prime, so no power-of-two block size is a multiple of it: lost, doubled or
/// swapped blocks show.
const PERIOD: u64 = 251;

fn pattern(chunk: usize) -> Vec<u8> {
    (0..chunk as u64).map(|position| (position % PERIOD) as u8).collect()
}

/// The size of the blocks to send: whole periods if they are to be verified, so that the pattern goes on from block to block.
fn block_size(settings: &Settings) -> usize {
    let periods = settings.chunk as u64 / PERIOD;
    if settings.verify { (periods.max(1) * PERIOD) as usize } else { settings.chunk }
}

pub async fn connect(settings: &Settings) -> Checked<u64> {
    connected(settings).await?;
    Ok(0)
}

pub async fn send(settings: &Settings) -> Checked<u64> {
    let total = settings.bytes.unwrap_or(DEFAULT_BYTES);
    let socket = connected(settings).await?;
    let (mut writer, data) = wit_stream::new();
    let sent = socket.send(data);
    let count = pump::produce(&mut writer, pattern(settings.chunk), total).await;
    drop(writer);
    sent.await?;
    check::equal(count, total)?;
    Ok(count)
}

pub async fn receive(settings: &Settings) -> Checked<u64> {
    let socket = connected(settings).await?;
    let (mut reader, received) = socket.receive();
    let count = pump::discard(&mut reader, settings.chunk, u64::MAX).await;
    received.await?;
    if let Some(expected) = settings.bytes {
        check::equal(count, expected)?;
    }
    Ok(count)
}

pub async fn echo(settings: &Settings) -> Checked<u64> {
    let total = settings.bytes.unwrap_or(DEFAULT_BYTES);
    let socket = connected(settings).await?;
    let (mut writer, data) = wit_stream::new();
    let sent = socket.send(data);
    let (mut reader, received) = socket.receive();

    let sending = async {
        let count = pump::produce(&mut writer, pattern(block_size(settings)), total).await;
        drop(writer);
        count
    };
    let receiving = async {
        if settings.verify {
            verify(&mut reader, settings.chunk).await
        } else {
            Ok(pump::discard(&mut reader, settings.chunk, u64::MAX).await)
        }
    };
    let (sent_count, received_count) = join(sending, receiving).await;
    sent.await?;
    received.await?;
    check::equal(sent_count, total)?;
    check::equal(received_count?, total)?;
    Ok(2 * total)
}

/// Reads until FIN and compares every byte with the pattern.
async fn verify(reader: &mut StreamReader<u8>, chunk: usize) -> Checked<u64> {
    let mut buffer = Vec::with_capacity(chunk);
    let mut position = 0;
    loop {
        let (status, mut bytes) = reader.read(buffer).await;
        for (offset, &byte) in bytes.iter().enumerate() {
            let place = position + offset as u64;
            let expected = (place % PERIOD) as u8;
            if byte != expected {
                return Err(Failure::new(format!("byte {place} is {byte}, expected {expected}")));
            }
        }
        position += bytes.len() as u64;
        if status == StreamResult::Dropped {
            return Ok(position);
        }
        bytes.clear();
        buffer = bytes;
    }
}

/// One message of CHUNK bytes there and back, ROUNDS times.
pub async fn pingpong(settings: &Settings) -> Checked<Moved> {
    let socket = connected(settings).await?;
    let (mut writer, data) = wit_stream::new();
    let sent = socket.send(data);
    let (mut reader, received) = socket.receive();
    let message = pattern(settings.chunk);
    let latencies = latencies::pingpong(&mut writer, &mut reader, &message, settings.rounds).await?;
    drop(writer);
    sent.await?;
    check::equal(pump::discard(&mut reader, settings.chunk, u64::MAX).await, 0)?;
    received.await?;
    Ok(Moved { bytes: 2 * settings.rounds * settings.chunk as u64, latencies })
}
