//! One component that imports wasi:sockets/types twice, as 0.3.0 and as 0.3.2: what comes out when parts of a guest were built
//! with different bindings. A listener of one version talks to a client of the other.

mod newer {
    wit_bindgen::generate!({
        world: "test:newer/newer",
        path: "../../build/wit/newer",
        generate_all,
    });
}

use newer::wasi::sockets::types as newer_types;
use support::check::equal;
use support::{Checked, Failure, IpSocketAddress, net, print, program, wit_stream};

program!(both);

fn to_newer(address: IpSocketAddress) -> newer_types::IpSocketAddress {
    match address {
        IpSocketAddress::Ipv4(v4) => {
            newer_types::IpSocketAddress::Ipv4(newer_types::Ipv4SocketAddress { port: v4.port, address: v4.address })
        }
        IpSocketAddress::Ipv6(v6) => newer_types::IpSocketAddress::Ipv6(newer_types::Ipv6SocketAddress {
            port: v6.port,
            flow_info: v6.flow_info,
            address: v6.address,
            scope_id: v6.scope_id,
        }),
    }
}

fn failure(code: newer_types::ErrorCode) -> Failure {
    Failure::new(format!("0.3.2: {code:?}"))
}

async fn both() -> Checked {
    let mut listener = net::listener()?;
    let client = newer_types::TcpSocket::create(newer_types::IpAddressFamily::Ipv4).map_err(failure)?;
    client.connect(to_newer(listener.address)).await.map_err(failure)?;
    let server = listener.accept().await?;

    // the server passes its stream, which 0.3.0 made, to itself; the client's come from 0.3.2
    let (incoming, received) = server.receive();
    let sent = server.send(incoming);
    let (mut writer, data) = wit_stream::new();
    let client_sent = client.send(data);
    let (mut reader, client_received) = client.receive();
    net::deliver(&mut writer, &mut reader, "from 0.3.2 to 0.3.0 and back").await?;
    drop(writer);
    net::ended(&mut reader).await?;
    sent.await?;
    received.await?;
    client_sent.await.map_err(failure)?;
    client_received.await.map_err(failure)?;

    // both interfaces have state of their own kind
    let refused = client.connect(to_newer(listener.address)).await;
    equal(matches!(refused, Err(newer_types::ErrorCode::InvalidState)), true)?;
    print::out("both versions work\n").await;
    Ok(())
}
