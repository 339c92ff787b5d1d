//! Load for benchmarks, on /data; each prints a line of figures.
//!
//! BYTES, CHUNK  of the file (1 MiB, 64 KiB)
//! COUNT         of the files that are opened and listed (100)

use std::fs::{File, read_dir};
use std::io::{Read, Write};
use std::time::Instant;

use support::variable;

fn number(name: &str, default: &str) -> usize {
    variable(name, default).parse().unwrap()
}

pub fn write() {
    let (bytes, chunk) = (number("BYTES", "1048576"), number("CHUNK", "65536"));
    let (mut file, data) = (File::create("/data/load").unwrap(), vec![7; chunk]);
    let start = Instant::now();
    let mut left = bytes;
    while left > 0 {
        left -= file.write(&data[..chunk.min(left)]).unwrap();
    }
    println!("write bytes={bytes} ns={}", start.elapsed().as_nanos());
}

/// Reads what `write` wrote.
pub fn read() {
    let (mut file, mut buffer) = (File::open("/data/load").unwrap(), vec![0; number("CHUNK", "65536")]);
    let start = Instant::now();
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => break,
            count => bytes += count,
        }
    }
    println!("read bytes={bytes} ns={}", start.elapsed().as_nanos());
}

/// Makes files; then opens each, asks for its size and closes it.
pub fn open() {
    let paths: Vec<String> = (0..number("COUNT", "100")).map(|i| format!("/data/file-{i}")).collect();
    for path in &paths {
        File::create(path).unwrap();
    }
    let start = Instant::now();
    for path in &paths {
        assert_eq!(File::open(path).unwrap().metadata().unwrap().len(), 0);
    }
    println!("open calls={} ns={}", paths.len(), start.elapsed().as_nanos());
}

/// Lists what `open` made.
pub fn list() {
    let start = Instant::now();
    let count = read_dir("/data").unwrap().map(|entry| entry.unwrap()).count();
    println!("list calls={count} ns={}", start.elapsed().as_nanos());
}
