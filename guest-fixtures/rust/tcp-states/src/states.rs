//! Every method in every state that a socket can stay in. Success of transfer, accept and options has its own cases.

use support::check::{equal, holds, refused, refused_any};
use support::{Checked, ErrorCode, TcpSocket, net};

const INVALID_STATE: &[ErrorCode] = &[ErrorCode::InvalidState];

/// Both are right for a socket whose connect was refused: WIT lets every method of a closed socket give invalid-state, the
/// reference repeats the reason.
const CLOSED: &[ErrorCode] = &[ErrorCode::InvalidState, ErrorCode::ConnectionRefused];

pub async fn unbound() -> Checked {
    let socket = net::socket()?;
    refused(socket.get_local_address(), ErrorCode::InvalidState)?;
    refused(socket.get_remote_address(), ErrorCode::InvalidState)?;
    net::send_is_refused(&socket, INVALID_STATE).await?;
    net::receive_is_refused(&socket, INVALID_STATE).await?;
    options_work(&socket)?;
    socket.set_listen_backlog_size(8)?;
    // none of it changed the state
    socket.bind(net::loopback(0))?;
    Ok(())
}

pub async fn bound() -> Checked {
    let socket = net::bound()?;
    let local = socket.get_local_address()?;
    refused(socket.get_remote_address(), ErrorCode::InvalidState)?;
    refused(socket.bind(net::loopback(0)), ErrorCode::InvalidState)?;
    net::send_is_refused(&socket, INVALID_STATE).await?;
    net::receive_is_refused(&socket, INVALID_STATE).await?;
    options_work(&socket)?;
    socket.set_listen_backlog_size(8)?;
    equal(socket.get_local_address()?, local)?;
    let mut listener = net::listen_on(socket)?;
    listener.connection().await?;
    Ok(())
}

pub async fn listening() -> Checked {
    let mut listener = net::listener()?;
    let socket = &listener.socket;
    refused(socket.bind(net::loopback(0)), ErrorCode::InvalidState)?;
    refused(net::connect(&socket, listener.address).await, ErrorCode::InvalidState)?;
    refused(socket.listen(), ErrorCode::InvalidState)?;
    refused(socket.get_remote_address(), ErrorCode::InvalidState)?;
    net::send_is_refused(socket, INVALID_STATE).await?;
    net::receive_is_refused(socket, INVALID_STATE).await?;
    options_work(socket)?;
    equal(socket.get_is_listening(), true)?;
    listener.connection().await?;
    Ok(())
}

pub async fn connected() -> Checked {
    let mut listener = net::listener()?;
    let (client, server) = listener.connection().await?;
    for socket in [&client, &server] {
        refused(socket.bind(net::loopback(0)), ErrorCode::InvalidState)?;
        refused(net::connect(&socket, listener.address).await, ErrorCode::InvalidState)?;
        refused(socket.listen(), ErrorCode::InvalidState)?;
        refused(socket.set_listen_backlog_size(8), ErrorCode::InvalidState)?;
        options_work(socket)?;
        equal(socket.get_is_listening(), false)?;
    }
    net::carries_data(&client, &server).await
}

pub async fn closed() -> Checked {
    let socket = net::failed().await?;
    let listener = net::listener()?;
    refused(socket.bind(net::loopback(0)), ErrorCode::InvalidState)?;
    refused(net::connect(&socket, listener.address).await, ErrorCode::InvalidState)?;
    refused(socket.listen(), ErrorCode::InvalidState)?;
    refused_any(socket.get_local_address(), CLOSED)?;
    refused_any(socket.get_remote_address(), CLOSED)?;
    refused_any(socket.set_listen_backlog_size(8), CLOSED)?;
    net::send_is_refused(&socket, CLOSED).await?;
    net::receive_is_refused(&socket, CLOSED).await?;
    options_are_refused(&socket)?;
    equal(socket.get_is_listening(), false)?;
    equal(socket.get_address_family(), net::family())
}

fn options_work(socket: &TcpSocket) -> Checked {
    equal(socket.get_address_family(), net::family())?;
    socket.set_keep_alive_enabled(true)?;
    equal(socket.get_keep_alive_enabled()?, true)?;
    socket.set_keep_alive_idle_time(5_000_000_000)?;
    holds(socket.get_keep_alive_idle_time()? > 0, "idle time is positive")?;
    socket.set_keep_alive_interval(5_000_000_000)?;
    holds(socket.get_keep_alive_interval()? > 0, "interval is positive")?;
    socket.set_keep_alive_count(5)?;
    holds(socket.get_keep_alive_count()? > 0, "count is positive")?;
    socket.set_hop_limit(50)?;
    equal(socket.get_hop_limit()?, 50)?;
    socket.set_receive_buffer_size(60_000)?;
    holds(socket.get_receive_buffer_size()? > 0, "buffer size is positive")?;
    socket.set_send_buffer_size(60_000)?;
    holds(socket.get_send_buffer_size()? > 0, "buffer size is positive")
}

fn options_are_refused(socket: &TcpSocket) -> Checked {
    refused_any(socket.get_keep_alive_enabled(), CLOSED)?;
    refused_any(socket.set_keep_alive_enabled(true), CLOSED)?;
    refused_any(socket.get_keep_alive_idle_time(), CLOSED)?;
    refused_any(socket.set_keep_alive_idle_time(5_000_000_000), CLOSED)?;
    refused_any(socket.get_keep_alive_interval(), CLOSED)?;
    refused_any(socket.set_keep_alive_interval(5_000_000_000), CLOSED)?;
    refused_any(socket.get_keep_alive_count(), CLOSED)?;
    refused_any(socket.set_keep_alive_count(5), CLOSED)?;
    refused_any(socket.get_hop_limit(), CLOSED)?;
    refused_any(socket.set_hop_limit(50), CLOSED)?;
    refused_any(socket.get_receive_buffer_size(), CLOSED)?;
    refused_any(socket.set_receive_buffer_size(60_000), CLOSED)?;
    refused_any(socket.get_send_buffer_size(), CLOSED)?;
    refused_any(socket.set_send_buffer_size(60_000), CLOSED)
}

/// Drop is always legal; what is left works on.
pub async fn drop_in_every_state() -> Checked {
    drop(net::socket()?);
    drop(net::bound()?);
    drop(net::failed().await?);
    let mut listener = net::listener()?;
    let (client, server) = listener.connection().await?;
    drop(listener.socket);
    drop(listener.incoming);
    drop(client);
    let mut server_open = net::open(&server);
    drop(server);
    net::ended(&mut server_open.reader).await?;
    drop(server_open.reader);
    net::outcome(server_open.received).await?;
    Ok(())
}
