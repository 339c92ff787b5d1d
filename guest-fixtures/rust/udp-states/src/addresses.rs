//! create, bind, connect, disconnect and the addresses that go with them.

use support::address::{port, with_port};
use support::check::{equal, holds, refused, refused_any};
use support::udp::{self, bound, closed_port, connected_to, deliver, socket};
use support::{Checked, ErrorCode, IpAddressFamily, IpSocketAddress, UdpSocket, net};

pub async fn create() -> Checked {
    for family in [IpAddressFamily::Ipv4, IpAddressFamily::Ipv6] {
        equal(UdpSocket::create(family)?.get_address_family(), family)?;
    }
    Ok(())
}

pub async fn bind() -> Checked {
    let free = closed_port()?;
    let first = socket()?;
    first.bind(free)?;
    equal(first.get_local_address()?, free)?;

    let (left, right) = (bound()?.get_local_address()?, bound()?);
    equal(with_port(left, 0), net::loopback(0))?;
    holds(port(&left) != 0, "an ephemeral port is not 0")?;
    holds(first.get_local_address()? != right.get_local_address()?, "two ports differ")
}

pub async fn bind_wildcard() -> Checked {
    let wide = socket()?;
    wide.bind(net::wildcard(0))?;
    let local = wide.get_local_address()?;
    equal(with_port(local, 0), net::wildcard(0))?;
    let sender = bound()?;
    udp::send(&sender, b"to any address", Some(net::loopback(port(&local)))).await?;
    udp::expect(&wide, b"to any address", &sender).await
}

pub async fn bind_invalid() -> Checked {
    let other = bound()?;
    let socket = socket()?;
    refused(socket.bind(net::loopback_of_other_family(0)), ErrorCode::InvalidArgument)?;
    refused(socket.bind(net::foreign(0)), ErrorCode::AddressNotBindable)?;
    refused(socket.bind(other.get_local_address()?), ErrorCode::AddressInUse)?;
    // a failed bind changes nothing
    refused(socket.get_local_address(), ErrorCode::InvalidState)?;
    socket.bind(net::loopback(0))?;
    deliver(&socket, &other, b"bound at last").await
}

pub async fn bind_twice() -> Checked {
    let socket = bound()?;
    let local = socket.get_local_address()?;
    refused(socket.bind(net::loopback(0)), ErrorCode::InvalidState)?;
    // the state decides before the argument does
    refused(socket.bind(net::loopback_of_other_family(0)), ErrorCode::InvalidState)?;
    equal(socket.get_local_address()?, local)
}

pub async fn bind_again_after_drop() -> Checked {
    let first = bound()?;
    let local = first.get_local_address()?;
    drop(first);
    let second = socket()?;
    second.bind(local)?;
    equal(second.get_local_address()?, local)
}

pub async fn connect() -> Checked {
    let peer = bound()?;
    let socket = bound()?;
    let local = socket.get_local_address()?;
    refused(socket.get_remote_address(), ErrorCode::InvalidState)?;
    socket.connect(peer.get_local_address()?)?;
    equal(socket.get_remote_address()?, peer.get_local_address()?)?;
    equal(socket.get_local_address()?, local)
}

pub async fn connect_unbound() -> Checked {
    let peer = bound()?;
    let socket = socket()?;
    socket.connect(peer.get_local_address()?)?;
    // the system chose what fits the peer
    let local = socket.get_local_address()?;
    equal(with_port(local, 0), net::loopback(0))?;
    holds(port(&local) != 0, "an implicit bind gives a port")?;
    refused(socket.bind(net::loopback(0)), ErrorCode::InvalidState)?;
    deliver(&peer, &socket, b"to the implicit port").await
}

pub async fn connect_invalid() -> Checked {
    let peer = bound()?;
    for socket in [socket()?, bound()?, connected_to(&peer)?] {
        let (local, remote) = (socket.get_local_address(), socket.get_remote_address());
        for address in [net::loopback_of_other_family(9), net::wildcard(9), net::loopback(0)] {
            refused(socket.connect(address), ErrorCode::InvalidArgument)?;
        }
        // a refused connect changes nothing
        equal(socket.get_local_address(), local)?;
        equal(socket.get_remote_address(), remote)?;
    }
    Ok(())
}

pub async fn reconnect() -> Checked {
    let (first, second) = (bound()?, bound()?);
    let socket = connected_to(&first)?;
    let local = socket.get_local_address()?;
    socket.connect(second.get_local_address()?)?;
    equal(socket.get_remote_address()?, second.get_local_address()?)?;
    equal(socket.get_local_address()?, local)?;
    udp::send(&socket, b"to the second", None).await?;
    udp::expect(&second, b"to the second", &socket).await?;
    // the same peer once more
    socket.connect(second.get_local_address()?)?;
    deliver(&second, &socket, b"from the second").await
}

/// From loopback to an address that is not: the system chose the local address for the first peer only. Where there is no
/// way out of this machine the connect fails; either way the socket works on.
pub async fn reconnect_elsewhere() -> Checked {
    let peer = bound()?;
    let socket = socket()?;
    socket.connect(peer.get_local_address()?)?;
    if socket.connect(net::foreign(9)).is_ok() {
        equal(socket.get_remote_address()?, net::foreign(9))?;
        socket.connect(peer.get_local_address()?)?;
    }
    equal(socket.get_remote_address()?, peer.get_local_address()?)?;
    udp::send(&socket, b"still there", None).await?;
    equal(udp::receive(&peer).await?.0, b"still there".to_vec())
}

pub async fn disconnect() -> Checked {
    let (peer, other) = (bound()?, bound()?);
    for socket in [socket()?, bound()?] {
        refused(socket.disconnect(), ErrorCode::InvalidState)?;
    }
    let chosen = closed_port()?;
    for local in [Some(chosen), Some(net::loopback(0)), None] {
        let socket = socket()?;
        if let Some(address) = local {
            socket.bind(address)?;
        }
        socket.connect(peer.get_local_address()?)?;
        let before = port(&socket.get_local_address()?);
        socket.disconnect()?;
        refused(socket.get_remote_address(), ErrorCode::InvalidState)?;
        refused(socket.disconnect(), ErrorCode::InvalidState)?;
        refused(udp::send(&socket, b"nowhere", None).await, ErrorCode::InvalidArgument)?;
        // the Rust host on Linux loses a port that the system chose; WIT does not say so
        let after = port(&socket.get_local_address()?);
        holds(after == before || (after == 0 && local != Some(chosen)), "the port stays")?;
        if after == before {
            udp::send(&other, b"anybody", Some(net::loopback(after))).await?;
            udp::expect(&socket, b"anybody", &other).await?;
        }
        socket.connect(other.get_local_address()?)?;
        udp::send(&socket, b"connected again", None).await?;
        equal(udp::receive(&other).await?.0, b"connected again".to_vec())?;
    }
    Ok(())
}

fn ipv6(ip: &str, port: u16) -> IpSocketAddress {
    net::address("0.0.0.0", ip, port)
}

/// Addresses that mean an IPv4 one. With FAMILY=ipv4 this passes without doing anything.
pub async fn ipv6_addresses() -> Checked {
    if !net::is_ipv6() {
        return Ok(());
    }
    let socket = bound()?;
    for mapped in ["::ffff:127.0.0.1", "::ffff:0.0.0.0"] {
        refused(udp::socket()?.bind(ipv6(mapped, 0)), ErrorCode::InvalidArgument)?;
        refused(socket.connect(ipv6(mapped, 9)), ErrorCode::InvalidArgument)?;
        refused(udp::send(&socket, b"x", Some(ipv6(mapped, 9))).await, ErrorCode::InvalidArgument)?;
    }
    let bind_errors = [ErrorCode::InvalidArgument, ErrorCode::AddressNotBindable];
    refused_any(udp::socket()?.bind(ipv6("::127.0.0.1", 0)), &bind_errors)
}

/// IPV6_V6ONLY: both families have one port each.
pub async fn ipv6_only() -> Checked {
    let wide = socket()?;
    wide.bind(net::wildcard(0))?;
    let other = UdpSocket::create(net::other_family())?;
    other.bind(net::loopback_of_other_family(port(&wide.get_local_address()?)))?;
    Ok(())
}
