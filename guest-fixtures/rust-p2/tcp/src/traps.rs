//! What ends the guest.

use support::tcp;

pub fn write_without_permit() {
    let (client, _server) = tcp::pair();
    let _ = client.output.write(b"x");
}

pub fn second_write() {
    let (client, _server) = tcp::pair();
    assert!(client.output.check_write().unwrap() >= 2);
    client.output.write(b"x").unwrap();
    let _ = client.output.write(b"y");
}

pub fn socket_before_streams() {
    let (client, _server) = tcp::pair();
    let tcp::Connection { input, output, socket } = client;
    drop(socket);
    drop((input, output));
}

pub fn socket_before_pollable() {
    let socket = tcp::socket();
    let pollable = socket.subscribe();
    drop(socket);
    drop(pollable);
}

pub fn stream_before_pollable() {
    let (client, _server) = tcp::pair();
    let pollable = client.input.subscribe();
    drop(client.input);
    drop(pollable);
}
