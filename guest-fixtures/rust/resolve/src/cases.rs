use std::pin::pin;

use futures::future::{join_all, poll_immediate};
use support::check::holds;
use support::ip_name_lookup::ErrorCode;
use support::{Checked, environment, print as printing};

use crate::names::{fails, is, name, resolve};

pub async fn literals() -> Checked {
    is("127.0.0.1", &["127.0.0.1"]).await?;
    is("0.0.0.0", &["0.0.0.0"]).await?;
    is("255.255.255.255", &["255.255.255.255"]).await?;
    is("::", &["::"]).await?;
    is("::1", &["::1"]).await?;
    is("[::1]", &["::1"]).await?;
    is("[2001:DB8::0:1]", &["2001:db8::1"]).await?;
    // "as-is", says WIT, and "never an IPv4-mapped address"; the Rust host has the first
    let mapped = resolve("::ffff:10.0.0.1").await.unwrap_or_default();
    holds(mapped.len() == 1 && mapped[0].to_canonical().to_string() == "10.0.0.1", "an address in another form")
}

pub async fn invalid() -> Checked {
    let long_label = "x".repeat(64);
    let long_name = ["x".repeat(60).as_str(); 5].join(".");
    for text in [
        "", " ", ".", "..", "a..b", ".a", "a b", "a\tb", "a\0b", "localhost:80", "127.0.0.1:80", "[::1]:80", "[::1", "[]",
        "http://localhost/", "localhost/", "user@localhost", "<>&", "a%20b", "1.2.3.256", "1.2.3.4.5", &long_label, &long_name,
    ] {
        // the Rust host leaves some lengths to the resolver
        fails(text, &[ErrorCode::InvalidArgument, ErrorCode::NameUnresolvable]).await?;
    }
    for text in ["", " ", "a b", "localhost:80", "[::1]:80", "http://localhost/", "<>&"] {
        fails(text, &[ErrorCode::InvalidArgument]).await?;
    }
    Ok(())
}

pub async fn localhost() -> Checked {
    for host in ["localhost", "LocalHost"] {
        let found = resolve(host).await.unwrap_or_default();
        holds(!found.is_empty(), "localhost has addresses")?;
        holds(found.iter().all(|address| address.is_loopback()), "and all of them are loopback")?;
    }
    Ok(())
}

/// The Rust host refuses with another code, and refuses literals too.
pub async fn denied() -> Checked {
    let codes = [ErrorCode::AccessDenied, ErrorCode::PermanentResolverFailure];
    fails("localhost", &codes).await?;
    fails("example.com", &codes).await?;
    fails("bücher.example", &codes).await
}

pub async fn hosts() -> Checked {
    is("db", &["10.0.0.1"]).await?;
    is("DB", &["10.0.0.1"]).await?;
    is("db.", &["10.0.0.1"]).await?;
    is("api", &["::1", "127.0.0.1"]).await?;
    for host in ["bücher.test", "BÜCHER.TEST", "xn--bcher-kva.test", "bu\u{308}cher。test"] {
        is(host, &["192.0.2.1"]).await?;
    }
    Ok(())
}

pub async fn errors() -> Checked {
    fails("denied.test", &[ErrorCode::AccessDenied]).await?;
    fails("missing.test", &[ErrorCode::NameUnresolvable]).await?;
    fails("empty.test", &[ErrorCode::NameUnresolvable]).await?;
    fails("busy.test", &[ErrorCode::TemporaryResolverFailure]).await?;
    fails("broken.test", &[ErrorCode::PermanentResolverFailure]).await?;
    fails("strange.test", &[ErrorCode::Other(Some("strange".to_string()))]).await
}

pub async fn several() -> Checked {
    let hosts: Vec<_> = (0..20).map(|i| (format!("{i}.test"), format!("10.0.0.{i}"))).collect();
    let outcomes = join_all(hosts.iter().map(|(host, _)| resolve(host))).await;
    for ((_, wanted), outcome) in hosts.iter().zip(outcomes) {
        let got = outcome.unwrap_or_default();
        holds(got.len() == 1 && got[0].to_string() == *wanted, "each gets its own answer")?;
    }
    Ok(())
}

pub async fn cancel() -> Checked {
    for _ in 0..3 {
        let mut waiting = pin!(resolve("slow.test"));
        holds(poll_immediate(waiting.as_mut()).await.is_none(), "slow.test is slow")?;
    }
    is("db", &["10.0.0.1"]).await
}

pub async fn print() -> Checked {
    let text = match resolve(&environment::text_or("NAME", "localhost")).await {
        Ok(addresses) => addresses.iter().map(|address| format!("{address}\n")).collect(),
        Err(code) => format!("{}\n", name(&code)),
    };
    printing::out(&text).await;
    Ok(())
}
