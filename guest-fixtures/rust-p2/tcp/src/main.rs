//! Every method of `wasi:sockets/tcp@0.2` in every state, with the errors that a guest can provoke on loopback.
//!
//! FAMILY  ipv4 (default) or ipv6
//! CASE    one of the names below, or "all" (default)
//!
//! Where the reference and the WIT text differ, both answers are accepted and a comment at the check says so.

mod binding;
mod connecting;
mod many;
mod options;
mod states;
mod streams;
mod traps;

support::cases! {
    "bind" => binding::bind,
    "bind-invalid-address" => binding::bind_invalid_address,
    "bind-not-bindable" => binding::bind_not_bindable,
    "bind-address-in-use" => binding::bind_address_in_use,
    "bind-after-failed-bind" => binding::bind_after_failed_bind,
    "bind-again-after-close" => binding::bind_again_after_close,
    "state-unbound" => states::unbound,
    "state-bind-in-progress" => states::bind_in_progress,
    "state-bound" => states::bound,
    "state-listen-in-progress" => states::listen_in_progress,
    "state-listening" => states::listening,
    "state-connect-in-progress" => states::connect_in_progress,
    "state-connected" => states::connected,
    "state-closed" => states::closed,
    "drop-in-every-state" => states::drop_in_every_state,
    "connect" => connecting::connect,
    "connect-from-a-bound-socket" => connecting::connect_from_a_bound_socket,
    "connect-invalid-address" => connecting::connect_invalid_address,
    "connect-refused" => connecting::connect_refused,
    "connect-pollable-made-before" => connecting::connect_pollable_made_before,
    "accept-would-block" => connecting::accept_would_block,
    "accept-two" => connecting::accept_two,
    "accepted-outlives-listener" => connecting::accepted_outlives_listener,
    "busy-poll" => connecting::busy_poll,
    "options" => options::options,
    "options-zero" => options::zero,
    "options-clamp" => options::clamp,
    "options-inherited" => options::inherited,
    "transfer" => streams::transfer,
    "read-nothing" => streams::read_nothing,
    "splice" => streams::splice,
    "skip" => streams::skip,
    "end-of-input" => streams::end_of_input,
    "half-closed" => streams::half_closed,
    "shutdown-receive" => streams::shutdown_receive,
    "shutdown-send-loses-nothing" => streams::shutdown_send_loses_nothing,
    "shutdown-twice" => streams::shutdown_twice,
    "dropped-streams-send-no-fin" => streams::dropped_streams_send_no_fin,
    "reset" => streams::reset,
    only_by_name:
    "denied" => states::denied,
    "many-connections" => many::connections,
    "trap-write-without-permit" => traps::write_without_permit,
    "trap-second-write" => traps::second_write,
    "trap-socket-before-streams" => traps::socket_before_streams,
    "trap-socket-before-pollable" => traps::socket_before_pollable,
    "trap-stream-before-pollable" => traps::stream_before_pollable,
}
