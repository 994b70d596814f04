//! See [`tower_nylas_kit::siege`], or `--help`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use tower_nylas_kit::siege;

#[tokio::main]
async fn main() -> ExitCode {
    siege::run(std::env::args().skip(1)).await
}
