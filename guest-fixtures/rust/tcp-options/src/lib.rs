//! The options of `tcp-socket`.
//!
//! FAMILY  ipv4 (default) or ipv6
//! CASE    one of the names below, or "all" (default); prints `ok NAME` for each and stops at the first failure
//!
//! Not part of "all":
//! options-as-on-linux  exact values read back; other systems round differently

mod options;

support::cases! {
    "keep-alive-enabled" => options::keep_alive_enabled,
    "keep-alive-idle-time" => options::keep_alive_idle_time,
    "keep-alive-interval" => options::keep_alive_interval,
    "keep-alive-count" => options::keep_alive_count,
    "hop-limit" => options::hop_limit,
    "receive-buffer-size" => options::receive_buffer_size,
    "send-buffer-size" => options::send_buffer_size,
    "options-inherited" => options::inherited,
    only_by_name:
    "options-as-on-linux" => options::as_on_linux,
}
