//! What only IPv6 has. With FAMILY=ipv4 these cases pass without doing anything.

use support::address::port;
use support::check::{equal, holds, refused, refused_any};
use support::{Checked, ErrorCode, IpAddressFamily, IpSocketAddress, TcpSocket, net};

fn ipv6(ip: &str, port: u16) -> IpSocketAddress {
    net::address("0.0.0.0", ip, port)
}

pub async fn addresses() -> Checked {
    if !net::is_ipv6() {
        return Ok(());
    }
    let open = port(&net::listener()?.address);
    for mapped in ["::ffff:127.0.0.1", "::ffff:0.0.0.0", "::ffff:224.0.0.1"] {
        refused(net::socket()?.bind(ipv6(mapped, 0)), ErrorCode::InvalidArgument)?;
        refused(net::connect(&net::socket()?, ipv6(mapped, open)).await, ErrorCode::InvalidArgument)?;
    }
    for group in ["ff01::1", "ff02::1", "ff0e::1234"] {
        refused(net::socket()?.bind(ipv6(group, 0)), ErrorCode::InvalidArgument)?;
        refused(net::connect(&net::socket()?, ipv6(group, open)).await, ErrorCode::InvalidArgument)?;
    }
    // deprecated (RFC 4291 2.5.5.1) but not named in WIT: a host may refuse the form or let the system refuse the address
    let compatible = ipv6("::127.0.0.1", open);
    let bind_errors = [ErrorCode::InvalidArgument, ErrorCode::AddressNotBindable];
    refused_any(net::socket()?.bind(compatible), &bind_errors)?;
    let connect_errors = [ErrorCode::InvalidArgument, ErrorCode::RemoteUnreachable, ErrorCode::AddressNotBindable];
    refused_any(net::connect(&net::socket()?, compatible).await, &connect_errors)
}

fn with_details(address: IpSocketAddress, flow: u32, scope: u32) -> IpSocketAddress {
    match address {
        IpSocketAddress::Ipv6(mut v6) => {
            v6.flow_info = flow;
            v6.scope_id = scope;
            IpSocketAddress::Ipv6(v6)
        }
        v4 => v4,
    }
}

/// Systems ignore both for loopback; the point is that they are passed on and back in the right places.
pub async fn flow_info_and_scope_id() -> Checked {
    if !net::is_ipv6() {
        return Ok(());
    }
    let socket = net::socket()?;
    socket.bind(with_details(net::loopback(0), 0x12345, 0))?;
    let mut listener = net::listen_on(socket)?;
    equal(with_details(listener.address, 0, 0), listener.address)?;

    let client = net::socket()?;
    net::connect(&client, with_details(listener.address, 0x54321, 0)).await?;
    let server = listener.accept().await?;
    equal(with_details(client.get_remote_address()?, 0, 0), listener.address)?;
    equal(server.get_local_address()?, listener.address)?;
    net::carries_data(&client, &server).await
}

/// IPV6_V6ONLY: [::]:PORT does not take 0.0.0.0:PORT.
pub async fn only() -> Checked {
    if !net::is_ipv6() {
        return Ok(());
    }
    let six = net::socket()?;
    six.bind(net::wildcard(0))?;
    let listening_six = net::listen_on(six)?;
    let ipv4_loopback = net::loopback_of_other_family(port(&listening_six.address));
    let client = TcpSocket::create(net::other_family())?;
    refused(net::connect(&client, ipv4_loopback).await, ErrorCode::ConnectionRefused)?;

    let four = TcpSocket::create(IpAddressFamily::Ipv4)?;
    four.bind(ipv4_loopback)?;
    let _incoming = four.listen()?;
    holds(four.get_is_listening(), "both families listen on one port")
}
