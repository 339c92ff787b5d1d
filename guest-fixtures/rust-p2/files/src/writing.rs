//! `write`, `write-via-stream`, `append-via-stream` and `set-size`.

use support::{refused, refused_any};
use wasip2::filesystem::types::ErrorCode;
use wasip2::filesystem::types::ErrorCode::{BadDescriptor, FileTooLarge, Invalid};
use wasip2::io::streams::{OutputStream, StreamError};

use crate::reading::{code_of, is_closed, read_all};
use crate::tree::{self, READ, WRITE};

pub fn write() {
    let base = tree::planted("write");
    let file = tree::open(&base, "f", READ | WRITE).unwrap();
    assert_eq!(file.write(b"ab", 3).unwrap(), 2);
    assert_eq!(tree::content(&base, "f"), b"012ab56789");
    assert_eq!(file.write(b"", 0).unwrap(), 0);
    assert_eq!(file.write(b"x", 12).unwrap(), 1);
    assert_eq!(tree::content(&base, "f"), b"012ab56789\0\0x");
    refused(file.write(b"x", 1 << 63), Invalid);
    refused(tree::open(&base, "f", READ).unwrap().write(b"x", 0), BadDescriptor);
    let writer = tree::open(&base, "f", WRITE).unwrap();
    assert_eq!(writer.write(b"only", 0).unwrap(), 4);
}

/// Writes all of it, as std does: check-write, write, blocking-flush.
fn write_all(output: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let permit = output.check_write()?;
        if permit == 0 {
            output.subscribe().block();
            continue;
        }
        let (now, later) = bytes.split_at(bytes.len().min(permit as usize));
        output.write(now)?;
        bytes = later;
    }
    output.blocking_flush()
}

pub fn stream() {
    let base = tree::planted("write-stream");
    let file = tree::open(&base, "f", WRITE).unwrap();
    let (one, two) = (file.write_via_stream(0).unwrap(), file.write_via_stream(8).unwrap());
    write_all(&one, b"ab").unwrap();
    write_all(&two, b"yz!").unwrap();
    one.blocking_write_and_flush(b"cd").unwrap();
    one.blocking_write_zeroes_and_flush(2).unwrap();
    assert_eq!(tree::content(&base, "f"), b"abcd\0\067yz!");
    let beyond = file.write_via_stream(14).unwrap();
    beyond.blocking_write_and_flush(b"end").unwrap();
    assert_eq!(tree::content(&base, "f"), b"abcd\0\067yz!\0\0\0end");
    // what was written before a drop is not lost; the reference may still be writing it
    let dropped = file.write_via_stream(0).unwrap();
    dropped.check_write().unwrap();
    dropped.write(b"AB").unwrap();
    drop(dropped);
    while tree::content(&base, "f")[..4] != *b"ABcd" {}
}

pub fn stream_errors() {
    let base = tree::planted("write-stream-errors");
    let reader = tree::open(&base, "f", READ).unwrap();
    for stream in [reader.write_via_stream(0), reader.append_via_stream()] {
        // WIT lets a host refuse the stream; the reference gives one that fails
        match stream {
            Err(code) => assert_eq!(code, BadDescriptor),
            Ok(stream) => {
                assert_eq!(code_of(write_all(&stream, b"x").unwrap_err()), BadDescriptor);
                is_closed(stream.check_write());
            }
        }
    }
    match tree::open(&base, "f", WRITE).unwrap().write_via_stream(1 << 63) {
        Err(code) => assert_eq!(code, Invalid),
        Ok(stream) => assert_eq!(code_of(write_all(&stream, b"x").unwrap_err()), Invalid),
    }
    assert_eq!(tree::content(&base, "f"), b"0123456789");
}

pub fn append() {
    let base = tree::planted("append-stream");
    let file = tree::open(&base, "f", READ | WRITE).unwrap();
    let (one, two) = (file.append_via_stream().unwrap(), file.append_via_stream().unwrap());
    one.blocking_write_and_flush(b"a").unwrap();
    two.blocking_write_and_flush(b"b").unwrap();
    one.blocking_write_and_flush(b"c").unwrap();
    // the descriptor itself writes where it is told to
    assert_eq!(file.write(b"X", 0).unwrap(), 1);
    assert_eq!(tree::content(&base, "f"), b"X123456789abc");
    file.set_size(0).unwrap();
    two.blocking_write_and_flush(b"d").unwrap();
    assert_eq!(tree::content(&base, "f"), b"d");
}

pub fn big_file() {
    let base = tree::empty("big-file");
    let bytes: Vec<u8> = (0..1_000_000u32).map(|i| (i % 251) as u8).collect();
    let file = tree::put(&base, "big", b"");
    write_all(&file.write_via_stream(0).unwrap(), &bytes).unwrap();
    assert_eq!(file.stat().unwrap().size, 1_000_000);
    assert!(read_all(&file.read_via_stream(0).unwrap()) == bytes);
}

pub fn set_size() {
    let base = tree::planted("set-size");
    let file = tree::open(&base, "f", READ | WRITE).unwrap();
    file.set_size(3).unwrap();
    assert_eq!(tree::content(&base, "f"), b"012");
    file.set_size(5).unwrap();
    assert_eq!(tree::content(&base, "f"), b"012\0\0");
    file.set_size(1 << 20).unwrap();
    assert_eq!(file.stat().unwrap().size, 1 << 20);
    refused(file.set_size(1 << 63), Invalid);
    refused(file.set_size(u64::MAX), Invalid);
    refused_any(tree::open(&base, "f", READ).unwrap().set_size(0), &[Invalid, BadDescriptor]);
    refused_any(base.set_size(0), &[BadDescriptor, ErrorCode::IsDirectory]);
}

/// The host lets no file become larger than this.
const LARGEST: u64 = 4_000_000;

pub fn file_too_large() {
    let base = tree::empty("file-too-large");
    let file = tree::put(&base, "big", b"");
    let output = file.write_via_stream(0).unwrap();
    assert_eq!(code_of(write_all(&output, &vec![7; LARGEST as usize + 1]).unwrap_err()), FileTooLarge);
    is_closed(output.check_write());
    assert!(tree::content(&base, "big") == vec![7; LARGEST as usize]);
    refused(file.write(b"x", LARGEST), FileTooLarge);
    assert_eq!(file.write(b"xyz", LARGEST - 1).unwrap(), 1);
    refused(file.set_size(LARGEST + 1), FileTooLarge);
    file.set_size(4).unwrap();
}
