//! Checks that tell where they failed. A guest cannot print from a panic, so a failed check is a value that travels up to
//! `run` with `?`.

use std::fmt::{Debug, Display, Formatter};
use std::panic::Location;

use crate::bindings::wasi::sockets::types::ErrorCode;

/// Boxed, so that a check's result is one word: half the size of the guests' code.
pub struct Failure(Box<Details>);

struct Details {
    what: String,
    place: &'static Location<'static>,
}

pub type Checked<T = ()> = Result<T, Failure>;

impl Failure {
    #[track_caller]
    pub fn new(what: impl Into<String>) -> Failure {
        Failure(Box::new(Details { what: what.into(), place: Location::caller() }))
    }

    /// The same place with another text, which was not known when the place was.
    pub fn with(mut self, what: impl Into<String>) -> Failure {
        self.0.what = what.into();
        self
    }
}

impl Display for Failure {
    fn fmt(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
        let Details { what, place } = &*self.0;
        write!(to, "{}:{}: {what}", place.file(), place.line())
    }
}

impl From<ErrorCode> for Failure {
    // the caller is the line with the `?`
    #[track_caller]
    fn from(code: ErrorCode) -> Failure {
        Failure::new(format!("unexpected error-code: {}", name(&code)))
    }
}

/// The name of an error-code as WIT spells it.
pub fn name(code: &ErrorCode) -> String {
    let name = match code {
        ErrorCode::AccessDenied => "access-denied",
        ErrorCode::NotSupported => "not-supported",
        ErrorCode::InvalidArgument => "invalid-argument",
        ErrorCode::OutOfMemory => "out-of-memory",
        ErrorCode::Timeout => "timeout",
        ErrorCode::InvalidState => "invalid-state",
        ErrorCode::AddressNotBindable => "address-not-bindable",
        ErrorCode::AddressInUse => "address-in-use",
        ErrorCode::RemoteUnreachable => "remote-unreachable",
        ErrorCode::ConnectionRefused => "connection-refused",
        ErrorCode::ConnectionBroken => "connection-broken",
        ErrorCode::ConnectionReset => "connection-reset",
        ErrorCode::ConnectionAborted => "connection-aborted",
        ErrorCode::DatagramTooLarge => "datagram-too-large",
        ErrorCode::Other(text) => return format!("other({text:?})"),
    };
    name.to_string()
}

#[track_caller]
#[inline(never)]
pub fn holds(claim: bool, what: &str) -> Checked {
    if claim { Ok(()) } else { Err(Failure::new(what)) }
}

#[track_caller]
#[inline(never)]
pub fn equal<T: PartialEq + Debug>(got: T, want: T) -> Checked {
    if got == want { Ok(()) } else { Err(Failure::new(format!("got {got:?}, expected {want:?}"))) }
}

/// The call must have failed with exactly this error-code.
#[track_caller]
#[inline(never)]
pub fn refused<T>(got: Result<T, ErrorCode>, want: ErrorCode) -> Checked {
    refused_any(got, &[want])
}

/// The call must have failed with one of these error-codes.
#[track_caller]
#[inline(never)]
pub fn refused_any<T>(got: Result<T, ErrorCode>, wanted: &[ErrorCode]) -> Checked {
    let expected = || wanted.iter().map(name).collect::<Vec<_>>().join(" or ");
    match got {
        Ok(_) => Err(Failure::new(format!("succeeded, expected {}", expected()))),
        Err(code) if wanted.contains(&code) => Ok(()),
        Err(code) => Err(Failure::new(format!("got {}, expected {}", name(&code), expected()))),
    }
}
