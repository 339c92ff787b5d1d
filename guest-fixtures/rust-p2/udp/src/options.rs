//! The options of a socket: what is set is read, zero is refused, and extreme values are clamped.

use support::{refused, udp};
use wasip2::sockets::network::ErrorCode;

pub fn options() {
    let socket = udp::socket();
    socket.set_unicast_hop_limit(42).unwrap();
    assert_eq!(socket.unicast_hop_limit().unwrap(), 42);
    socket.set_receive_buffer_size(0x10000).unwrap();
    assert_eq!(socket.receive_buffer_size().unwrap(), 0x10000);
    socket.set_send_buffer_size(0x10000).unwrap();
    assert_eq!(socket.send_buffer_size().unwrap(), 0x10000);
}

pub fn zero() {
    let socket = udp::socket();
    refused(socket.set_unicast_hop_limit(0), ErrorCode::InvalidArgument);
    refused(socket.set_receive_buffer_size(0), ErrorCode::InvalidArgument);
    refused(socket.set_send_buffer_size(0), ErrorCode::InvalidArgument);
}

pub fn clamp() {
    let socket = udp::socket();
    for value in [1, u64::MAX] {
        socket.set_receive_buffer_size(value).unwrap();
        assert!(socket.receive_buffer_size().unwrap() > 0);
        socket.set_send_buffer_size(value).unwrap();
        assert!(socket.send_buffer_size().unwrap() > 0);
    }
    socket.set_unicast_hop_limit(255).unwrap();
    assert_eq!(socket.unicast_hop_limit().unwrap(), 255);
}
