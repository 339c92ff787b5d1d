//! Socket addresses between their WIT form and text.

use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::bindings::wasi::sockets::types::{IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress};

pub fn parse(text: &str) -> Option<IpSocketAddress> {
    Some(from_std(text.parse().ok()?))
}

pub fn from_std(address: SocketAddr) -> IpSocketAddress {
    match address {
        SocketAddr::V4(v4) => {
            let [a, b, c, d] = v4.ip().octets();
            IpSocketAddress::Ipv4(Ipv4SocketAddress { port: v4.port(), address: (a, b, c, d) })
        }
        SocketAddr::V6(v6) => {
            let [a, b, c, d, e, f, g, h] = v6.ip().segments();
            IpSocketAddress::Ipv6(Ipv6SocketAddress {
                port: v6.port(),
                flow_info: v6.flowinfo(),
                address: (a, b, c, d, e, f, g, h),
                scope_id: v6.scope_id(),
            })
        }
    }
}

pub fn to_std(address: &IpSocketAddress) -> SocketAddr {
    match address {
        IpSocketAddress::Ipv4(v4) => {
            let (a, b, c, d) = v4.address;
            SocketAddrV4::new([a, b, c, d].into(), v4.port).into()
        }
        IpSocketAddress::Ipv6(v6) => {
            let (a, b, c, d, e, f, g, h) = v6.address;
            let ip = [a, b, c, d, e, f, g, h].into();
            SocketAddrV6::new(ip, v6.port, v6.flow_info, v6.scope_id).into()
        }
    }
}

pub fn family(address: &IpSocketAddress) -> IpAddressFamily {
    match address {
        IpSocketAddress::Ipv4(_) => IpAddressFamily::Ipv4,
        IpSocketAddress::Ipv6(_) => IpAddressFamily::Ipv6,
    }
}

pub fn port(address: &IpSocketAddress) -> u16 {
    to_std(address).port()
}

pub fn with_port(mut address: IpSocketAddress, port: u16) -> IpSocketAddress {
    match &mut address {
        IpSocketAddress::Ipv4(v4) => v4.port = port,
        IpSocketAddress::Ipv6(v6) => v6.port = port,
    }
    address
}
