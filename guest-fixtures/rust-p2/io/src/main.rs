//! `wasi:io`, `wasi:clocks`, `wasi:random` and `wasi:cli` of WASI 0.2, called directly.
//!
//! CASE  one of the names below, or "all" (default)
//!
//! "all" expects stdin to be the ten bytes 0123456789, one argument beside the program's name, and FRUIT=apple.

mod clocks;
mod commands;
mod polling;
mod traps;
mod random;
mod stdio;

support::cases! {
    "poll-same-pollable-twice" => polling::same_pollable_twice,
    "poll-two-of-one-object" => polling::two_of_one_object,
    "pollable-is-reusable" => polling::is_reusable,
    "check-write-many-times" => polling::check_write_many_times,
    "monotonic-clock" => clocks::monotonic,
    "wall-clock" => clocks::wall,
    "sleep" => clocks::sleep,
    "zero-timer-is-ready-soon" => clocks::zero_timer,
    "timer-in-the-past" => clocks::past,
    "timer-stays-ready" => clocks::stays_ready,
    "random" => random::bytes,
    "insecure-random" => random::insecure,
    "environment" => commands::environment,
    "terminals" => commands::terminals,
    "stdout-write" => stdio::write,
    "stdout-blocking-write-and-flush" => stdio::blocking_write_and_flush,
    "stdout-write-zeroes" => stdio::write_zeroes,
    "stderr" => stdio::stderr,
    "stdin" => stdio::stdin,
    only_by_name:
    "splice-stdin" => stdio::splice_stdin,
    "stdin-to-the-end" => stdio::to_the_end,
    "closed-stdout" => stdio::closed_stdout,
    "prompt" => stdio::prompt,
    "sleep-forever" => clocks::sleep_forever,
    "exit-ok" => commands::exit_ok,
    "exit-err" => commands::exit_err,
    "exit-with-code" => commands::exit_with_code,
    "panic" => commands::panic,
    "trap-empty-poll" => traps::empty_poll,
    "trap-stdin-before-pollable" => traps::stdin_before_pollable,
    "trap-write-4097-and-flush" => traps::write_4097_and_flush,
    "many-pollables" => traps::many_pollables,
}
