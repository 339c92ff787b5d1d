//! A gRPC service of WASI 0.3: a unary call gets its message back, with the status in the trailers; the method `Fail` gets
//! `INVALID_ARGUMENT` and no message.

wit_bindgen::generate!({
    path: "../../../wit/0.3",
    inline: "
        package fixture:grpc;
        world service {
            import wasi:http/types@0.3.2;
            export wasi:http/handler@0.3.2;
        }
    ",
    world: "fixture:grpc/service",
    generate_all,
});

use wasi::http::types::{ErrorCode, Fields, Request, Response};
use wit_bindgen::spawn_local;

struct Service;

export!(Service);

impl exports::wasi::http::handler::Guest for Service {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let fails = request.get_path_with_query().is_some_and(|path| path.ends_with("/Fail"));
        let (_, outcome) = wit_future::new(|| Ok(()));
        let (received, _trailers) = Request::consume_body(request, outcome);
        let message = received.collect().await;
        let (mut writer, contents) = wit_stream::new();
        let (end, trailers) = wit_future::new(|| Ok(None));
        spawn_local(async move {
            if !fails {
                writer.write_all(message).await; // with its prefix: not compressed, and so many bytes
            }
            drop(writer);
            let status = if fails { "3" } else { "0" };
            let _ = end.write(Ok(Some(fields(&[("grpc-status", status), ("grpc-message", "as asked")])))).await;
        });
        Ok(Response::new(fields(&[("content-type", "application/grpc")]), Some(contents), trailers).0)
    }
}

fn fields(entries: &[(&str, &str)]) -> Fields {
    let entries: Vec<_> = entries.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    Fields::from_list(&entries).expect("headers")
}
