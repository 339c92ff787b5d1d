//! `wasi:cli`: environment, terminals and exits.

use wasip2::cli::{environment as env, exit, terminal_stderr, terminal_stdin, terminal_stdout};

pub fn environment() {
    assert_eq!(env::get_arguments().len(), 2);
    assert!(env::get_environment().contains(&("FRUIT".to_string(), "apple".to_string())));
    assert_eq!(env::initial_cwd(), env::initial_cwd());
}

/// Handles that the guest may drop; the tests run without terminals.
pub fn terminals() {
    assert!(terminal_stdin::get_terminal_stdin().is_none());
    assert!(terminal_stdout::get_terminal_stdout().is_none());
    assert!(terminal_stderr::get_terminal_stderr().is_none());
}

pub fn exit_ok() {
    exit::exit(Ok(()));
}

pub fn exit_err() {
    exit::exit(Err(()));
}

pub fn exit_with_code() {
    std::process::exit(42);
}

pub fn panic() {
    panic!("on purpose");
}
