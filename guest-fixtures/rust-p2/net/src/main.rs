//! `std::net` on WASI 0.2: listeners, streams, datagrams, time-outs and non-blocking sockets, as programs use them.
//!
//! CASE     one of the names below, or "all" (default)
//! ADDRESS  of an echo server, for those that are not part of "all"

mod load;
mod tcp;
mod udp;

support::cases! {
    "listen-and-connect" => tcp::listen_and_connect,
    "connect-refused" => tcp::connect_refused,
    "address-in-use" => tcp::address_in_use,
    "connect-timeout" => tcp::connect_timeout,
    "read-timeout" => tcp::read_timeout,
    "non-blocking" => tcp::non_blocking,
    "options" => tcp::options,
    "shutdown" => tcp::shutdown,
    "clone" => tcp::clone,
    "big-transfer" => tcp::big_transfer,
    "udp" => udp::send_and_receive,
    "udp-connected" => udp::connected,
    "udp-non-blocking" => udp::non_blocking,
    only_by_name:
    "denied" => tcp::denied,
    "localhost" => tcp::localhost,
    "echo" => load::echo,
    "pingpong" => load::pingpong,
    "send" => load::send,
    "receive" => load::receive,
    "connect" => load::connect,
    "print" => load::print,
    "now" => load::now,
    "sleep" => load::sleep,
}
