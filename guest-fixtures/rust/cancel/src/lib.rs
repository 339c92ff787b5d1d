//! Cancels what is under way, at various points, and shows that nothing is lost and everything stays usable.
//!
//! FAMILY  ipv4 (default) or ipv6
//! CASE    one of the names below, or "all" (default); prints `ok NAME` for each and stops at the first failure

mod calls;
mod reads;
mod writes;

use std::pin::Pin;
use std::task::Poll;

use support::{Checked, Failure, environment, net, print};

support::program!(cases);

const ALL: &[&str] = &[
    "timer",
    "connect-at-once",
    "connect-pending",
    "future-read",
    "accept-read",
    "accept-empty-read",
    "receive-read",
    "receive-empty-read",
    "drop-during-read",
    "send-write",
    "drop-during-write",
];

fn find_case(name: &str) -> Checked<net::Boxed<'static>> {
    Ok(match name {
        "timer" => Box::pin(calls::timer()),
        "connect-at-once" => Box::pin(calls::connect_at_once()),
        "connect-pending" => Box::pin(calls::connect_pending()),
        "future-read" => Box::pin(calls::future_read()),
        "accept-read" => Box::pin(reads::accept_read()),
        "accept-empty-read" => Box::pin(reads::accept_empty_read()),
        "receive-read" => Box::pin(reads::receive_read()),
        "receive-empty-read" => Box::pin(reads::receive_empty_read()),
        "drop-during-read" => Box::pin(reads::drop_during_read()),
        "send-write" => Box::pin(writes::send_write()),
        "drop-during-write" => Box::pin(writes::drop_during_write()),
        _ => return Err(Failure::new(format!("CASE={name} is unknown"))),
    })
}

async fn cases() -> Checked {
    let chosen = environment::text_or("CASE", "all");
    let names = if chosen == "all" { ALL } else { &[chosen.as_str()] };
    for name in names {
        if let Err(failure) = find_case(name)?.await {
            print::error(&format!("case {name}: ")).await;
            return Err(failure);
        }
        print::out(&format!("ok {name}\n")).await;
    }
    Ok(())
}

/// Starts the operation, and tells its result if there is one at once.
pub async fn start<F: Future>(mut operation: Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|context| match operation.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
