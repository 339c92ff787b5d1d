//! How a connection ends, one direction at a time or both, in peace or not.

use support::check::{equal, holds, refused, refused_any};
use support::{Checked, ErrorCode, TcpSocket, net};

pub async fn half_close() -> Checked {
    let (client, server) = net::pair().await?;
    let (mut left, mut right) = (net::open(&client), net::open(&server));
    left.expect_delivery(&mut right, "last words").await?;
    drop(left.writer);
    net::outcome(left.sent).await?;
    net::ended(&mut right.reader).await?;
    net::outcome(right.received).await?;
    // the other direction is open as before
    net::deliver(&mut right.writer, &mut left.reader, "and the answer").await?;
    equal(client.get_remote_address()?, server.get_local_address()?)?;
    drop(right.writer);
    net::outcome(right.sent).await?;
    net::ended(&mut left.reader).await?;
    net::outcome(left.received).await?;
    Ok(())
}

pub async fn close_without_data() -> Checked {
    let (client, server) = net::pair().await?;
    let (left, mut right) = (net::open(&client), net::open(&server));
    drop(left.writer);
    net::ended(&mut right.reader).await?;
    net::outcome(left.sent).await?;
    net::outcome(right.received).await?;

    // a socket that never sent sends its FIN when it is dropped
    let (client, server) = net::pair().await?;
    let (mut reader, received) = server.receive();
    drop(client);
    net::ended(&mut reader).await?;
    net::outcome(received).await?;
    Ok(())
}

pub async fn drop_receive_stream() -> Checked {
    let (client, server) = net::pair().await?;
    let (left, mut right) = (net::open(&client), net::open(&server));
    drop(left.reader);
    net::outcome(left.received).await?;
    let mut writer = left.writer;
    net::deliver(&mut writer, &mut right.reader, "sending goes on").await?;
    drop(writer);
    net::outcome(left.sent).await?;
    net::ended(&mut right.reader).await
}

/// "Any data still in the receive queue will be discarded": no error.
pub async fn drop_unread_data() -> Checked {
    let (client, server) = net::pair().await?;
    let (left, mut right) = (net::open(&client), net::open(&server));
    equal(right.writer.write_all(vec![7; 1000]).await.len(), 0)?;
    drop(left.reader);
    net::outcome(left.received).await?;
    Ok(())
}

/// A socket closed with data that nobody read answers with RST.
async fn reset_pair() -> Checked<(TcpSocket, net::Open)> {
    let (client, server) = net::pair().await?;
    let mut left = net::open(&client);
    let (mut unread, _) = server.receive();
    equal(left.writer.write_all(vec![7; 1000]).await.len(), 0)?;
    // an empty read completes when the data is there
    unread.read(Vec::new()).await;
    drop(unread);
    drop(server);
    Ok((client, left))
}

pub async fn connection_reset() -> Checked {
    let (_client, mut left) = reset_pair().await?;
    net::ended(&mut left.reader).await?;
    refused(net::outcome(left.received).await, ErrorCode::ConnectionReset)?;
    holds(write_until_refused(left.writer).await, "a reset connection takes no data for ever")?;
    refused_any(net::outcome(left.sent).await, &[ErrorCode::ConnectionReset, ErrorCode::ConnectionBroken])
}

pub async fn connection_broken() -> Checked {
    let (client, server) = net::pair().await?;
    let mut left = net::open(&client);
    drop(server);
    net::ended(&mut left.reader).await?;
    net::outcome(left.received).await?;
    // data for a closed socket is answered by RST, after which writing is impossible
    holds(write_until_refused(left.writer).await, "a closed peer takes no data for ever")?;
    refused_any(net::outcome(left.sent).await, &[ErrorCode::ConnectionBroken, ErrorCode::ConnectionReset])
}

/// The system may take some data before it knows; in the end the stream is closed and the rest stays with the guest.
async fn write_until_refused(mut writer: wit_bindgen::StreamWriter<u8>) -> bool {
    for _ in 0..1000 {
        if !writer.write_all(vec![9; 10_000]).await.is_empty() {
            return true;
        }
    }
    false
}

