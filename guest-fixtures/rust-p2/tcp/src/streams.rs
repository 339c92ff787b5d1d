//! The streams of a connection, and every way in which they end.

use support::tcp;
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::io::poll::poll;
use wasip2::io::streams::StreamError;
use wasip2::sockets::tcp::ShutdownType;

const BYTES: usize = 1_000_000;

/// A megabyte each way at once, by a loop over poll as an event loop has it.
pub fn transfer() {
    let (client, server) = tcp::pair();
    let sent: Vec<u8> = (0..BYTES).map(|i| (i * i % 251) as u8).collect();
    let mut received: Vec<u8> = Vec::new();
    let (mut written, mut echoed) = (0, 0);
    while received.len() < BYTES {
        if written < BYTES {
            let permit = client.output.check_write().unwrap() as usize;
            let until = BYTES.min(written + permit);
            client.output.write(&sent[written..until]).unwrap();
            written = until;
        }
        let permit = server.output.check_write().unwrap();
        if permit > 0 {
            let bytes = server.input.read(permit).unwrap();
            echoed += bytes.len();
            server.output.write(&bytes).unwrap();
        }
        let bytes = client.input.read(u64::MAX).unwrap();
        received.extend(&bytes);
        if bytes.is_empty() {
            let (back, forth) = (client.input.subscribe(), server.input.subscribe());
            let (to, fro) = (client.output.subscribe(), server.output.subscribe());
            let mut wanted = vec![&back];
            if echoed < BYTES {
                wanted.push(&forth);
            }
            if written < BYTES {
                wanted.push(&to);
            } else if echoed > received.len() {
                wanted.push(&fro);
            }
            poll(&wanted);
        }
    }
    assert_eq!(received, sent);
}

pub fn read_nothing() {
    let (client, server) = tcp::pair();
    assert!(client.input.read(0).unwrap().is_empty());
    assert!(client.input.read(10).unwrap().is_empty());
    server.output.write(b"").unwrap();
    tcp::write_all(&server.output, b"x").unwrap();
    client.input.subscribe().block();
    assert!(client.input.blocking_read(0).unwrap().is_empty());
    assert_eq!(client.input.read(10).unwrap(), b"x");
}

pub fn splice() {
    let (client, server) = tcp::pair();
    let (other, last) = tcp::pair();
    tcp::write_all(&client.output, b"spliced").unwrap();
    assert_eq!(other.output.splice(&server.input, 0).unwrap(), 0);
    let mut moved = 0;
    while moved < 7 {
        moved += other.output.blocking_splice(&server.input, 100).unwrap();
    }
    client.socket.shutdown(ShutdownType::Send).unwrap();
    assert!(matches!(other.output.blocking_splice(&server.input, 100), Err(StreamError::Closed)));
    other.socket.shutdown(ShutdownType::Send).unwrap();
    assert_eq!(tcp::read_all(&last.input), b"spliced");
}

pub fn skip() {
    let (client, server) = tcp::pair();
    assert_eq!(server.input.skip(3).unwrap(), 0);
    tcp::write_all(&client.output, b"abcdef").unwrap();
    let mut skipped = 0;
    while skipped < 3 {
        skipped += server.input.blocking_skip(3 - skipped).unwrap();
    }
    client.socket.shutdown(ShutdownType::Send).unwrap();
    assert_eq!(tcp::read_all(&server.input), b"def");
    assert!(matches!(server.input.skip(1), Err(StreamError::Closed)));
}

pub fn end_of_input() {
    let (client, server) = tcp::pair();
    tcp::write_all(&client.output, b"last words").unwrap();
    drop(client);
    assert_eq!(tcp::read_all(&server.input), b"last words");
    for _ in 0..2 {
        assert!(matches!(server.input.read(1), Err(StreamError::Closed)));
        assert!(matches!(server.input.read(0), Err(StreamError::Closed)));
        assert!(matches!(server.input.blocking_read(1), Err(StreamError::Closed)));
        assert!(server.input.subscribe().ready());
    }
}

/// After the peer's end, writing goes on.
pub fn half_closed() {
    let (client, server) = tcp::pair();
    client.socket.shutdown(ShutdownType::Send).unwrap();
    assert!(tcp::read_all(&server.input).is_empty());
    tcp::write_all(&server.output, b"answer").unwrap();
    drop(server);
    assert_eq!(tcp::read_all(&client.input), b"answer");
    assert!(matches!(client.output.check_write(), Err(StreamError::Closed)));
    assert!(matches!(client.output.blocking_flush(), Err(StreamError::Closed)));
}

pub fn shutdown_receive() {
    let (client, server) = tcp::pair();
    tcp::write_all(&server.output, b"unread").unwrap();
    client.input.subscribe().block();
    client.socket.shutdown(ShutdownType::Receive).unwrap();
    assert!(matches!(client.input.read(1), Err(StreamError::Closed)));
    assert!(matches!(client.input.read(0), Err(StreamError::Closed)));
    tcp::write_all(&client.output, b"still writing").unwrap();
    client.socket.shutdown(ShutdownType::Send).unwrap();
    assert_eq!(tcp::read_all(&server.input), b"still writing");
}

pub fn shutdown_send_loses_nothing() {
    let (client, server) = tcp::pair();
    let mut written = 0;
    // until it does not go into the system's buffers any more
    loop {
        let permit = client.output.check_write().unwrap() as usize;
        if permit == 0 {
            break;
        }
        client.output.write(&vec![7; permit]).unwrap();
        written += permit;
    }
    client.socket.shutdown(ShutdownType::Send).unwrap();
    let received = tcp::read_all(&server.input);
    assert_eq!(received.len(), written);
    assert!(received.iter().all(|byte| *byte == 7));
}

pub fn shutdown_twice() {
    let (client, _server) = tcp::pair();
    for kind in [ShutdownType::Send, ShutdownType::Send, ShutdownType::Both, ShutdownType::Receive] {
        client.socket.shutdown(kind).unwrap();
    }
    assert!(matches!(client.input.read(1), Err(StreamError::Closed)));
    assert!(matches!(client.output.check_write(), Err(StreamError::Closed)));
}

/// The peer hears of an end when the socket is dropped or shut down, not when its streams are dropped.
pub fn dropped_streams_send_no_fin() {
    let (client, server) = tcp::pair();
    let tcp::Connection { input, output, socket } = client;
    drop((input, output));
    let (readable, later) = (server.input.subscribe(), subscribe_duration(50_000_000));
    assert_eq!(poll(&[&readable, &later]), [1]);
    drop(readable);
    drop(socket);
    assert!(tcp::read_all(&server.input).is_empty());
}

/// A peer that leaves bytes unread resets the connection: an error once, and the end from then on.
pub fn reset() {
    let (client, server) = tcp::pair();
    tcp::write_all(&client.output, b"unread").unwrap();
    server.input.subscribe().block();
    drop(server);
    loop {
        match client.input.blocking_read(1) {
            Ok(_) => panic!("there is nothing to read"),
            Err(StreamError::LastOperationFailed(error)) => assert!(!error.to_debug_string().is_empty()),
            Err(StreamError::Closed) => break,
        }
    }
    // a write may be taken once more
    while let Ok(permit) = client.output.check_write() {
        if permit == 0 {
            client.output.subscribe().block();
        } else if client.output.write(b"x").is_err() {
            break;
        }
    }
}
