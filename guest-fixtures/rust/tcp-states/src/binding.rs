//! create, bind, get-local-address, get-address-family.

use support::address::{port, with_port};
use support::check::{equal, holds, refused};
use support::{Checked, ErrorCode, IpAddressFamily, TcpSocket, net};

pub async fn create() -> Checked {
    for family in [IpAddressFamily::Ipv4, IpAddressFamily::Ipv6] {
        let socket = TcpSocket::create(family)?;
        equal(socket.get_address_family(), family)?;
        equal(socket.get_is_listening(), false)?;
    }
    Ok(())
}

pub async fn bind() -> Checked {
    // a port that is surely free: the one a closed socket had
    let free = net::closed_port()?;
    let socket = net::socket()?;
    refused(socket.get_local_address(), ErrorCode::InvalidState)?;
    socket.bind(free)?;
    equal(socket.get_local_address()?, free)?;
    refused(socket.get_remote_address(), ErrorCode::InvalidState)?;
    equal(socket.get_is_listening(), false)
}

pub async fn bind_port_zero() -> Checked {
    let first = net::bound()?.get_local_address()?;
    equal(with_port(first, 0), net::loopback(0))?;
    holds(port(&first) != 0, "an ephemeral port is not 0")?;

    let (left, right) = (net::bound()?, net::bound()?);
    holds(left.get_local_address()? != right.get_local_address()?, "two ephemeral ports differ")
}

pub async fn bind_wildcard() -> Checked {
    let socket = net::socket()?;
    socket.bind(net::wildcard(0))?;
    let local = socket.get_local_address()?;
    equal(with_port(local, 0), net::wildcard(0))?;
    holds(port(&local) != 0, "an ephemeral port is not 0")
}

pub async fn bind_invalid_address() -> Checked {
    let socket = net::socket()?;
    let mut invalid = vec![net::loopback_of_other_family(0), net::multicast(0)];
    if !net::is_ipv6() {
        invalid.push(net::address("255.255.255.255", "", 0));
        invalid.push(net::address("239.255.255.250", "", 1900));
    }
    for address in invalid {
        refused(socket.bind(address), ErrorCode::InvalidArgument)?;
        refused(socket.get_local_address(), ErrorCode::InvalidState)?;
    }
    refused(socket.bind(net::foreign(0)), ErrorCode::AddressNotBindable)
}

pub async fn bind_twice() -> Checked {
    let socket = net::bound()?;
    let local = socket.get_local_address()?;
    refused(socket.bind(net::loopback(0)), ErrorCode::InvalidState)?;
    refused(socket.bind(local), ErrorCode::InvalidState)?;
    // the state decides before the argument does
    refused(socket.bind(net::loopback_of_other_family(0)), ErrorCode::InvalidState)?;
    equal(socket.get_local_address()?, local)
}

pub async fn bind_after_failed_bind() -> Checked {
    let socket = net::socket()?;
    refused(socket.bind(net::foreign(0)), ErrorCode::AddressNotBindable)?;
    refused(socket.bind(net::multicast(0)), ErrorCode::InvalidArgument)?;
    let other = net::listener()?;
    refused(socket.bind(other.address), ErrorCode::AddressInUse)?;

    socket.bind(net::loopback(0))?;
    let mut listener = net::listen_on(socket)?;
    let (client, server) = listener.connection().await?;
    net::carries_data(&client, &server).await
}

pub async fn bind_address_in_use() -> Checked {
    let listener = net::listener()?;
    let socket = net::socket()?;
    refused(socket.bind(listener.address), ErrorCode::AddressInUse)?;
    // a failed bind changes nothing
    refused(socket.get_local_address(), ErrorCode::InvalidState)?;
    socket.bind(net::loopback(0))?;
    Ok(())
}

/// Neither a closed listener nor the TIME_WAIT of its connections may keep the port.
pub async fn bind_again_after_close() -> Checked {
    let mut listener = net::listener()?;
    let address = listener.address;
    let (client, server) = listener.connection().await?;
    net::carries_data(&client, &server).await?;
    // the side that closes first is the one in TIME_WAIT
    drop(server);
    drop(client);
    drop(listener);

    let socket = net::socket()?;
    socket.bind(address)?;
    let mut again = net::listen_on(socket)?;
    equal(again.address, address)?;
    let (client, server) = again.connection().await?;
    net::carries_data(&client, &server).await
}
