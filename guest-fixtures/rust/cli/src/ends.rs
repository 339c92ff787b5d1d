//! The ways in which a command ends.

use support::bindings::wasi::cli::{exit, stdout};
use support::{Checked, Failure, environment, wit_stream};

pub async fn exit_ok() -> Checked {
    exit::exit(Ok(()));
    still_here()
}

pub async fn exit_err() -> Checked {
    exit::exit(Err(()));
    still_here()
}

/// What was written before the exit is output, though nobody waited for it.
pub async fn exit_with_code() -> Checked {
    let code = environment::number_or("CODE", 0)? as u8;
    let (mut writer, data) = wit_stream::new();
    let _written = stdout::write_via_stream(data);
    writer.write_all(b"written before the exit\n".to_vec()).await;
    exit::exit_with_code(code);
    still_here()
}

pub async fn return_err() -> Checked {
    Err(Failure::new("as asked for"))
}

fn still_here() -> Checked {
    Err(Failure::new("exit returned"))
}
