//! `wasi:clocks`.

use wasip2::clocks::{monotonic_clock, wall_clock};
use wasip2::io::poll::poll;

pub fn monotonic() {
    assert!(monotonic_clock::resolution() > 0);
    let first = monotonic_clock::now();
    assert!(monotonic_clock::now() >= first);
}

pub fn wall() {
    let now = wall_clock::now();
    assert!(now.seconds > 0 && now.nanoseconds < 1_000_000_000);
    let resolution = wall_clock::resolution();
    assert!(resolution.seconds > 0 || resolution.nanoseconds > 0);
}

pub fn sleep() {
    let before = monotonic_clock::now();
    monotonic_clock::subscribe_duration(10_000_000).block();
    assert!(monotonic_clock::now() - before >= 10_000_000);
    let until = monotonic_clock::now() + 10_000_000;
    let pollable = monotonic_clock::subscribe_instant(until);
    assert_eq!(poll(&[&pollable]), [0]);
    assert!(monotonic_clock::now() >= until);
}

pub fn zero_timer() {
    let pollable = monotonic_clock::subscribe_duration(0);
    assert!((0..20).any(|_| pollable.ready()));
}

pub fn past() {
    monotonic_clock::subscribe_instant(0).block();
    monotonic_clock::subscribe_instant(monotonic_clock::now().saturating_sub(1)).block();
}

pub fn stays_ready() {
    let pollable = monotonic_clock::subscribe_duration(1);
    pollable.block();
    for _ in 0..3 {
        assert!(pollable.ready());
    }
}

/// Waits for the end of time: what ends it is the host's affair.
pub fn sleep_forever() {
    monotonic_clock::subscribe_duration(u64::MAX).block();
}
