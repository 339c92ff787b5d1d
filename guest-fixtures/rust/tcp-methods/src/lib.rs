support::program!(main);
async fn main() -> support::Checked { Ok(()) }
