//! What ends the guest.

use wasip2::cli::{stdin::get_stdin, stdout::get_stdout};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::io::poll::poll;

pub fn empty_poll() {
    poll(&[]);
}

pub fn stdin_before_pollable() {
    let input = get_stdin();
    let pollable = input.subscribe();
    drop(input);
    drop(pollable);
}

pub fn write_4097_and_flush() {
    let _ = get_stdout().blocking_write_and_flush(&[0; 4097]);
}

/// Holds more pollables than a host should give: COUNT of them.
pub fn many_pollables() {
    let count = support::variable("COUNT", "1000").parse().unwrap();
    let held: Vec<_> = (0..count).map(|_| subscribe_duration(1)).collect();
    assert_eq!(poll(&held.iter().collect::<Vec<_>>()).len(), held.len());
}
