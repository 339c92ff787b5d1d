//! Exports `test:calls/api`: one call of the host, as often as it is told. See wit/calls.wit.

mod bindings {
    wit_bindgen::generate!({
        world: "test:calls/calls",
        path: "../../build/wit/calls",
        generate_all,
        additional_derives: [PartialEq],
    });
}

use bindings::exports::test::calls::api::{Guest, Work};
use bindings::test::calls::host::{self, Ten};
use bindings::wasi::sockets::types::{ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, TcpSocket};

const MIB: u32 = 1 << 20;
const ADDRESS: IpSocketAddress = IpSocketAddress::Ipv4(Ipv4SocketAddress { port: 0, address: (127, 0, 0, 1) });

struct Calls;

bindings::export!(Calls with_types_in bindings);

impl Guest for Calls {
    fn repeat(what: Work, times: u32) -> Result<(), String> {
        match what {
            Work::Nothing => again(times, || Some(host::nothing())),
            Work::Next => next(times),
            Work::GetHopLimit => with_socket(times, |socket| socket.get_hop_limit().is_ok()),
            Work::GetLocalAddress => with_socket(times, |socket| socket.get_local_address().is_ok()),
            Work::BindError => with_socket(times, |socket| socket.bind(ADDRESS) == Err(ErrorCode::InvalidState)),
            Work::PassTen => again(times, || (host::pass_ten(&ten()) == ten()).then_some(())),
            Work::TakeStrings => take_strings(times),
            Work::TakeBytes => take_bytes(times),
            Work::GiveBytes => again(times, || (host::give_bytes(MIB).len() == MIB as usize).then_some(())),
        }
    }

    fn echo_u32(value: u32) -> u32 {
        value
    }
}

fn again(times: u32, call: impl Fn() -> Option<()>) -> Result<(), String> {
    for round in 0..times {
        call().ok_or_else(|| format!("round {round} gave something else"))?;
    }
    Ok(())
}

fn next(times: u32) -> Result<(), String> {
    let end = (0..times).fold(0, |n, _| host::next(n));
    if end == times { Ok(()) } else { Err(format!("counted to {end}")) }
}

fn with_socket(times: u32, works: impl Fn(&TcpSocket) -> bool) -> Result<(), String> {
    let socket = TcpSocket::create(IpAddressFamily::Ipv4).map_err(|code| format!("create: {code}"))?;
    socket.bind(ADDRESS).map_err(|code| format!("bind: {code}"))?;
    again(times, || works(&socket).then_some(()))
}

fn ten() -> Ten {
    Ten { a: 1, b: -2, c: 3.5, d: true, e: 5, f: 6, g: "seven".to_string(), h: '8', i: 9, j: -10 }
}

fn take_strings(times: u32) -> Result<(), String> {
    let strings: Vec<String> = (0..1000).map(|n| format!("string {n}")).collect();
    again(times, || Some(host::take_strings(&strings)))
}

fn take_bytes(times: u32) -> Result<(), String> {
    let bytes = vec![1; MIB as usize];
    again(times, || Some(host::take_bytes(&bytes)))
}
