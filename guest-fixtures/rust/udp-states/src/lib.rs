//! Addresses, states and options of `udp-socket`: bind, connect, disconnect, and every function in each state.
//!
//! FAMILY  ipv4 (default) or ipv6
//! CASE    one of the names below, or "all" (default); prints `ok NAME` for each and stops at the first failure
//!
//! Not part of "all":
//! options-as-on-linux  the exact values of Linux

mod addresses;
mod options;
mod states;

support::cases! {
    "create" => addresses::create,
    "bind" => addresses::bind,
    "bind-wildcard" => addresses::bind_wildcard,
    "bind-invalid" => addresses::bind_invalid,
    "bind-twice" => addresses::bind_twice,
    "bind-again-after-drop" => addresses::bind_again_after_drop,
    "connect" => addresses::connect,
    "connect-unbound" => addresses::connect_unbound,
    "connect-invalid" => addresses::connect_invalid,
    "reconnect" => addresses::reconnect,
    "reconnect-elsewhere" => addresses::reconnect_elsewhere,
    "disconnect" => addresses::disconnect,
    "ipv6-addresses" => addresses::ipv6_addresses,
    "ipv6-only" => addresses::ipv6_only,
    "state-unbound" => states::unbound,
    "state-bound" => states::bound,
    "state-connected" => states::connected,
    "drop-in-every-state" => states::drop_in_every_state,
    "hop-limit" => options::hop_limit,
    "receive-buffer-size" => options::receive_buffer_size,
    "send-buffer-size" => options::send_buffer_size,
    only_by_name:
    "options-as-on-linux" => options::as_on_linux,
}
