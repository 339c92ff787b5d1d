//! The options of a socket: what is set is read, zero is refused, and extreme values are clamped.

use support::{refused, tcp};
use wasip2::sockets::network::ErrorCode;

const SECOND: u64 = 1_000_000_000;

pub fn options() {
    let socket = tcp::socket();
    assert!(!socket.keep_alive_enabled().unwrap());
    socket.set_keep_alive_enabled(true).unwrap();
    assert!(socket.keep_alive_enabled().unwrap());
    socket.set_keep_alive_idle_time(42 * SECOND).unwrap();
    assert_eq!(socket.keep_alive_idle_time().unwrap(), 42 * SECOND);
    socket.set_keep_alive_interval(42 * SECOND).unwrap();
    assert_eq!(socket.keep_alive_interval().unwrap(), 42 * SECOND);
    socket.set_keep_alive_count(42).unwrap();
    assert_eq!(socket.keep_alive_count().unwrap(), 42);
    socket.set_hop_limit(42).unwrap();
    assert_eq!(socket.hop_limit().unwrap(), 42);
    socket.set_receive_buffer_size(0x10000).unwrap();
    assert_eq!(socket.receive_buffer_size().unwrap(), 0x10000);
    socket.set_send_buffer_size(0x10000).unwrap();
    assert_eq!(socket.send_buffer_size().unwrap(), 0x10000);
    socket.set_listen_backlog_size(42).unwrap();
}

pub fn zero() {
    let socket = tcp::socket();
    refused(socket.set_listen_backlog_size(0), ErrorCode::InvalidArgument);
    refused(socket.set_keep_alive_idle_time(0), ErrorCode::InvalidArgument);
    refused(socket.set_keep_alive_interval(0), ErrorCode::InvalidArgument);
    refused(socket.set_keep_alive_count(0), ErrorCode::InvalidArgument);
    refused(socket.set_hop_limit(0), ErrorCode::InvalidArgument);
    refused(socket.set_receive_buffer_size(0), ErrorCode::InvalidArgument);
    refused(socket.set_send_buffer_size(0), ErrorCode::InvalidArgument);
}

pub fn clamp() {
    let socket = tcp::socket();
    for value in [1, u64::MAX] {
        socket.set_listen_backlog_size(value).unwrap();
        socket.set_keep_alive_idle_time(value).unwrap();
        assert!(socket.keep_alive_idle_time().unwrap() > 0);
        socket.set_keep_alive_interval(value).unwrap();
        assert!(socket.keep_alive_interval().unwrap() > 0);
        socket.set_receive_buffer_size(value).unwrap();
        assert!(socket.receive_buffer_size().unwrap() > 0);
        socket.set_send_buffer_size(value).unwrap();
        assert!(socket.send_buffer_size().unwrap() > 0);
    }
    for value in [1, u32::MAX] {
        socket.set_keep_alive_count(value).unwrap();
        assert!(socket.keep_alive_count().unwrap() > 0);
    }
    socket.set_hop_limit(255).unwrap();
    assert_eq!(socket.hop_limit().unwrap(), 255);
}

/// An accepted socket has the options of its listener, also those that were set after listen.
pub fn inherited() {
    let listener = tcp::bound();
    listener.set_keep_alive_idle_time(42 * SECOND).unwrap();
    tcp::listen(&listener).unwrap();
    listener.set_keep_alive_enabled(true).unwrap();
    listener.set_keep_alive_interval(41 * SECOND).unwrap();
    listener.set_keep_alive_count(40).unwrap();
    listener.set_hop_limit(39).unwrap();
    let (_client, server) = tcp::pair_of(&listener);
    assert!(server.socket.keep_alive_enabled().unwrap());
    assert_eq!(server.socket.keep_alive_idle_time().unwrap(), 42 * SECOND);
    assert_eq!(server.socket.keep_alive_interval().unwrap(), 41 * SECOND);
    assert_eq!(server.socket.keep_alive_count().unwrap(), 40);
    assert_eq!(server.socket.hop_limit().unwrap(), 39);
}
