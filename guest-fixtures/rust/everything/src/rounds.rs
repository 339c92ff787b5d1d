//! One round of each.

use std::net::IpAddr;

use futures::future::{join, join_all};
use support::bindings::wasi::cli::environment::{get_arguments, get_environment};
use support::bindings::wasi::cli::types::ErrorCode;
use support::bindings::wasi::cli::{stdin, stdout};
use support::bindings::wasi::clocks::system_clock;
use support::bindings::wasi::random::random::{get_random_bytes, get_random_u64};
use support::bindings::wasi::sockets::types::IpAddress;
use support::check::{equal, holds};
use support::{
    Checked, Failure, IpSocketAddress, TcpSocket, address, environment, ip_name_lookup, monotonic_clock, net, pump, udp,
    wit_stream,
};
use wit_bindgen::{FutureReader, StreamReader, StreamResult};

use crate::MS;

/// Bytes that differ from round to round, and in size.
fn message(round: u64, most: u64) -> Vec<u8> {
    (0..round * 997 % most).map(|at| (at * 31 + round) as u8).collect()
}

/// A connection to the server, an echo, the end of both streams.
pub async fn connect(server: IpSocketAddress, round: u64) -> Checked {
    let socket = TcpSocket::create(address::family(&server))?;
    net::connect(&socket, server).await?;
    let net::Open { mut writer, sent, mut reader, received } = net::open(&socket);
    let message = message(round, 100_000);
    let write = async {
        let unsent = writer.write_all(message.clone()).await;
        drop(writer);
        unsent.len()
    };
    let (unsent, back) = join(write, pump::exactly(&mut reader, message.len())).await;
    holds(unsent == 0 && back == message, "the echo differs")?;
    net::ended(&mut reader).await?;
    sent.await?;
    Ok(received.await?)
}

/// A listener, a connection to itself, data both ways.
pub async fn accept() -> Checked {
    let (client, server) = net::pair().await?;
    net::carries_data(&client, &server).await
}

pub async fn datagram(round: u64) -> Checked {
    let (left, right) = (udp::bound()?, udp::bound()?);
    udp::deliver(&left, &right, &message(round, 1400)).await?;
    udp::deliver(&right, &left, b"back").await
}

pub async fn name() -> Checked {
    let wanted: Option<IpAddr> = environment::text_or("NAME_IS", "127.0.0.1").parse().ok();
    let found = ip_name_lookup::resolve_addresses(environment::text_or("NAME", "localhost")).await;
    let addresses = found.map_err(|code| Failure::new(format!("lookup: {code:?}")))?;
    let mut addresses = addresses.into_iter().map(|address| match address {
        IpAddress::Ipv4((a, b, c, d)) => IpAddr::from([a, b, c, d]),
        IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => IpAddr::from([a, b, c, d, e, f, g, h]),
    });
    holds(addresses.any(|address| Some(address) == wanted), "the name has other addresses")
}

/// Several waits at once: none too short, and the calendar goes on.
pub async fn timers(round: u64) -> Checked {
    let (start, before) = (monotonic_clock::now(), system_clock::now());
    let lengths = [0, 1, round % 7, round % 11].map(|ms| ms * MS);
    let ends = join_all(lengths.map(|length| async move {
        monotonic_clock::wait_for(length).await;
        monotonic_clock::now() - start
    }));
    let long_enough = ends.await.into_iter().zip(lengths).all(|(took, length)| took >= length);
    holds(long_enough, "a wait was too short")?;
    holds(system_clock::now().seconds >= before.seconds, "the calendar went back")
}

/// What random numbers were last.
#[derive(Default)]
pub struct Random(Vec<u8>, u64);

impl Random {
    pub fn next(&mut self, round: u64) -> Checked {
        let (bytes, number) = (get_random_bytes(32 + round % 4096), get_random_u64());
        equal(bytes.len() as u64, 32 + round % 4096)?;
        holds(bytes[..] != self.0[..] && number != self.1, "the same random numbers twice")?;
        *self = Random(bytes, number);
        Ok(())
    }
}

/// The variables and arguments; they never change.
pub struct Told(Vec<(String, String)>, Vec<String>);

impl Told {
    pub fn now() -> Told {
        Told(get_environment(), get_arguments())
    }

    pub fn again(&self) -> Checked {
        holds(get_environment() == self.0 && get_arguments() == self.1, "the environment changed")
    }
}

/// A line through a stream of its own.
pub async fn line(round: u64) -> Checked {
    let (mut writer, data) = wit_stream::new();
    let written = stdout::write_via_stream(data);
    let unwritten = writer.write_all(format!("{round}\n").into_bytes()).await;
    drop(writer);
    holds(unwritten.is_empty() && written.await == Ok(()), "a line was not written")
}

/// Stdin, how much of it was read, and whether that was all.
pub struct Input {
    reader: StreamReader<u8>,
    read: FutureReader<Result<(), ErrorCode>>,
    position: usize,
    ended: bool,
}

impl Input {
    pub fn open() -> Input {
        let (reader, read) = stdin::read_via_stream();
        Input { reader, read, position: 0, ended: false }
    }

    pub async fn next(&mut self) -> Checked {
        if self.ended {
            return Ok(());
        }
        let (status, bytes) = self.reader.read(Vec::with_capacity(1000)).await;
        self.ended = status == StreamResult::Dropped;
        let wanted = (self.position..).map(|at| at as u8);
        holds(bytes.iter().copied().eq(wanted.take(bytes.len())), "stdin differs")?;
        self.position += bytes.len();
        Ok(())
    }

    /// "If the stream's readable end is dropped the future will resolve to success."
    pub async fn close(self) -> Checked {
        drop(self.reader);
        holds(self.read.await == Ok(()), "reading stdin failed")
    }
}
