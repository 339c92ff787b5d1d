//! Cancels what is under way, at various points, and shows that nothing is lost and everything stays usable.
//!
//! FAMILY  ipv4 (default) or ipv6
//! CASE    one of the names below, or "all" (default); prints `ok NAME` for each and stops at the first failure

mod calls;
mod reads;
mod writes;

use std::pin::Pin;
use std::task::Poll;

support::cases! {
    "timer" => calls::timer,
    "connect-at-once" => calls::connect_at_once,
    "connect-pending" => calls::connect_pending,
    "future-read" => calls::future_read,
    "accept-read" => reads::accept_read,
    "accept-empty-read" => reads::accept_empty_read,
    "receive-read" => reads::receive_read,
    "receive-empty-read" => reads::receive_empty_read,
    "drop-during-read" => reads::drop_during_read,
    "send-write" => writes::send_write,
    "drop-during-write" => writes::drop_during_write,
}

/// Starts the operation, and tells its result if there is one at once.
pub async fn start<F: Future>(mut operation: Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|context| match operation.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
