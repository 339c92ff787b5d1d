//! Calls that take time: waiting for the host, computing, giving way, never ending.

use std::cell::Cell;
use std::hint::black_box;

use wit_bindgen::{FutureReader, StreamReader, StreamResult, spawn_local, yield_async};

use crate::bindings::test::exports::host;
use crate::bindings::{wit_future, wit_stream};

thread_local! {
    static NOW: Cell<u32> = const { Cell::new(0) };
    static MOST: Cell<u32> = const { Cell::new(0) };
}

/// Counts a waiting call for as long as it lives, also if it is cancelled.
struct Waiting;

impl Waiting {
    fn begin() -> Waiting {
        let (now, most) = waiting();
        NOW.set(now + 1);
        MOST.set(most.max(now + 1));
        Waiting
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        NOW.set(NOW.get() - 1);
    }
}

pub fn waiting() -> (u32, u32) {
    (NOW.get(), MOST.get())
}

pub async fn wait(n: u32, ms: u32) -> u32 {
    let _counted = Waiting::begin();
    host::sleep(ms).await;
    n
}

pub async fn sleep_times(times: u32, ms: u32) {
    for _ in 0..times {
        host::sleep(ms).await;
    }
}

/// A xorshift generator: the compiler cannot see its end from its beginning.
pub fn spin(rounds: u64) -> u64 {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut round = 0;
    while rounds == 0 || round < rounds {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state = black_box(state);
        round += 1;
    }
    state
}

pub async fn yield_times(times: u64) -> u64 {
    let mut count = 0;
    while times == 0 || count < times {
        yield_async().await;
        count += 1;
    }
    count
}

pub async fn wait_forever() {
    let (writer, mut reader) = wit_stream::new::<u8>();
    reader.read(Vec::with_capacity(1)).await;
    drop(writer);
}

pub async fn trap_after(ms: u32) {
    host::sleep(ms).await;
    panic!("asked to trap");
}

/// Written by a task that goes on after the call has returned.
pub fn count_to(limit: u32) -> (StreamReader<u32>, FutureReader<u64>) {
    let (mut numbers, stream) = wit_stream::new::<u32>();
    let (sum, future) = wit_future::new::<u64>(|| 0);
    spawn_local(async move {
        let unwanted = numbers.write_all((0..limit).collect()).await;
        let sent = u64::from(limit) - unwanted.len() as u64;
        drop(numbers);
        // the sum of those that were taken; nobody may want it
        let _ = sum.write(sent * sent.saturating_sub(1) / 2).await;
    });
    (stream, future)
}

pub async fn checksum(mut data: StreamReader<u8>) -> (u64, u64) {
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
