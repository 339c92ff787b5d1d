//! The fixtures take their settings from environment variables.

use crate::bindings::wasi::cli::environment::get_environment;
use crate::bindings::wasi::sockets::types::IpSocketAddress;
use crate::check::Failure;

pub fn text(name: &str) -> Option<String> {
    get_environment().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

pub fn text_or(name: &str, default: &str) -> String {
    text(name).unwrap_or_else(|| default.to_string())
}

#[track_caller]
pub fn number(name: &str) -> Result<Option<u64>, Failure> {
    match text(name) {
        None => Ok(None),
        Some(value) => match value.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Failure::new(format!("{name}={value} is not a number"))),
        },
    }
}

#[track_caller]
pub fn number_or(name: &str, default: u64) -> Result<u64, Failure> {
    Ok(number(name)?.unwrap_or(default))
}

#[track_caller]
pub fn address_or(name: &str, default: &str) -> Result<IpSocketAddress, Failure> {
    let text = text_or(name, default);
    crate::address::parse(&text).ok_or_else(|| Failure::new(format!("{name}={text} is not IP:PORT")))
}
