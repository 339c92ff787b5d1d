//! The exported resource.

use std::cell::Cell;

use crate::bindings::exports::test::exports::api;
use crate::bindings::test::exports::host;

thread_local! {
    static ALIVE: Cell<u32> = const { Cell::new(0) };
}

pub struct Counter {
    value: Cell<i64>,
}

impl Counter {
    fn start(value: i64) -> Counter {
        ALIVE.set(ALIVE.get() + 1);
        Counter { value: Cell::new(value) }
    }

    fn increase(&self, amount: i64) -> i64 {
        self.value.set(self.value.get().wrapping_add(amount));
        self.value.get()
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}

impl api::GuestCounter for Counter {
    fn new(start: i64) -> Counter {
        Counter::start(start)
    }

    fn add(&self, amount: i64) -> i64 {
        self.increase(amount)
    }

    async fn add_later(&self, amount: i64, ms: u32) -> i64 {
        host::sleep(ms).await;
        self.increase(amount)
    }

    fn value(&self) -> i64 {
        self.value.get()
    }

    fn merge(left: api::Counter, right: api::Counter) -> api::Counter {
        let sum = left.get::<Counter>().value.get() + right.get::<Counter>().value.get();
        make(sum)
    }

    fn alive() -> u32 {
        ALIVE.get()
    }
}

pub fn make(start: i64) -> api::Counter {
    api::Counter::new(Counter::start(start))
}

pub fn read(counter: &api::CounterBorrow<'_>) -> i64 {
    counter.get::<Counter>().value.get()
}
