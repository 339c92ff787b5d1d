//! Load for benchmarks and tests, against a server at ADDRESS; each prints a line of figures.
//!
//! BYTES, CHUNK, ROUNDS  of a transfer (1 MiB, 64 KiB) or of what is repeated (1000)

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use support::variable;

fn number(name: &str, default: &str) -> usize {
    variable(name, default).parse().unwrap()
}

fn connected() -> TcpStream {
    TcpStream::connect(variable("ADDRESS", "127.0.0.1:7707")).unwrap()
}

/// Sends BYTES and receives them again, in chunks that are compared.
pub fn echo() {
    let (bytes, chunk) = (number("BYTES", "1048576"), number("CHUNK", "65536"));
    let (mut stream, mut buffer) = (connected(), vec![0; chunk]);
    let data: Vec<u8> = (0..chunk).map(|i| (i % 251) as u8).collect();
    let start = Instant::now();
    let mut left = bytes;
    while left > 0 {
        let now = chunk.min(left);
        stream.write_all(&data[..now]).unwrap();
        stream.read_exact(&mut buffer[..now]).unwrap();
        assert_eq!(buffer[..now], data[..now]);
        left -= now;
    }
    println!("echo bytes={bytes} ns={}", start.elapsed().as_nanos());
}

pub fn pingpong() {
    let rounds = number("ROUNDS", "1000");
    let mut stream = connected();
    let mut latencies: Vec<u128> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            stream.write_all(b"x").unwrap();
            stream.read_exact(&mut [0]).unwrap();
            start.elapsed().as_nanos()
        })
        .collect();
    latencies.sort();
    println!("pingpong rounds={rounds} p50={} p99={}", latencies[rounds / 2], latencies[rounds * 99 / 100]);
}

pub fn send() {
    let (bytes, chunk) = (number("BYTES", "1048576"), number("CHUNK", "65536"));
    let (mut stream, data) = (connected(), vec![7; chunk]);
    let start = Instant::now();
    let mut left = bytes;
    while left > 0 {
        left -= stream.write(&data[..chunk.min(left)]).unwrap();
    }
    stream.shutdown(Shutdown::Write).unwrap();
    println!("send bytes={bytes} ns={}", start.elapsed().as_nanos());
}

pub fn receive() {
    let (mut stream, mut buffer) = (connected(), vec![0; number("CHUNK", "65536")]);
    let start = Instant::now();
    let mut bytes = 0;
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => break,
            count => bytes += count,
        }
    }
    println!("receive bytes={bytes} ns={}", start.elapsed().as_nanos());
}

pub fn connect() {
    let rounds = number("ROUNDS", "1000");
    let start = Instant::now();
    for _ in 0..rounds {
        drop(connected());
    }
    println!("connect rounds={rounds} ns={}", start.elapsed().as_nanos());
}

/// Prints ROUNDS lines, to be thrown away.
pub fn print() {
    let rounds = number("ROUNDS", "1000");
    let start = Instant::now();
    for round in 0..rounds {
        println!("line {round} of what a program says");
    }
    println!("print rounds={rounds} ns={}", start.elapsed().as_nanos());
}

pub fn now() {
    let rounds = number("ROUNDS", "1000");
    let start = Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(Instant::now());
    }
    println!("now rounds={rounds} ns={}", start.elapsed().as_nanos());
}

/// Sleeps ROUNDS milliseconds.
pub fn sleep() {
    let (rounds, start) = (number("ROUNDS", "1000"), Instant::now());
    std::thread::sleep(Duration::from_millis(rounds as u64));
    println!("sleep rounds={rounds} ns={}", start.elapsed().as_nanos());
}
