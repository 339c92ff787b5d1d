//! Accepting and closing.

use support::{Checked, Failure, TcpSocket, address, monotonic_clock, print};

use crate::Settings;

/// The time from the first connection to the last.
pub async fn accept(settings: &Settings) -> Checked<String> {
    let listener = TcpSocket::create(address::family(&settings.address))?;
    listener.bind(settings.address)?;
    let mut accepted = listener.listen()?;
    print::out(&format!("listening on {}\n", address::to_std(&listener.get_local_address()?))).await;

    let mut start = 0;
    for round in 0..=settings.rounds {
        let socket = accepted.next().await;
        drop(socket.ok_or_else(|| Failure::new("the accept stream ended"))?);
        if round == 0 {
            start = monotonic_clock::now();
        }
    }
    let nanoseconds = monotonic_clock::now() - start;
    Ok(format!("{} connections, {nanoseconds} ns", settings.rounds))
}
