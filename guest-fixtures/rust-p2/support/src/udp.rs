//! UDP sockets of the family under test.

use wasip2::sockets::network::{ErrorCode, IpSocketAddress};
use wasip2::sockets::udp::{
    IncomingDatagram, IncomingDatagramStream, OutgoingDatagram, OutgoingDatagramStream, UdpSocket,
};
use wasip2::sockets::udp_create_socket::create_udp_socket;

use crate::address::{family, loopback};
use crate::network;

pub fn socket() -> UdpSocket {
    create_udp_socket(family()).unwrap()
}

pub fn bind(socket: &UdpSocket, address: IpSocketAddress) -> Result<(), ErrorCode> {
    socket.start_bind(&network(), address)?;
    loop {
        match socket.finish_bind() {
            Err(ErrorCode::WouldBlock) => socket.subscribe().block(),
            done => return done,
        }
    }
}

pub fn bound() -> UdpSocket {
    let socket = socket();
    bind(&socket, loopback(0)).unwrap();
    socket
}

pub fn datagram(data: &[u8], remote_address: Option<IpSocketAddress>) -> OutgoingDatagram {
    OutgoingDatagram { data: data.to_vec(), remote_address }
}

/// Waits until one datagram may be sent, and sends it.
pub fn send(outgoing: &OutgoingDatagramStream, datagram: OutgoingDatagram) -> Result<u64, ErrorCode> {
    while outgoing.check_send()? == 0 {
        outgoing.subscribe().block();
    }
    outgoing.send(&[datagram])
}

/// Waits for at least one datagram.
pub fn receive(incoming: &IncomingDatagramStream) -> Result<Vec<IncomingDatagram>, ErrorCode> {
    loop {
        let datagrams = incoming.receive(16)?;
        if !datagrams.is_empty() {
            return Ok(datagrams);
        }
        incoming.subscribe().block();
    }
}
