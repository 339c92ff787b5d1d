//! What ends the guest.

use support::udp::{self, datagram};

pub fn send_without_permit() {
    let (socket, peer) = (udp::bound(), udp::bound());
    let (_incoming, outgoing) = socket.stream(Some(peer.local_address().unwrap())).unwrap();
    let _ = outgoing.send(&[datagram(b"x", None)]);
}

pub fn stream_while_streams_live() {
    let socket = udp::bound();
    let _streams = socket.stream(None).unwrap();
    let _ = socket.stream(None);
}

pub fn socket_before_streams() {
    let socket = udp::bound();
    let streams = socket.stream(None).unwrap();
    drop(socket);
    drop(streams);
}
