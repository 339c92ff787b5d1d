//! A TCP echo server: every connection is served at the same time as the others, until the peer's FIN.
//!
//! ADDRESS      where to listen (default 127.0.0.1:0)
//! CONNECTIONS  stop after this many connections were fully served (default: never)
//! CHUNK        size of the buffer in the guest (default 65536)
//! SPLICE=1     pass the received stream straight on to `send`: no byte enters the guest

use support::check::name;
use support::{Checked, ErrorCode, TcpSocket, address, environment, print, program, pump, wit_stream};
use wit_bindgen::spawn_local;

program!(serve);

#[derive(Clone, Copy)]
struct Settings {
    chunk: usize,
    splice: bool,
}

async fn serve() -> Checked {
    let wanted = environment::address_or("ADDRESS", "127.0.0.1:0")?;
    let limit = environment::number_or("CONNECTIONS", u64::MAX)?;
    let settings = Settings {
        chunk: environment::number_or("CHUNK", 65536)? as usize,
        splice: environment::text("SPLICE").is_some(),
    };

    let listener = TcpSocket::create(address::family(&wanted))?;
    listener.bind(wanted)?;
    let mut accepted = listener.listen()?;
    let local = address::to_std(&listener.get_local_address()?);
    print::out(&format!("listening on {local}\n")).await;

    let mut serving = Vec::new();
    let mut count = 0;
    while count < limit {
        let Some(socket) = accepted.next().await else { break };
        let task = spawn_local(serve_one(socket, settings));
        if limit != u64::MAX {
            serving.push(task);
        }
        count += 1;
    }
    for task in serving {
        task.await;
    }
    Ok(())
}

/// Serves one connection; its errors must not hurt the others, so they are only told.
async fn serve_one(socket: TcpSocket, settings: Settings) {
    let result = if settings.splice { splice(&socket).await } else { echo(&socket, settings.chunk).await };
    if let Err(code) = result {
        print::error(&format!("connection: {}\n", name(&code))).await;
    }
}

async fn echo(socket: &TcpSocket, chunk: usize) -> Result<(), ErrorCode> {
    let (mut incoming, received) = socket.receive();
    let (mut outgoing, data) = wit_stream::new();
    let sent = socket.send(data);
    pump::copy(&mut incoming, &mut outgoing, chunk).await;
    // dropping the writer sends our FIN; dropping the reader lets a failed connection end
    drop(outgoing);
    drop(incoming);
    sent.await?;
    received.await
}

async fn splice(socket: &TcpSocket) -> Result<(), ErrorCode> {
    let (incoming, received) = socket.receive();
    socket.send(incoming).await?;
    received.await
}
