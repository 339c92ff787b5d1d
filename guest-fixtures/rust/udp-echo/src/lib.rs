//! A UDP echo server: sends every datagram back to where it came from.
//!
//! ADDRESS   where to receive (default 127.0.0.1:0)
//! MESSAGES  stop after this many datagrams (default: never)

use support::check::name;
use support::{Checked, UdpSocket, address, environment, print, program};

program!(serve);

async fn serve() -> Checked {
    let wanted = environment::address_or("ADDRESS", "127.0.0.1:0")?;
    let limit = environment::number_or("MESSAGES", u64::MAX)?;

    let socket = UdpSocket::create(address::family(&wanted))?;
    socket.bind(wanted)?;
    let local = address::to_std(&socket.get_local_address()?);
    print::out(&format!("listening on {local}\n")).await;

    for _ in 0..limit {
        let (data, sender) = socket.receive().await?;
        // one peer's trouble must not hurt the others, so it is only told
        if let Err(code) = socket.send(data, Some(sender)).await {
            print::error(&format!("{}: {}\n", address::to_std(&sender), name(&code))).await;
        }
    }
    Ok(())
}
