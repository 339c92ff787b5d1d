//! Cancelled reads: of the accept stream and of received bytes.

use std::pin::pin;

use support::check::{equal, holds};
use support::{Checked, TcpSocket, net};
use wit_bindgen::{StreamReader, StreamResult};

use crate::start;

const ROUNDS: usize = 20;

/// Starts a read, lets `meanwhile` happen, cancels the read: what it brought all the same, none of which may be lost.
async fn cancelled_read<T: 'static>(
    reader: &mut StreamReader<T>,
    room: usize,
    meanwhile: impl AsyncFnOnce() -> Checked,
) -> Checked<Vec<T>> {
    let mut reading = pin!(reader.read(Vec::with_capacity(room)));
    if let Some((_, items)) = start(reading.as_mut()).await {
        meanwhile().await?;
        return Ok(items);
    }
    meanwhile().await?;
    let (status, items) = reading.as_mut().cancel();
    holds(status != StreamResult::Dropped, "the stream goes on")?;
    holds(!items.is_empty() || status != StreamResult::Complete(0), "a read with room brings something")?;
    Ok(items)
}

/// Every client is accepted once, whether the cancelled read or a later one brings its socket.
pub async fn accept_read() -> Checked {
    let mut listener = net::listener()?;
    let address = listener.address;
    let mut clients: Vec<TcpSocket> = Vec::new();
    let mut servers: Vec<TcpSocket> = Vec::new();
    for round in 0..ROUNDS {
        let connect_some = async || {
            if round % 3 != 0 {
                let client = net::socket()?;
                client.connect(address).await?;
                clients.push(client);
            }
            Ok(())
        };
        servers.extend(cancelled_read(&mut listener.incoming, 4, connect_some).await?);
    }
    while servers.len() < clients.len() {
        servers.push(listener.accept().await?);
    }
    for client in &clients {
        let local = client.get_local_address()?;
        let index = servers.iter().position(|server| server.get_remote_address() == Ok(local));
        let Some(index) = index else {
            return Err(support::Failure::new(format!("{local:?} was never accepted")));
        };
        net::carries_data(client, &servers.remove(index)).await?;
    }
    Ok(())
}

/// An empty read asks whether there is a connection, and takes none.
pub async fn accept_empty_read() -> Checked {
    let mut listener = net::listener()?;
    for _ in 0..ROUNDS {
        {
            let mut waiting = pin!(listener.incoming.read(Vec::new()));
            holds(start(waiting.as_mut()).await.is_none(), "nobody has connected yet")?;
            let (status, _) = waiting.as_mut().cancel();
            equal(status, StreamResult::Cancelled)?;
        }
        let client = net::socket()?;
        client.connect(listener.address).await?;
        let (status, none) = listener.incoming.read(Vec::new()).await;
        equal((status, none.len()), (StreamResult::Complete(0), 0))?;
        let server = listener.accept().await?;
        equal(server.get_remote_address()?, client.get_local_address()?)?;
    }
    Ok(())
}

/// Bytes come in order and complete, whichever reads are cancelled while they arrive.
pub async fn receive_read() -> Checked {
    let (client, server) = net::pair().await?;
    let mut left = net::open(&client);
    let mut right = net::open(&server);
    let mut wanted = Vec::new();
    let mut got = Vec::new();
    for round in 0..ROUNDS {
        let piece = vec![round as u8; round % 7];
        wanted.extend_from_slice(&piece);
        let write_some = async || equal(right.writer.write_all(piece).await.len(), 0);
        got.extend(cancelled_read(&mut left.reader, 5, write_some).await?);
    }
    got.extend(support::pump::exactly(&mut left.reader, wanted.len() - got.len()).await);
    holds(got == wanted, "the bytes came in order and complete")?;
    drop(right.writer);
    net::ended(&mut left.reader).await?;
    net::outcome(left.received).await?;
    Ok(())
}

pub async fn receive_empty_read() -> Checked {
    let (client, server) = net::pair().await?;
    let mut left = net::open(&client);
    let mut right = net::open(&server);
    for _ in 0..ROUNDS {
        {
            let mut waiting = pin!(left.reader.read(Vec::new()));
            // that an empty read completes is only advice (Concurrency.md): it may do so with nothing there to read
            if start(waiting.as_mut()).await.is_none() {
                let (status, _) = waiting.as_mut().cancel();
                equal(status, StreamResult::Cancelled)?;
            }
        }
        right.expect_delivery(&mut left, "after a cancelled empty read").await?;
    }
    Ok(())
}

/// Dropping the stream in the middle of a read cancels the read first; the connection goes on the other way.
pub async fn drop_during_read() -> Checked {
    let (client, server) = net::pair().await?;
    let mut left = net::open(&client);
    let mut right = net::open(&server);
    {
        let mut reading = pin!(left.reader.read(Vec::with_capacity(10)));
        holds(start(reading.as_mut()).await.is_none(), "nothing was sent yet")?;
    }
    drop(left.reader);
    net::outcome(left.received).await?;
    net::deliver(&mut left.writer, &mut right.reader, "the other way").await?;

    let net::Listener { socket, mut incoming, address } = net::listener()?;
    {
        let mut accepting = pin!(incoming.read(Vec::with_capacity(1)));
        holds(start(accepting.as_mut()).await.is_none(), "nobody has connected yet")?;
    }
    drop(incoming);
    drop(socket);
    let late = net::connect(&net::socket()?, address).await;
    support::check::refused(late, support::ErrorCode::ConnectionRefused)
}
