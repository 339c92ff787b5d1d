//! start-bind and finish-bind.

use support::address::{address, foreign, loopback, loopback_of_other_family, multicast, parts, port, wildcard};
use support::{refused, tcp};
use wasip2::sockets::network::ErrorCode;

pub fn bind() {
    let socket = tcp::bound();
    let local = socket.local_address().unwrap();
    assert_ne!(port(local), 0);
    assert_eq!(parts(local).0, parts(loopback(0)).0);
    let socket = tcp::socket();
    tcp::bind(&socket, wildcard(0)).unwrap();
    assert_ne!(port(socket.local_address().unwrap()), 0);
}

pub fn bind_invalid_address() {
    let socket = tcp::socket();
    let mut invalid = vec![loopback_of_other_family(0), multicast(0)];
    if support::address::is_ipv6() {
        invalid.push(address("", "::ffff:127.0.0.1", 0));
    } else {
        invalid.push(address("255.255.255.255", "", 0));
    }
    for address in invalid {
        refused(tcp::bind(&socket, address), ErrorCode::InvalidArgument);
    }
    tcp::bind(&socket, loopback(0)).unwrap();
}

pub fn bind_not_bindable() {
    refused(tcp::bind(&tcp::socket(), foreign(0)), ErrorCode::AddressNotBindable);
}

pub fn bind_address_in_use() {
    let listener = tcp::listener();
    refused(tcp::bind(&tcp::socket(), listener.local_address().unwrap()), ErrorCode::AddressInUse);
}

pub fn bind_after_failed_bind() {
    let listener = tcp::listener();
    let socket = tcp::socket();
    refused(tcp::bind(&socket, listener.local_address().unwrap()), ErrorCode::AddressInUse);
    refused(socket.finish_bind(), ErrorCode::NotInProgress);
    tcp::bind(&socket, loopback(0)).unwrap();
}

/// A connection that ended on this port does not keep the next listener from it.
pub fn bind_again_after_close() {
    let listener = tcp::listener();
    let local = listener.local_address().unwrap();
    let (client, server) = tcp::pair_of(&listener);
    drop((server, client, listener));
    let again = tcp::socket();
    tcp::bind(&again, local).unwrap();
    tcp::listen(&again).unwrap();
    tcp::pair_of(&again);
}
