//! Many connections of one guest, all in one poll.
//!
//! CONNECTIONS (1000)
//! ROUNDS      (100): in each, one of the connections gets a byte, and the guest finds out which

use std::time::Instant;

use support::{tcp, variable};
use wasip2::io::poll::poll;

fn number(name: &str, default: &str) -> usize {
    variable(name, default).parse().unwrap()
}

pub fn connections() {
    let (connections, rounds) = (number("CONNECTIONS", "1000"), number("ROUNDS", "100"));
    let listener = tcp::listener();
    let pairs: Vec<_> = (0..connections).map(|_| tcp::pair_of(&listener)).collect();
    let pollables: Vec<_> = pairs.iter().map(|(client, _)| client.input.subscribe()).collect();
    let all: Vec<_> = pollables.iter().collect();
    let start = Instant::now();
    for round in 0..rounds {
        let busy = round * 7 % connections;
        let (client, server) = &pairs[busy];
        tcp::write_all(&server.output, b"x").unwrap();
        assert_eq!(poll(&all), [busy as u32]);
        assert_eq!(client.input.read(100).unwrap(), b"x");
    }
    println!("many-connections connections={connections} rounds={rounds} ns={}", start.elapsed().as_nanos());
    drop(pollables);
}
