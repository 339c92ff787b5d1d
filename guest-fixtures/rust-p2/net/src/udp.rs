//! Datagrams.

use std::io::ErrorKind;
use std::net::UdpSocket;

fn socket() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

pub fn send_and_receive() {
    let (one, two) = (socket(), socket());
    one.send_to(b"question", two.local_addr().unwrap()).unwrap();
    let mut buffer = [0; 100];
    let (count, from) = two.recv_from(&mut buffer).unwrap();
    assert_eq!((&buffer[..count], from), (&b"question"[..], one.local_addr().unwrap()));
}

pub fn connected() {
    let (one, two) = (socket(), socket());
    one.connect(two.local_addr().unwrap()).unwrap();
    two.connect(one.local_addr().unwrap()).unwrap();
    one.send(b"question").unwrap();
    let mut buffer = [0; 100];
    let count = two.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..count], b"question");
}

pub fn non_blocking() {
    let one = socket();
    one.set_nonblocking(true).unwrap();
    assert_eq!(one.recv(&mut [0; 10]).unwrap_err().kind(), ErrorKind::WouldBlock);
}
