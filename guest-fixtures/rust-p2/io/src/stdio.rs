//! Standard streams.

use wasip2::cli::{stderr as err, stdin as input, stdout as out};
use wasip2::io::streams::StreamError;

pub fn write() {
    let output = out::get_stdout();
    assert!(output.check_write().unwrap() >= 6);
    output.write(b"write\n").unwrap();
    output.flush().unwrap();
    output.blocking_flush().unwrap();
}

pub fn blocking_write_and_flush() {
    let output = out::get_stdout();
    output.blocking_write_and_flush(&[b'.'; 4095]).unwrap();
    output.blocking_write_and_flush(b"\n").unwrap();
    output.blocking_write_and_flush(b"").unwrap();
}

pub fn write_zeroes() {
    let output = out::get_stdout();
    assert!(output.check_write().unwrap() >= 3);
    output.write_zeroes(3).unwrap();
    output.blocking_write_zeroes_and_flush(2).unwrap();
    output.blocking_write_and_flush(b"\n").unwrap();
}

pub fn stderr() {
    err::get_stderr().blocking_write_and_flush(b"to stderr\n").unwrap();
}

/// What one handle has read, another does not get.
pub fn stdin() {
    let (one, two) = (input::get_stdin(), input::get_stdin());
    assert!(one.read(0).unwrap().is_empty());
    assert_eq!(one.blocking_read(3).unwrap(), b"012");
    drop(one);
    assert_eq!(two.blocking_skip(2).unwrap(), 2);
    assert_eq!(two.blocking_read(100).unwrap(), b"56789");
    assert!(matches!(two.blocking_read(100), Err(StreamError::Closed)));
    assert!(matches!(two.read(1), Err(StreamError::Closed)));
    assert!(two.subscribe().ready());
}

pub fn splice_stdin() {
    let (from, to) = (input::get_stdin(), out::get_stdout());
    loop {
        match to.blocking_splice(&from, u64::MAX) {
            Ok(_) => {}
            Err(StreamError::Closed) => return,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Prints how many bytes stdin has, read in pieces of any size.
pub fn to_the_end() {
    let from = input::get_stdin();
    let mut count = 0;
    loop {
        match from.blocking_read(u64::MAX) {
            Ok(bytes) => count += bytes.len(),
            Err(StreamError::Closed) => break,
            Err(error) => panic!("{error:?}"),
        }
    }
    eprintln!("{count} bytes");
}

/// Writes until nothing reads it any more.
pub fn closed_stdout() {
    let output = out::get_stdout();
    loop {
        match output.blocking_write_and_flush(&[b'.'; 4096]) {
            Ok(()) => {}
            Err(StreamError::Closed) => return eprintln!("closed"),
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Asks, and answers after the answer has come.
pub fn prompt() {
    out::get_stdout().blocking_write_and_flush(b"name? ").unwrap();
    let name = input::get_stdin().blocking_read(100).unwrap();
    out::get_stdout().blocking_write_and_flush(&[b"hello ", &name[..]].concat()).unwrap();
}
