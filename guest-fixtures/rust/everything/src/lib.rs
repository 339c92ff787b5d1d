//! Everything at once, for a while, in one instance; every answer is checked.
//!
//! ADDRESS      of a TCP echo server
//! CONNECTIONS  to it at any time (4)
//! MS           how long, in milliseconds (1000)
//! NAME         to look up (localhost)
//! NAME_IS      one of its addresses (127.0.0.1)
//! stdin        the bytes 0 to 255, over and over; may end
//!
//! Writes the lines 0, 1, 2, … to stdout, and at the end one that tells how many rounds of each there were.

mod rounds;

use futures::future::try_join_all;
use support::net::Boxed;
use support::{Checked, environment, monotonic_clock, print, program};

program!(everything);

const MS: u64 = 1_000_000;

async fn everything() -> Checked {
    let server = environment::address_or("ADDRESS", "")?;
    let end = monotonic_clock::now() + environment::number_or("MS", 1000)? * MS;
    let mut input = rounds::Input::open();
    let mut random = rounds::Random::default();
    let told = rounds::Told::now();

    let mut tasks: Vec<(&str, Boxed<'_, u64>)> = vec![
        ("accepted", repeat(end, async |_| rounds::accept().await)),
        ("datagrams", repeat(end, async |round| rounds::datagram(round).await)),
        ("names", repeat(end, async |_| rounds::name().await)),
        ("timers", repeat(end, async |round| rounds::timers(round).await)),
        ("random", repeat(end, async |round| random.next(round))),
        ("environment", repeat(end, async |_| told.again())),
        ("lines", repeat(end, async |round| rounds::line(round).await)),
        ("read", repeat(end, async |_| input.next().await)),
    ];
    for _ in 0..environment::number_or("CONNECTIONS", 4)? {
        tasks.push(("connected", repeat(end, async move |round| rounds::connect(server, round).await)));
    }
    let (names, tasks): (Vec<_>, Vec<_>) = tasks.into_iter().unzip();
    let counts = try_join_all(tasks).await?;
    let summary: Vec<_> = names.iter().zip(counts).map(|(name, count)| format!("{count} {name}")).collect();
    print::out(&format!("{}\n", summary.join(", "))).await;
    input.close().await
}

/// Rounds until the end, with a pause after each: nobody is to be drowned by another. Tells how many there were.
fn repeat<'a>(end: u64, mut round: impl AsyncFnMut(u64) -> Checked + 'a) -> Boxed<'a, u64> {
    Box::pin(async move {
        let mut count = 0;
        while count == 0 || monotonic_clock::now() < end {
            round(count).await?;
            monotonic_clock::wait_for(MS).await;
            count += 1;
        }
        Ok(count)
    })
}
