//! What the guests of WASI 0.2 share. A failed check is a panic: std prints it with its place, and the guest traps.

mod cases;
pub mod address;
pub mod tcp;
pub mod udp;

pub use cases::run;

use std::fmt::Debug;

use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::network::Network;

pub fn network() -> Network {
    instance_network()
}

/// The value of an environment variable, or a default.
pub fn variable(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_string())
}

/// The call must have failed with exactly this error-code.
#[track_caller]
pub fn refused<T: Debug, E: Debug + PartialEq>(got: Result<T, E>, want: E) {
    refused_any(got, &[want]);
}

/// The call must have failed with one of these error-codes.
#[track_caller]
pub fn refused_any<T: Debug, E: Debug + PartialEq>(got: Result<T, E>, wanted: &[E]) {
    match got {
        Ok(value) => panic!("succeeded with {value:?}, expected {wanted:?}"),
        Err(code) => assert!(wanted.contains(&code), "got {code:?}, expected {wanted:?}"),
    }
}
