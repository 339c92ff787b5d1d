//! The crate `wasip3` with its ready bindings, which import WASI 0.3.2: what many guests will be written with.
//!
//! ADDRESS  an echo server, IPv4 (required)

use std::net::SocketAddrV4;

use wasip3::sockets::types::{ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, TcpSocket};
use wasip3::{cli, wit_stream};

struct Program;

cli::command::export!(Program);

impl wasip3::exports::cli::run::Guest for Program {
    async fn run() -> Result<(), ()> {
        let Some(server) = server() else {
            print("ADDRESS is not IP:PORT\n").await;
            return Err(());
        };
        match echo(server, b"hello from the crate wasip3").await {
            Ok(answer) => {
                print(&format!("echoed: {}\n", String::from_utf8_lossy(&answer))).await;
                Ok(())
            }
            Err(code) => {
                print(&format!("failed: {code:?}\n")).await;
                Err(())
            }
        }
    }
}

fn server() -> Option<IpSocketAddress> {
    let all = cli::environment::get_environment();
    let (_, text) = all.into_iter().find(|(name, _)| name == "ADDRESS")?;
    let parsed: SocketAddrV4 = text.parse().ok()?;
    let [a, b, c, d] = parsed.ip().octets();
    Some(IpSocketAddress::Ipv4(Ipv4SocketAddress { port: parsed.port(), address: (a, b, c, d) }))
}

async fn print(text: &str) {
    let (mut writer, data) = wit_stream::new();
    let written = cli::stdout::write_via_stream(data);
    writer.write_all(text.as_bytes().to_vec()).await;
    drop(writer);
    let _ = written.await;
}

async fn echo(server: IpSocketAddress, message: &[u8]) -> Result<Vec<u8>, ErrorCode> {
    let socket = TcpSocket::create(IpAddressFamily::Ipv4)?;
    socket.connect(server).await?;
    let (mut writer, data) = wit_stream::new();
    let sent = socket.send(data);
    let (reader, received) = socket.receive();
    writer.write_all(message.to_vec()).await;
    drop(writer);
    let answer = reader.collect().await;
    sent.await?;
    received.await?;
    Ok(answer)
}
