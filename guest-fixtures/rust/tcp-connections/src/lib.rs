//! Connections: `connect`, `listen` and the stream of accepted sockets.
//!
//! FAMILY  ipv4 (default) or ipv6
//! CASE    one of the names below, or "all" (default); prints `ok NAME` for each and stops at the first failure

mod accepting;
mod connecting;

support::cases! {
    "connect" => connecting::connect,
    "connect-bound" => connecting::connect_bound,
    "connect-invalid-address" => connecting::connect_invalid_address,
    "connect-refused" => connecting::connect_refused,
    "connect-twice" => connecting::connect_twice,
    "connect-pending" => connecting::connect_pending,
    "listen" => accepting::listen,
    "listen-unbound" => accepting::listen_unbound,
    "listen-twice" => accepting::listen_twice,
    "listen-address-in-use" => accepting::listen_address_in_use,
    "listen-backlog" => accepting::listen_backlog,
    "accept-many" => accepting::accept_many,
    "accepted-socket" => accepting::accepted_socket,
    "accept-after-handle-drop" => accepting::accept_after_handle_drop,
    "drop-accept-stream" => accepting::drop_accept_stream,
}
