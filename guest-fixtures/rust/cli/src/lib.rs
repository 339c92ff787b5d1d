//! wasi:cli: the environment, every way to end, standard streams and how they fail, terminals.
//!
//! CASE  one of the names below, or "all" (default); prints `ok NAME` for each and stops at the first failure.
//!       "all" reads stdin to its end; it must begin with 0123456789abcdef and go on.
//!
//! Not part of "all":
//! environment          prints the arguments, the variables and the initial directory
//! exit-ok, exit-err    exits so
//! exit-with-code       exits with CODE, after it began to write to stdout
//! return-err           `run` returns err
//! terminals            prints for each standard stream whether it is a terminal
//! lines                a conversation: a prompt, a line, its answer, until the end of stdin
//! read-a-little        reads one byte of stdin and ends
//! stdin-fails          reading stdin gives ERROR
//! stdout-fails         writing to stdout gives ERROR

mod ends;
mod streams;
mod tells;

support::cases! {
    "environment-twice" => tells::environment_twice,
    "terminals-twice" => tells::terminals_twice,
    "stdout-in-order" => streams::stdout_in_order,
    "stdout-large" => streams::stdout_large,
    "stdout-empty" => streams::stdout_empty,
    "stdin-not-read" => streams::stdin_not_read,
    "stdin-continued" => streams::stdin_continued,
    "stdin-shared" => streams::stdin_shared,
    only_by_name:
    "environment" => tells::environment,
    "exit-ok" => ends::exit_ok,
    "exit-err" => ends::exit_err,
    "exit-with-code" => ends::exit_with_code,
    "return-err" => ends::return_err,
    "terminals" => tells::terminals,
    "lines" => streams::lines,
    "read-a-little" => streams::read_a_little,
    "stdin-fails" => streams::stdin_fails,
    "stdout-fails" => streams::stdout_fails,
}
