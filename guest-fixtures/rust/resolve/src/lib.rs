//! `resolve-addresses` of `wasi:sockets/ip-name-lookup`.
//!
//! CASE  one of the names below, or "all" (default); prints `ok NAME` for each and stops at the first failure
//!
//! Not part of "all":
//! denied   every name is refused by the host
//! hosts    db is 10.0.0.1, api is ::1 and 127.0.0.1, bücher.test is 192.0.2.1
//! errors   there are names below .test that fail in every way
//! several  several lookups at once; N.test is 10.0.0.N
//! cancel   slow.test never answers; db is 10.0.0.1
//! print    prints the addresses of NAME, or the error-code, one in a line

mod cases;
mod names;

support::cases! {
    "literals" => cases::literals,
    "invalid" => cases::invalid,
    "localhost" => cases::localhost,
    only_by_name:
    "denied" => cases::denied,
    "hosts" => cases::hosts,
    "errors" => cases::errors,
    "several" => cases::several,
    "cancel" => cases::cancel,
    "print" => cases::print,
}
