//! Plain values.

use std::cell::RefCell;

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

pub fn remember(value: String) {
    LAST.with(|last| last.replace(value));
}

pub fn remembered() -> String {
    LAST.with(|last| last.borrow().clone())
}

pub fn divide(dividend: u32, divisor: u32) -> Result<(u32, u32), String> {
    if divisor == 0 {
        return Err(format!("{dividend} / 0"));
    }
    Ok((dividend / divisor, dividend % divisor))
}

pub fn sum(numbers: &[u64]) -> u64 {
    numbers.iter().fold(0, |sum, &number| sum.wrapping_add(number))
}
