//! Datagrams: whole, of every size, from whom and to whom they are meant.

use futures::future::{join, join4, poll_immediate};
use support::address::port;
use support::check::{equal, holds, refused};
use support::udp::{self, bound, connected_to, deliver, socket};
use support::{Checked, ErrorCode, net};

pub async fn send_and_receive() -> Checked {
    let (left, right) = (bound()?, bound()?);
    deliver(&left, &right, b"to the right").await?;
    deliver(&right, &left, b"to the left").await?;
    // received before it is sent
    let to_left = Some(left.get_local_address()?);
    let (received, sent) = join(udp::receive(&left), udp::send(&right, b"awaited", to_left)).await;
    sent?;
    equal(received?, (b"awaited".to_vec(), right.get_local_address()?))
}

pub async fn send_unbound() -> Checked {
    let (peer, socket) = (bound()?, socket()?);
    udp::send(&socket, b"implicit", Some(peer.get_local_address()?)).await?;
    holds(port(&socket.get_local_address()?) != 0, "send binds")?;
    refused(socket.bind(net::loopback(0)), ErrorCode::InvalidState)?;
    refused(socket.get_remote_address(), ErrorCode::InvalidState)?;
    let (data, sender) = udp::receive(&peer).await?;
    equal(data, b"implicit".to_vec())?;
    udp::send(&peer, b"answer", Some(sender)).await?;
    udp::expect(&socket, b"answer", &peer).await
}

pub async fn send_connected() -> Checked {
    let (peer, other) = (bound()?, bound()?);
    let socket = connected_to(&peer)?;
    udp::send(&socket, b"without address", None).await?;
    udp::expect(&peer, b"without address", &socket).await?;
    deliver(&socket, &peer, b"with its address").await?;
    refused(udp::send(&socket, b"x", Some(other.get_local_address()?)).await, ErrorCode::InvalidArgument)
}

pub async fn send_invalid() -> Checked {
    let peer = bound()?;
    for socket in [socket()?, bound()?, connected_to(&peer)?] {
        for address in [net::loopback_of_other_family(9), net::wildcard(9), net::loopback(0)] {
            refused(udp::send(&socket, b"x", Some(address)).await, ErrorCode::InvalidArgument)?;
        }
    }
    Ok(())
}

/// A connected socket hears its peer only.
pub async fn strangers() -> Checked {
    let (peer, stranger) = (bound()?, bound()?);
    let socket = connected_to(&peer)?;
    let address = Some(socket.get_local_address()?);
    udp::send(&stranger, b"from a stranger", address).await?;
    udp::send(&peer, b"from the peer", address).await?;
    udp::expect(&socket, b"from the peer", &peer).await?;
    socket.disconnect()?;
    let again = Some(net::loopback(port(&socket.get_local_address()?)));
    if again == address {
        deliver(&stranger, &socket, b"welcome now").await?;
    }
    Ok(())
}

/// The length field of UDP has 16 bits and counts 8 bytes of header; the one of IPv4 counts another 20.
fn largest() -> usize {
    if net::is_ipv6() { 65_527 } else { 65_507 }
}

fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i % 251) as u8).collect()
}

pub async fn sizes() -> Checked {
    let (left, right) = (bound()?, bound()?);
    for size in [0, 1, 2, 512, 1472, 1473, 9000, 65_000] {
        deliver(&left, &right, &pattern(size)).await?;
    }
    // some systems have a lower limit of their own
    let data = pattern(largest());
    match udp::send(&left, &data, Some(right.get_local_address()?)).await {
        Err(ErrorCode::DatagramTooLarge) => Ok(()),
        sent => {
            sent?;
            udp::expect(&right, &data, &left).await
        }
    }
}

pub async fn too_large() -> Checked {
    let peer = bound()?;
    let to_peer = Some(peer.get_local_address()?);
    let (unbound, connected) = (socket()?, connected_to(&peer)?);
    for size in [largest() + 1, 65_535] {
        let data = pattern(size);
        refused(udp::send(&unbound, &data, to_peer).await, ErrorCode::DatagramTooLarge)?;
        refused(udp::send(&connected, &data, None).await, ErrorCode::DatagramTooLarge)?;
    }
    // nothing of them was sent
    deliver(&connected, &peer, b"small enough").await
}

/// Datagrams stay whole and apart, and on loopback in order.
pub async fn boundaries() -> Checked {
    let (left, right) = (bound()?, bound()?);
    let to_right = Some(right.get_local_address()?);
    for size in 0..50 {
        udp::send(&left, &pattern(size), to_right).await?;
    }
    for size in 0..50 {
        udp::expect(&right, &pattern(size), &left).await?;
    }
    Ok(())
}

/// Several calls wait on one socket; each gets a datagram of its own.
pub async fn receives_at_once() -> Checked {
    let (socket, sender) = (bound()?, bound()?);
    let to_socket = Some(socket.get_local_address()?);
    let sending = async {
        for i in 0..3 {
            udp::send(&sender, &[i], to_socket).await?;
        }
        Ok::<(), ErrorCode>(())
    };
    let receive = || udp::receive(&socket);
    let (first, second, third, sent) = join4(receive(), receive(), receive(), sending).await;
    sent?;
    let mut got = [first?.0, second?.0, third?.0].concat();
    got.sort();
    equal(got, vec![0, 1, 2])
}

/// What comes after a cancelled receive is for the next one.
pub async fn cancelled_receive() -> Checked {
    let (socket, sender) = (bound()?, bound()?);
    for _ in 0..10 {
        let mut receiving = udp::receive(&socket);
        holds(poll_immediate(&mut receiving).await.is_none(), "nothing was sent yet")?;
        drop(receiving);
        deliver(&sender, &socket, b"for the next").await?;
    }
    Ok(())
}
