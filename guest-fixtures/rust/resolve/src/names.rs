//! Addresses and error-codes as text, and a lookup that may not fail.

use std::net::IpAddr;

use support::bindings::wasi::sockets::types::IpAddress;
use support::ip_name_lookup::{ErrorCode, resolve_addresses};
use support::net::Boxed;
use support::Failure;

pub fn name(code: &ErrorCode) -> String {
    let name = match code {
        ErrorCode::AccessDenied => "access-denied",
        ErrorCode::InvalidArgument => "invalid-argument",
        ErrorCode::NameUnresolvable => "name-unresolvable",
        ErrorCode::TemporaryResolverFailure => "temporary-resolver-failure",
        ErrorCode::PermanentResolverFailure => "permanent-resolver-failure",
        ErrorCode::Other(text) => return format!("other({text:?})"),
    };
    name.to_string()
}

fn to_std(address: IpAddress) -> IpAddr {
    match address {
        IpAddress::Ipv4((a, b, c, d)) => [a, b, c, d].into(),
        IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => [a, b, c, d, e, f, g, h].into(),
    }
}

pub async fn resolve(host: &str) -> Result<Vec<IpAddr>, ErrorCode> {
    Ok(resolve_addresses(host.to_string()).await?.into_iter().map(to_std).collect())
}

/// The host must have exactly these addresses, in this order.
#[track_caller]
pub fn is<'a>(host: &'a str, wanted: &'a [&'a str]) -> Boxed<'a> {
    let differs = Failure::new(String::new());
    Box::pin(async move {
        let got = match resolve(host).await {
            Ok(addresses) => addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>(),
            Err(code) => vec![name(&code)],
        };
        if got == wanted { Ok(()) } else { Err(differs.with(format!("{host}: got {got:?}, expected {wanted:?}"))) }
    })
}

/// The lookup must fail with one of these error-codes.
#[track_caller]
pub fn fails<'a>(host: &'a str, wanted: &'a [ErrorCode]) -> Boxed<'a> {
    let differs = Failure::new(String::new());
    Box::pin(async move {
        match resolve(host).await {
            Err(code) if wanted.contains(&code) => Ok(()),
            Err(code) => Err(differs.with(format!("{host}: got {}", name(&code)))),
            Ok(addresses) => Err(differs.with(format!("{host}: got {addresses:?}"))),
        }
    })
}

