//! What cases on loopback are made of: loopback addresses of the family under test, listeners, connected pairs, opened sockets.

use futures::future::LocalBoxFuture;
use wit_bindgen::{FutureReader, StreamReader, StreamResult, StreamWriter};

use crate::address::from_std;
use crate::check::{equal, refused, refused_any};
use crate::{Checked, ErrorCode, Failure, IpAddressFamily, IpSocketAddress, TcpSocket, environment, pump, wit_stream};

/// What many cases await is boxed: the compiler would else copy its state machine into each of them.
pub type Boxed<'a, T = ()> = LocalBoxFuture<'a, Checked<T>>;

pub type Outcome = FutureReader<Result<(), ErrorCode>>;

pub fn is_ipv6() -> bool {
    environment::text_or("FAMILY", "ipv4") == "ipv6"
}

pub fn family() -> IpAddressFamily {
    if is_ipv6() { IpAddressFamily::Ipv6 } else { IpAddressFamily::Ipv4 }
}

pub fn other_family() -> IpAddressFamily {
    if is_ipv6() { IpAddressFamily::Ipv4 } else { IpAddressFamily::Ipv6 }
}

/// One of two addresses, by the family under test.
pub fn address(ipv4: &str, ipv6: &str, port: u16) -> IpSocketAddress {
    let ip = if is_ipv6() { ipv6 } else { ipv4 };
    // only literals of this program come here
    from_std(std::net::SocketAddr::new(ip.parse().unwrap(), port))
}

pub fn loopback(port: u16) -> IpSocketAddress {
    address("127.0.0.1", "::1", port)
}

pub fn loopback_of_other_family(port: u16) -> IpSocketAddress {
    address("::1", "127.0.0.1", port)
}

pub fn wildcard(port: u16) -> IpSocketAddress {
    address("0.0.0.0", "::", port)
}

/// An address kept for documentation (RFC 5737, RFC 3849): no machine has it.
pub fn foreign(port: u16) -> IpSocketAddress {
    address("192.0.2.1", "2001:db8::1", port)
}

pub fn multicast(port: u16) -> IpSocketAddress {
    address("224.0.0.1", "ff02::1", port)
}

pub fn socket() -> Checked<TcpSocket> {
    Ok(TcpSocket::create(family())?)
}

pub fn bound() -> Checked<TcpSocket> {
    let socket = socket()?;
    socket.bind(loopback(0))?;
    Ok(socket)
}

pub struct Listener {
    pub socket: TcpSocket,
    pub incoming: StreamReader<TcpSocket>,
    pub address: IpSocketAddress,
}

pub fn listener() -> Checked<Listener> {
    listen_on(bound()?)
}

pub fn listen_on(socket: TcpSocket) -> Checked<Listener> {
    let incoming = socket.listen()?;
    let address = socket.get_local_address()?;
    Ok(Listener { socket, incoming, address })
}

impl Listener {
    #[track_caller]
    pub fn accept(&mut self) -> Boxed<'_, TcpSocket> {
        let end = Failure::new("the accept stream ended");
        Box::pin(async move { self.incoming.next().await.ok_or(end) })
    }

    /// A connected client and the socket accepted for it.
    pub fn connection(&mut self) -> Boxed<'_, (TcpSocket, TcpSocket)> {
        Box::pin(async move {
            let client = socket()?;
            connect(&client, self.address).await?;
            Ok((client, self.accept().await?))
        })
    }
}

pub fn pair() -> Boxed<'static, (TcpSocket, TcpSocket)> {
    Box::pin(async { listener()?.connection().await })
}

pub fn connect(socket: &TcpSocket, address: IpSocketAddress) -> LocalBoxFuture<'_, Result<(), ErrorCode>> {
    Box::pin(socket.connect(address))
}

pub fn outcome(future: Outcome) -> LocalBoxFuture<'static, Result<(), ErrorCode>> {
    Box::pin(future.into_future())
}

/// An address where something listened a moment ago and nothing does now.
pub fn closed_port() -> Checked<IpSocketAddress> {
    Ok(listener()?.address)
}

/// A socket whose connect failed.
pub async fn failed() -> Checked<TcpSocket> {
    let socket = socket()?;
    refused(connect(&socket, closed_port()?).await, ErrorCode::ConnectionRefused)?;
    Ok(socket)
}

/// Both directions of a connected socket.
pub struct Open {
    pub writer: StreamWriter<u8>,
    pub sent: Outcome,
    pub reader: StreamReader<u8>,
    pub received: Outcome,
}

pub fn open(socket: &TcpSocket) -> Open {
    let (writer, data) = wit_stream::new();
    let sent = socket.send(data);
    let (reader, received) = socket.receive();
    Open { writer, sent, reader, received }
}

impl Open {
    /// Writes, then reads what the other side wrote: the connection is alive this way.
    #[track_caller]
    pub fn expect_delivery<'a>(&'a mut self, to: &'a mut Open, text: &'a str) -> Boxed<'a> {
        deliver(&mut self.writer, &mut to.reader, text)
    }
}

/// What is written at one end must come out at the other.
#[track_caller]
pub fn deliver<'a>(writer: &'a mut StreamWriter<u8>, reader: &'a mut StreamReader<u8>, text: &'a str) -> Boxed<'a> {
    let difference = Failure::new(format!("{text:?} did not arrive"));
    Box::pin(async move {
        let unsent = writer.write_all(text.as_bytes().to_vec()).await;
        let got = pump::exactly(reader, text.len() - unsent.len()).await;
        if got == text.as_bytes() { Ok(()) } else { Err(difference) }
    })
}

/// Both ends of a fresh connection still carry data both ways.
pub fn carries_data<'a>(left: &'a TcpSocket, right: &'a TcpSocket) -> Boxed<'a> {
    Box::pin(async {
        let (mut left, mut right) = (open(left), open(right));
        left.expect_delivery(&mut right, "to the right").await?;
        right.expect_delivery(&mut left, "to the left").await
    })
}

/// The stream must have ended with nothing (more) in it.
#[track_caller]
pub fn ended(reader: &mut StreamReader<u8>) -> Boxed<'_> {
    let more = Failure::new("the stream did not end here");
    Box::pin(async {
        let (status, bytes) = reader.read(Vec::with_capacity(16)).await;
        if status == StreamResult::Dropped && bytes.is_empty() { Ok(()) } else { Err(more) }
    })
}

/// `send` must refuse: the future tells why, and the stream is closed at once.
pub fn send_is_refused<'a>(socket: &'a TcpSocket, wanted: &'a [ErrorCode]) -> Boxed<'a> {
    Box::pin(async {
        let (mut writer, data) = wit_stream::new();
        let sent = socket.send(data);
        refused_any(outcome(sent).await, wanted)?;
        equal(writer.write_all(vec![1, 2, 3]).await, vec![1, 2, 3])
    })
}

/// `receive` must refuse: an ended stream, and the future tells why.
pub fn receive_is_refused<'a>(socket: &'a TcpSocket, wanted: &'a [ErrorCode]) -> Boxed<'a> {
    Box::pin(async {
        let (mut reader, received) = socket.receive();
        ended(&mut reader).await?;
        refused_any(outcome(received).await, wanted)
    })
}
