//! Every method in every state.

use support::check::{equal, refused};
use support::udp::{self, connected_to, deliver, socket};
use support::{Checked, ErrorCode, UdpSocket, net};

pub async fn unbound() -> Checked {
    let socket = socket()?;
    refused(socket.get_local_address(), ErrorCode::InvalidState)?;
    refused(socket.get_remote_address(), ErrorCode::InvalidState)?;
    refused(socket.disconnect(), ErrorCode::InvalidState)?;
    refused(udp::receive(&socket).await, ErrorCode::InvalidState)?;
    refused(udp::send(&socket, b"x", None).await, ErrorCode::InvalidArgument)?;
    options_work(&socket)?;
    // none of it changed the state
    socket.bind(net::loopback(0))?;
    Ok(())
}

pub async fn bound() -> Checked {
    let (socket, other) = (udp::bound()?, udp::bound()?);
    refused(socket.bind(net::loopback(0)), ErrorCode::InvalidState)?;
    refused(socket.get_remote_address(), ErrorCode::InvalidState)?;
    refused(socket.disconnect(), ErrorCode::InvalidState)?;
    refused(udp::send(&socket, b"x", None).await, ErrorCode::InvalidArgument)?;
    options_work(&socket)?;
    deliver(&socket, &other, b"there").await?;
    deliver(&other, &socket, b"and back").await
}

pub async fn connected() -> Checked {
    let peer = udp::bound()?;
    let socket = connected_to(&peer)?;
    refused(socket.bind(net::loopback(0)), ErrorCode::InvalidState)?;
    equal(socket.get_remote_address()?, peer.get_local_address()?)?;
    options_work(&socket)?;
    udp::send(&socket, b"there", None).await?;
    udp::expect(&peer, b"there", &socket).await?;
    deliver(&peer, &socket, b"and back").await?;
    socket.disconnect()?;
    Ok(())
}

fn options_work(socket: &UdpSocket) -> Checked {
    equal(socket.get_address_family(), net::family())?;
    socket.set_unicast_hop_limit(50)?;
    equal(socket.get_unicast_hop_limit()?, 50)?;
    socket.set_receive_buffer_size(socket.get_receive_buffer_size()?)?;
    socket.set_send_buffer_size(socket.get_send_buffer_size()?)?;
    Ok(())
}

/// Drop is always legal, and frees the port.
pub async fn drop_in_every_state() -> Checked {
    drop(socket()?);
    drop(udp::bound()?);
    let peer = udp::bound()?;
    drop(connected_to(&peer)?);
    let sender = socket()?;
    udp::send(&sender, b"x", Some(peer.get_local_address()?)).await?;
    drop(sender);
    let local = peer.get_local_address()?;
    // with a datagram that nobody received
    drop(peer);
    udp::socket()?.bind(local)?;
    Ok(())
}
