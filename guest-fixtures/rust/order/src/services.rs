//! The two services: where they are, and how they are asked.

use std::pin::pin;

use futures::future::{Either, join, select};
use support::bindings::wasi::sockets::types::{IpAddress, Ipv4SocketAddress, Ipv6SocketAddress};
use support::ip_name_lookup::resolve_addresses;
use support::{Checked, Failure, IpSocketAddress, TcpSocket, UdpSocket, monotonic_clock, pump, wit_stream};

const TRIES: u32 = 3;
const PATIENCE_NS: u64 = 1_000_000_000;

/// The address of `NAME:PORT`.
pub async fn find(service: &str) -> Checked<IpSocketAddress> {
    let parts = service.rsplit_once(':').and_then(|(name, port)| Some((name, port.parse().ok()?)));
    let (name, port) = parts.ok_or_else(|| Failure::new(format!("{service:?} is not NAME:PORT")))?;
    let found = resolve_addresses(name.to_string()).await;
    let addresses = found.map_err(|code| Failure::new(format!("looking up {name}: {code:?}")))?;
    // "This function never succeeds with 0 results."
    Ok(match addresses[0] {
        IpAddress::Ipv4(address) => IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address }),
        IpAddress::Ipv6(address) => {
            IpSocketAddress::Ipv6(Ipv6SocketAddress { port, flow_info: 0, address, scope_id: 0 })
        }
    })
}

/// Cents of one item. Datagrams get lost, and late answers are answers to something else.
pub async fn price(prices: &UdpSocket, item: &str) -> Checked<u64> {
    for _ in 0..TRIES {
        prices.send(item.into(), None).await?;
        let late = pin!(monotonic_clock::wait_for(PATIENCE_NS));
        let Either::Left((answer, _)) = select(pin!(prices.receive()), late).await else { continue };
        let answer = String::from_utf8_lossy(&answer?.0).into_owned();
        if let Some(("", cents)) = answer.strip_prefix(item).and_then(|rest| rest.split_once(' ')) {
            return cents.parse().map(u32::into).map_err(|_| Failure::new(format!("there is no {item}")));
        }
    }
    Err(Failure::new(format!("nobody says what {item} costs")))
}

/// What comes back for a text.
pub async fn ask(socket: &TcpSocket, text: String) -> Checked<String> {
    let (mut writer, data) = wit_stream::new();
    let sent = socket.send(data);
    let (mut reader, received) = socket.receive();
    let write = async {
        writer.write_all(text.into_bytes()).await;
        drop(writer);
    };
    let (answer, ()) = join(pump::exactly(&mut reader, 1000), write).await;
    drop(reader);
    sent.await?;
    received.await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
