//! Notifications of Nylas API v2: a list of deltas, without an envelope.
//!
//! Nylas switched v2 off in January 2025, so this serves archives of old notifications. They are
//! signed as in v3, but with the application's client secret as the key, one for all webhooks. v3
//! still sends single deltas in its `.legacy` triggers, see
//! [`LegacyTracking`](crate::notification::object::LegacyTracking).

mod deltas;

pub use crate::notification::object::delta::{
    Attributes, Delta, DeltaType, JobExtras, ObjectData, Recent, Tracking,
};
pub use deltas::Deltas;
