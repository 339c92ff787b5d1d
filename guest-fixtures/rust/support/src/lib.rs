//! What every socket fixture shares: bindings, printing, environment, checks and byte pumps.
//!
//! std is silent on wasm32-unknown-unknown (println!, panic messages and std::env go nowhere), so all of it goes through
//! the WIT imports.

pub mod address;
pub mod bindings {
    wit_bindgen::generate!({
        world: "test:fixtures/program",
        path: "../../build/wit/fixtures",
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "support::bindings",
        additional_derives: [PartialEq],
    });
}
pub mod cases;
pub mod check;
pub mod environment;
pub mod latencies;
pub mod net;
pub mod print;
pub mod pump;
pub mod udp;

pub use bindings::wasi::clocks::monotonic_clock;
pub use bindings::wasi::sockets::ip_name_lookup;
pub use bindings::wasi::sockets::types::{ErrorCode, IpAddressFamily, IpSocketAddress, TcpSocket, UdpSocket};
pub use bindings::wit_stream;
pub use check::{Checked, Failure};

/// Runs a program to its exit status, with the reason of a failure on stderr.
pub async fn run(program: impl Future<Output = Checked>) -> Result<(), ()> {
    match program.await {
        Ok(()) => Ok(()),
        Err(failure) => {
            print::error(&format!("{failure}\n")).await;
            Err(())
        }
    }
}

/// Exports `wasi:cli/run` with the given `async fn() -> Checked` as the program.
#[macro_export]
macro_rules! program {
    ($main:path) => {
        struct Program;

        impl $crate::bindings::exports::wasi::cli::run::Guest for Program {
            async fn run() -> Result<(), ()> {
                $crate::run($main()).await
            }
        }

        $crate::bindings::export!(Program with_types_in $crate::bindings);
    };
}
