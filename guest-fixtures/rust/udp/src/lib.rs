//! `send` and `receive` of `udp-socket`, and every error of theirs.
//!
//! FAMILY  ipv4 (default) or ipv6
//! CASE    one of the names below, or "all" (default); prints `ok NAME` for each and stops at the first failure
//!
//! Not part of "all":
//! denied       what a guest sees whose every network use is refused by the host
//! unreachable  for a network where every transfer fails with ENETUNREACH

mod refusals;
mod transfer;

support::cases! {
    "send-and-receive" => transfer::send_and_receive,
    "send-unbound" => transfer::send_unbound,
    "send-connected" => transfer::send_connected,
    "send-invalid" => transfer::send_invalid,
    "strangers" => transfer::strangers,
    "sizes" => transfer::sizes,
    "too-large" => transfer::too_large,
    "boundaries" => transfer::boundaries,
    "receives-at-once" => transfer::receives_at_once,
    "cancelled-receive" => transfer::cancelled_receive,
    "connection-refused" => refusals::connection_refused,
    only_by_name:
    "denied" => refusals::denied,
    "unreachable" => refusals::unreachable,
}
