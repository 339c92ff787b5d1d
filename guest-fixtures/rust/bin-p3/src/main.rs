//! A `bin` crate for wasm32-wasip2 that exports `wasi:cli/run@0.3.2`: std adds `wasi:cli/run@0.2.x`, which calls `main`.
//!
//! MAIN  `panic` makes `main` panic; otherwise it prints a line

use wasip3::{cli, wit_stream};

struct Program;

cli::command::export!(Program);

impl wasip3::exports::cli::run::Guest for Program {
    async fn run() -> Result<(), ()> {
        let (mut writer, data) = wit_stream::new();
        let written = cli::stdout::write_via_stream(data);
        writer.write_all(b"run of WASI 0.3\n".to_vec()).await;
        drop(writer);
        written.await.map_err(drop)
    }
}

fn main() {
    match std::env::var("MAIN").as_deref() {
        Ok("panic") => panic!("main of WASI 0.2 was called"),
        _ => println!("main of WASI 0.2"),
    }
}
