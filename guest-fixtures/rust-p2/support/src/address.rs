//! Addresses of the family under test.

use wasip2::sockets::network::{IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress};

pub fn is_ipv6() -> bool {
    crate::variable("FAMILY", "ipv4") == "ipv6"
}

pub fn family() -> IpAddressFamily {
    if is_ipv6() { IpAddressFamily::Ipv6 } else { IpAddressFamily::Ipv4 }
}

/// One of two addresses, by the family under test.
pub fn address(ipv4: &str, ipv6: &str, port: u16) -> IpSocketAddress {
    from_std(std::net::SocketAddr::new(if is_ipv6() { ipv6 } else { ipv4 }.parse().unwrap(), port))
}

pub fn loopback(port: u16) -> IpSocketAddress {
    address("127.0.0.1", "::1", port)
}

pub fn loopback_of_other_family(port: u16) -> IpSocketAddress {
    address("::1", "127.0.0.1", port)
}

pub fn wildcard(port: u16) -> IpSocketAddress {
    address("0.0.0.0", "::", port)
}

/// An address kept for documentation (RFC 5737, RFC 3849): no machine has it.
pub fn foreign(port: u16) -> IpSocketAddress {
    address("192.0.2.1", "2001:db8::1", port)
}

pub fn multicast(port: u16) -> IpSocketAddress {
    address("224.0.0.1", "ff02::1", port)
}

pub fn from_std(address: std::net::SocketAddr) -> IpSocketAddress {
    match address {
        std::net::SocketAddr::V4(v4) => {
            let [a, b, c, d] = v4.ip().octets();
            IpSocketAddress::Ipv4(Ipv4SocketAddress { port: v4.port(), address: (a, b, c, d) })
        }
        std::net::SocketAddr::V6(v6) => {
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

pub fn port(address: IpSocketAddress) -> u16 {
    match address {
        IpSocketAddress::Ipv4(v4) => v4.port,
        IpSocketAddress::Ipv6(v6) => v6.port,
    }
}

/// The parts of an address, which can be compared.
pub fn parts(address: IpSocketAddress) -> (Vec<u16>, u16) {
    match address {
        IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (a, b, c, d) }) => {
            (vec![a.into(), b.into(), c.into(), d.into()], port)
        }
        IpSocketAddress::Ipv6(Ipv6SocketAddress { port, address: (a, b, c, d, e, f, g, h), .. }) => {
            (vec![a, b, c, d, e, f, g, h], port)
        }
    }
}

pub fn of_ip(ip: &IpAddress) -> String {
    match *ip {
        IpAddress::Ipv4((a, b, c, d)) => std::net::Ipv4Addr::new(a, b, c, d).to_string(),
        IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => std::net::Ipv6Addr::new(a, b, c, d, e, f, g, h).to_string(),
    }
}
