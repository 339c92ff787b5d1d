//! tokio on WASI 0.2: an echo server, clients of it and timers, all in one event loop.
//!
//! CLIENTS at once (20), MESSAGES of each (10)

use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::{sleep, timeout};

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn main() {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(program()).unwrap();
}

async fn program() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (clients, messages) = (number("CLIENTS", 20), number("MESSAGES", 10));
    tokio::spawn(serve(listener));
    let start = Instant::now();
    let tasks: Vec<_> = (0..clients).map(|_| tokio::spawn(exchange(address, messages))).collect();
    for task in tasks {
        task.await??;
    }
    println!("ok {clients} clients");
    datagrams().await?;
    println!("ok datagrams");
    timers(start).await;
    println!("ok timers");
    Ok(())
}

async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            loop {
                match stream.read(&mut buffer).await {
                    Ok(0) => return,
                    Err(error) => panic!("{error}"),
                    Ok(count) => stream.write_all(&buffer[..count]).await.unwrap(),
                }
            }
        });
    }
}

async fn exchange(address: std::net::SocketAddr, messages: usize) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let mut buffer = [0; 1000];
    for i in 0..messages {
        let message = [i as u8; 1000];
        stream.write_all(&message).await?;
        stream.read_exact(&mut buffer).await?;
        assert_eq!(buffer, message);
    }
    Ok(())
}

async fn datagrams() -> io::Result<()> {
    let (one, two) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
    one.send_to(b"question", two.local_addr()?).await?;
    let mut buffer = [0; 100];
    let (count, from) = two.recv_from(&mut buffer).await?;
    assert_eq!((&buffer[..count], from), (&b"question"[..], one.local_addr()?));
    Ok(())
}

async fn timers(start: Instant) {
    sleep(Duration::from_millis(20)).await;
    assert!(start.elapsed() >= Duration::from_millis(20));
    assert!(timeout(Duration::from_millis(20), std::future::pending::<()>()).await.is_err());
}
