//! The exports that the pages of docs/ call, see wit/shown.wit; `run` does nothing.

mod bindings {
    wit_bindgen::generate!({
        world: "my:app/shown",
        path: "../../build/wit/shown",
        generate_all,
    });
}

use bindings::exports::my::app::api;
use bindings::exports::wasi::cli::run;
use bindings::wit_stream;
use wit_bindgen::StreamReader;

struct Shown;

bindings::export!(Shown with_types_in bindings);

impl api::Guest for Shown {
    fn divide(dividend: u32, divisor: u32) -> (u32, u32) {
        (dividend / divisor, dividend % divisor)
    }

    async fn upper(mut words: StreamReader<String>) -> StreamReader<String> {
        let (mut writer, upper) = wit_stream::new();
        wit_bindgen::spawn_local(async move {
            while let Some(word) = words.next().await {
                if !writer.write_all(vec![word.to_uppercase()]).await.is_empty() {
                    break;
                }
            }
        });
        upper
    }
}

impl run::Guest for Shown {
    async fn run() -> Result<(), ()> {
        Ok(())
    }
}
