//! wasi:config, wasi:keyvalue (both drafts of 0.2) and wasi:logging: every function.
//!
//! Expects of the host: the configuration {"greeting": "hello", "empty": ""}, and an empty bucket "default".
//!
//! CASE  one of the names below, or "all" (default); prints `ok NAME` for each and stops at the first failure
//!
//! Not part of "all":
//! count  increments "count" in the bucket "default" by 1 and prints its new value
//! fill   stores values of 1 KiB until one is refused, and prints how many there are

mod bindings {
    wit_bindgen::generate!({
        world: "test:cloud/cloud",
        path: "../../build/wit/cloud",
        generate_all,
        additional_derives: [PartialEq],
        additional_derives_ignore: ["cas-error"],
    });
}

use bindings::wasi::config::store as config;
use bindings::wasi::keyvalue0_2_0_draft::{atomics, batch, store};
use bindings::wasi::keyvalue0_2_0_draft2::{atomics as atomics2, batch as batch2, store as store2};
use bindings::wasi::logging::logging::{Level, log};
use support::check::{equal, holds};
use support::{Checked, Failure, print};

support::cases! {
    "config" => configuration,
    "store" => stored,
    "pages" => pages,
    "atomics" => increments,
    "batch" => many,
    "second-draft" => second_draft,
    "swap" => swaps,
    "logging" => logged,
    only_by_name:
    "count" => count,
    "fill" => fill,
}

fn bucket() -> Checked<store::Bucket> {
    store::open("default").map_err(|error| Failure::new(format!("open: {error:?}")))
}

fn bucket2() -> Checked<store2::Bucket> {
    store2::open("default").map_err(|error| Failure::new(format!("open: {error:?}")))
}

async fn configuration() -> Checked {
    equal(config::get("greeting"), Ok(Some("hello".into())))?;
    equal(config::get("empty"), Ok(Some(String::new())))?;
    equal(config::get("nothing"), Ok(None))?;
    let all = vec![("greeting".into(), "hello".into()), ("empty".into(), String::new())];
    equal(config::get_all(), Ok(all))
}

async fn stored() -> Checked {
    holds(matches!(store::open("other"), Err(store::Error::NoSuchStore)), "another store")?;
    let bucket = bucket()?;
    equal(bucket.get("key"), Ok(None))?;
    equal(bucket.exists("key"), Ok(false))?;
    equal(bucket.set("key", b"\0\xff"), Ok(()))?;
    equal(bucket.get("key"), Ok(Some(b"\0\xff".to_vec())))?;
    equal(bucket.exists("key"), Ok(true))?;
    equal(bucket.set("key", b""), Ok(()))?;
    equal(self::bucket()?.get("key"), Ok(Some(Vec::new())))?;
    equal(bucket.delete("key"), Ok(()))?;
    equal(bucket.delete("key"), Ok(()))?;
    equal(bucket.exists("key"), Ok(false))
}

async fn pages() -> Checked {
    let bucket = bucket()?;
    let keys: Vec<_> = (0..1500).map(|number| format!("page-{number:04}")).collect();
    for key in &keys {
        equal(bucket.set(key, b""), Ok(()))?;
    }
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = bucket.list_keys(cursor).map_err(|error| Failure::new(format!("{error:?}")))?;
        found.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    found.sort();
    equal(found, keys.clone())?;
    equal(bucket.list_keys(Some(u64::MAX)).map(|page| page.keys), Ok(Vec::new()))?;
    equal(batch::delete_many(&bucket, &keys), Ok(()))
}

async fn increments() -> Checked {
    let bucket = bucket()?;
    equal(atomics::increment(&bucket, "number", 5), Ok(5))?;
    equal(atomics::increment(&bucket, "number", u64::MAX - 5), Ok(u64::MAX))?;
    holds(matches!(atomics::increment(&bucket, "number", 1), Err(store::Error::Other(_))), "too large")?;
    equal(bucket.set("number", b"ten"), Ok(()))?;
    holds(matches!(atomics::increment(&bucket, "number", 1), Err(store::Error::Other(_))), "no number")?;
    equal(bucket.delete("number"), Ok(()))
}

async fn many() -> Checked {
    let bucket = bucket()?;
    let values = [("one".into(), vec![1]), ("two".into(), vec![2])];
    equal(batch::set_many(&bucket, &values), Ok(()))?;
    let names = ["two".to_string(), "none".into(), "one".into()];
    let found = vec![Some(("two".into(), vec![2])), None, Some(("one".into(), vec![1]))];
    equal(batch::get_many(&bucket, &names), Ok(found))?;
    equal(batch::delete_many(&bucket, &names), Ok(()))?;
    equal(bucket.exists("one"), Ok(false))
}

async fn second_draft() -> Checked {
    let bucket = bucket2()?;
    equal(bucket.set("key", b"value"), Ok(()))?;
    equal(bucket.get("key"), Ok(Some(b"value".to_vec())))?;
    let page = bucket.list_keys(None).map_err(|error| Failure::new(format!("{error:?}")))?;
    equal((page.keys, page.cursor), (vec!["key".into()], None))?;
    holds(bucket.list_keys(Some("key")).is_err(), "no cursor of ours")?;
    equal(atomics2::increment(&bucket, "number", -5), Ok(-5))?;
    equal(self::bucket()?.get("number"), Ok(Some(b"-5".to_vec())))?;
    let names = ["key".to_string(), "none".into()];
    let found = vec![("key".into(), Some(b"value".to_vec())), ("none".into(), None)];
    equal(batch2::get_many(&bucket, &names), Ok(found))?;
    equal(batch2::set_many(&bucket, &[("key".into(), vec![])]), Ok(()))?;
    equal(batch2::delete_many(&bucket, &["key".into(), "number".into()]), Ok(()))
}

async fn swaps() -> Checked {
    let bucket = bucket2()?;
    let first = cas(&bucket)?;
    let second = cas(&bucket)?;
    equal(first.current(), Ok(None))?;
    holds(atomics2::swap(first, b"first").is_ok(), "first")?;
    let Err(atomics2::CasError::CasFailed(newer)) = atomics2::swap(second, b"second") else {
        return Err(Failure::new("the second swap did not fail"));
    };
    equal(newer.current(), Ok(Some(b"first".to_vec())))?;
    holds(atomics2::swap(newer, b"second").is_ok(), "newer")?;
    equal(bucket.get("swapped"), Ok(Some(b"second".to_vec())))?;
    equal(bucket.delete("swapped"), Ok(()))
}

fn cas(bucket: &store2::Bucket) -> Checked<atomics2::Cas> {
    atomics2::Cas::new(bucket, "swapped").map_err(|error| Failure::new(format!("{error:?}")))
}

async fn logged() -> Checked {
    let levels = [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Critical];
    for (number, level) in levels.into_iter().enumerate() {
        log(level, "guest", &format!("message {number}"));
    }
    log(Level::Info, "", "two\nlines");
    Ok(())
}

async fn count() -> Checked {
    let bucket = bucket()?;
    let count = atomics::increment(&bucket, "count", 1).map_err(|error| Failure::new(format!("{error:?}")))?;
    print::out(&format!("{count}\n")).await;
    Ok(())
}

async fn fill() -> Checked {
    let bucket = bucket()?;
    let mut count = 0;
    while bucket.set(&count.to_string(), &[0; 1024]).is_ok() {
        count += 1;
    }
    print::out(&format!("{count}\n")).await;
    Ok(())
}
