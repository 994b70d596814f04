//! What verification and routing cost over the one HMAC that cannot be saved.
//!
//! ```text
//! cargo bench --all-features
//! ```
//!
//! Every group measures, in the same run and over the same bytes, the limit (a bare HMAC with a
//! prepared key), this crate, and what a user would write or pick instead. The last lines are the
//! ratios that README.md quotes.

mod bodies;
mod drive;
mod handwritten;
mod minimal;
#[cfg(feature = "metrics")]
mod observe;
mod reject;
mod route;
mod stack;
mod summary;
mod verify;

use std::time::Duration;

use criterion::Criterion;

fn main() {
    let runtime = drive::runtime();
    let _entered = runtime.enter();
    let mut criterion = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
        .configure_from_args();
    verify::bench(&mut criterion);
    route::bench(&mut criterion);
    stack::bench(&mut criterion);
    reject::bench(&mut criterion);
    #[cfg(feature = "metrics")]
    observe::bench(&mut criterion);
    criterion.final_summary();
    summary::print();
}
