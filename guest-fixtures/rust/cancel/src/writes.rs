//! Cancelled writes of bytes to send.

use std::pin::pin;

use futures::future::join;
use support::check::{equal, holds};
use support::{Checked, net, pump};
use wit_bindgen::{StreamResult, StreamWriter};

use crate::start;

const TOTAL: usize = 20_000_000;

fn byte(position: usize) -> u8 {
    // 251 is prime: shifted data shows
    (position % 251) as u8
}

/// Writes until a write has to wait, cancels that one, and tells how many bytes were taken in all.
async fn fill_and_cancel(writer: &mut StreamWriter<u8>, data: &[u8]) -> Checked<usize> {
    let mut taken = 0;
    while taken < data.len() {
        let piece = data[taken..data.len().min(taken + 1_000_000)].to_vec();
        let length = piece.len();
        let mut writing = pin!(writer.write(piece));
        let (status, rest, cancelled) = match start(writing.as_mut()).await {
            Some((status, rest)) => (status, rest, false),
            None => {
                let (status, rest) = writing.as_mut().cancel();
                (status, rest, true)
            }
        };
        holds(status != StreamResult::Dropped, "the peer is there")?;
        taken += length - rest.remaining();
        if cancelled && status == StreamResult::Cancelled {
            break;
        }
    }
    Ok(taken)
}

/// What a cancelled write did not take is still the guest's; sent again, it continues exactly there.
pub async fn send_write() -> Checked {
    let (client, server) = net::pair().await?;
    let mut left = net::open(&client);
    let mut right = net::open(&server);
    let data: Vec<u8> = (0..TOTAL).map(byte).collect();
    let mut done = 0;
    for _ in 0..10 {
        done += fill_and_cancel(&mut left.writer, &data[done..]).await?;
    }
    let sending = async {
        let unsent = left.writer.write_all(data[done..].to_vec()).await;
        drop(left.writer);
        unsent.len()
    };
    let (unsent, got) = join(sending, pump::exactly(&mut right.reader, TOTAL)).await;
    equal(unsent, 0)?;
    equal(got.len(), TOTAL)?;
    holds(got == data, "the bytes came in order and complete")?;
    net::ended(&mut right.reader).await?;
    net::outcome(left.sent).await?;
    Ok(())
}

/// Dropping the stream in the middle of a write: the peer gets what was taken, then FIN.
pub async fn drop_during_write() -> Checked {
    let (client, server) = net::pair().await?;
    let mut left = net::open(&client);
    let mut right = net::open(&server);
    let data: Vec<u8> = (0..TOTAL).map(byte).collect();
    let taken = fill_and_cancel(&mut left.writer, &data).await?;
    drop(left.writer);
    let got = pump::exactly(&mut right.reader, TOTAL).await;
    equal(got.len(), taken)?;
    holds(got == data[..taken], "the bytes came in order")?;
    net::outcome(left.sent).await?;
    net::outcome(right.received).await?;
    Ok(())
}
