//! TCP sockets of the family under test, in each state.

use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use wasip2::sockets::network::{ErrorCode, IpSocketAddress};
use wasip2::sockets::tcp::TcpSocket;
use wasip2::sockets::tcp_create_socket::create_tcp_socket;

use crate::address::{family, loopback};
use crate::network;

/// A connected socket with its streams, which are its children: they are dropped first.
pub struct Connection {
    pub input: InputStream,
    pub output: OutputStream,
    pub socket: TcpSocket,
}

pub fn socket() -> TcpSocket {
    create_tcp_socket(family()).unwrap()
}

pub fn bind(socket: &TcpSocket, address: IpSocketAddress) -> Result<(), ErrorCode> {
    socket.start_bind(&network(), address)?;
    waited(socket, || socket.finish_bind())
}

pub fn listen(socket: &TcpSocket) -> Result<(), ErrorCode> {
    socket.start_listen()?;
    waited(socket, || socket.finish_listen())
}

pub fn connect(socket: TcpSocket, address: IpSocketAddress) -> Result<Connection, ErrorCode> {
    let (input, output) = finished(&socket, address)?;
    Ok(Connection { input, output, socket })
}

/// Connects a socket; what is left of it after a failure can be looked at.
pub fn finished(socket: &TcpSocket, address: IpSocketAddress) -> Result<(InputStream, OutputStream), ErrorCode> {
    socket.start_connect(&network(), address)?;
    waited(socket, || socket.finish_connect())
}

pub fn accept(socket: &TcpSocket) -> Result<Connection, ErrorCode> {
    waited(socket, || socket.accept()).map(|(socket, input, output)| Connection { input, output, socket })
}

/// Calls again, after the socket became ready, as long as the answer is would-block.
fn waited<T>(socket: &TcpSocket, call: impl Fn() -> Result<T, ErrorCode>) -> Result<T, ErrorCode> {
    loop {
        match call() {
            Err(ErrorCode::WouldBlock) => socket.subscribe().block(),
            done => return done,
        }
    }
}

pub fn bound() -> TcpSocket {
    let socket = socket();
    bind(&socket, loopback(0)).unwrap();
    socket
}

pub fn listener() -> TcpSocket {
    let socket = bound();
    listen(&socket).unwrap();
    socket
}

/// Both ends of a connection: the one that connected and the one that was accepted.
pub fn pair() -> (Connection, Connection) {
    let listener = listener();
    pair_of(&listener)
}

pub fn pair_of(listener: &TcpSocket) -> (Connection, Connection) {
    let client = connect(socket(), listener.local_address().unwrap()).unwrap();
    (client, accept(listener).unwrap())
}

/// A port of loopback that was free a moment ago: connecting to it is refused.
pub fn unused() -> IpSocketAddress {
    bound().local_address().unwrap()
}

/// A socket whose connect was refused.
pub fn failed() -> TcpSocket {
    let socket = socket();
    assert_eq!(finished(&socket, unused()).unwrap_err(), ErrorCode::ConnectionRefused);
    socket
}

/// Writes all of it, as std does: check-write, write, blocking-flush.
pub fn write_all(output: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let permit = output.check_write()?;
        if permit == 0 {
            output.subscribe().block();
            continue;
        }
        let (now, later) = bytes.split_at(bytes.len().min(permit as usize));
        output.write(now)?;
        bytes = later;
    }
    output.blocking_flush()
}

/// Reads to the end.
pub fn read_all(input: &InputStream) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        match input.blocking_read(65_536) {
            Ok(bytes) => all.extend(bytes),
            Err(StreamError::Closed) => return all,
            Err(error) => panic!("{error:?}"),
        }
    }
}
