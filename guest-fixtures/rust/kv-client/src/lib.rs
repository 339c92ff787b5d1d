//! Uses every function of `example:kv/store`, an interface of our own that the host implements, and prints what it got.
//!
//! Expects of the host: a bucket "fruits" that can be opened, whose entries the client itself sets first. What is printed
//! depends only on the answers, so a test compares the output.

mod bindings {
    wit_bindgen::generate!({
        world: "example:kv/client",
        path: "../../build/wit/kv",
        generate_all,
    });
}

use bindings::example::kv::store::{self, Bucket, KvError};
use bindings::wasi::cli::stdout;
use bindings::wit_stream;
use futures::future::join;
use wit_bindgen::StreamWriter;

struct Client;

bindings::export!(Client with_types_in bindings);

impl bindings::exports::wasi::cli::run::Guest for Client {
    async fn run() -> Result<(), ()> {
        let (output, data) = wit_stream::new();
        let written = stdout::write_via_stream(data);
        let mut out = Output(output);
        set_and_get(&mut out).await;
        open(&mut out).await;
        list(&mut out, "").await;
        list(&mut out, "a").await;
        watch(&mut out).await;
        drop(out);
        written.await.map_err(|_| ())
    }
}

struct Output(StreamWriter<u8>);

impl Output {
    async fn line(&mut self, text: String) {
        self.0.write_all(format!("{text}\n").into_bytes()).await;
    }
}

fn bytes(result: Result<Vec<u8>, KvError>) -> String {
    match result {
        Ok(value) => format!("{:?}", String::from_utf8_lossy(&value)),
        Err(error) => reason(error),
    }
}

fn reason(error: KvError) -> String {
    match error {
        KvError::NotFound(key) => format!("not-found({key:?})"),
        KvError::ReadOnly => "read-only".to_string(),
        KvError::Other(text) => format!("other({text:?})"),
    }
}

async fn set_and_get(out: &mut Output) {
    let bucket = Bucket::new("fruits");
    out.line(format!("name {}", bucket.name())).await;
    for (key, value) in [("apple", "red"), ("apricot", "orange"), ("banana", "yellow"), ("apple", "green")] {
        let answer = match bucket.set(key, value.as_bytes()) {
            Ok(revision) => format!("revision {revision}"),
            Err(error) => reason(error),
        };
        out.line(format!("set {key}: {answer}")).await;
    }
    out.line(format!("get apple: {}", bytes(bucket.get("apple".to_string()).await))).await;
    out.line(format!("get cherry: {}", bytes(bucket.get("cherry".to_string()).await))).await;
    // two calls at the same time
    let (first, second) = join(bucket.get("banana".to_string()), bucket.get("apricot".to_string())).await;
    out.line(format!("get banana: {}", bytes(first))).await;
    out.line(format!("get apricot: {}", bytes(second))).await;
}

async fn open(out: &mut Output) {
    for name in ["fruits", "nowhere"] {
        let answer = match store::open(name.to_string()).await {
            Ok(bucket) => format!("bucket {}", bucket.name()),
            Err(error) => reason(error),
        };
        out.line(format!("open {name}: {answer}")).await;
    }
}

async fn list(out: &mut Output, prefix: &str) {
    let mut entries = store::list_entries(prefix);
    while let Some(entry) = entries.next().await {
        let value = String::from_utf8_lossy(&entry.value).into_owned();
        out.line(format!("list {prefix:?}: {} = {value:?} revision {}", entry.key, entry.revision)).await;
    }
    out.line(format!("list {prefix:?}: end")).await;
}

async fn watch(out: &mut Output) {
    let bucket = Bucket::new("fruits");
    let (mut keys, stream) = wit_stream::new::<String>();
    let watching = store::watch(&bucket, stream);
    let telling = async {
        let unread = keys.write_all(["apple", "banana", "cherry"].map(String::from).to_vec()).await;
        drop(keys);
        unread.len()
    };
    let (count, unread) = join(async { watching.await.await }, telling).await;
    out.line(format!("watch: {count} keys, {unread} unread")).await;
}
