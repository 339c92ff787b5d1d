//! What cases of `udp-socket` on loopback are made of.

use futures::future::LocalBoxFuture;

use crate::check::equal;
use crate::net::{Boxed, family, loopback};
use crate::{Checked, ErrorCode, IpSocketAddress, UdpSocket};

pub type Datagram = (Vec<u8>, IpSocketAddress);

pub fn socket() -> Checked<UdpSocket> {
    Ok(UdpSocket::create(family())?)
}

pub fn bound() -> Checked<UdpSocket> {
    let socket = socket()?;
    socket.bind(loopback(0))?;
    Ok(socket)
}

/// A bound socket whose only peer is this one.
pub fn connected_to(peer: &UdpSocket) -> Checked<UdpSocket> {
    let socket = bound()?;
    socket.connect(peer.get_local_address()?)?;
    Ok(socket)
}

/// An address where somebody was a moment ago and nobody is now.
pub fn closed_port() -> Checked<IpSocketAddress> {
    Ok(bound()?.get_local_address()?)
}

pub fn send<'a>(
    socket: &'a UdpSocket,
    data: &[u8],
    to: Option<IpSocketAddress>,
) -> LocalBoxFuture<'a, Result<(), ErrorCode>> {
    Box::pin(socket.send(data.to_vec(), to))
}

pub fn receive(socket: &UdpSocket) -> LocalBoxFuture<'_, Result<Datagram, ErrorCode>> {
    Box::pin(socket.receive())
}

/// The next datagram must be this one, from this socket.
pub fn expect<'a>(socket: &'a UdpSocket, data: &'a [u8], from: &'a UdpSocket) -> Boxed<'a> {
    Box::pin(async move {
        let (got, sender) = receive(socket).await?;
        equal(&got[..], data)?;
        equal(sender, from.get_local_address()?)
    })
}

/// What `from` sends to the address of `to` must arrive there.
pub fn deliver<'a>(from: &'a UdpSocket, to: &'a UdpSocket, data: &'a [u8]) -> Boxed<'a> {
    Box::pin(async move {
        send(from, data, Some(to.get_local_address()?)).await?;
        expect(to, data, from).await
    })
}
