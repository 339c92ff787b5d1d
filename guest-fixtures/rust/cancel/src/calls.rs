//! Cancelled async calls, and a cancelled read of a future.

use std::pin::pin;

use support::check::{equal, holds};
use support::{Checked, TcpSocket, monotonic_clock, net};

use crate::start;

const HOUR_NS: u64 = 3_600_000_000_000;
const PATIENCE_NS: u64 = 100_000_000;

pub async fn timer() -> Checked {
    for _ in 0..10 {
        let mut waiting = pin!(monotonic_clock::wait_for(HOUR_NS));
        holds(start(waiting.as_mut()).await.is_none(), "an hour takes a while")?;
    }
    Ok(())
}

/// Connects cancelled right after their start: each is connected or not, and both are the end of it.
pub async fn connect_at_once() -> Checked {
    let mut listener = net::listener()?;
    for _ in 0..20 {
        let socket = net::socket()?;
        {
            let mut connecting = pin!(socket.connect(listener.address));
            start(connecting.as_mut()).await;
        }
        methods_answer(&socket);
        drop(socket);
    }
    // the listener may have some of them, closed by now; a new connection gets through behind them
    let client = net::socket()?;
    client.connect(listener.address).await?;
    let local = client.get_local_address()?;
    loop {
        let server = listener.accept().await?;
        if server.get_remote_address() == Ok(local) {
            return net::carries_data(&client, &server).await;
        }
    }
}

/// A connect that has to wait because the listener accepts nothing and its backlog is full.
pub async fn connect_pending() -> Checked {
    let socket = net::bound()?;
    socket.set_listen_backlog_size(1)?;
    let mut listener = net::listen_on(socket)?;

    let mut clients: Vec<TcpSocket> = Vec::new();
    for _ in 0..8 {
        let client = net::socket()?;
        if !connects_in_time(&client, &listener).await? {
            // cancelled by now; WIT does not say what it may still do, but it must answer and can be dropped
            methods_answer(&client);
            break;
        }
        clients.push(client);
    }
    for client in &clients {
        let server = listener.accept().await?;
        equal(server.get_remote_address()?, client.get_local_address()?)?;
        net::carries_data(client, &server).await?;
    }
    Ok(())
}

async fn connects_in_time(client: &TcpSocket, listener: &net::Listener) -> Checked<bool> {
    let connecting = pin!(client.connect(listener.address));
    let patience = pin!(monotonic_clock::wait_for(PATIENCE_NS));
    match futures::future::select(connecting, patience).await {
        futures::future::Either::Left((result, _)) => Ok(result.map(|()| true)?),
        futures::future::Either::Right(_) => Ok(false),
    }
}

fn methods_answer(socket: &TcpSocket) {
    let _ = (socket.get_local_address(), socket.get_remote_address(), socket.get_hop_limit());
    let _ = (socket.get_is_listening(), socket.get_address_family(), socket.bind(net::loopback(0)));
}

/// A future whose read was cancelled can be read again.
pub async fn future_read() -> Checked {
    let (client, server) = net::pair().await?;
    let left = net::open(&client);
    let mut right = net::open(&server);
    let mut sent = left.sent;
    for _ in 0..5 {
        let mut reading = pin!(sent.into_future());
        holds(start(reading.as_mut()).await.is_none(), "send is not done before its stream ends")?;
        sent = match reading.as_mut().cancel() {
            Err(reader) => reader,
            Ok(_) => return Err(support::Failure::new("a cancelled read had a result")),
        };
    }
    drop(left.writer);
    sent.await?;
    net::ended(&mut right.reader).await
}
