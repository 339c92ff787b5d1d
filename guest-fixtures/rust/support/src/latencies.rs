//! How long each of many rounds took.

use std::fmt::{Display, Formatter};

use crate::{Checked, check, monotonic_clock, pump};
use wit_bindgen::{StreamReader, StreamWriter};

/// Prints as `N p50, N p99`, in nanoseconds.
#[derive(Default)]
pub struct Latencies(Vec<u64>);

impl Latencies {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value that `percent` of the rounds were not slower than.
    fn percentile(&self, percent: usize) -> u64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
    }
}

impl Display for Latencies {
    fn fmt(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
        write!(to, "{} p50, {} p99", self.percentile(50), self.percentile(99))
    }
}

/// Sends `message` and waits until all of it has come back, so many times.
pub async fn pingpong(
    writer: &mut StreamWriter<u8>,
    reader: &mut StreamReader<u8>,
    message: &[u8],
    rounds: u64,
) -> Checked<Latencies> {
    let mut latencies = Latencies::default();
    for _ in 0..rounds {
        let start = monotonic_clock::now();
        let unsent = writer.write_all(message.to_vec()).await;
        check::holds(unsent.is_empty(), "the peer stopped taking messages")?;
        let answer = pump::exactly(reader, message.len()).await;
        latencies.0.push(monotonic_clock::now() - start);
        check::holds(answer == message, "the answer differs from the message")?;
    }
    Ok(latencies)
}
