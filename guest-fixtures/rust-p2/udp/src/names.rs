//! Lookup of names.

use support::address::of_ip;
use support::{network, refused};
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::ErrorCode;

fn lookup(name: &str) -> Result<Vec<String>, ErrorCode> {
    let stream = resolve_addresses(&network(), name)?;
    let pollable = stream.subscribe();
    let mut found = Vec::new();
    let result = loop {
        match stream.resolve_next_address() {
            Ok(Some(ip)) => found.push(of_ip(&ip)),
            Ok(None) => break Ok(found),
            Err(ErrorCode::WouldBlock) => pollable.block(),
            Err(code) => break Err(code),
        }
    };
    assert!(pollable.ready());
    drop(pollable);
    result
}

pub fn literals() {
    for (name, address) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("[::1]", "::1")] {
        assert_eq!(lookup(name).unwrap(), [address]);
    }
}

pub fn invalid() {
    for name in ["", " ", "a b", "1.2.3.4:5", "http://example.com/", "<>&"] {
        refused(lookup(name), ErrorCode::InvalidArgument);
    }
}

pub fn localhost() {
    let found = lookup("localhost").unwrap();
    assert!(!found.is_empty() && found.iter().all(|ip| ip == "127.0.0.1" || ip == "::1"), "{found:?}");
}

pub fn denied() {
    refused(lookup("localhost"), ErrorCode::PermanentResolverFailure);
}
