//! `send` and `receive` of `tcp-socket`, and every way in which they end.
//!
//! FAMILY  ipv4 (default) or ipv6
//! CASE    one of the names below, or "all" (default); prints `ok NAME` for each and stops at the first failure

mod closing;
mod transfer;

support::cases! {
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
}
