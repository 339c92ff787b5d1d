//! `read` and `read-via-stream`.

use support::{refused, refused_any};
use wasip2::filesystem::types::ErrorCode::{BadDescriptor, Invalid};
use wasip2::filesystem::types::{Descriptor, ErrorCode, filesystem_error_code};
use wasip2::io::streams::{InputStream, StreamError};

use crate::tree::{self, READ, WRITE};

/// The error-code of a stream that failed.
#[track_caller]
pub fn code_of(error: StreamError) -> ErrorCode {
    match error {
        StreamError::Closed => panic!("closed, without an error"),
        StreamError::LastOperationFailed(error) => {
            assert!(!error.to_debug_string().is_empty());
            filesystem_error_code(&error).expect("the error is one of files")
        }
    }
}

#[track_caller]
pub fn is_closed<T: std::fmt::Debug>(got: Result<T, StreamError>) {
    assert!(matches!(got, Err(StreamError::Closed)), "{got:?}");
}

pub fn read() {
    let base = tree::planted("read");
    let file = tree::open(&base, "f", READ).unwrap();
    assert_eq!(file.read(4, 2).unwrap(), (b"2345".to_vec(), false));
    assert_eq!(file.read(u64::MAX, 0).unwrap().0, b"0123456789");
    assert_eq!(file.read(10, 10).unwrap(), (vec![], true));
    assert_eq!(file.read(10, 1 << 40).unwrap(), (vec![], true));
    assert_eq!(file.read(0, 0).unwrap().0, b"");
    refused(file.read(1, 1 << 63), Invalid);
    refused(file.read(1, u64::MAX), Invalid);
    refused(tree::open(&base, "f", WRITE).unwrap().read(1, 0), BadDescriptor);
    let big = tree::put(&base, "big", &vec![7; 300_000]);
    let (first, at_end) = big.read(300_000, 0).unwrap();
    assert!(!first.is_empty() && !at_end);
    assert_eq!(tree::content_of(&big), vec![7; 300_000]);
}

pub fn read_all(stream: &InputStream) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        match stream.blocking_read(65_536) {
            Ok(bytes) => all.extend(bytes),
            Err(StreamError::Closed) => return all,
            Err(error) => panic!("{error:?}"),
        }
    }
}

pub fn stream() {
    let base = tree::planted("read-stream");
    let file = tree::open(&base, "f", READ).unwrap();
    assert_eq!(read_all(&file.read_via_stream(0).unwrap()), b"0123456789");
    assert_eq!(read_all(&file.read_via_stream(7).unwrap()), b"789");
    assert_eq!(read_all(&file.read_via_stream(10).unwrap()), b"");
    assert_eq!(read_all(&file.read_via_stream(1 << 40).unwrap()), b"");
    let (one, two) = (file.read_via_stream(0).unwrap(), file.read_via_stream(5).unwrap());
    assert_eq!(one.blocking_read(3).unwrap(), b"012");
    assert_eq!(two.blocking_read(2).unwrap(), b"56");
    assert_eq!(one.blocking_read(2).unwrap(), b"34");
    polled(&file);
    let ended = file.read_via_stream(10).unwrap();
    is_closed(ended.blocking_read(1));
    is_closed(ended.read(1));
    is_closed(ended.blocking_read(1));
}

/// A stream that is read without waiting: nothing yet, then a pollable, then what came.
fn polled(file: &Descriptor) {
    let stream = file.read_via_stream(2).unwrap();
    let mut got = stream.read(4).unwrap();
    while got.len() < 4 {
        stream.subscribe().block();
        got.extend(stream.read(4 - got.len() as u64).unwrap());
    }
    assert_eq!(got, b"2345");
}

pub fn stream_errors() {
    let base = tree::planted("read-stream-errors");
    let stream = tree::open(&base, "f", WRITE).unwrap().read_via_stream(0).unwrap();
    assert_eq!(code_of(stream.blocking_read(1).unwrap_err()), BadDescriptor);
    is_closed(stream.blocking_read(1));
    let file = tree::open(&base, "f", READ).unwrap();
    for offset in [1 << 63, u64::MAX] {
        // the reference gives a stream that fails
        match file.read_via_stream(offset) {
            Ok(stream) => assert_eq!(code_of(stream.blocking_read(1).unwrap_err()), Invalid),
            Err(code) => assert_eq!(code, Invalid),
        }
    }
    // the reference closes a stream of which nothing is asked
    match file.read_via_stream(0).unwrap().blocking_read(0) {
        Ok(bytes) => assert_eq!(bytes, b""),
        Err(error) => assert!(matches!(error, StreamError::Closed)),
    }
    let base = tree::open(&base, "dir", READ).unwrap();
    refused_any(base.read_via_stream(0), &[ErrorCode::IsDirectory, BadDescriptor]);
}

pub fn streams_outlive_descriptors() {
    let base = tree::planted("streams-outlive-descriptors");
    let file = tree::open(&base, "f", READ | WRITE).unwrap();
    let (input, output) = (file.read_via_stream(0).unwrap(), file.write_via_stream(10).unwrap());
    drop(file);
    base.unlink_file_at("f").unwrap();
    output.blocking_write_and_flush(b"abc").unwrap();
    assert_eq!(read_all(&input), b"0123456789abc");
}

pub fn skip_and_splice() {
    let base = tree::planted("skip-and-splice");
    let file = tree::open(&base, "f", READ).unwrap();
    let input = file.read_via_stream(0).unwrap();
    let mut skipped = input.blocking_skip(3).unwrap();
    while skipped < 3 {
        skipped += input.skip(3 - skipped).unwrap();
    }
    let copy = tree::put(&base, "copy", b"");
    let output = copy.write_via_stream(0).unwrap();
    let mut moved = 0;
    while moved < 7 {
        moved += output.blocking_splice(&input, 7 - moved).unwrap();
    }
    output.blocking_flush().unwrap();
    assert_eq!(tree::content_of(&copy), b"3456789");
}
