use crate::inbox::DeadCause;

/// The cause that an engine has stored of a dead entry.
///
/// A later version may know others; then, and if there is none, it is
/// [`DeadCause::Undecodable`]. What counts or selects by cause has to take all of these for one as
/// well, or a group would not lead to its entries.
pub fn stored_cause(name: Option<&str>) -> DeadCause {
    name.and_then(DeadCause::from_name)
        .unwrap_or(DeadCause::Undecodable)
}
