//! start-connect and finish-connect, accept, and the pollable of a socket.

use support::address::{address, is_ipv6, loopback, loopback_of_other_family, multicast, parts, wildcard};
use support::{network, refused, tcp};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::io::poll::poll;
use wasip2::sockets::network::ErrorCode;

pub fn connect() {
    let (client, server) = tcp::pair();
    let addresses = |socket: &wasip2::sockets::tcp::TcpSocket| {
        (parts(socket.local_address().unwrap()), parts(socket.remote_address().unwrap()))
    };
    let (local, remote) = addresses(&client.socket);
    assert_eq!(addresses(&server.socket), (remote, local));
}

pub fn connect_from_a_bound_socket() {
    let listener = tcp::listener();
    let socket = tcp::bound();
    let local = socket.local_address().unwrap();
    let client = tcp::connect(socket, listener.local_address().unwrap()).unwrap();
    assert_eq!(parts(client.socket.local_address().unwrap()), parts(local));
    let server = tcp::accept(&listener).unwrap();
    assert_eq!(parts(server.socket.remote_address().unwrap()), parts(local));
}

pub fn connect_invalid_address() {
    let listener = tcp::listener();
    let port = support::address::port(listener.local_address().unwrap());
    let socket = tcp::socket();
    let mut invalid = vec![wildcard(port), loopback(0), loopback_of_other_family(port), multicast(port)];
    if is_ipv6() {
        invalid.push(address("", "::ffff:127.0.0.1", port));
    }
    for address in invalid {
        refused(socket.start_connect(&network(), address), ErrorCode::InvalidArgument);
    }
    // none of it changed the state
    tcp::connect(socket, loopback(port)).unwrap();
}

pub fn connect_refused() {
    let socket = tcp::failed();
    refused(socket.finish_connect(), ErrorCode::NotInProgress);
}

/// One pollable serves the whole life of a socket.
pub fn connect_pollable_made_before() {
    let listener = tcp::listener();
    let ready_to_accept = listener.subscribe();
    let socket = tcp::socket();
    let pollable = socket.subscribe();
    socket.start_connect(&network(), listener.local_address().unwrap()).unwrap();
    pollable.block();
    let streams = loop {
        match socket.finish_connect() {
            Err(ErrorCode::WouldBlock) => pollable.block(),
            done => break done.unwrap(),
        }
    };
    ready_to_accept.block();
    tcp::accept(&listener).unwrap();
    assert!(pollable.ready());
    drop((pollable, streams, ready_to_accept));
}

pub fn accept_would_block() {
    let listener = tcp::listener();
    refused(listener.accept(), ErrorCode::WouldBlock);
    assert!(!listener.subscribe().ready());
    tcp::pair_of(&listener);
    refused(listener.accept(), ErrorCode::WouldBlock);
}

pub fn accept_two() {
    let listener = tcp::listener();
    let to = listener.local_address().unwrap();
    let clients = [tcp::connect(tcp::socket(), to).unwrap(), tcp::connect(tcp::socket(), to).unwrap()];
    for client in &clients {
        let server = tcp::accept(&listener).unwrap();
        assert_eq!(
            parts(server.socket.remote_address().unwrap()),
            parts(client.socket.local_address().unwrap())
        );
    }
}

pub fn accepted_outlives_listener() {
    let listener = tcp::listener();
    let (client, server) = tcp::pair_of(&listener);
    drop(listener);
    tcp::write_all(&client.output, b"still there").unwrap();
    drop(client);
    assert_eq!(tcp::read_all(&server.input), b"still there");
}

/// A guest that only ever polls with a zero timer gets its connection and its bytes all the same.
pub fn busy_poll() {
    let listener = tcp::listener();
    let client = tcp::connect(tcp::socket(), listener.local_address().unwrap()).unwrap();
    let acceptable = listener.subscribe();
    wait_busily(&acceptable);
    let server = tcp::accept(&listener).unwrap();
    tcp::write_all(&client.output, b"x").unwrap();
    let readable = server.input.subscribe();
    wait_busily(&readable);
    drop((readable, acceptable));
}

fn wait_busily(pollable: &wasip2::io::poll::Pollable) {
    for _ in 0..1_000_000 {
        let zero = subscribe_duration(0);
        if poll(&[&zero, pollable]).contains(&1) {
            return;
        }
    }
    panic!("not ready after a million looks");
}
