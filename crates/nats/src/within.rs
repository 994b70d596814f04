//! Calls that a cluster has to answer in time.

use tokio::time::timeout;
use tower_nylas::{BoxError, inbox::engine::Failure};

use crate::core::{PATIENCE, no_answer};

pub(crate) async fn within<T, E: Into<BoxError>>(
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure> {
    match timeout(PATIENCE, call).await {
        Ok(result) => result.map_err(Failure::new),
        Err(_) => Err(no_answer()),
    }
}
