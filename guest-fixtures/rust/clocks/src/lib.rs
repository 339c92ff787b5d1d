//! wasi:clocks: both clocks, waits of every length, many at once.
//!
//! CASE     one of the names below, or "all" (default); prints `ok NAME` for each and stops at the first failure
//! WAITS    how many wait at once in `many` (1000)
//! WAIT_NS  how long a wait is in `many` and `tell` (20 ms)
//!
//! Not part of "all":
//! tell     prints the mark and the instant before and after one wait

use std::cell::RefCell;
use std::pin::pin;
use std::task::Poll;

use futures::future::{join, join_all};
use support::bindings::wasi::clocks::{monotonic_clock, system_clock};
use support::check::{equal, holds};
use support::{Checked, environment, print};

const MS: u64 = 1_000_000;

support::cases! {
    "now" => now,
    "resolution" => resolution,
    "wait-for" => wait_for,
    "wait-for-nothing" => wait_for_nothing,
    "wait-until" => wait_until,
    "wait-until-the-past" => wait_until_the_past,
    "order" => order,
    "many" => many,
    "for-ever" => for_ever,
    "system-now" => system_now,
    "system-resolution" => system_resolution,
    only_by_name:
    "tell" => tell,
}

async fn now() -> Checked {
    let mut last = monotonic_clock::now();
    for _ in 0..1000 {
        let now = monotonic_clock::now();
        holds(now >= last, "the monotonic clock went back")?;
        last = now;
    }
    Ok(())
}

async fn resolution() -> Checked {
    let resolution = monotonic_clock::get_resolution();
    holds((1..=1000 * MS).contains(&resolution), "a tick takes no time, or seconds")
}

async fn wait_for() -> Checked {
    let before = monotonic_clock::now();
    monotonic_clock::wait_for(20 * MS).await;
    holds(monotonic_clock::now() - before >= 20 * MS, "the wait was too short")
}

async fn wait_for_nothing() -> Checked {
    monotonic_clock::wait_for(0).await;
    monotonic_clock::wait_for(1).await;
    Ok(())
}

async fn wait_until() -> Checked {
    let mark = monotonic_clock::now() + 20 * MS;
    monotonic_clock::wait_until(mark).await;
    holds(monotonic_clock::now() >= mark, "the wait was too short")
}

async fn wait_until_the_past() -> Checked {
    monotonic_clock::wait_until(0).await;
    monotonic_clock::wait_until(monotonic_clock::now()).await;
    Ok(())
}

/// Waits end in the order of their ends, not of their beginnings.
async fn order() -> Checked {
    let ended = RefCell::new(Vec::new());
    let start = monotonic_clock::now();
    let ended_at = &ended;
    let wait = |number: u64| async move {
        monotonic_clock::wait_until(start + number * 10 * MS).await;
        ended_at.borrow_mut().push(number);
    };
    join_all([3, 1, 4, 2].map(wait)).await;
    equal(ended.into_inner(), vec![1, 2, 3, 4])
}

async fn many() -> Checked {
    let waits = environment::number_or("WAITS", 1000)?;
    let wait_ns = environment::number_or("WAIT_NS", 20 * MS)?;
    let start = monotonic_clock::now();
    join_all((0..waits).map(|_| monotonic_clock::wait_for(wait_ns))).await;
    holds(monotonic_clock::now() - start >= wait_ns, "the waits were too short")
}

/// The longest waits that there are: they wait, and can be given up.
async fn for_ever() -> Checked {
    let mut waits = pin!(join(monotonic_clock::wait_for(u64::MAX), monotonic_clock::wait_until(u64::MAX)));
    for _ in 0..2 {
        let ended = std::future::poll_fn(|context| Poll::Ready(waits.as_mut().poll(context).is_ready())).await;
        holds(!ended, "for ever is over")?;
        monotonic_clock::wait_for(MS).await;
    }
    Ok(())
}

async fn system_now() -> Checked {
    let instant = system_clock::now();
    holds(instant.nanoseconds < 1_000_000_000, "more than a second of nanoseconds")?;
    // 2025 to 2100: a machine without a battery would begin in 1970
    holds((1_735_689_600..4_102_444_800).contains(&instant.seconds), "a year of another century")
}

async fn system_resolution() -> Checked {
    let resolution = system_clock::get_resolution();
    holds((1..=1000 * MS).contains(&resolution), "a tick takes no time, or seconds")
}

async fn tell() -> Checked {
    tell_now().await;
    monotonic_clock::wait_for(environment::number_or("WAIT_NS", 20 * MS)?).await;
    tell_now().await;
    Ok(())
}

async fn tell_now() {
    let (mark, instant) = (monotonic_clock::now(), system_clock::now());
    print::out(&format!("{mark} {} {}\n", instant.seconds, instant.nanoseconds)).await;
}
