//! What the resources of wasi:http/types do, method by method.

use std::fmt::Debug;
use std::panic::Location;

use wasip3::http::types::{Fields, Method, Request, RequestOptions, Response, Scheme};
use wasip3::wit_future;

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
    let pairs = fields.copy_all();
    pairs.iter().map(|(name, value)| format!("{name}={} ", String::from_utf8_lossy(value))).collect()
}

const INVALID: &str = "Err(HeaderError::InvalidSyntax)";
const FORBIDDEN: &str = "Err(HeaderError::Forbidden)";
const IMMUTABLE: &str = "Err(HeaderError::Immutable)";
const FULL: &str = "Err(HeaderError::SizeExceeded)";

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
    equal(fields.get_and_delete("A"), "Ok([[49], [51], [52]])")?;
    equal(fields.get_and_delete("A"), "Ok([])")?;
    equal(fields.delete("A"), "Ok(())")?;
    equal(fields.set("b", &[]), "Ok(())")?;
    equal(fields.has("b"), "false")?;
    equal(fields.append("", b""), INVALID)?;
    equal(fields.append("x y", b""), INVALID)?;
    equal(fields.delete("x:"), INVALID)?;
    equal(fields.get_and_delete("\u{e9}"), INVALID)?;
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
        equal(fields.get_and_delete(name), FORBIDDEN)?;
        equal(list(&[("ok", b""), (name, b"")]).map(drop), FORBIDDEN)?;
    }
    equal(list(&[("te", b"trailers"), ("trailer", b"x"), ("expect", b"y"), ("cookie", b"")]).map(drop), "Ok(())")?;
    equal(list(&[("a", b"\0")]).map(drop), INVALID)?;
    size()?;
    immutable(fields)
}

fn size() -> Checked {
    let fields = Fields::new();
    for _ in 0..125 {
        equal(fields.append("12345", &[b'x'; 1000]), "Ok(())")?;
    }
    equal(fields.append("12345", &[b'x'; 1000]), FULL)?;
    equal(fields.set("y", &[vec![b'x'; 2000]]), FULL)?;
    equal(fields.set("12345", &[vec![b'x'; 131_072 - 40 - 37]]), "Ok(())")?;
    equal(fields.append("y", b""), FULL)
}

fn immutable(fields: Fields) -> Checked {
    let copy = fields.clone();
    let request = request(fields);
    let kept = request.get_headers();
    equal(kept.append("a", b"1"), IMMUTABLE)?;
    equal(kept.set("a", &[]), IMMUTABLE)?;
    equal(kept.delete("none"), IMMUTABLE)?;
    equal(kept.get_and_delete("none"), IMMUTABLE)?;
    equal(kept.append("host", b"1"), FORBIDDEN)?;
    equal(kept.append("a", b"\n"), INVALID)?;
    drop(request);
    equal(names(&kept), &format!("{:?}", names(&copy)))?;
    equal(kept.clone().append("a", b"1"), "Ok(())")?;
    equal(copy.append("a", b"1"), "Ok(())")
}

fn request(headers: Fields) -> Request {
    let (_, trailers) = wit_future::new(|| Ok(None));
    Request::new(headers, None, trailers, None).0
}

pub fn requests() -> Checked {
    let request = request(Fields::new());
    equal(request.get_method(), "Method::Get")?;
    equal((request.get_scheme(), request.get_authority(), request.get_path_with_query()), "(None, None, None)")?;
    equal(request.get_options().is_none(), "true")?;
    for (given, want) in [("GET", "Method::Get"), ("PATCH", "Method::Patch"), ("get", "Method::Other(\"get\")")] {
        equal(request.set_method(&Method::Other(given.into())), "Ok(())")?;
        equal(request.get_method(), want)?;
    }
    for bad in ["", "a b", "\u{e9}", "a/b"] {
        equal(request.set_method(&Method::Other(bad.into())), "Err(())")?;
    }
    equal(request.get_method(), "Method::Other(\"get\")")?;
    equal(request.set_method(&Method::Trace), "Ok(())")?;
    for (given, want) in [("", "/"), ("?x", "?x"), ("*", "*"), ("a/b", "a/b"), ("//x/../%zz\\?q=/?", "//x/../%zz\\?q=/?")] {
        equal(request.set_path_with_query(Some(given)), "Ok(())")?;
        equal(request.get_path_with_query(), &format!("Some({want:?})"))?;
    }
    for bad in ["/a b", "/\0", "/\x7f", "/<", "/#x", "/\u{e9}", &"/".repeat(70_001)] {
        equal(request.set_path_with_query(Some(bad)), "Err(())")?;
    }
    equal(request.set_path_with_query(None), "Ok(())")?;
    for (given, want) in [("http", "Scheme::Http"), ("HTTPS", "Scheme::Https"), ("ws+x", "Scheme::Other(\"ws+x\")")] {
        equal(request.set_scheme(Some(&Scheme::Other(given.into()))), "Ok(())")?;
        equal(request.get_scheme(), &format!("Some({want})"))?;
    }
    for bad in ["", "1a", "a b", "a:", &"a".repeat(65)] {
        equal(request.set_scheme(Some(&Scheme::Other(bad.into()))), "Err(())")?;
    }
    equal(request.set_scheme(None), "Ok(())")?;
    for good in ["a", "a:0", "a..b_c", "[::1]:80", "1.2.3.4:65535", "u:p@a"] {
        equal(request.set_authority(Some(good)), "Ok(())")?;
        equal(request.get_authority(), &format!("Some({good:?})"))?;
    }
    for bad in ["", "a b", "a/", "a?", "%41", "\u{e9}", "a:", "a:x", "a:65536", "::1", ":80", "a:+80", "a@b@c"] {
        equal(request.set_authority(Some(bad)), "Err(())")?;
    }
    equal(request.get_authority(), "Some(\"u:p@a\")")
}

pub fn responses() -> Checked {
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _) = Response::new(Fields::new(), None, trailers);
    equal(response.get_status_code(), "200")?;
    for (status, want) in [(100, "Ok(())"), (599, "Ok(())"), (99, "Err(())"), (600, "Err(())")] {
        equal(response.set_status_code(status), want)?;
    }
    equal(response.get_status_code(), "599")?;
    equal(response.get_headers().append("a", b""), IMMUTABLE)
}

pub fn options() -> Checked {
    let options = RequestOptions::new();
    let all = |options: &RequestOptions| {
        (options.get_connect_timeout(), options.get_first_byte_timeout(), options.get_between_bytes_timeout())
    };
    equal(all(&options), "(None, None, None)")?;
    equal(options.set_connect_timeout(Some(0)), "Ok(())")?;
    equal(options.set_first_byte_timeout(Some(u64::MAX)), "Ok(())")?;
    equal(options.set_between_bytes_timeout(Some(1)), "Ok(())")?;
    let want = "(Some(0), Some(18446744073709551615), Some(1))";
    equal(all(&options), want)?;
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _) = Request::new(Fields::new(), None, trailers, Some(options));
    let kept = request.get_options().ok_or("no options")?;
    equal(all(&kept), want)?;
    const REFUSED: &str = "Err(RequestOptionsError::Immutable)";
    equal(kept.set_connect_timeout(None), REFUSED)?;
    equal(kept.set_first_byte_timeout(None), REFUSED)?;
    equal(kept.set_between_bytes_timeout(None), REFUSED)?;
    let copy = kept.clone();
    equal(copy.set_connect_timeout(None), "Ok(())")?;
    equal(all(&copy), "(None, Some(18446744073709551615), Some(1))")
}
