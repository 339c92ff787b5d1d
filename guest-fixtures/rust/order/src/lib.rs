//! A command as one writes it: it reads an order, asks what things cost, and has the bill entered in a ledger.
//!
//! order PRICES LEDGER   both NAME:PORT
//!
//! stdin   lines of `COUNT ITEM`
//! PRICES  is asked by UDP: a datagram with an ITEM, answered with `ITEM CENTS`
//! LEDGER  gets the bill by TCP, and answers with a line
//!
//! Prints the bill and the ledger's line.

mod services;

use std::fmt::Write;

use support::bindings::wasi::cli::environment::get_arguments;
use support::bindings::wasi::cli::stdin;
use support::{Checked, Failure, TcpSocket, UdpSocket, address, print, program, pump};

program!(order);

async fn order() -> Checked {
    let arguments = get_arguments();
    let [_, prices, ledger] = &arguments[..] else {
        return Err(Failure::new("usage: order PRICES LEDGER, both NAME:PORT"));
    };
    let (prices, ledger) = (services::find(prices).await?, services::find(ledger).await?);

    let asking = UdpSocket::create(address::family(&prices))?;
    asking.connect(prices)?;
    let (mut bill, mut total) = (String::new(), 0);
    for line in read_stdin().await?.lines() {
        let (count, item) = parse(line)?;
        let cents = count * services::price(&asking, item).await?;
        // writing to a String cannot fail
        let _ = writeln!(bill, "{count:3} {item:<10}{}", money(cents));
        total += cents;
    }
    let _ = writeln!(bill, "    total     {}", money(total));
    print::out(&bill).await;

    let socket = TcpSocket::create(address::family(&ledger))?;
    socket.connect(ledger).await?;
    print::out(&services::ask(&socket, bill).await?).await;
    Ok(())
}

async fn read_stdin() -> Checked<String> {
    let (mut input, read) = stdin::read_via_stream();
    let text = pump::exactly(&mut input, MAX_ORDER).await;
    drop(input);
    read.await.map_err(|code| Failure::new(format!("stdin: {code:?}")))?;
    String::from_utf8(text).map_err(|_| Failure::new("stdin: not UTF-8"))
}

const MAX_ORDER: usize = 64 * 1024;

fn parse(line: &str) -> Checked<(u64, &str)> {
    let parts = line.split_once(' ').and_then(|(count, item)| Some((count.parse().ok()?, item)));
    match parts {
        Some((count @ 1..=999, item)) => Ok((count, item)),
        _ => Err(Failure::new(format!("{line:?} is not COUNT ITEM, with a COUNT of 1 to 999"))),
    }
}

fn money(cents: u64) -> String {
    format!("{:6}.{:02}", cents / 100, cents % 100)
}
