//! `wasi:io/poll`.

use wasip2::cli::stdout::get_stdout;
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::io::poll::poll;

pub fn same_pollable_twice() {
    let timer = subscribe_duration(1_000_000);
    assert_eq!(poll(&[&timer, &timer]).len(), 2);
}

pub fn two_of_one_object() {
    let output = get_stdout();
    let (one, two) = (output.subscribe(), output.subscribe());
    let later = subscribe_duration(u64::MAX);
    let mut ready = poll(&[&one, &later, &two]);
    ready.sort();
    assert_eq!(ready, [0, 2]);
    drop((one, two));
}

pub fn is_reusable() {
    let output = get_stdout();
    let pollable = output.subscribe();
    for _ in 0..3 {
        pollable.block();
        assert!(pollable.ready());
        assert_eq!(poll(&[&pollable]), [0]);
    }
    drop(pollable);
}

pub fn check_write_many_times() {
    let output = get_stdout();
    for _ in 0..9 {
        assert!(output.check_write().unwrap() >= 50);
    }
}
