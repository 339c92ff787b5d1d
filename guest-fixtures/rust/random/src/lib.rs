//! wasi:random: lengths from none to more than anybody has, fresh data, all three interfaces.
//!
//! CASE  one of the names below, or "all" (default); prints `ok NAME` for each and stops at the first failure
//!
//! Not part of "all":
//! print  the first values of every function, which are the same in two runs with the same seed

use support::bindings::wasi::random::{insecure, insecure_seed, random};
use support::check::{equal, holds};
use support::{Checked, print};

type Get = fn(u64) -> Vec<u8>;

support::cases! {
    "bytes" => bytes,
    "bytes-are-fresh" => bytes_are_fresh,
    "bytes-beyond-all-limits" => bytes_beyond_all_limits,
    "u64" => u64s,
    "insecure-bytes" => insecure_bytes,
    "insecure-bytes-beyond-all-limits" => insecure_bytes_beyond_all_limits,
    "insecure-u64" => insecure_u64s,
    "insecure-seed" => seed,
    only_by_name:
    "print" => print,
}

async fn bytes() -> Checked {
    gives_what_was_asked_for(random::get_random_bytes)
}

async fn insecure_bytes() -> Checked {
    gives_what_was_asked_for(insecure::get_insecure_random_bytes)
}

fn gives_what_was_asked_for(get: Get) -> Checked {
    for length in [0, 1, 7, 64, 65536] {
        let got = collect(get, length)?;
        equal(got.len() as u64, length)?;
        // as likely to miss one of 256 values as to guess a key of 256 bits
        holds(length < 65536 || (0..=255).all(|byte| got.contains(&byte)), "some byte never comes")?;
    }
    Ok(())
}

/// As the WIT says that it must be done: fewer bytes may come, but at least one.
fn collect(get: Get, length: u64) -> Checked<Vec<u8>> {
    let mut got = Vec::new();
    loop {
        let left = length - got.len() as u64;
        let more = get(left);
        holds(more.len() as u64 <= left, "more than was asked for")?;
        holds(left == 0 || !more.is_empty(), "nothing came")?;
        got.extend(more);
        if left == 0 {
            return Ok(got);
        }
    }
}

async fn bytes_are_fresh() -> Checked {
    let (first, second) = (random::get_random_bytes(32), random::get_random_bytes(32));
    holds(first != second, "the same 32 bytes twice")
}

async fn bytes_beyond_all_limits() -> Checked {
    gives_some(random::get_random_bytes)
}

async fn insecure_bytes_beyond_all_limits() -> Checked {
    gives_some(insecure::get_insecure_random_bytes)
}

fn gives_some(get: Get) -> Checked {
    for length in [1 << 27, 1 << 32, u64::MAX] {
        let count = get(length).len();
        holds((1..=64 << 20).contains(&count), "not between 1 byte and 64 MiB")?;
    }
    Ok(())
}

async fn u64s() -> Checked {
    all_bits_come(random::get_random_u64)
}

async fn insecure_u64s() -> Checked {
    all_bits_come(insecure::get_insecure_random_u64)
}

/// Each bit is set in some of 256 numbers and clear in some.
fn all_bits_come(get: fn() -> u64) -> Checked {
    let (mut set, mut clear) = (0, 0);
    for _ in 0..256 {
        let number = get();
        set |= number;
        clear |= !number;
    }
    equal((set, clear), (u64::MAX, u64::MAX))
}

/// Meant to be asked for once: whoever asks twice gets the same seed.
async fn seed() -> Checked {
    equal(insecure_seed::get_insecure_seed(), insecure_seed::get_insecure_seed())
}

async fn print() -> Checked {
    let secure = (random::get_random_bytes(8), random::get_random_u64());
    let insecure = (insecure::get_insecure_random_bytes(8), insecure::get_insecure_random_u64());
    print::out(&format!("{secure:?} {insecure:?} {:?}\n", insecure_seed::get_insecure_seed())).await;
    Ok(())
}
