//! Every method in every state.

use support::address::{family, foreign, loopback, loopback_of_other_family, parts, port, wildcard};
use support::{network, refused, udp};
use wasip2::sockets::network::ErrorCode;
use wasip2::sockets::udp_create_socket::create_udp_socket;

pub fn bind() {
    let socket = udp::bound();
    assert_ne!(port(socket.local_address().unwrap()), 0);
    udp::bind(&udp::socket(), wildcard(0)).unwrap();
    refused(udp::bind(&udp::socket(), loopback_of_other_family(0)), ErrorCode::InvalidArgument);
    refused(udp::bind(&udp::socket(), foreign(0)), ErrorCode::AddressNotBindable);
}

pub fn bind_address_in_use() {
    let socket = udp::bound();
    refused(udp::bind(&udp::socket(), socket.local_address().unwrap()), ErrorCode::AddressInUse);
}

pub fn unbound() {
    let socket = udp::socket();
    refused(socket.finish_bind(), ErrorCode::NotInProgress);
    refused(socket.stream(None), ErrorCode::InvalidState);
    refused(socket.stream(Some(loopback(9))), ErrorCode::InvalidState);
    refused(socket.local_address(), ErrorCode::InvalidState);
    refused(socket.remote_address(), ErrorCode::InvalidState);
    options_work(&socket);
    udp::bind(&socket, loopback(0)).unwrap();
}

pub fn bind_in_progress() {
    let socket = udp::socket();
    socket.start_bind(&network(), loopback(0)).unwrap();
    refused(socket.start_bind(&network(), loopback(0)), ErrorCode::ConcurrencyConflict);
    refused(socket.remote_address(), ErrorCode::InvalidState);
    options_work(&socket);
    socket.finish_bind().unwrap();
    refused(socket.finish_bind(), ErrorCode::NotInProgress);
}

pub fn bound() {
    let socket = udp::bound();
    refused(socket.start_bind(&network(), loopback(0)), ErrorCode::InvalidState);
    refused(socket.finish_bind(), ErrorCode::NotInProgress);
    socket.local_address().unwrap();
    refused(socket.remote_address(), ErrorCode::InvalidState);
    options_work(&socket);
    let streams = socket.stream(None).unwrap();
    refused(socket.remote_address(), ErrorCode::InvalidState);
    refused(socket.start_bind(&network(), loopback(0)), ErrorCode::InvalidState);
    drop(streams);
}

pub fn connected() {
    let (socket, peer) = (udp::bound(), udp::bound());
    let remote = peer.local_address().unwrap();
    let streams = socket.stream(Some(remote)).unwrap();
    assert_eq!(parts(socket.remote_address().unwrap()), parts(remote));
    refused(socket.start_bind(&network(), loopback(0)), ErrorCode::InvalidState);
    options_work(&socket);
    drop(streams);
    for invalid in [wildcard(9), loopback(0), loopback_of_other_family(9)] {
        refused(socket.stream(Some(invalid)), ErrorCode::InvalidArgument);
    }
}

pub fn drop_in_every_state() {
    drop(udp::socket());
    let socket = udp::socket();
    socket.start_bind(&network(), loopback(0)).unwrap();
    drop(socket);
    let socket = udp::bound();
    let (incoming, outgoing) = socket.stream(None).unwrap();
    let (readable, writable) = (incoming.subscribe(), outgoing.subscribe());
    drop((readable, writable));
    drop(outgoing);
    drop(incoming);
    drop(socket);
}

/// For a host that allows no network.
pub fn denied() {
    // the reference refuses to create one if UDP is off
    let Ok(socket) = create_udp_socket(family()) else { return };
    refused(udp::bind(&socket, loopback(0)), ErrorCode::AccessDenied);
}

fn options_work(socket: &wasip2::sockets::udp::UdpSocket) {
    assert_eq!(socket.address_family(), family());
    socket.set_unicast_hop_limit(50).unwrap();
    assert_eq!(socket.unicast_hop_limit().unwrap(), 50);
    socket.set_receive_buffer_size(60_000).unwrap();
    assert!(socket.receive_buffer_size().unwrap() > 0);
    socket.set_send_buffer_size(60_000).unwrap();
    assert!(socket.send_buffer_size().unwrap() > 0);
    assert!(socket.subscribe().ready());
}
