//! Addresses and states of `tcp-socket`: create, bind, what IPv6 adds, and every function in each state.
//!
//! FAMILY  ipv4 (default) or ipv6
//! CASE    one of the names below, or "all" (default); prints `ok NAME` for each and stops at the first failure
//!
//! Not part of "all":
//! denied  what a guest sees whose every network use is refused by the host

mod binding;
mod denied;
mod ipv6;
mod states;

support::cases! {
    "create" => binding::create,
    "bind" => binding::bind,
    "bind-port-zero" => binding::bind_port_zero,
    "bind-wildcard" => binding::bind_wildcard,
    "bind-invalid-address" => binding::bind_invalid_address,
    "bind-twice" => binding::bind_twice,
    "bind-after-failed-bind" => binding::bind_after_failed_bind,
    "bind-address-in-use" => binding::bind_address_in_use,
    "bind-again-after-close" => binding::bind_again_after_close,
    "drop-in-every-state" => states::drop_in_every_state,
    "state-unbound" => states::unbound,
    "state-bound" => states::bound,
    "state-listening" => states::listening,
    "state-connected" => states::connected,
    "state-closed" => states::closed,
    "ipv6-addresses" => ipv6::addresses,
    "ipv6-flow-info-and-scope-id" => ipv6::flow_info_and_scope_id,
    "ipv6-only" => ipv6::only,
    only_by_name:
    "denied" => denied::denied,
}
