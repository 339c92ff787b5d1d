//! What std for wasm32-wasip2 has of WASI 0.2, in a command of WASI 0.3.
//!
//! CASE  environment: prints the arguments by way of 0.2, and checks that 0.3 tells the same
//!       copy: stdin to stdout through std; tells the number of bytes on stderr
//!       clocks: time passes in a sleep of std
//!       exit: exits through std, which makes every code but 0 a 1

use std::io::{Write, copy, stdin, stdout};
use std::time::{Duration, Instant, SystemTime};

use support::bindings::wasi::cli::environment::{get_arguments, get_environment};
use support::check::{equal, holds};
use support::{Checked, Failure, environment};

support::program!(program);

async fn program() -> Checked {
    match environment::text_or("CASE", "").as_str() {
        "environment" => same_environment(),
        "copy" => copy_all(),
        "clocks" => time_passes(),
        "exit" => std::process::exit(7),
        other => Err(Failure::new(format!("CASE={other} is unknown"))),
    }
}

fn same_environment() -> Checked {
    let arguments: Vec<String> = std::env::args().collect();
    let mut variables: Vec<(String, String)> = std::env::vars().collect();
    println!("{}", arguments.join(" "));
    equal(arguments, get_arguments())?;
    let mut ours = get_environment();
    variables.sort();
    ours.sort();
    equal(variables, ours)
}

fn copy_all() -> Checked {
    // std writes out what is left after the last line only when a program ends, which a library does not
    match copy(&mut stdin(), &mut stdout()).and_then(|count| stdout().flush().map(|()| count)) {
        Ok(count) => Ok(eprintln!("{count} bytes")),
        Err(error) => Err(Failure::new(error.to_string())),
    }
}

fn time_passes() -> Checked {
    let (mark, instant) = (Instant::now(), SystemTime::now());
    std::thread::sleep(Duration::from_millis(20));
    holds(mark.elapsed() >= Duration::from_millis(20), "the sleep was too short")?;
    holds(instant > SystemTime::UNIX_EPOCH, "before 1970")
}
