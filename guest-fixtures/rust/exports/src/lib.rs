//! Exports `test:exports/api`: what a host must be able to call. See wit/exports.wit for what each function does.

mod bindings {
    wit_bindgen::generate!({
        world: "test:exports/exports",
        path: "../../build/wit/exports",
        generate_all,
    });
}
mod counter;
mod echo;
mod running;

use bindings::exports::test::exports::api;
use counter::Counter;

struct Exports;

bindings::export!(Exports with_types_in bindings);

type Nested = Vec<(api::Shape, Option<Result<api::Person, Vec<api::Color>>>)>;

// one line each: a table more than code
#[rustfmt::skip]
impl api::Guest for Exports {
    type Counter = Counter;

    fn echo_bool(value: bool) -> bool { value }
    fn echo_u8(value: u8) -> u8 { value }
    fn echo_s8(value: i8) -> i8 { value }
    fn echo_u16(value: u16) -> u16 { value }
    fn echo_s16(value: i16) -> i16 { value }
    fn echo_u32(value: u32) -> u32 { value }
    fn echo_s32(value: i32) -> i32 { value }
    fn echo_u64(value: u64) -> u64 { value }
    fn echo_s64(value: i64) -> i64 { value }
    fn echo_f32(value: f32) -> f32 { value }
    fn echo_f64(value: f64) -> f64 { value }
    fn echo_char(value: char) -> char { value }
    fn echo_string(value: String) -> String { value }
    fn echo_bytes(value: Vec<u8>) -> Vec<u8> { value }
    fn echo_strings(value: Vec<String>) -> Vec<String> { value }
    fn echo_tuple(value: (u8, String, f64)) -> (u8, String, f64) { value }
    fn echo_point(value: api::Point) -> api::Point { value }
    fn echo_person(value: api::Person) -> api::Person { value }
    fn echo_color(value: api::Color) -> api::Color { value }
    fn echo_permissions(value: api::Permissions) -> api::Permissions { value }
    fn echo_shape(value: api::Shape) -> api::Shape { value }
    fn echo_option(value: Option<String>) -> Option<String> { value }
    fn echo_option_option(value: Option<Option<u32>>) -> Option<Option<u32>> { value }
    fn echo_result(value: Result<u32, String>) -> Result<u32, String> { value }
    fn echo_result_empty(value: Result<(), ()>) -> Result<(), ()> { value }
    fn echo_nested(value: Nested) -> Nested { value }

    fn no_arguments() -> String { "no arguments".to_string() }
    fn no_result(value: String) { echo::remember(value) }
    fn last_value() -> String { echo::remembered() }
    fn divide(dividend: u32, divisor: u32) -> Result<(u32, u32), String> { echo::divide(dividend, divisor) }

    fn sum_17(
        a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64, i: u64,
        j: u64, k: u64, l: u64, m: u64, n: u64, o: u64, p: u64, q: u64,
    ) -> u64 {
        echo::sum(&[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q])
    }

    async fn async_echo_u32(value: u32) -> u32 { value }
    async fn async_echo_string(value: String) -> String { value }
    async fn async_echo_person(value: api::Person) -> api::Person { value }
    async fn async_echo_nested(value: Nested) -> Nested { value }
    async fn async_divide(dividend: u32, divisor: u32) -> Result<(u32, u32), String> { echo::divide(dividend, divisor) }
    async fn async_no_result(value: String) { echo::remember(value) }

    async fn async_sum_17(
        a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64, i: u64,
        j: u64, k: u64, l: u64, m: u64, n: u64, o: u64, p: u64, q: u64,
    ) -> u64 {
        echo::sum(&[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q])
    }

    async fn wait(n: u32) -> u32 { running::wait(n, 50).await }
    async fn wait_for(n: u32, ms: u32) -> u32 { running::wait(n, ms).await }
    async fn sleep_times(times: u32, ms: u32) { running::sleep_times(times, ms).await }
    fn waiting() -> (u32, u32) { running::waiting() }
    fn spin(rounds: u64) -> u64 { running::spin(rounds) }
    async fn async_spin(rounds: u64) -> u64 { running::spin(rounds) }
    async fn yield_times(times: u64) -> u64 { running::yield_times(times).await }
    async fn wait_forever() { running::wait_forever().await }
    fn trap() { panic!("asked to trap") }
    async fn async_trap(ms: u32) { running::trap_after(ms).await }

    fn new_counter(start: i64) -> api::Counter { counter::make(start) }
    fn read_counter(counter: api::CounterBorrow<'_>) -> i64 { counter::read(&counter) }
    fn read_counters(counters: Vec<api::CounterBorrow<'_>>) -> i64 { counters.iter().map(counter::read).sum() }

    async fn count_to(limit: u32) -> (wit_bindgen::StreamReader<u32>, wit_bindgen::FutureReader<u64>) {
        running::count_to(limit)
    }
    async fn checksum(data: wit_bindgen::StreamReader<u8>) -> (u64, u64) { running::checksum(data).await }
}
