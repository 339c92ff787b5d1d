//! Every method of `wasi:sockets/udp@0.2` in every state, with the errors that a guest can provoke on loopback, and
//! `wasi:sockets/ip-name-lookup@0.2`.
//!
//! FAMILY  ipv4 (default) or ipv6
//! CASE    one of the names below, or "all" (default)

mod names;
mod options;
mod states;
mod traps;
mod transfer;

support::cases! {
    "bind" => states::bind,
    "bind-address-in-use" => states::bind_address_in_use,
    "state-unbound" => states::unbound,
    "state-bind-in-progress" => states::bind_in_progress,
    "state-bound" => states::bound,
    "state-connected" => states::connected,
    "drop-in-every-state" => states::drop_in_every_state,
    "options" => options::options,
    "options-zero" => options::zero,
    "options-clamp" => options::clamp,
    "send-and-receive" => transfer::send_and_receive,
    "two-in-one-send" => transfer::two_in_one_send,
    "receive-nothing" => transfer::receive_nothing,
    "send-nothing" => transfer::send_nothing,
    "send-invalid-address" => transfer::send_invalid_address,
    "send-too-large" => transfer::send_too_large,
    "connect-again-and-again" => transfer::connect_again_and_again,
    "connected-filters" => transfer::connected_filters,
    "closed-receiver" => transfer::closed_receiver,
    "names-literals" => names::literals,
    "names-invalid" => names::invalid,
    only_by_name:
    "denied" => states::denied,
    "localhost" => names::localhost,
    "names-denied" => names::denied,
    "trap-send-without-permit" => traps::send_without_permit,
    "trap-stream-while-streams-live" => traps::stream_while_streams_live,
    "trap-socket-before-streams" => traps::socket_before_streams,
}
