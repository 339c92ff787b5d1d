//! Datagrams, and every error of sending and receiving them.

use support::address::{loopback, loopback_of_other_family, parts, wildcard};
use support::udp::{datagram, receive, send};
use support::{refused, refused_any, udp};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::io::poll::poll;
use wasip2::sockets::network::ErrorCode;

pub fn send_and_receive() {
    let (client, server) = (udp::bound(), udp::bound());
    let (client_address, server_address) = (client.local_address().unwrap(), server.local_address().unwrap());
    let (client_in, client_out) = client.stream(None).unwrap();
    let (server_in, server_out) = server.stream(None).unwrap();
    for data in [&b"question"[..], &b""[..], &[7; 1400]] {
        assert_eq!(send(&client_out, datagram(data, Some(server_address))).unwrap(), 1);
        let received = receive(&server_in).unwrap();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].data, data);
        assert_eq!(parts(received[0].remote_address), parts(client_address));
        assert_eq!(send(&server_out, datagram(b"answer", Some(client_address))).unwrap(), 1);
        assert_eq!(receive(&client_in).unwrap()[0].data, b"answer");
    }
}

pub fn two_in_one_send() {
    let (client, server) = (udp::bound(), udp::bound());
    let (_, outgoing) = client.stream(Some(server.local_address().unwrap())).unwrap();
    let (incoming, _) = server.stream(None).unwrap();
    assert!(outgoing.check_send().unwrap() >= 2);
    assert_eq!(outgoing.send(&[datagram(b"one", None), datagram(b"two", None)]).unwrap(), 2);
    let mut received = Vec::new();
    while received.len() < 2 {
        received.extend(receive(&incoming).unwrap());
    }
    assert_eq!((&received[0].data[..], &received[1].data[..]), (&b"one"[..], &b"two"[..]));
}

pub fn receive_nothing() {
    let socket = udp::bound();
    let (incoming, _outgoing) = socket.stream(None).unwrap();
    assert!(incoming.receive(0).unwrap().is_empty());
    assert!(incoming.receive(16).unwrap().is_empty());
    assert!(!incoming.subscribe().ready());
}

pub fn send_nothing() {
    let socket = udp::bound();
    let (_incoming, outgoing) = socket.stream(None).unwrap();
    assert_eq!(outgoing.send(&[]).unwrap(), 0);
    assert!(outgoing.check_send().unwrap() > 0);
    assert!(outgoing.subscribe().ready());
}

pub fn send_invalid_address() {
    let (socket, peer) = (udp::bound(), udp::bound());
    let (streams, other) = (socket.stream(None).unwrap(), udp::bound().local_address().unwrap());
    for invalid in [None, Some(wildcard(9)), Some(loopback(0)), Some(loopback_of_other_family(9))] {
        refused(send(&streams.1, datagram(b"x", invalid)), ErrorCode::InvalidArgument);
    }
    drop(streams);
    let (_incoming, outgoing) = socket.stream(Some(peer.local_address().unwrap())).unwrap();
    refused(send(&outgoing, datagram(b"x", Some(other))), ErrorCode::InvalidArgument);
    assert_eq!(send(&outgoing, datagram(b"x", Some(peer.local_address().unwrap()))).unwrap(), 1);
}

pub fn send_too_large() {
    let (socket, peer) = (udp::bound(), udp::bound());
    let (_incoming, outgoing) = socket.stream(Some(peer.local_address().unwrap())).unwrap();
    for size in [65_530, 65_536, 100_000] {
        refused(send(&outgoing, datagram(&vec![0; size], None)), ErrorCode::DatagramTooLarge);
    }
}

pub fn connect_again_and_again() {
    let (socket, one, two) = (udp::bound(), udp::bound(), udp::bound());
    for remote in [Some(&one), None, Some(&two), Some(&one), None] {
        let address = remote.map(|peer| peer.local_address().unwrap());
        let streams = socket.stream(address).unwrap();
        match address {
            Some(address) => assert_eq!(parts(socket.remote_address().unwrap()), parts(address)),
            None => refused(socket.remote_address(), ErrorCode::InvalidState),
        }
        drop(streams);
    }
}

/// A connected socket receives from its peer alone, also what others sent before.
pub fn connected_filters() {
    let (socket, peer, stranger) = (udp::bound(), udp::bound(), udp::bound());
    let to = socket.local_address().unwrap();
    let (_stranger_in, from_stranger) = stranger.stream(None).unwrap();
    let (_peer_in, from_peer) = peer.stream(None).unwrap();
    send(&from_stranger, datagram(b"early", Some(to))).unwrap();
    let (incoming, _outgoing) = socket.stream(Some(peer.local_address().unwrap())).unwrap();
    send(&from_stranger, datagram(b"late", Some(to))).unwrap();
    send(&from_peer, datagram(b"expected", Some(to))).unwrap();
    assert_eq!(receive(&incoming).unwrap()[0].data, b"expected");
}

/// Nothing listens at the peer's port any more: the system says so, sooner or later.
pub fn closed_receiver() {
    let (socket, peer) = (udp::bound(), udp::bound());
    let remote = peer.local_address().unwrap();
    drop(peer);
    let (incoming, outgoing) = socket.stream(Some(remote)).unwrap();
    send(&outgoing, datagram(b"x", None)).unwrap();
    let (readable, later) = (incoming.subscribe(), subscribe_duration(5_000_000_000));
    assert_eq!(poll(&[&readable, &later]), [0]);
    refused_any(incoming.receive(1), &[ErrorCode::ConnectionRefused, ErrorCode::ConnectionReset]);
    drop(readable);
}
