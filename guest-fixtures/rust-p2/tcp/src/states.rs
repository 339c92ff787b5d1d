//! Every method in every state. Success of transfer, accept and options has its own cases.

use support::address::{family, loopback};
use support::{network, refused, refused_any, tcp};
use wasip2::sockets::network::ErrorCode;
use wasip2::sockets::tcp::{ShutdownType, TcpSocket};
use wasip2::sockets::tcp_create_socket::create_tcp_socket;

const IN_PROGRESS: ErrorCode = ErrorCode::ConcurrencyConflict;

/// Both are right for a socket whose connect was refused: any method of a closed socket may give invalid-state, the
/// reference repeats the reason.
const CLOSED: &[ErrorCode] = &[ErrorCode::InvalidState, ErrorCode::ConnectionRefused];

pub fn unbound() {
    let socket = tcp::socket();
    nothing_is_in_progress(&socket);
    refused(socket.start_listen(), ErrorCode::InvalidState);
    refused(socket.accept(), ErrorCode::InvalidState);
    refused(socket.local_address(), ErrorCode::InvalidState);
    refused(socket.remote_address(), ErrorCode::InvalidState);
    shutdown_is_refused(&socket);
    assert!(!socket.is_listening());
    socket.set_listen_backlog_size(8).unwrap();
    options_work(&socket);
    is_ready(&socket);
    // none of it changed the state
    tcp::bind(&socket, loopback(0)).unwrap();
}

pub fn bind_in_progress() {
    let socket = tcp::socket();
    socket.start_bind(&network(), loopback(0)).unwrap();
    refused(socket.start_bind(&network(), loopback(0)), IN_PROGRESS);
    refused(socket.start_connect(&network(), loopback(1)), IN_PROGRESS);
    refused(socket.start_listen(), IN_PROGRESS);
    refused(socket.finish_connect(), ErrorCode::NotInProgress);
    refused(socket.finish_listen(), ErrorCode::NotInProgress);
    refused(socket.accept(), ErrorCode::InvalidState);
    refused(socket.remote_address(), ErrorCode::InvalidState);
    shutdown_is_refused(&socket);
    assert!(!socket.is_listening());
    socket.set_listen_backlog_size(8).unwrap();
    options_work(&socket);
    is_ready(&socket);
    socket.finish_bind().unwrap();
    socket.local_address().unwrap();
}

pub fn bound() {
    let socket = tcp::bound();
    nothing_is_in_progress(&socket);
    refused(socket.start_bind(&network(), loopback(0)), ErrorCode::InvalidState);
    refused(socket.accept(), ErrorCode::InvalidState);
    socket.local_address().unwrap();
    refused(socket.remote_address(), ErrorCode::InvalidState);
    shutdown_is_refused(&socket);
    assert!(!socket.is_listening());
    socket.set_listen_backlog_size(8).unwrap();
    options_work(&socket);
    is_ready(&socket);
    tcp::listen(&socket).unwrap();
    tcp::pair_of(&socket);
}

pub fn listen_in_progress() {
    let socket = tcp::bound();
    socket.start_listen().unwrap();
    refused(socket.start_bind(&network(), loopback(0)), IN_PROGRESS);
    refused(socket.start_connect(&network(), loopback(1)), IN_PROGRESS);
    refused(socket.start_listen(), IN_PROGRESS);
    refused(socket.finish_bind(), ErrorCode::NotInProgress);
    refused(socket.finish_connect(), ErrorCode::NotInProgress);
    // the WIT wants invalid-state; the reference accepts already
    refused_any(socket.accept(), &[ErrorCode::InvalidState, ErrorCode::WouldBlock]);
    socket.local_address().unwrap();
    refused(socket.remote_address(), ErrorCode::InvalidState);
    shutdown_is_refused(&socket);
    socket.set_listen_backlog_size(8).unwrap();
    options_work(&socket);
    socket.finish_listen().unwrap();
    assert!(socket.is_listening());
}

pub fn listening() {
    let socket = tcp::listener();
    nothing_is_in_progress(&socket);
    refused(socket.start_bind(&network(), loopback(0)), ErrorCode::InvalidState);
    refused(socket.start_connect(&network(), loopback(1)), ErrorCode::InvalidState);
    refused(socket.start_listen(), ErrorCode::InvalidState);
    refused(socket.remote_address(), ErrorCode::InvalidState);
    shutdown_is_refused(&socket);
    assert!(socket.is_listening());
    // some systems cannot change it any more
    if let Err(code) = socket.set_listen_backlog_size(8) {
        assert_eq!(code, ErrorCode::NotSupported);
    }
    options_work(&socket);
    tcp::pair_of(&socket);
}

pub fn connect_in_progress() {
    let listener = tcp::listener();
    let socket = tcp::socket();
    socket.start_connect(&network(), listener.local_address().unwrap()).unwrap();
    refused(socket.start_bind(&network(), loopback(0)), IN_PROGRESS);
    refused(socket.start_connect(&network(), loopback(1)), IN_PROGRESS);
    refused(socket.start_listen(), IN_PROGRESS);
    refused(socket.finish_bind(), ErrorCode::NotInProgress);
    refused(socket.finish_listen(), ErrorCode::NotInProgress);
    refused(socket.accept(), ErrorCode::InvalidState);
    refused(socket.remote_address(), ErrorCode::InvalidState);
    refused(socket.set_listen_backlog_size(8), ErrorCode::InvalidState);
    options_are_refused(&socket, &[ErrorCode::InvalidState]);
    shutdown_is_refused(&socket);
    assert!(!socket.is_listening());
    let pollable = socket.subscribe();
    let streams = loop {
        match socket.finish_connect() {
            Err(ErrorCode::WouldBlock) => pollable.block(),
            done => break done,
        }
    };
    streams.unwrap();
}

pub fn connected() {
    let (client, server) = tcp::pair();
    for connection in [&client, &server] {
        let socket = &connection.socket;
        nothing_is_in_progress(socket);
        refused(socket.start_bind(&network(), loopback(0)), ErrorCode::InvalidState);
        refused(socket.start_connect(&network(), loopback(1)), ErrorCode::InvalidState);
        refused(socket.start_listen(), ErrorCode::InvalidState);
        refused(socket.accept(), ErrorCode::InvalidState);
        socket.local_address().unwrap();
        socket.remote_address().unwrap();
        refused(socket.set_listen_backlog_size(8), ErrorCode::InvalidState);
        assert!(!socket.is_listening());
        options_work(socket);
        is_ready(socket);
        socket.shutdown(ShutdownType::Both).unwrap();
    }
}

pub fn closed() {
    let socket = tcp::failed();
    nothing_is_in_progress(&socket);
    refused(socket.start_bind(&network(), loopback(0)), ErrorCode::InvalidState);
    refused(socket.start_connect(&network(), loopback(1)), ErrorCode::InvalidState);
    refused(socket.start_listen(), ErrorCode::InvalidState);
    refused(socket.accept(), ErrorCode::InvalidState);
    refused_any(socket.local_address(), CLOSED);
    refused_any(socket.remote_address(), CLOSED);
    refused_any(socket.set_listen_backlog_size(8), CLOSED);
    assert!(!socket.is_listening());
    assert_eq!(socket.address_family(), family());
    options_are_refused(&socket, CLOSED);
    shutdown_is_refused(&socket);
    is_ready(&socket);
}

pub fn drop_in_every_state() {
    drop(tcp::socket());
    let socket = tcp::socket();
    socket.start_bind(&network(), loopback(0)).unwrap();
    drop(socket);
    let socket = tcp::bound();
    socket.start_listen().unwrap();
    drop(socket);
    drop(tcp::failed());
    let listener = tcp::listener();
    let connecting = tcp::socket();
    connecting.start_connect(&network(), listener.local_address().unwrap()).unwrap();
    drop(connecting);
    drop(listener);
    let (client, server) = tcp::pair();
    drop(client);
    assert!(tcp::read_all(&server.input).is_empty());
}

/// For a host that allows no network.
pub fn denied() {
    // the reference refuses to create one if TCP is off
    let Ok(socket) = create_tcp_socket(family()) else { return };
    refused(tcp::bind(&socket, loopback(0)), ErrorCode::AccessDenied);
    refused(tcp::finished(&socket, loopback(9)), ErrorCode::AccessDenied);
}

fn nothing_is_in_progress(socket: &TcpSocket) {
    refused(socket.finish_bind(), ErrorCode::NotInProgress);
    refused(socket.finish_connect(), ErrorCode::NotInProgress);
    refused(socket.finish_listen(), ErrorCode::NotInProgress);
}

fn shutdown_is_refused(socket: &TcpSocket) {
    for kind in [ShutdownType::Receive, ShutdownType::Send, ShutdownType::Both] {
        refused(socket.shutdown(kind), ErrorCode::InvalidState);
    }
}

fn is_ready(socket: &TcpSocket) {
    assert!(socket.subscribe().ready());
}

fn options_work(socket: &TcpSocket) {
    assert_eq!(socket.address_family(), family());
    socket.set_keep_alive_enabled(true).unwrap();
    assert!(socket.keep_alive_enabled().unwrap());
    socket.set_keep_alive_idle_time(5_000_000_000).unwrap();
    assert!(socket.keep_alive_idle_time().unwrap() > 0);
    socket.set_keep_alive_interval(5_000_000_000).unwrap();
    assert!(socket.keep_alive_interval().unwrap() > 0);
    socket.set_keep_alive_count(5).unwrap();
    assert!(socket.keep_alive_count().unwrap() > 0);
    socket.set_hop_limit(50).unwrap();
    assert_eq!(socket.hop_limit().unwrap(), 50);
    socket.set_receive_buffer_size(60_000).unwrap();
    assert!(socket.receive_buffer_size().unwrap() > 0);
    socket.set_send_buffer_size(60_000).unwrap();
    assert!(socket.send_buffer_size().unwrap() > 0);
}

fn options_are_refused(socket: &TcpSocket, wanted: &[ErrorCode]) {
    refused_any(socket.keep_alive_enabled(), wanted);
    refused_any(socket.set_keep_alive_enabled(true), wanted);
    refused_any(socket.keep_alive_idle_time(), wanted);
    refused_any(socket.set_keep_alive_idle_time(5_000_000_000), wanted);
    refused_any(socket.keep_alive_interval(), wanted);
    refused_any(socket.set_keep_alive_interval(5_000_000_000), wanted);
    refused_any(socket.keep_alive_count(), wanted);
    refused_any(socket.set_keep_alive_count(5), wanted);
    refused_any(socket.hop_limit(), wanted);
    refused_any(socket.set_hop_limit(50), wanted);
    refused_any(socket.receive_buffer_size(), wanted);
    refused_any(socket.set_receive_buffer_size(60_000), wanted);
    refused_any(socket.send_buffer_size(), wanted);
    refused_any(socket.set_send_buffer_size(60_000), wanted);
}
