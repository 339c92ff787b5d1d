//! What most toolchains make today: std for wasm32-wasip2, which imports WASI 0.2, next to WASI 0.3 for what only it has.
//!
//! ADDRESS  an echo server (required)
//!
//! Prints through std: a greeting, then what came back.

use support::{Checked, TcpSocket, address, check, net};

support::program!(hello);

async fn hello() -> Checked {
    println!("hello from std");
    let text = std::env::var("ADDRESS").unwrap_or_default();
    let server = address::parse(&text).ok_or_else(|| support::Failure::new("ADDRESS is not IP:PORT"))?;

    let socket = TcpSocket::create(address::family(&server))?;
    socket.connect(server).await?;
    let mut open = net::open(&socket);
    let message = b"hello over WASI 0.3".to_vec();
    check::equal(open.writer.write_all(message.clone()).await.len(), 0)?;
    drop(open.writer);
    let answer = support::pump::exactly(&mut open.reader, message.len() + 1).await;
    open.sent.await?;
    open.received.await?;
    println!("echoed: {}", String::from_utf8_lossy(&answer));
    check::equal(answer, message)
}
