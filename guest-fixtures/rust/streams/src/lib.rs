//! Exports `test:streams/api`: streams and futures as parameters and results. See wit/streams.wit for what each function
//! does.

mod bindings {
    wit_bindgen::generate!({
        world: "test:streams/streams",
        path: "../../build/wit/streams",
        generate_all,
    });
}
mod given;
mod taken;

use bindings::exports::test::streams::api;
use bindings::test::streams::host::Ticket;
use wit_bindgen::{FutureReader, StreamReader};

struct Streams;

bindings::export!(Streams with_types_in bindings);

// one line each: a table more than code
#[rustfmt::skip]
impl api::Guest for Streams {
    async fn total(data: StreamReader<u8>) -> (u64, u64) { taken::total(data).await }
    async fn join(words: StreamReader<String>) -> String { taken::all(words).await.join(" ") }
    async fn largest(entries: StreamReader<api::Entry>) -> Option<api::Entry> {
        taken::all(entries).await.into_iter().max_by_key(|entry| entry.size)
    }
    async fn ticks(ticks: StreamReader<()>) -> u32 { taken::all(ticks).await.len() as u32 }
    async fn wait_for(value: FutureReader<String>) -> String { value.await }
    async fn store(upload: api::Upload) -> (String, u64, Option<bool>) { taken::store(upload).await }
    async fn totals(data: Vec<StreamReader<u8>>) -> Vec<u64> { taken::totals(data).await }
    async fn many(
        a: StreamReader<u8>, b: StreamReader<u8>, c: String, d: StreamReader<u8>, e: FutureReader<String>, f: u64,
    ) -> (u64, String) {
        let sizes = taken::totals(vec![a, b, d]).await;
        (sizes.into_iter().sum::<u64>() + f, c + &e.await)
    }
    fn ignore(_data: StreamReader<u8>, _value: FutureReader<String>) {}
    async fn first(mut data: StreamReader<u8>) -> Option<u8> {
        data.read(Vec::with_capacity(1)).await.1.first().copied()
    }
    async fn hold(_data: StreamReader<u8>, _value: FutureReader<String>) { std::future::pending().await }

    async fn count(limit: u32) -> StreamReader<u32> { given::stream((0..limit).collect()) }
    async fn letters(text: String) -> StreamReader<u8> { given::stream(text.into_bytes()) }
    async fn words(text: String) -> StreamReader<String> { given::stream(given::words(&text)) }
    async fn promise(value: String) -> FutureReader<String> { given::promise(value) }
    async fn lines(text: String) -> Result<(StreamReader<String>, FutureReader<String>), String> { given::lines(text) }
    async fn parts(texts: Vec<String>) -> Vec<StreamReader<u8>> {
        texts.into_iter().map(|text| given::stream(text.into_bytes())).collect()
    }
    fn writing() -> u32 { given::writing() }

    async fn upper(words: StreamReader<String>) -> StreamReader<String> { given::upper(words) }
    async fn copy(data: StreamReader<u8>) -> StreamReader<u8> { given::copy(data) }
    fn same(data: StreamReader<u8>) -> StreamReader<u8> { data }
    fn same_words(words: StreamReader<String>) -> StreamReader<String> { words }

    async fn numbers(tickets: StreamReader<Ticket>) -> Vec<u32> {
        taken::all(tickets).await.iter().map(Ticket::number).collect()
    }
    async fn odd(tickets: StreamReader<Ticket>) -> StreamReader<Ticket> {
        let tickets = taken::all(tickets).await;
        given::stream(tickets.into_iter().filter(|ticket| ticket.number() % 2 == 1).collect())
    }
}
