//! send and receive while both sides are there.

use futures::future::join;
use support::check::{equal, holds};
use support::{Checked, ErrorCode, net, pump};
use wit_bindgen::StreamResult;

const INVALID_STATE: &[ErrorCode] = &[ErrorCode::InvalidState];

pub async fn send_and_receive() -> Checked {
    let (client, server) = net::pair().await?;
    let (mut left, mut right) = (net::open(&client), net::open(&server));
    for round in 0..10 {
        left.expect_delivery(&mut right, &format!("question {round}")).await?;
        right.expect_delivery(&mut left, &format!("answer {round}")).await?;
    }
    drop(left.writer);
    drop(right.writer);
    net::ended(&mut left.reader).await?;
    net::ended(&mut right.reader).await?;
    net::outcome(left.sent).await?;
    net::outcome(left.received).await?;
    net::outcome(right.received).await?;
    net::outcome(right.sent).await?;
    Ok(())
}

pub async fn send_twice() -> Checked {
    let (client, server) = net::pair().await?;
    let (mut left, mut right) = (net::open(&client), net::open(&server));
    net::send_is_refused(&client, INVALID_STATE).await?;
    // the first one does not notice
    left.expect_delivery(&mut right, "still here").await?;
    // nor does its end make room for another
    drop(left.writer);
    net::outcome(left.sent).await?;
    net::send_is_refused(&client, INVALID_STATE).await?;
    net::ended(&mut right.reader).await
}

pub async fn receive_twice() -> Checked {
    let (client, server) = net::pair().await?;
    let (mut left, mut right) = (net::open(&client), net::open(&server));
    net::receive_is_refused(&client, INVALID_STATE).await?;
    right.expect_delivery(&mut left, "still here").await?;
    drop(left.reader);
    net::outcome(left.received).await?;
    net::receive_is_refused(&client, INVALID_STATE).await
}

/// Streams and futures work on without the handle, and the futures may be awaited in any order.
pub async fn after_handle_drop() -> Checked {
    let (client, server) = net::pair().await?;
    let (mut left, mut right) = (net::open(&client), net::open(&server));
    drop(client);
    drop(server);
    left.expect_delivery(&mut right, "no handle").await?;
    right.expect_delivery(&mut left, "none here either").await?;
    drop(right.writer);
    net::outcome(right.sent).await?;
    drop(left.writer);
    net::ended(&mut left.reader).await?;
    net::ended(&mut right.reader).await?;
    net::outcome(right.received).await?;
    net::outcome(left.received).await?;
    net::outcome(left.sent).await?;
    Ok(())
}

const LARGE: usize = 3_000_017;

fn large_bytes() -> Vec<u8> {
    (0..LARGE as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// More than all socket buffers hold, both ways at once, with buffers of odd sizes.
pub async fn large() -> Checked {
    let (client, server) = net::pair().await?;
    let (mut left, mut right) = (net::open(&client), net::open(&server));
    let sending = async {
        let unsent = left.writer.write_all(large_bytes()).await;
        drop(left.writer);
        unsent.len()
    };
    let echoing = async {
        pump::copy(&mut right.reader, &mut right.writer, 40_009).await;
        drop(right.writer);
    };
    let receiving = pump::exactly(&mut left.reader, LARGE);
    let ((unsent, ()), got) = join(join(sending, echoing), receiving).await;
    equal(unsent, 0)?;
    equal(got.len(), LARGE)?;
    holds(got == large_bytes(), "the bytes come back as they were")?;
    net::ended(&mut left.reader).await?;
    net::outcome(left.sent).await?;
    net::outcome(left.received).await?;
    net::outcome(right.sent).await?;
    net::outcome(right.received).await?;
    Ok(())
}

/// Reads smaller than what is there take a part and leave the rest.
pub async fn one_byte_reads() -> Checked {
    let (client, server) = net::pair().await?;
    let (mut left, mut right) = (net::open(&client), net::open(&server));
    let data: Vec<u8> = (0..=255).collect();
    equal(left.writer.write_all(data.clone()).await.len(), 0)?;
    let mut got = Vec::new();
    for _ in 0..data.len() {
        got.extend(right.reader.next().await);
    }
    equal(got, data)
}

/// A write of nothing and a read of nothing ask whether the stream is ready and move no bytes.
pub async fn empty_read_and_write() -> Checked {
    let (client, server) = net::pair().await?;
    let (mut left, mut right) = (net::open(&client), net::open(&server));
    let (status, _) = left.writer.write(Vec::new()).await;
    equal(status, StreamResult::Complete(0))?;
    equal(left.writer.write_all(b"data".to_vec()).await.len(), 0)?;
    let (status, bytes) = right.reader.read(Vec::new()).await;
    equal((status, bytes.len()), (StreamResult::Complete(0), 0))?;
    equal(pump::exactly(&mut right.reader, 4).await, b"data".to_vec())
}

/// A received stream may be sent on without the guest reading it.
pub async fn splice() -> Checked {
    let (client, first) = net::pair().await?;
    let (second, server) = net::pair().await?;
    let (from, received) = first.receive();
    let sent = second.send(from);
    let mut left = net::open(&client);
    let mut right = net::open(&server);
    left.expect_delivery(&mut right, "through two connections").await?;
    drop(left.writer);
    net::ended(&mut right.reader).await?;
    net::outcome(received).await?;
    net::outcome(sent).await?;
    Ok(())
}
