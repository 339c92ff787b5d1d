//! `wasi:random`.

use wasip2::random::{insecure, insecure_seed, random};

pub fn bytes() {
    for len in [0, 1, 256, 100_000] {
        assert_eq!(random::get_random_bytes(len).len() as u64, len);
    }
    assert!((0..10).any(|_| random::get_random_u64() != 0));
    assert_ne!(random::get_random_bytes(32), random::get_random_bytes(32));
}

pub fn insecure() {
    assert_eq!(insecure::get_insecure_random_bytes(256).len(), 256);
    assert!((0..10).any(|_| insecure::get_insecure_random_u64() != 0));
    assert_eq!(insecure_seed::insecure_seed(), insecure_seed::insecure_seed());
}
