//! Listeners and streams.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

fn unused() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

pub fn listen_and_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut server, peer) = listener.accept().unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
    assert_eq!(server.local_addr().unwrap(), client.peer_addr().unwrap());
    client.write_all(b"ping").unwrap();
    let mut buffer = [0; 4];
    server.read_exact(&mut buffer).unwrap();
    server.write_all(b"pong").unwrap();
    client.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"pong");
}

pub fn connect_refused() {
    assert_eq!(TcpStream::connect(unused()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

pub fn address_in_use() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let again = TcpListener::bind(listener.local_addr().unwrap());
    assert_eq!(again.unwrap_err().kind(), ErrorKind::AddrInUse);
}

pub fn connect_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    TcpStream::connect_timeout(&listener.local_addr().unwrap(), Duration::from_secs(60)).unwrap();
}

pub fn read_timeout() {
    let (mut client, mut server) = pair();
    client.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let before = Instant::now();
    let error = client.read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error:?}");
    assert!(before.elapsed() >= Duration::from_millis(20));
    server.write_all(b"x").unwrap();
    client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 1);
}

pub fn non_blocking() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut server, _) = loop {
        match listener.accept() {
            Ok(accepted) => break accepted,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    };
    client.set_nonblocking(true).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    server.write_all(b"x").unwrap();
    loop {
        match client.read(&mut [0]) {
            Ok(count) => break assert_eq!(count, 1),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
}

pub fn options() {
    let (client, _server) = pair();
    client.set_nodelay(true).unwrap();
    client.set_ttl(42).unwrap();
    assert_eq!(client.ttl().unwrap(), 42);
    assert!(client.take_error().unwrap().is_none());
}

pub fn shutdown() {
    let (mut client, mut server) = pair();
    client.write_all(b"last").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut text = String::new();
    server.read_to_string(&mut text).unwrap();
    assert_eq!(text, "last");
    server.write_all(b"answer").unwrap();
    drop(server);
    text.clear();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text, "answer");
}

pub fn clone() {
    let (client, mut server) = pair();
    let Ok(mut other) = client.try_clone() else { return }; // std has none for this target yet
    drop(client);
    other.write_all(b"x").unwrap();
    assert_eq!(server.read(&mut [0]).unwrap(), 1);
}

pub fn big_transfer() {
    let (mut client, mut server) = pair();
    client.set_nonblocking(true).unwrap();
    let (data, mut sent, mut received) = (vec![7; 3_000_000], 0, 0);
    let mut buffer = [0; 50_000];
    while received < data.len() {
        match client.write(&data[sent..]) {
            Ok(count) => sent += count,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        if sent > received {
            let count = server.read(&mut buffer).unwrap();
            assert!(buffer[..count].iter().all(|byte| *byte == 7));
            received += count;
        }
    }
    assert_eq!(received, sent);
}

/// For a host that allows no network.
pub fn denied() {
    assert_eq!(TcpListener::bind("127.0.0.1:0").unwrap_err().kind(), ErrorKind::PermissionDenied);
}

/// For a host that allows lookups.
pub fn localhost() {
    let found: Vec<_> = "localhost:80".to_socket_addrs().unwrap().collect();
    assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
}
