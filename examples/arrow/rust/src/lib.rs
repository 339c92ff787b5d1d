//! Scores tables row by row, as columns and as Arrow IPC. See ../scores.wit.

mod ipc;

mod bindings {
    wit_bindgen::generate!({
        world: "example:scores/scores",
        path: "../scores.wit",
    });
}

use bindings::exports::example::scores;
use wit_bindgen::StreamReader;

struct Scores;

bindings::export!(Scores with_types_in bindings);

fn score_of(id: i64, value: f64) -> f64 {
    value * 2.0 + id as f64
}

impl scores::rows::Guest for Scores {
    fn score(id: i64, value: f64) -> f64 {
        score_of(id, value)
    }
}

impl scores::columns::Guest for Scores {
    fn score(id: Vec<i64>, value: Vec<f64>) -> Vec<f64> {
        id.into_iter().zip(value).map(|(id, value)| score_of(id, value)).collect()
    }
}

impl scores::ipc::Guest for Scores {
    fn score(table: Vec<u8>) -> Result<Vec<u8>, String> {
        ipc::score(table).map_err(|error| error.to_string())
    }

    async fn score_stream(table: StreamReader<u8>) -> StreamReader<u8> {
        ipc::score_stream(table)
    }
}
