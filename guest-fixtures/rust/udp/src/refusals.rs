//! Errors that come from elsewhere: an empty port, a host that refuses, a network that is down.

use support::check::{equal, refused};
use support::udp::{self, bound, closed_port, socket};
use support::{Checked, ErrorCode, UdpSocket, net};

/// Loopback answers at once (ICMP port unreachable); a connected socket hears of it, once, in its next call.
pub async fn connection_refused() -> Checked {
    let socket = bound()?;
    socket.connect(closed_port()?)?;
    udp::send(&socket, b"anybody there?", None).await?;
    refused(udp::receive(&socket).await, ErrorCode::ConnectionRefused)?;
    udp::send(&socket, b"really?", None).await?;
    refused(udp::send(&socket, b"hello?", None).await, ErrorCode::ConnectionRefused)?;
    // a receive that waits hears of it too; and the socket works on
    let receiving = udp::receive(&socket);
    let (received, sent) = futures::future::join(receiving, udp::send(&socket, b"hello?", None)).await;
    sent?;
    refused(received, ErrorCode::ConnectionRefused)?;
    let peer = bound()?;
    socket.connect(peer.get_local_address()?)?;
    udp::deliver(&peer, &socket, b"here").await
}

/// `create` alone uses no address: a host may allow it or refuse it.
fn allowed_socket() -> Checked<Option<UdpSocket>> {
    match UdpSocket::create(net::family()) {
        Ok(socket) => Ok(Some(socket)),
        Err(code) => refused::<()>(Err(code), ErrorCode::AccessDenied).map(|()| None),
    }
}

pub async fn denied() -> Checked {
    let Some(socket) = allowed_socket()? else { return Ok(()) };
    // the address is checked before the policy is asked
    refused(socket.bind(net::loopback_of_other_family(0)), ErrorCode::InvalidArgument)?;
    refused(socket.connect(net::loopback(0)), ErrorCode::InvalidArgument)?;
    for address in [net::loopback(0), net::wildcard(0)] {
        refused(socket.bind(address), ErrorCode::AccessDenied)?;
    }
    refused(socket.connect(net::loopback(9)), ErrorCode::AccessDenied)?;
    refused(udp::send(&socket, b"x", Some(net::loopback(9))).await, ErrorCode::AccessDenied)?;
    refused(socket.get_local_address(), ErrorCode::InvalidState)?;
    equal(socket.get_address_family(), net::family())
}

pub async fn unreachable() -> Checked {
    let socket = socket()?;
    socket.connect(net::foreign(9))?;
    refused(udp::send(&socket, b"x", None).await, ErrorCode::RemoteUnreachable)?;
    refused(udp::receive(&socket).await, ErrorCode::RemoteUnreachable)
}
