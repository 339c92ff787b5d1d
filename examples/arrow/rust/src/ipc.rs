//! Arrow IPC in and out: batch by batch, so that a stream of any length takes the memory of one batch.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch};
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema};
use wit_bindgen::{StreamReader, StreamResult, spawn_local};

use crate::bindings::wit_stream;
use crate::score_of;

const BLOCK: usize = 1 << 18;

pub fn score(table: Vec<u8>) -> Result<Vec<u8>, ArrowError> {
    let mut scorer = Scorer::default();
    let mut scored = scorer.take(table)?;
    scored.extend(scorer.end()?);
    Ok(scored)
}

/// Traps on what is no Arrow IPC: a stream has no place for an error.
pub fn score_stream(mut table: StreamReader<u8>) -> StreamReader<u8> {
    let (mut writer, reader) = wit_stream::new::<u8>();
    spawn_local(async move {
        let mut scorer = Scorer::default();
        loop {
            let (status, block) = table.read(Vec::with_capacity(BLOCK)).await;
            let scored = scorer.take(block).expect("Arrow IPC");
            if !writer.write_all(scored).await.is_empty() {
                return; // nobody reads any more
            }
            if status == StreamResult::Dropped {
                writer.write_all(scorer.end().expect("Arrow IPC")).await;
                return;
            }
        }
    });
    reader
}

#[derive(Default)]
struct Scorer {
    decoder: StreamDecoder,
    writer: Option<StreamWriter<Vec<u8>>>,
}

impl Scorer {
    /// The answer to the batches that these bytes complete.
    fn take(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>, ArrowError> {
        let mut bytes = bytes.into();
        loop {
            let batch = self.decoder.decode(&mut bytes)?;
            if let (None, Some(schema)) = (&self.writer, self.decoder.schema()) {
                self.writer = Some(StreamWriter::try_new(Vec::new(), &scored_schema(&schema))?);
            }
            match (batch, &mut self.writer) {
                (Some(batch), Some(writer)) => writer.write(&scored(&batch)?)?,
                _ => return Ok(self.written()),
            }
        }
    }

    /// The end of the answer.
    fn end(&mut self) -> Result<Vec<u8>, ArrowError> {
        self.decoder.finish()?;
        if let Some(writer) = &mut self.writer {
            writer.finish()?;
        }
        Ok(self.written())
    }

    fn written(&mut self) -> Vec<u8> {
        self.writer.as_mut().map(|writer| std::mem::take(writer.get_mut())).unwrap_or_default()
    }
}

fn scored_schema(schema: &Schema) -> Schema {
    let mut fields = schema.fields().to_vec();
    fields.push(Arc::new(Field::new("score", DataType::Float64, true)));
    Schema::new(fields)
}

/// The same columns, and one more.
fn scored(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let column = |name: &str, data_type: DataType| match batch.column_by_name(name) {
        Some(column) if *column.data_type() == data_type => Ok(column),
        _ => Err(ArrowError::SchemaError(format!("no column {name} of {data_type}"))),
    };
    let id = column("id", DataType::Int64)?.as_primitive::<Int64Type>();
    let value = column("value", DataType::Float64)?.as_primitive::<Float64Type>();
    let scores: Float64Array = id.iter().zip(value).map(|(id, value)| Some(score_of(id?, value?))).collect();
    let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
    columns.push(Arc::new(scores));
    RecordBatch::try_new(Arc::new(scored_schema(&batch.schema())), columns)
}
