//! What the resources of wasi:http/types do, method by method.

use std::fmt::Debug;
use std::panic::Location;

use wasip2::http::types::{Fields, IncomingRequest, Method, OutgoingRequest, OutgoingResponse, RequestOptions, Scheme};

type Checked = Result<(), String>;

#[track_caller]
#[inline(never)]
fn equal(got: impl Debug, want: &str) -> Checked {
    let got = format!("{got:?}");
    if got == want { Ok(()) } else { Err(format!("{}: got {got}, expected {want}", Location::caller())) }
}

fn list(entries: &[(&str, &[u8])]) -> Result<Fields, impl Debug> {
    Fields::from_list(&entries.iter().map(|(name, value)| (name.to_string(), value.to_vec())).collect::<Vec<_>>())
}

fn names(fields: &Fields) -> String {
    let pairs = fields.entries();
    pairs.iter().map(|(name, value)| format!("{name}={} ", String::from_utf8_lossy(value))).collect()
}

const INVALID: &str = "Err(HeaderError::InvalidSyntax)";
const FORBIDDEN: &str = "Err(HeaderError::Forbidden)";
const IMMUTABLE: &str = "Err(HeaderError::Immutable)";

pub fn fields() -> Checked {
    let fields = list(&[("A", b"1"), ("b", b"2"), ("a", b"3")]).map_err(|error| format!("{error:?}"))?;
    equal(names(&fields), "\"A=1 b=2 a=3 \"")?;
    equal(fields.get("a"), "[[49], [51]]")?;
    equal((fields.has("B"), fields.has("c"), fields.has("b b"), fields.get("(")), "(true, false, false, [])")?;
    equal(fields.append("a", b"4"), "Ok(())")?;
    equal(fields.set("B", &[b"x".to_vec(), b"y".to_vec()]), "Ok(())")?;
    equal(names(&fields), "\"A=1 a=3 a=4 B=x B=y \"")?;
    equal(fields.set("b", &[b"z".to_vec(), b"\n".to_vec()]), INVALID)?;
    equal(fields.get("b"), "[[120], [121]]")?;
    equal(fields.delete("A"), "Ok(())")?;
    equal((fields.get("A"), fields.delete("A")), "([], Ok(()))")?;
    equal(fields.set("b", &[]), "Ok(())")?;
    equal(fields.has("b"), "false")?;
    equal(fields.append("", b""), INVALID)?;
    equal(fields.append("x y", b""), INVALID)?;
    equal(fields.delete("x:"), INVALID)?;
    equal(fields.delete("\u{e9}"), INVALID)?;
    for value in ["\r", "\n", "\0", "\x7f", "\x01"] {
        equal(fields.append("x", value.as_bytes()), INVALID)?;
    }
    equal(fields.append("x", b" \t\x80\xff "), "Ok(())")?;
    for length in ["+5", " 5", "5, 5", "", "18446744073709551616"] {
        equal(fields.append("Content-Length", length.as_bytes()), INVALID)?;
    }
    equal(fields.append("content-length", b"18446744073709551615"), "Ok(())")?;
    for name in [
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "Proxy-Connection", "transfer-encoding",
        "UPGRADE", "Host", "http2-settings",
    ] {
        equal(fields.append(name, b"\n"), FORBIDDEN)?;
        equal(fields.set(name, &[]), FORBIDDEN)?;
        equal(fields.delete(name), FORBIDDEN)?;
        equal(list(&[("ok", b""), (name, b"")]).map(drop), FORBIDDEN)?;
    }
    equal(list(&[("te", b"trailers"), ("trailer", b"x"), ("expect", b"y"), ("cookie", b"")]).map(drop), "Ok(())")?;
    equal(list(&[("a", b"\0")]).map(drop), INVALID)?;
    immutable(fields)
}

fn immutable(fields: Fields) -> Checked {
    let copy = fields.clone();
    let request = OutgoingRequest::new(fields);
    let kept = request.headers();
    equal(kept.append("a", b"1"), IMMUTABLE)?;
    equal(kept.set("a", &[]), IMMUTABLE)?;
    equal(kept.delete("none"), IMMUTABLE)?;
    equal(kept.append("host", b"1"), FORBIDDEN)?;
    equal(kept.append("a", b"\n"), INVALID)?;
    equal(names(&kept), &format!("{:?}", names(&copy)))?;
    equal(kept.clone().append("a", b"1"), "Ok(())")?;
    drop(kept);
    equal(copy.append("a", b"1"), "Ok(())")
}

pub fn requests() -> Checked {
    let request = OutgoingRequest::new(Fields::new());
    equal(request.method(), "Method::Get")?;
    equal((request.scheme(), request.authority(), request.path_with_query()), "(None, None, None)")?;
    for (given, want) in [("GET", "Method::Get"), ("PATCH", "Method::Patch"), ("get", "Method::Other(\"get\")")] {
        equal(request.set_method(&Method::Other(given.into())), "Ok(())")?;
        equal(request.method(), want)?;
    }
    for bad in ["", "a b", "\u{e9}", "a/b"] {
        equal(request.set_method(&Method::Other(bad.into())), "Err(())")?;
    }
    equal(request.method(), "Method::Other(\"get\")")?;
    equal(request.set_method(&Method::Trace), "Ok(())")?;
    for (given, want) in [("", "/"), ("?x", "?x"), ("*", "*"), ("a/b", "a/b"), ("//x/../%zz\\?q=/?", "//x/../%zz\\?q=/?")] {
        equal(request.set_path_with_query(Some(given)), "Ok(())")?;
        equal(request.path_with_query(), &format!("Some({want:?})"))?;
    }
    for bad in ["/a b", "/\0", "/\x7f", "/<", "/#x", "/\u{e9}", &"/".repeat(70_001)] {
        equal(request.set_path_with_query(Some(bad)), "Err(())")?;
    }
    equal(request.set_path_with_query(None), "Ok(())")?;
    for (given, want) in [("http", "Scheme::Http"), ("HTTPS", "Scheme::Https"), ("ws+x", "Scheme::Other(\"ws+x\")")] {
        equal(request.set_scheme(Some(&Scheme::Other(given.into()))), "Ok(())")?;
        equal(request.scheme(), &format!("Some({want})"))?;
    }
    for bad in ["", "1a", "a b", "a:", &"a".repeat(65)] {
        equal(request.set_scheme(Some(&Scheme::Other(bad.into()))), "Err(())")?;
    }
    equal(request.set_scheme(None), "Ok(())")?;
    for good in ["a", "a:0", "a..b_c", "[::1]:80", "1.2.3.4:65535", "u:p@a"] {
        equal(request.set_authority(Some(good)), "Ok(())")?;
        equal(request.authority(), &format!("Some({good:?})"))?;
    }
    for bad in ["", "a b", "a/", "a?", "%41", "\u{e9}", "a:", "a:x", "a:65536", "::1", ":80", "a:+80", "a@b@c"] {
        equal(request.set_authority(Some(bad)), "Err(())")?;
    }
    equal(request.authority(), "Some(\"u:p@a\")")
}

pub fn responses() -> Checked {
    let response = OutgoingResponse::new(Fields::new());
    equal(response.status_code(), "200")?;
    for (status, want) in [(100, "Ok(())"), (599, "Ok(())"), (99, "Err(())"), (600, "Err(())")] {
        equal(response.set_status_code(status), want)?;
    }
    equal(response.status_code(), "599")?;
    equal(response.headers().append("a", b""), IMMUTABLE)
}

pub fn options() -> Checked {
    let options = RequestOptions::new();
    let all = |options: &RequestOptions| {
        (options.connect_timeout(), options.first_byte_timeout(), options.between_bytes_timeout())
    };
    equal(all(&options), "(None, None, None)")?;
    equal(options.set_connect_timeout(Some(0)), "Ok(())")?;
    equal(options.set_first_byte_timeout(Some(u64::MAX)), "Ok(())")?;
    equal(options.set_between_bytes_timeout(Some(1)), "Ok(())")?;
    equal(all(&options), "(Some(0), Some(18446744073709551615), Some(1))")?;
    equal(options.set_connect_timeout(None), "Ok(())")?;
    equal(all(&options), "(None, Some(18446744073709551615), Some(1))")
}

/// What can be had once.
pub fn once(incoming: &IncomingRequest) -> Checked {
    let body = incoming.consume().map_err(|()| "no body")?;
    equal(incoming.consume().is_err(), "true")?;
    let stream = body.stream().map_err(|()| "no stream")?;
    equal(body.stream().is_err(), "true")?;
    drop((stream, body));
    let request = OutgoingRequest::new(Fields::new());
    let body = request.body().map_err(|()| "no body")?;
    equal(request.body().is_err(), "true")?;
    let stream = body.write().map_err(|()| "no stream")?;
    equal(body.write().is_err(), "true")?;
    drop(stream);
    drop(body);
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().map_err(|()| "no body")?;
    equal(response.body().is_err(), "true")?;
    drop(body);
    Ok(())
}
