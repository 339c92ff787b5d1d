//! How a connection ends, one direction at a time or both, in peace or not.

use futures::future::join;
use support::check::{equal, holds, refused, refused_any};
use support::{Checked, ErrorCode, TcpSocket, net, pump, wit_stream};

pub async fn half_close() -> Checked {
    let (client, server) = net::pair().await?;
    half_close_from(&client, &server).await?;
    let (client, server) = net::pair().await?;
    half_close_from(&server, &client).await
}

fn half_close_from<'a>(first: &'a TcpSocket, second: &'a TcpSocket) -> net::Boxed<'a> {
    Box::pin(async {
        let (mut left, mut right) = (net::open(first), net::open(second));
        left.expect_delivery(&mut right, "last words").await?;
        drop(left.writer);
        net::outcome(left.sent).await?;
        net::ended(&mut right.reader).await?;
        net::outcome(right.received).await?;
        // the other direction is open as before
        net::deliver(&mut right.writer, &mut left.reader, "and the answer").await?;
        equal(first.get_remote_address()?, second.get_local_address()?)?;
        drop(right.writer);
        net::outcome(right.sent).await?;
        net::ended(&mut left.reader).await?;
        net::outcome(left.received).await?;
        Ok(())
    })
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

/// The stream may have ended before `send` gets it.
pub async fn send_ended_stream() -> Checked {
    let (client, server) = net::pair().await?;
    let (writer, data) = wit_stream::new();
    drop(writer);
    net::outcome(client.send(data)).await?;
    let (mut reader, received) = server.receive();
    net::ended(&mut reader).await?;
    net::outcome(received).await?;
    Ok(())
}

/// Whoever does not want to know how a transfer ended drops its future; the transfer goes on.
pub async fn drop_futures() -> Checked {
    let (client, server) = net::pair().await?;
    let (mut left, mut right) = (net::open(&client), net::open(&server));
    drop((left.sent, left.received, right.sent, right.received));
    net::deliver(&mut left.writer, &mut right.reader, "to the right").await?;
    net::deliver(&mut right.writer, &mut left.reader, "to the left").await?;
    drop(left.writer);
    net::ended(&mut right.reader).await?;
    drop(right.writer);
    net::ended(&mut left.reader).await
}

/// What the host took before everything was dropped still arrives, followed by FIN.
pub async fn send_then_drop_everything() -> Checked {
    let (client, server) = net::pair().await?;
    let mut left = net::open(&client);
    let data: Vec<u8> = (0..100_000_u32).map(|i| (i % 251) as u8).collect();
    let writing = left.writer.write_all(data.clone());
    let (mut reader, received) = server.receive();
    let (unsent, got) = join(writing, pump::exactly(&mut reader, 1000)).await;
    equal(unsent.len(), 0)?;
    drop((left, client));
    let rest = pump::exactly(&mut reader, data.len() - got.len()).await;
    holds([got, rest].concat() == data, "all that was taken arrives")?;
    net::ended(&mut reader).await?;
    net::outcome(received).await?;
    Ok(())
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
