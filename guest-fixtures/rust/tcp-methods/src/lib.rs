//! Calls every function of `tcp-socket`, for success and for each error that a guest can provoke on loopback.
//!
//! FAMILY  ipv4 (default) or ipv6
//! CASE    one of the names below, or "all" (default); prints `ok NAME` for each and stops at the first failure
//!
//! Not part of "all":
//! denied                what a guest sees whose every network use is refused by the host
//! options-as-on-linux   exact values read back; other systems round differently

mod accepting;
mod binding;
mod closing;
mod connecting;
mod denied;
mod ipv6;
mod options;
mod states;
mod transfer;

use support::{Checked, Failure, environment, net, print};

support::program!(cases);

/// Makes the list of names and the way from a name to its function from one table.
macro_rules! cases {
    (all: $($name:literal => $case:path,)* only_by_name: $($extra:literal => $extra_case:path,)*) => {
        const ALL: &[&str] = &[$($name),*];

        // boxed: else all cases become one function of 100 KB
        fn find_case(name: &str) -> Checked<net::Boxed<'static>> {
            Ok(match name {
                $($name => Box::pin($case()),)*
                $($extra => Box::pin($extra_case()),)*
                _ => return Err(Failure::new(format!("CASE={name} is unknown"))),
            })
        }
    };
}

cases! {
    all:
    "create" => binding::create,
    "bind" => binding::bind,
    "bind-port-zero" => binding::bind_port_zero,
    "bind-wildcard" => binding::bind_wildcard,
    "bind-invalid-address" => binding::bind_invalid_address,
    "bind-twice" => binding::bind_twice,
    "bind-after-failed-bind" => binding::bind_after_failed_bind,
    "bind-address-in-use" => binding::bind_address_in_use,
    "bind-again-after-close" => binding::bind_again_after_close,
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
    "drop-in-every-state" => states::drop_in_every_state,
    "state-unbound" => states::unbound,
    "state-bound" => states::bound,
    "state-listening" => states::listening,
    "state-connected" => states::connected,
    "state-closed" => states::closed,
    "keep-alive-enabled" => options::keep_alive_enabled,
    "keep-alive-idle-time" => options::keep_alive_idle_time,
    "keep-alive-interval" => options::keep_alive_interval,
    "keep-alive-count" => options::keep_alive_count,
    "hop-limit" => options::hop_limit,
    "receive-buffer-size" => options::receive_buffer_size,
    "send-buffer-size" => options::send_buffer_size,
    "options-inherited" => options::inherited,
    "send-and-receive" => transfer::send_and_receive,
    "send-twice" => transfer::send_twice,
    "receive-twice" => transfer::receive_twice,
    "transfer-after-handle-drop" => transfer::after_handle_drop,
    "transfer-large" => transfer::large,
    "one-byte-reads" => transfer::one_byte_reads,
    "empty-read-and-write" => transfer::empty_read_and_write,
    "splice" => transfer::splice,
    "half-close" => closing::half_close,
    "close-without-data" => closing::close_without_data,
    "send-ended-stream" => closing::send_ended_stream,
    "send-then-drop-everything" => closing::send_then_drop_everything,
    "drop-futures" => closing::drop_futures,
    "drop-receive-stream" => closing::drop_receive_stream,
    "drop-unread-data" => closing::drop_unread_data,
    "connection-reset" => closing::connection_reset,
    "connection-broken" => closing::connection_broken,
    "ipv6-addresses" => ipv6::addresses,
    "ipv6-flow-info-and-scope-id" => ipv6::flow_info_and_scope_id,
    "ipv6-only" => ipv6::only,
    only_by_name:
    "denied" => denied::denied,
    "options-as-on-linux" => options::as_on_linux,
}

async fn cases() -> Checked {
    match environment::text_or("CASE", "all").as_str() {
        "all" => {
            for name in ALL {
                one(name).await?;
            }
            Ok(())
        }
        name => one(name).await,
    }
}

async fn one(name: &str) -> Checked {
    if let Err(failure) = find_case(name)?.await {
        print::error(&format!("case {name}: ")).await;
        return Err(failure);
    }
    print::out(&format!("ok {name}\n")).await;
    Ok(())
}
