//! listen, the stream of accepted sockets, get-is-listening, set-listen-backlog-size.

use futures::future::try_join_all;
use support::address::{port, with_port};
use support::check::{equal, holds, refused, refused_any};
use support::{Checked, ErrorCode, IpSocketAddress, TcpSocket, net};
use wit_bindgen::StreamResult;

pub async fn listen() -> Checked {
    let mut listener = net::listener()?;
    equal(listener.socket.get_is_listening(), true)?;
    equal(listener.socket.get_address_family(), net::family())?;
    refused(listener.socket.get_remote_address(), ErrorCode::InvalidState)?;
    for _ in 0..3 {
        let (client, server) = listener.connection().await?;
        net::carries_data(&client, &server).await?;
    }
    equal(listener.socket.get_is_listening(), true)
}

pub async fn listen_unbound() -> Checked {
    let socket = net::socket()?;
    let incoming = socket.listen()?;
    let local = socket.get_local_address()?;
    equal(with_port(local, 0), net::wildcard(0))?;
    holds(port(&local) != 0, "listen binds to a port")?;
    let address = net::loopback(port(&local));
    let mut listener = net::Listener { socket, incoming, address };
    let (client, server) = listener.connection().await?;
    net::carries_data(&client, &server).await
}

pub async fn listen_twice() -> Checked {
    let mut listener = net::listener()?;
    refused(listener.socket.listen(), ErrorCode::InvalidState)?;
    equal(listener.socket.get_is_listening(), true)?;
    let (client, server) = listener.connection().await?;
    refused(client.listen(), ErrorCode::InvalidState)?;
    refused(server.listen(), ErrorCode::InvalidState)?;
    net::carries_data(&client, &server).await
}

/// Two sockets may be bound to one port where the system lets them (Linux does, with SO_REUSEADDR), but only one may listen.
pub async fn listen_address_in_use() -> Checked {
    let first = net::bound()?;
    let address = first.get_local_address()?;
    let second = net::socket()?;
    let bound = second.bind(address);
    let mut listener = net::listen_on(first)?;
    match bound {
        Err(code) => refused::<()>(Err(code), ErrorCode::AddressInUse)?,
        Ok(()) => refused(second.listen(), ErrorCode::AddressInUse)?,
    }
    equal(second.get_is_listening(), false)?;
    let (client, server) = listener.connection().await?;
    net::carries_data(&client, &server).await
}

pub async fn listen_backlog() -> Checked {
    let socket = net::socket()?;
    refused(socket.set_listen_backlog_size(0), ErrorCode::InvalidArgument)?;
    for size in [1, 4096, 1 << 31, u64::MAX] {
        socket.set_listen_backlog_size(size)?;
    }
    socket.bind(net::loopback(0))?;
    socket.set_listen_backlog_size(16)?;
    let mut listener = net::listen_on(socket)?;
    refused(listener.socket.set_listen_backlog_size(0), ErrorCode::InvalidArgument)?;
    // "not-supported: the platform does not support changing the backlog size after the initial listen"
    if let Err(code) = listener.socket.set_listen_backlog_size(32) {
        refused::<()>(Err(code), ErrorCode::NotSupported)?;
    }
    let (client, server) = listener.connection().await?;
    for socket in [&client, &server] {
        refused(socket.set_listen_backlog_size(16), ErrorCode::InvalidState)?;
        let zero = socket.set_listen_backlog_size(0);
        refused_any(zero, &[ErrorCode::InvalidArgument, ErrorCode::InvalidState])?;
    }
    Ok(())
}

const MANY: usize = 20;

/// All connect before the first accept; more than one socket may come in one read.
pub async fn accept_many() -> Checked {
    let mut listener = net::listener()?;
    let clients = try_join_all((0..MANY).map(|_| connected_to(listener.address))).await?;
    let mut servers: Vec<TcpSocket> = Vec::new();
    while servers.len() < MANY {
        let (status, sockets) = listener.incoming.read(Vec::with_capacity(8)).await;
        holds(status != StreamResult::Dropped, "the accept stream is perpetual")?;
        servers.extend(sockets);
    }
    let mut pairs = Vec::new();
    for client in &clients {
        let local = client.get_local_address()?;
        let index = servers.iter().position(|server| server.get_remote_address() == Ok(local));
        holds(index.is_some(), "every client was accepted once")?;
        pairs.push((client, servers.remove(index.unwrap_or_default())));
    }
    try_join_all(pairs.iter().map(|(client, server)| net::carries_data(client, server))).await?;
    Ok(())
}

async fn connected_to(address: IpSocketAddress) -> Checked<TcpSocket> {
    let socket = net::socket()?;
    net::connect(&socket, address).await?;
    Ok(socket)
}

pub async fn accepted_socket() -> Checked {
    let mut listener = net::listener()?;
    let (client, server) = listener.connection().await?;
    equal(server.get_local_address()?, listener.address)?;
    equal(server.get_remote_address()?, client.get_local_address()?)?;
    equal(server.get_address_family(), net::family())?;
    equal(server.get_is_listening(), false)?;
    refused(server.bind(net::loopback(0)), ErrorCode::InvalidState)?;
    // it lives on without its listener
    drop(listener);
    net::carries_data(&client, &server).await
}

pub async fn accept_after_handle_drop() -> Checked {
    let net::Listener { socket, mut incoming, address } = net::listener()?;
    drop(socket);
    let client = connected_to(address).await?;
    let server = incoming.next().await;
    holds(server.is_some(), "the stream goes on without the tcp-socket handle")?;
    if let Some(server) = server {
        net::carries_data(&client, &server).await?;
    }
    drop(incoming);
    refused(net::connect(&net::socket()?, address).await, ErrorCode::ConnectionRefused)
}

pub async fn drop_accept_stream() -> Checked {
    let net::Listener { socket, incoming, address } = net::listener()?;
    drop(incoming);
    // WIT has no way back out of the listening state
    equal(socket.get_is_listening(), true)?;
    equal(socket.get_local_address()?, address)?;
    refused(socket.listen(), ErrorCode::InvalidState)?;
    drop(socket);
    refused(net::connect(&net::socket()?, address).await, ErrorCode::ConnectionRefused)
}
