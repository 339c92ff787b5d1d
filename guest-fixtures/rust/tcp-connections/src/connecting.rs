//! connect, get-remote-address.

use std::pin::pin;

use futures::future::{Either, join, select};
use support::address::{port, with_port};
use support::check::{equal, holds, refused};
use support::{Checked, ErrorCode, IpSocketAddress, TcpSocket, monotonic_clock, net, print};

pub async fn connect() -> Checked {
    let mut listener = net::listener()?;
    let client = net::socket()?;
    net::connect(&client, listener.address).await?;
    let local = client.get_local_address()?;
    equal(with_port(local, 0), net::loopback(0))?;
    holds(port(&local) != 0, "connect binds to a port")?;
    equal(client.get_remote_address()?, listener.address)?;
    equal(client.get_is_listening(), false)?;

    let server = listener.accept().await?;
    equal(server.get_remote_address()?, local)?;
    net::carries_data(&client, &server).await
}

pub async fn connect_bound() -> Checked {
    let mut listener = net::listener()?;
    let client = net::bound()?;
    let local = client.get_local_address()?;
    net::connect(&client, listener.address).await?;
    equal(client.get_local_address()?, local)?;
    equal(listener.accept().await?.get_remote_address()?, local)
}

/// Each on a fresh socket: WIT says a socket whose connect failed is closed, the reference lets it try again.
pub async fn connect_invalid_address() -> Checked {
    let open = net::listener()?.address;
    let mut invalid = vec![
        net::loopback_of_other_family(port(&open)),
        net::loopback(0),
        net::wildcard(port(&open)),
        net::wildcard(0),
        net::multicast(port(&open)),
    ];
    if !net::is_ipv6() {
        invalid.push(net::address("255.255.255.255", "", port(&open)));
    }
    for address in invalid {
        connect_is_invalid(net::socket()?, address).await?;
        connect_is_invalid(net::bound()?, address).await?;
    }
    Ok(())
}

async fn connect_is_invalid(socket: TcpSocket, address: IpSocketAddress) -> Checked {
    refused(net::connect(&socket, address).await, ErrorCode::InvalidArgument)?;
    equal(socket.get_is_listening(), false)?;
    holds(socket.get_remote_address().is_err(), "a failed connect leaves no remote address")
}

pub async fn connect_refused() -> Checked {
    let socket = net::socket()?;
    refused(net::connect(&socket, net::closed_port()?).await, ErrorCode::ConnectionRefused)?;
    // closed: only drop is left
    let listener = net::listener()?;
    refused(net::connect(&socket, listener.address).await, ErrorCode::InvalidState)
}

pub async fn connect_twice() -> Checked {
    let mut listener = net::listener()?;
    let (client, server) = listener.connection().await?;
    refused(net::connect(&client, listener.address).await, ErrorCode::InvalidState)?;
    refused(net::connect(&server, listener.address).await, ErrorCode::InvalidState)?;
    refused(net::connect(&listener.socket, listener.address).await, ErrorCode::InvalidState)?;

    // two at once on one socket: exactly one wins
    let socket = net::socket()?;
    let (first, second) = join(socket.connect(listener.address), socket.connect(listener.address)).await;
    first?;
    refused(second, ErrorCode::InvalidState)?;
    equal(socket.get_remote_address()?, listener.address)?;
    net::carries_data(&client, &server).await
}

const PATIENCE_NS: u64 = 100_000_000;

/// A listener that accepts nothing takes a few connections into its backlog; the next connect has to wait. Where the host's
/// network never makes one wait, there is no connecting state to look at.
pub async fn connect_pending() -> Checked {
    let socket = net::bound()?;
    socket.set_listen_backlog_size(1)?;
    let listener = net::listen_on(socket)?;

    let mut connected = Vec::new();
    for _ in 0..8 {
        let client = net::socket()?;
        let waits = {
            let connecting = pin!(client.connect(listener.address));
            match select(connecting, pin!(monotonic_clock::wait_for(PATIENCE_NS))).await {
                Either::Left((result, _)) => {
                    result?;
                    false
                }
                Either::Right((_, _still_connecting)) => {
                    // the connect goes on while `_still_connecting` lives
                    state_connecting(&client, listener.address).await?;
                    true
                }
            }
        };
        if waits {
            return Ok(());
        }
        connected.push(client);
    }
    print::error("connect-pending: every connect completed at once, nothing checked\n").await;
    Ok(())
}

async fn state_connecting(socket: &TcpSocket, address: IpSocketAddress) -> Checked {
    const STATE: &[ErrorCode] = &[ErrorCode::InvalidState];
    refused(net::connect(&socket, address).await, ErrorCode::InvalidState)?;
    refused(socket.bind(net::loopback(0)), ErrorCode::InvalidState)?;
    refused(socket.listen(), ErrorCode::InvalidState)?;
    refused(socket.get_remote_address(), ErrorCode::InvalidState)?;
    refused(socket.set_listen_backlog_size(8), ErrorCode::InvalidState)?;
    net::send_is_refused(socket, STATE).await?;
    net::receive_is_refused(socket, STATE).await?;
    equal(socket.get_is_listening(), false)?;
    equal(socket.get_address_family(), net::family())?;
    // WIT says nothing about options of a connecting socket: they may work or not, but not trap
    let _ = (socket.get_local_address(), socket.get_hop_limit(), socket.set_hop_limit(9));
    let _ = (socket.get_keep_alive_enabled(), socket.get_send_buffer_size());
    Ok(())
}
