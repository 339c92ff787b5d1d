//! What a command can ask about itself.

use support::bindings::wasi::cli::environment::{get_arguments, get_environment, get_initial_cwd};
use support::bindings::wasi::cli::{terminal_stderr, terminal_stdin, terminal_stdout};
use support::check::equal;
use support::{Checked, print};

/// "this import function should return the same values each time it is called"
pub async fn environment_twice() -> Checked {
    equal(get_environment(), get_environment())?;
    equal(get_arguments(), get_arguments())?;
    equal(get_initial_cwd(), get_initial_cwd())
}

pub async fn environment() -> Checked {
    let variables: Vec<_> = get_environment().into_iter().filter(|(name, _)| name != "CASE").collect();
    print::out(&format!("{:?}\n{variables:?}\n{:?}\n", get_arguments(), get_initial_cwd())).await;
    Ok(())
}

pub async fn terminals() -> Checked {
    let (stdin, stdout, stderr) = ask();
    print::out(&format!("stdin {stdin}, stdout {stdout}, stderr {stderr}\n")).await;
    Ok(())
}

/// The handles are owned, and dropped here.
pub async fn terminals_twice() -> Checked {
    equal(ask(), ask())
}

fn ask() -> (bool, bool, bool) {
    (
        terminal_stdin::get_terminal_stdin().is_some(),
        terminal_stdout::get_terminal_stdout().is_some(),
        terminal_stderr::get_terminal_stderr().is_some(),
    )
}
