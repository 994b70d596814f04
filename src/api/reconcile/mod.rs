//! A destination as the application wants it.

mod desired;
mod error;
mod plan;
mod run;

pub use self::{
    desired::Desired,
    error::ReconcileError,
    plan::{Plan, Step},
    run::{Reconciled, dry_run, reconcile},
};
