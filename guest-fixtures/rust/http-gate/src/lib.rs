//! Middleware of WASI 0.3: lets requests through to the next handler that have the header `key`, and refuses others.

wit_bindgen::generate!({
    path: "../../../wit/0.3",
    inline: "
        package fixture:gate;
        world gate {
            import wasi:http/handler@0.3.2;
            export wasi:http/handler@0.3.2;
        }
    ",
    world: "fixture:gate/gate",
    generate_all,
});

use wasi::http::handler;
use wasi::http::types::{ErrorCode, Request, Response};

struct Gate;

export!(Gate);

impl exports::wasi::http::handler::Guest for Gate {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        if request.get_headers().has("key") { handler::handle(request).await } else { Err(ErrorCode::HttpRequestDenied) }
    }
}
